// exit: 0
// expect 1: destroyed by a template's static
// expect 2: destroyed in a template's static's cycle
// expect 1: destroyed by a constinit handle
// expect 2: destroyed in a constinit handle's cycle
//
// Statics of templates are initialised in no fixed order, and constinit handles before everything: both may outlive all
// else, and what they hold is destroyed.
#include "announce.hpp"

#include <ouro/ouro.hpp>

namespace {

struct node {
  announcer name;
  ouro::gc_ptr<node> other{};
};

template <class T>
struct cache {
  static inline ouro::gc_ptr<T> single{};
  static inline ouro::gc_ptr<T> cycle{};
};

constinit ouro::gc_ptr<node> constant_single{};
constinit ouro::gc_ptr<node> constant_cycle{};

ouro::gc_ptr<node> make_cycle(char const* name) {
  auto const a = ouro::make_gc<node>(announcer(name));
  a->other = ouro::make_gc<node>(announcer(name), a);
  return a;
}

}  // namespace

int main() {
  cache<node>::single = ouro::make_gc<node>(announcer("by a template's static"));
  cache<node>::cycle = make_cycle("in a template's static's cycle");
  constant_single = ouro::make_gc<node>(announcer("by a constinit handle"));
  constant_cycle = make_cycle("in a constinit handle's cycle");
}
