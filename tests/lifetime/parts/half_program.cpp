// exit: 0
// expect 1: destroyed first of the program
// expect 1: destroyed first of the library
// expect 1: destroyed second of the program
// expect 1: destroyed second of the library
// expect 1: destroyed third of the library
// expect 1: destroyed fourth of the program
// expect 1: destroyed in a thread by the library
// expect 1: destroyed in a thread by the program
// expect 1: all was well
//
// Cycles of which a library makes one half are one graph in one heap.
#include "half.hpp"

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

void require(bool ok, char const* what) {
  if (ok) return;
  std::printf("not so: %s\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  {
    auto const mine = ouro::make_gc<half>(announcer("first of the program"));
    mine->other = make_in_library("first of the library", mine);
    require(ouro::heap::current().stats().objects == 2, "the program sees two objects");
    require(objects_in_library() == 2, "the library sees two objects");
    require(ouro::gc::collect() == 0 && collect_in_library() == 0, "both are alive");
  }
  require(ouro::gc::collect() == 2, "the program collects a cycle of both");
  {
    auto const mine = ouro::make_gc<half>(announcer("second of the program"));
    auto const theirs = make_in_library("second of the library", nullptr);
    link_in_library(theirs, mine);
    link_in_library(mine, theirs);
  }
  require(collect_in_library() == 2, "the library collects a cycle of both");

  std::thread([] {
    auto const theirs = make_in_library("in a thread by the library", nullptr);
    theirs->other = ouro::make_gc<half>(announcer("in a thread by the program"), theirs);
  }).join();

  // Left to the end of the program: a cycle held by a static of the library.
  static_of_library() = make_in_library("third of the library", nullptr);
  static_of_library()->other = ouro::make_gc<half>(announcer("fourth of the program"), static_of_library());
  std::puts("all was well");
}
