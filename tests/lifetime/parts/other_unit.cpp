// The second unit of statics_of_two_units.cpp.
#include "two_units.hpp"

namespace {
ouro::gc_ptr<linked> handle = ouro::make_gc<linked>(announcer("second unit"));
ouro::gc_ptr<linked> cycle;
}  // namespace

ouro::gc_ptr<linked>& second_unit_handle() { return handle; }
ouro::gc_ptr<linked>& second_unit_cycle() { return cycle; }
