// exit: 0
// expect 1: destroyed by main
// never: destroyed by the detached thread
//
// A detached thread still holds objects when the program ends: they stay as they are.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

struct node {
  announcer name;
  ouro::gc_ptr<node> other{};
};

std::atomic<bool> ready{false};

}  // namespace

int main() {
  std::thread([] {
    auto const p = ouro::make_gc<node>(announcer("by the detached thread"));
    p->other = p;
    ready = true;
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
  }).detach();
  while (!ready) std::this_thread::yield();
  auto const q = ouro::make_gc<node>(announcer("by main"));
  q->other = q;
}
