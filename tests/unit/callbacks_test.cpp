// gc::callbacks(): who is called when, with what, and what callbacks may do.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace gc = ouro::gc;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

using callback = std::function<void(gc::phase, gc::info const&)>;

struct node {
  tally t;
  gc_ptr<node> next{};
};

void make_self_cycle(census& c) {
  auto const p = make_gc<node>(tally{c});
  p->next = p;
}

struct call {
  char who;
  gc::phase phase;
  int generation;
  std::size_t collected;
  std::size_t uncollectable;

  friend bool operator==(call const&, call const&) = default;
};

std::ostream& operator<<(std::ostream& out, call const& c) {
  return out << c.who << (c.phase == gc::phase::start ? " start " : " stop ") << c.generation << ' ' << c.collected
             << ' ' << c.uncollectable;
}

using calls = std::vector<call>;

callback recorder(calls& log, char who) {
  return [&log, who](gc::phase phase, gc::info const& info) {
    log.push_back({who, phase, info.generation, info.collected, info.uncollectable});
  };
}

constexpr auto start = gc::phase::start;
constexpr auto stop = gc::phase::stop;

}  // namespace

TEST_CASE("two callbacks give start, start, stop, stop with generation, collected and uncollectable") {
  manual_heap heap;
  census c;
  calls log;
  gc::callbacks().push_back(recorder(log, 'a'));
  gc::callbacks().push_back(recorder(log, 'b'));
  for (int generation = 0; generation < 3; ++generation) {
    for (int i = 0; i < 5; ++i) make_self_cycle(c);
    log.clear();
    CHECK(gc::collect(generation) == 5);
    CHECK(log == calls{{'a', start, generation, 0, 0},
                       {'b', start, generation, 0, 0},
                       {'a', stop, generation, 5, 0},
                       {'b', stop, generation, 5, 0}});
  }
  CHECK(c.alive == 0);
}

TEST_CASE("callbacks are told of collections that find nothing") {
  manual_heap heap;
  calls log;
  gc::callbacks().push_back(recorder(log, 'a'));
  CHECK(gc::collect(1) == 0);
  CHECK(log == calls{{'a', start, 1, 0, 0}, {'a', stop, 1, 0, 0}});
}

TEST_CASE("a heap has no callbacks at first, and keeps its own") {
  manual_heap heap;
  CHECK(gc::callbacks().empty());
  calls log;
  gc::callbacks().push_back(recorder(log, 'a'));
  {
    manual_heap other;
    CHECK(gc::callbacks().empty());
    gc::collect();
    CHECK(log.empty());
  }
  CHECK(gc::callbacks().size() == 1);
  gc::collect();
  CHECK(log.size() == 2);
}

TEST_CASE("automatic collections call the callbacks too, and their figures add up to the statistics") {
  fresh_heap heap;
  census c;
  std::size_t starts = 0;
  std::size_t stops = 0;
  std::size_t collected = 0;
  gc::callbacks().push_back([&](gc::phase phase, gc::info const& info) {
    CHECK(starts == stops + (phase == stop ? 1 : 0));
    (phase == start ? starts : stops) += 1;
    collected += info.collected;
  });
  gc::set_threshold(10, 3, 3);
  for (int i = 0; i < 1'000; ++i) make_self_cycle(c);
  CHECK(starts > 50);
  CHECK(starts == stops);
  CHECK(collected == static_cast<std::size_t>(c.died));
  std::size_t total = 0;
  for (auto const& s : gc::get_stats()) total += s.collections;
  CHECK(total == starts);
}

TEST_CASE("at the start the garbage is still there, at the stop it is gone") {
  manual_heap heap;
  census c;
  std::vector<int> alive;
  gc::callbacks().push_back([&](gc::phase, gc::info const&) { alive.push_back(c.alive); });
  make_self_cycle(c);
  CHECK(gc::collect() == 1);
  CHECK(alive == std::vector<int>{1, 0});
}

TEST_CASE("a callback may add callbacks: they are called from the next phase on") {
  manual_heap heap;
  calls log;
  bool added = false;
  gc::callbacks().push_back([&](gc::phase, gc::info const&) {
    if (std::exchange(added, true)) return;
    for (char who = 'a'; who <= 'z'; ++who) gc::callbacks().push_back(recorder(log, who));  // enough to reallocate
  });
  gc::callbacks().push_back(recorder(log, '0'));
  gc::collect();
  REQUIRE(log.size() == 28);
  CHECK(log[0] == call{'0', start, 2, 0, 0});
  CHECK(log[1] == call{'0', stop, 2, 0, 0});
  for (std::size_t i = 0; i < 26; ++i) CHECK(log[i + 2] == call{static_cast<char>('a' + i), stop, 2, 0, 0});
  log.clear();
  gc::collect();
  CHECK(log.size() == 2 * 27);
}

TEST_CASE("a callback may remove itself and others while it runs: all of that phase are called still") {
  manual_heap heap;
  calls log;
  std::string const captured = "a capture that lives on the free store, to be destroyed with the callback";
  std::string seen;
  gc::callbacks().push_back([&seen, captured](gc::phase, gc::info const&) {
    gc::callbacks().clear();
    seen = captured;
  });
  gc::callbacks().push_back(recorder(log, 'b'));
  gc::collect();
  CHECK(seen == captured);
  CHECK(log == calls{{'b', start, 2, 0, 0}});
  CHECK(gc::callbacks().empty());
  gc::collect();
  CHECK(log.size() == 1);
}

TEST_CASE("a callback may replace the list") {
  manual_heap heap;
  calls log;
  gc::callbacks().push_back([&](gc::phase, gc::info const&) { gc::callbacks() = {recorder(log, 'n')}; });
  gc::collect();
  CHECK(log == calls{{'n', stop, 2, 0, 0}});
}

TEST_CASE("a callback may allocate, also with threshold 1: no collection starts inside it") {
  fresh_heap heap;
  census c;
  int depth = 0;
  int deepest = 0;
  std::vector<gc_ptr<node>> kept;
  gc::callbacks().push_back([&](gc::phase, gc::info const&) {
    ++depth;
    deepest = depth > deepest ? depth : deepest;
    for (int i = 0; i < 3; ++i) make_self_cycle(c);
    if (kept.size() < 100) kept.push_back(make_gc<node>(tally{c}));
    --depth;
  });
  gc::set_threshold(1);
  for (int i = 0; i < 100; ++i) make_self_cycle(c);
  CHECK(deepest == 1);
  CHECK(kept.size() == 100);
  gc::set_threshold(0);
  gc::callbacks().clear();
  gc::collect();
  CHECK(c.alive == 100);
  kept.clear();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("what a callback allocates at the start is no part of the collection unless it is garbage") {
  manual_heap heap;
  census c;
  gc_ptr<node> kept;
  gc::callbacks().push_back([&](gc::phase phase, gc::info const&) {
    if (phase != start) return;
    kept = make_gc<node>(tally{c});
    kept->next = kept;
  });
  CHECK(gc::collect() == 0);
  REQUIRE(kept);
  CHECK(kept->next == kept);
  CHECK(kept.use_count() == 2);
  gc::callbacks().clear();
  kept.reset();
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("collect inside a callback returns 0, whatever the generation, and calls no callback") {
  manual_heap heap;
  census c;
  int called = 0;
  std::size_t inside = 0;
  gc::callbacks().push_back([&](gc::phase, gc::info const&) {
    ++called;
    for (int generation = 0; generation < 3; ++generation) inside += gc::collect(generation);
  });
  for (int i = 0; i < 4; ++i) make_self_cycle(c);
  CHECK(gc::collect() == 4);
  CHECK(called == 2);
  CHECK(inside == 0);
  CHECK(gc::get_stats()[2].collections == 1);
  CHECK(gc::get_stats()[0].collections == 0);
}

TEST_CASE("a callback that throws is reported, the others are called and the collection goes on") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  calls log;
  gc::callbacks().push_back(recorder(log, 'a'));
  gc::callbacks().push_back([](gc::phase phase, gc::info const&) {
    throw std::runtime_error(phase == start ? "at the start" : "at the stop");
  });
  gc::callbacks().push_back([](gc::phase, gc::info const&) { throw 42; });
  gc::callbacks().push_back(recorder(log, 'b'));
  make_self_cycle(c);
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(log == calls{{'a', start, 2, 0, 0}, {'b', start, 2, 0, 0}, {'a', stop, 2, 1, 0}, {'b', stop, 2, 1, 0}});
  CHECK(reports.size() == 4);
  CHECK(reports.with_exception("at the start") == 1);
  CHECK(reports.with_exception("at the stop") == 1);
  CHECK(reports.with_exception("?") == 2);
  make_self_cycle(c);
  CHECK(gc::collect() == 1);
  CHECK(reports.size() == 8);
}

TEST_CASE("an empty function among the callbacks is reported, the others are called and the collection goes on") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  calls log;
  gc::callbacks().push_back(nullptr);
  gc::callbacks().push_back(recorder(log, 'b'));
  make_self_cycle(c);
  CHECK(gc::collect() == 1);
  CHECK(log.size() == 2);
  CHECK(reports.size() == 2);
}

TEST_CASE("what a callback captures is held by the heap until the callback is removed") {
  manual_heap heap;
  census c;
  gc::callbacks().push_back([kept = make_gc<node>(tally{c})](gc::phase, gc::info const&) { kept->next = kept; });
  CHECK(gc::collect() == 0);
  CHECK(gc::collect() == 0);
  CHECK(c.alive == 1);
  gc::callbacks().clear();
  CHECK(c.alive == 1);
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("a heap that is dropped lets go of its callbacks and of what they capture") {
  census c;
  {
    manual_heap heap;
    gc::callbacks().push_back([kept = make_gc<node>(tally{c})](gc::phase, gc::info const&) { kept->next = kept; });
    gc::collect();
    CHECK(c.alive == 1);
  }
  CHECK(c.alive == 0);
}

TEST_CASE("a callback may drop the last handle from outside: at the start what hung on it is found at once") {
  manual_heap heap;
  census c;
  auto p = make_gc<node>(tally{c});
  p->next = p;
  gc::callbacks().push_back([&](gc::phase phase, gc::info const&) {
    if (phase == start) p.reset();
  });
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("a callback may run destructors by dropping handles") {
  manual_heap heap;
  census c;
  auto p = make_gc<node>(tally{c}, make_gc<node>(tally{c}));
  gc::callbacks().push_back([&](gc::phase, gc::info const&) { p.reset(); });
  CHECK(gc::collect() == 0);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a callback may change thresholds, flags and switches: they hold after the collection") {
  manual_heap heap;
  gc::callbacks().push_back([](gc::phase, gc::info const&) {
    gc::set_threshold(5, 6, 7);
    gc::enable();
    gc::set_debug(gc::debug_flags::saveall);
    gc::freeze();
    gc::unfreeze();
    (void)gc::get_objects();
    (void)gc::get_stats();
  });
  gc::collect();
  gc::callbacks().clear();
  CHECK(gc::is_enabled());
  CHECK(gc::get_threshold() == std::array<std::size_t, 3>{5, 6, 7});
  CHECK(gc::get_debug() == gc::debug_flags::saveall);
  gc::set_debug(gc::debug_flags::none);
  heap.verify();
}

TEST_CASE("a callback may work on another heap, but not collect that either") {
  manual_heap heap;
  census c;
  ouro::heap other;
  {
    ouro::heap::scope const scope(other);
    make_self_cycle(c);
  }
  gc::callbacks().push_back([&](gc::phase phase, gc::info const&) {
    if (phase != start) return;
    ouro::heap::scope const scope(other);
    make_self_cycle(c);
    CHECK(gc::collect() == 0);
  });
  CHECK(gc::collect() == 0);
  CHECK(heap.objects() == 0);
  CHECK(c.alive == 2);
  ouro::heap::scope const scope(other);
  CHECK(gc::collect() == 2);
  CHECK(c.alive == 0);
}

TEST_CASE("under saveall callbacks are told of all the garbage") {
  manual_heap heap;
  census c;
  calls log;
  gc::callbacks().push_back(recorder(log, 'a'));
  gc::set_debug(gc::debug_flags::saveall);
  make_self_cycle(c);
  CHECK(gc::collect() == 1);
  REQUIRE(log.size() == 2);
  CHECK(log[1].collected == 1);
  gc::set_debug(gc::debug_flags::none);
  gc::garbage().clear();
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}
