// Weak handles to generators: what they lead to while the generator is suspended, runs, has ended, is garbage.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <stdexcept>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using ouro::elements_of;
using ouro::gc_function;
using ouro::gc_generator;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro::weak_gc_generator;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

using weak = weak_gc_generator<int>;

gc_generator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

/// A frame that is too large for the pool.
gc_generator<int> count_in_a_large_frame(int n) {
  std::array<int, 1000> all{};
  for (int i = 0; i < n; ++i) {
    all[static_cast<std::size_t>(i)] = i + 1;
    co_yield all[static_cast<std::size_t>(i)];
  }
}

struct owner {
  tally t;
  gc_generator<int> g{};
  weak w{};
};

/// A generator that is a cycle with the owner that it has for a parameter.
gc_generator<int> held_by(gc_ptr<owner> p) {
  co_yield 1;
  co_yield p->t.where().alive;
}

template <class F>
class at_exit {
 public:
  explicit at_exit(F f) : f_(f) {}
  at_exit(at_exit const&) = delete;
  at_exit& operator=(at_exit const&) = delete;
  ~at_exit() { f_(); }

 private:
  F f_;
};

}  // namespace

TEST_CASE("a weak handle leads to its generator while that is fresh, suspended or at its end") {
  manual_heap heap;
  auto const make = GENERATE(&count_to, &count_in_a_large_frame);
  auto g = make(2);
  weak const w = g.weak();
  CHECK(w.use_count() == 1);
  CHECK(w.lock() == g);
  CHECK(g.next());
  CHECK(w.lock().value() == 1);
  CHECK(w.lock().next());
  CHECK(g.value() == 2);
  CHECK_FALSE(w.lock().next());
  CHECK(g.done());
  CHECK(w.lock() == g);
  CHECK_FALSE(w.expired());
  ouro::gc::collect();
  CHECK(w.lock() == g);

  g.reset();
  CHECK(w.expired());
  CHECK(w.lock() == nullptr);
  CHECK(w.use_count() == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a weak handle does not keep a suspended generator alive") {
  manual_heap heap;
  census c;
  auto const make = [](tally) -> gc_generator<int> {
    co_yield 1;
    co_yield 2;
  };
  auto g = make(tally(c));
  weak const w(g);
  g.next();
  CHECK(c.alive == 1);
  g.reset();
  CHECK(c.alive == 0);
  CHECK(w.expired());
}

TEST_CASE("a weak handle to no generator is empty") {
  weak const none = gc_generator<int>().weak();
  CHECK(none == weak());
  CHECK(none.expired());
  CHECK_FALSE(none.lock());
  int calls = 0;
  weak const with_callback = gc_generator<int>().weak([&](weak const&) { ++calls; });
  CHECK(with_callback == none);
  CHECK(calls == 0);
}

TEST_CASE("weak handles to generators compare, order and hash by the generator, dead or alive") {
  static_assert(sizeof(weak) == sizeof(void*));
  static_assert(std::is_nothrow_copy_constructible_v<weak> && std::is_nothrow_move_constructible_v<weak>);
  static_assert(!std::is_convertible_v<gc_generator<long>, weak>);
  manual_heap heap;
  auto a = count_to(1);
  auto b = count_to(1);
  weak_gc_generator const wa = a;
  auto const wb = b.weak();
  CHECK(wa == a.weak());
  CHECK(wa != wb);
  CHECK((wa < wb) != (wb < wa));
  std::unordered_map<weak, int> by_hash{{wa, 1}, {wb, 2}};
  std::map<weak, int> in_order{{wa, 1}, {wb, 2}};
  a.reset();
  auto const later = count_to(1);
  CHECK(by_hash.at(wa) == 1);
  CHECK(in_order.at(wa) == 1);
  CHECK(by_hash.count(later.weak()) == 0);
  CHECK(in_order.at(b.weak()) == 2);
  weak first = wa, second = wb;
  swap(first, second);
  CHECK(first.lock() == b);
  CHECK(second.expired());
  first.reset();
  CHECK(first == weak());
}

TEST_CASE("a weak handle dies with a garbage cycle of its generator") {
  manual_heap heap;
  census c;
  auto p = make_gc<owner>(tally(c));
  p->g = held_by(p);
  weak const w = p->g.weak();
  w.lock().next();
  CHECK(ouro::gc::collect() == 0);
  CHECK(w.lock().value() == 1);
  p.reset();
  CHECK_FALSE(w.expired());  // nobody has found it yet
  CHECK(ouro::gc::collect() == 2);
  CHECK(w.expired());
  CHECK(c.alive == 0);
}

TEST_CASE("a generator that holds only a weak handle to itself is in no cycle") {
  manual_heap heap;
  census c;
  auto p = make_gc<owner>(tally(c));
  p->g = [](weak* self) -> gc_generator<int> {
    weak const mine = *self;
    co_yield 1;
    bool const runs = mine.lock().running();  // in a statement of its own: what co_yield stands beside waits with it
    co_yield int(runs);
  }(&p->w);
  p->w = p->g;
  p->g.next();
  CHECK(p->g.next());
  CHECK(p->g.value() == 1);
  p.reset();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a body that drops the last handle to its generator can take it back through a weak handle") {
  manual_heap heap;
  census c;
  gc_generator<int> g;
  weak w;
  g = [](tally, gc_generator<int>& last, weak& to_itself) -> gc_generator<int> {
    co_yield 1;
    last.reset();
    auto again = to_itself.lock();
    last = std::move(again);
    co_yield 2;
    last.reset();
    co_yield 3;
  }(tally(c), g, w);
  w = g.weak();
  CHECK(g.next());
  CHECK(g.next());
  REQUIRE(g);
  CHECK(g.value() == 2);
  CHECK(w.use_count() == 1);
  CHECK(c.alive == 1);
  w.lock().next();
  CHECK(w.expired());
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("locals of a generator that dies with its last handle find it dead") {
  manual_heap heap;
  int found = -1;
  weak w;
  auto g = [](weak& to_itself, int& result) -> gc_generator<int> {
    at_exit const look([&] { result = to_itself.lock() ? 1 : 0; });
    co_yield 1;
  }(w, found);
  w = g.weak();
  g.next();
  g.reset();
  CHECK(found == 0);
}

TEST_CASE("locals of a garbage generator may take it back, at its end; weak handles stay valid then") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  gc_generator<int> saved;
  weak w;
  {
    auto p = make_gc<owner>(tally(c));
    p->g = [](gc_ptr<owner>, weak& to_itself, gc_generator<int>& to) -> gc_generator<int> {
      at_exit const save([&] { to = to_itself.lock(); });
      co_yield 1;
    }(p, w, saved);
    w = p->g.weak();
    p->g.next();
  }
  ouro::gc::collect();
  REQUIRE(saved);
  CHECK(saved.done());
  CHECK_FALSE(saved.next());
  CHECK(w.lock() == saved);
  saved.reset();
  ouro::gc::collect();
  CHECK(w.expired());
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  CHECK(reports.empty());
}

TEST_CASE("the callback of a weak handle is called when the generator dies, not when its body ends") {
  manual_heap heap;
  int calls = 0;
  auto g = count_to(1);
  weak same;
  weak const w = g.weak([&](weak const& dead) {
    ++calls;
    CHECK(dead == same);
    CHECK(dead.expired());
    CHECK_FALSE(dead.lock());
  });
  same = w;
  while (g.next()) {
  }
  CHECK(calls == 0);
  g.reset();
  CHECK(calls == 1);
  CHECK(w.expired());
}

TEST_CASE("a callback is called before the frame of its generator goes, in death by counting and in garbage") {
  manual_heap heap;
  census c;
  int alive_then = -1;
  auto const watch = [&](weak const& dead) {
    CHECK_FALSE(dead.lock());
    alive_then = c.alive;
  };
  auto g = [](tally) -> gc_generator<int> { co_yield 1; }(tally(c));
  weak w = g.weak(watch);
  g.next();
  g.reset();
  CHECK(alive_then == 1);

  auto p = make_gc<owner>(tally(c));
  p->g = held_by(p);
  w = p->g.weak(watch);
  p->g.next();
  p.reset();
  alive_then = -1;
  CHECK(ouro::gc::collect() == 2);
  CHECK(alive_then == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("what the callback of a weak handle to a generator throws is reported") {
  manual_heap heap;
  recorded_reports const reports;
  auto g = count_to(1);
  weak const w(g, [](weak const&) { throw std::runtime_error("callback"); });
  g.reset();
  CHECK(reports.with_exception("callback") == 1);
}

TEST_CASE("a gc_function as the callback of a weak handle to a generator is traced as part of what holds the handle") {
  manual_heap heap;
  census c;
  auto const g = count_to(2);
  auto p = make_gc<owner>(tally(c));
  p->w = g.weak(gc_function<void(weak const&)>([](gc_ptr<owner>&, weak const&) {}, p));  // it holds its holder
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("a weak handle leads to a generator that is delegated to, and dies when its delegator lets go") {
  manual_heap heap;
  weak w;
  auto const outer = [](weak& inner) -> gc_generator<int> {
    auto g = count_to(2);
    inner = g.weak();
    co_yield elements_of(std::move(g));
    co_yield 3;
  }(w);
  CHECK(outer.next());
  CHECK(w.lock().value() == 1);
  CHECK(w.lock().next());
  CHECK(outer.value() == 2);
  CHECK(outer.next());
  CHECK(outer.value() == 3);
  CHECK(w.expired());
}

TEST_CASE("a weak handle to a generator may outlive its heap, and its generator may be one with sends and a result") {
  weak_gc_generator<int, void, int, int> w;
  {
    ouro::heap heap;
    ouro::heap::scope const scope(heap);
    auto const g = []() -> gc_generator<int, void, int, int> {
      int const* const got = co_yield 1;
      co_return got == nullptr ? 0 : *got;
    }();
    w = g.weak();
    w.lock().next();
    CHECK_FALSE(w.lock().send(5));
    CHECK(w.lock().result() == 5);
  }
  CHECK(w.expired());
}
