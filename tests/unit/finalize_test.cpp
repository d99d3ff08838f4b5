// finalize(): a function that runs once, when its object dies or its heap closes. death_queue: deaths that wait.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using ouro::death_queue;
using ouro::finalize;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;

struct node {
  gc_ptr<node> next{};
};
gc_ptr<node> make_ring() {
  auto p = make_gc<node>();
  p->next = p;
  return p;
}

using calls = std::vector<int>;

}  // namespace

TEST_CASE("finalize runs its function once, when the object dies, by counting or by collection") {
  manual_heap heap;
  calls log;
  bool const in_cycle = GENERATE(false, true);
  auto p = in_cycle ? make_ring() : make_gc<node>();
  auto f = finalize(p, [&](int a, int b) { log.push_back(a + b); }, 1, 2);
  CHECK(f.alive());
  p.reset();
  ouro::gc::collect();
  CHECK_FALSE(f.alive());
  CHECK(log == calls{3});
  f();
  CHECK_FALSE(f.detach());
  CHECK(log == calls{3});
}

TEST_CASE("a finalizer that is called by hand does not run again, and lets its exception through") {
  manual_heap heap;
  calls log;
  auto p = make_gc<node>();
  auto f = finalize(p, [&] {
    log.push_back(1);
    throw std::runtime_error("finalizer");
  });
  auto const copy = f;
  CHECK_THROWS_AS(f(), std::runtime_error);
  CHECK_FALSE(copy.alive());
  p.reset();
  CHECK(log == calls{1});
}

TEST_CASE("a detached finalizer does not run, and lets go of what it holds") {
  manual_heap heap;
  calls log;
  auto const held = std::make_shared<int>(1);
  auto p = make_gc<node>();
  auto f = finalize(p, [&log, held] { log.push_back(*held); });
  CHECK(held.use_count() == 2);
  CHECK(f.detach());
  f = {};
  CHECK(held.use_count() == 1);
  p.reset();
  CHECK(log.empty());
}

TEST_CASE("a finalizer stays registered when its handle is dropped") {
  manual_heap heap;
  calls log;
  auto p = make_gc<node>();
  finalize(p, [&] { log.push_back(1); });
  finalize(p, [&] { log.push_back(2); });
  p.reset();
  CHECK(log == calls{2, 1});
}

TEST_CASE("when a heap closes finalizers of living objects run, newest first, but not those told otherwise") {
  calls log;
  gc_ptr<node> survivor;
  {
    manual_heap heap;
    survivor = make_gc<node>();
    auto const ring = make_ring();
    finalize(survivor, [&] { log.push_back(1); });
    finalize(ring, [&] { log.push_back(2); });
    auto quiet = finalize(survivor, [&] { log.push_back(3); });
    CHECK(quiet.at_exit());
    quiet.at_exit(false);
    CHECK_FALSE(quiet.at_exit());
    auto again = finalize(survivor, [&] { log.push_back(4); });
    again.at_exit(false);
    again.at_exit(true);
  }
  CHECK(log == calls{4, 2, 1});
  survivor.reset();
  CHECK(log == calls{4, 2, 1, 3});
}

TEST_CASE("what a finalizer throws when nobody called it is reported") {
  manual_heap outer;
  recorded_reports reports;
  auto p = make_gc<node>();
  finalize(p, [] { throw std::runtime_error("on death"); });
  p.reset();
  CHECK(reports.with_exception("on death") == 1);
}

TEST_CASE("a finalizer of a null handle is not alive") {
  CHECK_FALSE(finalize(gc_ptr<node>(), [] {}).alive());
  CHECK_FALSE(ouro::finalizer().alive());
}

TEST_CASE("a death queue gives the keys of dead objects in the order of their deaths") {
  manual_heap heap;
  death_queue<node, std::string> queue;
  auto a = make_gc<node>();
  auto b = make_gc<node>();
  auto c = make_ring();
  queue.watch(a, "a");
  queue.watch(b, "b");
  queue.watch(c, "c");
  CHECK((queue.pending() == 0 && queue.watched() == 3));
  CHECK_FALSE(queue.pop());
  b.reset();
  c.reset();
  CHECK(queue.pending() == 1);
  ouro::gc::collect();
  a.reset();
  CHECK((queue.pending() == 3 && queue.watched() == 0));
  CHECK(*queue.pop() == "b");
  CHECK(*queue.pop() == "c");
  CHECK(*queue.pop() == "a");
  CHECK_FALSE(queue.pop());
}

TEST_CASE("an object that is resurrected has not died for a death queue") {
  manual_heap heap;
  struct phoenix {
    gc_ptr<phoenix>* saved;
    gc_ptr<phoenix> cycle{};
    void gc_finalize() { *saved = ouro::gc_from_this(this); }
  };
  gc_ptr<phoenix> saved;
  death_queue<phoenix> queue;
  auto p = make_gc<phoenix>(&saved);
  p->cycle = p;
  queue.watch(p, 7);
  p.reset();
  ouro::gc::collect();
  CHECK(queue.pending() == 0);
  saved->cycle.reset();
  saved.reset();
  CHECK(*queue.pop() == 7);
}

TEST_CASE("an object may be watched more than once; queues move, and forget when they go") {
  manual_heap heap;
  auto p = make_gc<node>();
  {
    death_queue<node> forgotten;
    forgotten.watch(p, 1);
  }
  death_queue<node> queue;
  queue.watch(p, 1);
  queue.watch(p, 2);
  death_queue<node> moved = std::move(queue);
  p.reset();
  CHECK(moved.pending() == 2);
  CHECK(queue.pending() == 0);
  CHECK_THROWS_AS(moved.watch(nullptr, 3), std::invalid_argument);
  heap.verify();
}

TEST_CASE("a death queue may be drained while objects die, by destructors, too") {
  manual_heap heap;
  struct watched {
    death_queue<watched>* queue;
    std::size_t number;
    gc_ptr<watched> next{};
    ~watched() {
      while (queue->pop()) {
      }
    }
  };
  death_queue<watched> queue;
  gc_ptr<watched> list;
  for (std::size_t i = 0; i < 1000; ++i) {
    list = make_gc<watched>(&queue, i, std::move(list));
    queue.watch(list, i);
  }
  list.reset();
  CHECK((queue.pending() == 0 && queue.watched() == 0));
}
