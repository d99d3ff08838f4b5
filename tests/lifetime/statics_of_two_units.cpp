// exit: 0
// expect 1: destroyed first unit
// expect 1: destroyed second unit
// expect 1: destroyed first unit's cycle
// expect 1: destroyed second unit's cycle
// expect 1: destroyed made by a static's destructor
//
// Statics of two translation units hold each other's objects: whichever goes first, all destructors run.
#include "parts/two_units.hpp"

#include <cstdio>

namespace {

/// The first static of this unit, so one of the last to go.
struct drops_late {
  ouro::gc_ptr<linked> handle;
  ~drops_late() {
    handle.reset();
    auto const fresh = ouro::make_gc<linked>(announcer("made by a static's destructor"));
    fresh->other = fresh;
  }
} late;

}  // namespace

ouro::gc_ptr<linked> first_unit_handle = ouro::make_gc<linked>(announcer("first unit"));

int main() {
  late.handle = ouro::make_gc<linked>(announcer("first unit's cycle"));
  late.handle->other = ouro::make_gc<linked>(announcer("second unit's cycle"), late.handle);
  second_unit_handle()->other = first_unit_handle;
  second_unit_cycle() = late.handle->other;
}
