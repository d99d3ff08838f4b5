// exit: 0
// expect 1: destroyed taken over and dropped by main
// expect 1: destroyed held by a static
// expect 2: destroyed in a cycle taken over by main
// expect 2: destroyed in a cycle held by a static
// expect 2: destroyed in a cycle taken over by a second thread
// expect 1: taken over: 7 then 8
//
// A thread ends while its objects are held elsewhere: another thread uses and drops them, and what is left dies at
// exit.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdio>
#include <thread>
#include <utility>

namespace {

struct node {
  announcer name;
  ouro::gc_ptr<node> other{};
  int value = 7;
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
  ouro::gc_ptr<node> single;
  ouro::gc_ptr<node> cycle;
  std::thread([&] {
    single = ouro::make_gc<node>(announcer("taken over and dropped by main"));
    cycle = make_cycle("in a cycle taken over by main");
    held_by_static = ouro::make_gc<node>(announcer("held by a static"));
    cycle_held_by_static = make_cycle("in a cycle held by a static");
  }).join();
  auto copy = single;
  int const before = copy->value;
  ++single->value;
  std::printf("taken over: %d then %d\n", before, copy->value);
  copy.reset();
  single.reset();
  cycle.reset();

  ouro::gc_ptr<node> from_first;
  std::thread([&] { from_first = make_cycle("in a cycle taken over by a second thread"); }).join();
  std::thread([p = std::move(from_first)]() mutable {
    auto q = p;
    p.reset();
    q->other->value = 9;
    q.reset();
  }).join();
}
