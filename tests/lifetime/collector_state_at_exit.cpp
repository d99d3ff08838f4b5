// exit: 0
// expect 2: destroyed saved garbage
// expect 2: destroyed held by a callback
// expect 2: destroyed frozen garbage
// expect 2: destroyed in a disabled heap
// expect 1: destroyed made by a destructor at exit
//
// What saveall, callbacks, freeze and disable keep is destroyed at exit.
#include "announce.hpp"

#include <ouro/ouro.hpp>

namespace {

struct node {
  announcer name;
  ouro::gc_ptr<node> other{};
  bool breeds = false;
  ~node() {
    if (!breeds) return;
    auto const p = ouro::make_gc<node>(announcer("made by a destructor at exit"));
    p->other = p;
  }
};

ouro::gc_ptr<node> make_cycle(char const* name) {
  auto const a = ouro::make_gc<node>(announcer(name));
  a->other = ouro::make_gc<node>(announcer(name), a);
  return a;
}

}  // namespace

int main() {
  ouro::gc::disable();
  make_cycle("saved garbage");
  ouro::gc::set_debug(ouro::gc::debug_flags::saveall);
  ouro::gc::collect();
  ouro::gc::set_debug(ouro::gc::debug_flags::none);
  ouro::gc::callbacks().push_back([p = make_cycle("held by a callback")](ouro::gc::phase, ouro::gc::info const&) {});
  make_cycle("frozen garbage");
  ouro::gc::freeze();
  make_cycle("in a disabled heap")->breeds = true;
}
