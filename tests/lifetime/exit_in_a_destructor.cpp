// exit: 4
// expect 1: leaving
//
// std::exit inside a destructor of a GC object, inside a collection: the end of the program does not hang or crash.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

struct leaver {
  ouro::gc_ptr<leaver> self{};
  bool leaves = false;
  ~leaver() {
    if (!leaves) return;
    std::puts("leaving");
    std::fflush(stdout);
    std::exit(4);
  }
};

ouro::gc_ptr<leaver> in_static;

}  // namespace

int main() {
  in_static = ouro::make_gc<leaver>();
  in_static->self = in_static;
  auto p = ouro::make_gc<leaver>(nullptr, true);
  p->self = p;
  p.reset();
  ouro::gc::collect();
}
