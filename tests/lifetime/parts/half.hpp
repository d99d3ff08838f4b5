// What half_program and half_library share: a type, and the library's functions.
#ifndef OURO_TESTS_LIFETIME_HALF_HPP
#define OURO_TESTS_LIFETIME_HALF_HPP

#include "../announce.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <vector>

#if defined(_WIN32)
#define OURO_TEST_API
#else
#define OURO_TEST_API __attribute__((visibility("default")))
#endif

struct half {
  announcer name;
  ouro::gc_ptr<half> other{};
  std::vector<ouro::gc_ptr<half>> many{};
};

OURO_TEST_API ouro::gc_ptr<half> make_in_library(char const* name, ouro::gc_ptr<half> other);
OURO_TEST_API void link_in_library(ouro::gc_ptr<half> const& from, ouro::gc_ptr<half> const& to);
OURO_TEST_API std::size_t collect_in_library();
OURO_TEST_API std::size_t objects_in_library();
OURO_TEST_API ouro::gc_ptr<half>& static_of_library();

#endif
