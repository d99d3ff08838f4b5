// exit: 4
// expect 1: leaving
//
// std::exit in a trace, inside a collection of a heap of one's own: the collections at the end of the program leave alone
// what that heap holds, and what leads into it.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;

struct inner {
  gc_ptr<inner> self{};
};
struct leaver {
  gc_ptr<inner> member{};
  void gc_trace(ouro::tracer& t) const {
    t(member);
    std::puts("leaving");
    std::fflush(stdout);
    std::exit(4);
  }
};
struct outer {
  gc_ptr<inner> leads{};
  ~outer() { std::puts("destroyed, but a handle leads to it"); }
};

auto& kept = *new std::vector<gc_ptr<outer>>;
auto& other_heap = *new ouro::heap;

}  // namespace

int main() {
  kept.push_back(make_gc<outer>());
  ouro::heap::scope const scope(other_heap);
  auto const l = make_gc<leaver>();
  auto const p = make_gc<inner>();
  p->self = p;
  kept[0]->leads = p;
  ouro::gc::collect();
}
