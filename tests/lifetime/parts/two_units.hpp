// What statics_of_two_units and other_unit share.
#ifndef OURO_TESTS_LIFETIME_TWO_UNITS_HPP
#define OURO_TESTS_LIFETIME_TWO_UNITS_HPP

#include "../announce.hpp"

#include <ouro/ouro.hpp>

struct linked {
  announcer name;
  ouro::gc_ptr<linked> other{};
};

extern ouro::gc_ptr<linked> first_unit_handle;
ouro::gc_ptr<linked>& second_unit_handle();
ouro::gc_ptr<linked>& second_unit_cycle();

#endif
