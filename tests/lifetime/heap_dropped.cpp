// exit: 0
// expect 1: destroyed held by main
// expect 1: destroyed held by a static
// expect 2: destroyed in a cycle held by main
// expect 2: destroyed in a cycle held by a static
// expect 2: destroyed garbage of the dropped heap
// expect 1: destroyed held from another heap
// expect 1: destroyed holder in another heap
// expect 1: still whole
//
// A heap is dropped while handles point into it: its objects live on, and cycles that are left die at exit.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdio>

namespace {

struct node {
  announcer name;
  ouro::gc_ptr<node> other{};
};

ouro::gc_ptr<node> make_cycle(char const* name) {
  auto const a = ouro::make_gc<node>(announcer(name));
  a->other = ouro::make_gc<node>(announcer(name), a);
  return a;
}

ouro::gc_ptr<node> held_by_static;
ouro::gc_ptr<node> cycle_held_by_static;

}  // namespace

int main() {
  auto const holder = ouro::make_gc<node>(announcer("holder in another heap"));
  ouro::gc_ptr<node> held;
  ouro::gc_ptr<node> cycle;
  {
    ouro::heap temporary;
    ouro::heap::scope const here(temporary);
    held = ouro::make_gc<node>(announcer("held by main"));
    cycle = make_cycle("in a cycle held by main");
    held_by_static = ouro::make_gc<node>(announcer("held by a static"));
    cycle_held_by_static = make_cycle("in a cycle held by a static");
    holder->other = ouro::make_gc<node>(announcer("held from another heap"));
    make_cycle("garbage of the dropped heap");
  }
  ouro::gc::collect();
  if (held->name.name() && cycle->other->other == cycle && cycle_held_by_static->other->other == cycle_held_by_static)
    std::puts("still whole");
}
