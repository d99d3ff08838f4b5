// exit: 0
// expect 2: destroyed in a namespace-scope static's cycle
// expect 1: destroyed by a function-local static
// expect 2: destroyed in a function-local static's cycle
// expect 2: destroyed in an inline variable's cycle
// expect 2: destroyed in a class static's cycle
// expect 1: destroyed by a vector in a static
// expect 1: destroyed by an array that is a static
// expect 2: destroyed garbage that main left
// expect 2: finalized at exit
// expect 2: destroyed with a finalizer
// expect 1: destroyed by a static's own destructor
// expect 1: main ends
//
// Cycles held by statics of every kind run their destructors at exit.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstdio>
#include <optional>
#include <vector>

namespace {

struct node {
  announcer name;
  ouro::gc_ptr<node> other{};
};

struct finalized {
  announcer name;
  ouro::gc_ptr<finalized> other{};
  void gc_finalize() {
    std::puts("finalized at exit");
    std::fflush(stdout);
  }
};

ouro::gc_ptr<node> make_cycle(char const* name) {
  auto const a = ouro::make_gc<node>(announcer(name));
  a->other = ouro::make_gc<node>(announcer(name), a);
  return a;
}

ouro::gc_ptr<node> const at_namespace_scope = make_cycle("in a namespace-scope static's cycle");
std::optional<std::vector<ouro::gc_ptr<node>>> in_vector;
std::array<ouro::gc_ptr<node>, 2> in_array;
ouro::gc_ptr<finalized> with_finalizer;

class allocates_at_its_end {
 public:
  ~allocates_at_its_end() { ouro::make_gc<node>(announcer("by a static's own destructor")).reset(); }
};
allocates_at_its_end const last_words;

struct holder {
  static ouro::gc_ptr<node> in_class;
};
ouro::gc_ptr<node> holder::in_class = make_cycle("in a class static's cycle");

ouro::gc_ptr<node>& in_function() {
  static ouro::gc_ptr<node> handle = ouro::make_gc<node>(announcer("by a function-local static"));
  return handle;
}

ouro::gc_ptr<node>& cycle_in_function() {
  static ouro::gc_ptr<node> handle = make_cycle("in a function-local static's cycle");
  return handle;
}

}  // namespace

inline ouro::gc_ptr<node> an_inline_variable = make_cycle("in an inline variable's cycle");

int main() {
  in_function();
  cycle_in_function();
  in_vector.emplace();
  in_vector->push_back(ouro::make_gc<node>(announcer("by a vector in a static")));
  in_array[1] = ouro::make_gc<node>(announcer("by an array that is a static"));
  with_finalizer = ouro::make_gc<finalized>(announcer("with a finalizer"));
  with_finalizer->other = ouro::make_gc<finalized>(announcer("with a finalizer"), with_finalizer);
  ouro::gc::collect();
  make_cycle("garbage that main left");
  std::puts("main ends");
}
