// A thousand tasks, each a generator, that send one another messages. All of them refer to one another, so they are one
// large garbage cycle when the scheduler lets go of them.
//
// Usage: scheduler [TASKS [MESSAGES]]
#include <ouro/ouro.hpp>

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <deque>
#include <vector>

using ouro::gc_generator;
using ouro::gc_ptr;

namespace {

enum class request { yield, wait };  // what a task asks of the scheduler when it is suspended

struct Task {
  std::size_t number;
  std::deque<std::size_t> inbox{};  // messages: how many tasks each has still to visit
  std::vector<gc_ptr<Task>> peers{};
  bool queued = false;
  gc_generator<request> body{};
};

class Scheduler {
 public:
  void ready(gc_ptr<Task> task) {
    if (task->queued) return;
    task->queued = true;
    queue_.push_back(std::move(task));
  }

  // Round robin, until nobody is ready.
  std::size_t run() {
    std::size_t steps = 0;
    while (!queue_.empty()) {
      gc_ptr<Task> const task = std::move(queue_.front());
      queue_.pop_front();
      task->queued = false;
      ++steps;
      if (task->body.next() && task->body.value() == request::yield) ready(task);
    }
    return steps;
  }

 private:
  std::deque<gc_ptr<Task>> queue_;
};

// Takes messages one by one and hands each on to some peer. `self` is a parameter, so the cycle through it is
// collected.
gc_generator<request> pass_on(gc_ptr<Task> self, Scheduler& scheduler, std::size_t& delivered) {
  while (true) {
    while (self->inbox.empty()) co_yield request::wait;
    std::size_t const hops = self->inbox.front();
    self->inbox.pop_front();
    ++delivered;
    if (hops == 0) continue;
    ouro::gc_local<Task> const peer = self->peers[hops % self->peers.size()];
    peer->inbox.push_back(hops - 1);
    scheduler.ready(peer);
    co_yield self->inbox.empty() ? request::wait : request::yield;
  }
}

bool read_number(char const* text, std::size_t& number) {
  auto const end = text + std::strlen(text);
  auto const result = std::from_chars(text, end, number);
  return result.ec == std::errc() && result.ptr == end && number != 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 1000;
  std::size_t messages = 100;
  if (argc > 3 || (argc > 1 && !read_number(argv[1], count)) || (argc > 2 && !read_number(argv[2], messages))) {
    std::fprintf(stderr, "usage: scheduler [TASKS [MESSAGES]]     (both above zero)\n");
    return 2;
  }
  constexpr std::size_t hops = 1000;
  std::size_t delivered = 0;
  std::size_t steps = 0;
  {
    Scheduler scheduler;
    std::vector<gc_ptr<Task>> tasks;
    for (std::size_t i = 0; i != count; ++i) tasks.push_back(ouro::make_gc<Task>(i));
    for (auto const& task : tasks) {
      for (std::size_t const distance : {std::size_t{1}, std::size_t{7}, std::size_t{31}}) {
        task->peers.push_back(tasks[(task->number + distance) % count]);
      }
      task->body = pass_on(task, scheduler, delivered);
    }
    for (std::size_t i = 0; i != messages; ++i) {
      auto const& task = tasks[i % count];
      task->inbox.push_back(hops);
      scheduler.ready(task);
    }
    steps = scheduler.run();
  }
  std::printf("%zu tasks, %zu deliveries, %zu steps\n", count, delivered, steps);
  std::size_t const before = ouro::heap::current().stats().objects;
  ouro::gc::collect();
  std::printf("objects before the last collection: %zu, after it: %zu\n", before,
              ouro::heap::current().stats().objects);
  return delivered == messages * (hops + 1) ? 0 : 1;
}
