// exit: 3
// expect 2: destroyed in a static's cycle
// expect 2: destroyed garbage
// never: destroyed held by a local
//
// std::exit with handles on the stack: those are never dropped, so their objects stay, and all else ends well.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdlib>
#include <vector>

namespace {

struct node {
  announcer name;
  std::vector<ouro::gc_ptr<node>> others{};
};

ouro::gc_ptr<node> make_cycle(char const* name) {
  auto const a = ouro::make_gc<node>(announcer(name));
  a->others = {ouro::make_gc<node>(announcer(name)), a};
  a->others[0]->others = {a};
  return a;
}

ouro::gc_ptr<node> in_static;

}  // namespace

int main() {
  in_static = make_cycle("in a static's cycle");
  auto const local = make_cycle("held by a local");
  make_cycle("garbage");
  std::exit(3);
}
