// gc_function: a callable whose captures are traced.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using ouro::gc_function;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

struct button {
  tally t;
  int presses = 0;
  gc_function<int(int)> on_press{};
  std::vector<gc_function<void()>> listeners{};
};

}  // namespace

TEST_CASE("a gc_function calls its callable with the captures, then the arguments") {
  manual_heap heap;
  gc_function<std::string(int, std::string const&)> f(
      [](std::string& prefix, int& n, int a, std::string const& b) { return prefix + std::to_string(n + a) + b; },
      std::string("<"), 40);
  CHECK(f(2, ">") == "<42>");
  gc_function<int(int)> const none([](int x) { return 2 * x; });
  CHECK(none(21) == 42);
}

TEST_CASE("a gc_function converts its result and passes references and move-only arguments through") {
  manual_heap heap;
  gc_function<long(int)> const widened([](int x) { return x; });
  CHECK(widened(7) == 7L);
  gc_function<void(int&)> const ignored([](int& x) { return ++x; });
  int n = 1;
  ignored(n);
  CHECK(n == 2);
  gc_function<int&(std::vector<int>&)> const reference([](std::vector<int>& v) -> int& { return v.front(); });
  std::vector<int> v{1, 2};
  reference(v) = 9;
  CHECK(v[0] == 9);
  gc_function<int(std::unique_ptr<int>)> const consumer([](std::unique_ptr<int> p) { return *p; });
  CHECK(consumer(std::make_unique<int>(5)) == 5);
  gc_function<std::unique_ptr<int>()> const producer([] { return std::make_unique<int>(6); });
  CHECK(*producer() == 6);
}

TEST_CASE("captures keep their state between calls, and copies of the function have captures of their own") {
  manual_heap heap;
  gc_function<int()> counter([](int& n) { return ++n; }, 0);
  CHECK(counter() == 1);
  CHECK(counter() == 2);
  auto copy = counter;
  CHECK(copy() == 3);
  CHECK(copy() == 4);
  CHECK(counter() == 3);
}

TEST_CASE("a gc_function may be empty, is empty after a move, and throws bad_function_call when called empty") {
  manual_heap heap;
  gc_function<int()> f;
  CHECK_FALSE(static_cast<bool>(f));
  CHECK_THROWS_AS(f(), std::bad_function_call);
  f = gc_function<int()>([](int& n) { return n; }, 3);
  CHECK(static_cast<bool>(f));
  auto moved = std::move(f);
  CHECK(moved() == 3);
  CHECK_FALSE(static_cast<bool>(f));
  CHECK_THROWS_AS(f(), std::bad_function_call);
  moved = nullptr;
  CHECK_FALSE(static_cast<bool>(moved));
  CHECK(moved == nullptr);
}

TEST_CASE("copies, moves and swaps of a gc_function keep the counts of its captures right") {
  manual_heap heap;
  auto const p = make_gc<int>(4);
  {
    gc_function<int()> f([](gc_ptr<int>& q) { return *q; }, p);
    CHECK(p.use_count() == 2);
    auto g = f;
    CHECK(p.use_count() == 3);
    auto h = std::move(g);
    CHECK(p.use_count() == 3);
    g = h;
    CHECK(p.use_count() == 4);
    auto const& same = g;
    g = same;
    CHECK(p.use_count() == 4);
    CHECK(g() == 4);
    using std::swap;
    gc_function<int()> empty;
    swap(g, empty);
    CHECK_FALSE(static_cast<bool>(g));
    CHECK(empty() == 4);
    f = nullptr;
    CHECK(p.use_count() == 3);
  }
  CHECK(p.use_count() == 1);
}

TEST_CASE("a gc_function outside the heap keeps what it captures") {
  manual_heap heap;
  census c;
  auto p = make_gc<button>(tally{c});
  gc_function<int()> f([](gc_ptr<button>& b) { return ++b->presses; }, p);
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(f() == 1);
  CHECK(f() == 2);
  CHECK(c.alive == 1);
  f = nullptr;
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a functor held by the object it captures is collected with it") {
  manual_heap heap;
  census c;
  auto p = make_gc<button>(tally{c});
  p->on_press = gc_function<int(int)>([](gc_ptr<button>& self, int n) { return self->presses += n; }, p);
  CHECK(p->on_press(3) == 3);
  CHECK(ouro::gc::collect() == 0);
  CHECK(p->on_press(4) == 7);
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() >= 1);
  CHECK(c.alive == 0);
  CHECK(c.died == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("functions in a vector, and captures that are containers of handles, are traced") {
  manual_heap heap;
  census c;
  {
    auto const a = make_gc<button>(tally{c});
    auto const b = make_gc<button>(tally{c});
    for (int i = 0; i < 10; ++i)
      a->listeners.emplace_back(
          [](std::vector<gc_ptr<button>>& all, std::string&) {
            for (auto const& p : all) ++p->presses;
          },
          std::vector<gc_ptr<button>>{a, b, b}, std::string("a name that is long enough to lie on the heap"));
    b->listeners = a->listeners;
    for (auto const& f : a->listeners) f();
    CHECK(a->presses == 10);
    CHECK(b->presses == 20);
    CHECK(ouro::gc::collect() == 0);
    CHECK(a.use_count() == 21);
    CHECK(b.use_count() == 41);
    heap.verify();
  }
  CHECK(c.alive == 2);
  CHECK(ouro::gc::collect() >= 2);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a gc_function that captures a gc_function is traced through both") {
  manual_heap heap;
  census c;
  {
    auto const p = make_gc<button>(tally{c});
    gc_function<int(int)> inner([](gc_ptr<button>& self, int n) { return self->presses + n; }, p);
    p->on_press = gc_function<int(int)>([](gc_function<int(int)>& f, int n) { return f(n) + 1; }, std::move(inner));
    p->presses = 10;
    CHECK(p->on_press(5) == 16);
  }
  CHECK(ouro::gc::collect() >= 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a ring of objects that hold each other through functions lives and dies as one") {
  manual_heap heap;
  census c;
  auto a = make_gc<button>(tally{c});
  auto b = make_gc<button>(tally{c});
  auto d = make_gc<button>(tally{c});
  auto const presses = [](gc_ptr<button>& other, int n) { return other->presses + n; };
  a->on_press = gc_function<int(int)>(presses, b);
  b->on_press = gc_function<int(int)>(presses, d);
  d->on_press = gc_function<int(int)>(presses, a);
  b.reset();
  d.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 3);
  CHECK(a->on_press(1) == 1);
  a.reset();
  CHECK(ouro::gc::collect() >= 3);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a function may replace or clear itself while it runs, when the caller holds a copy") {
  manual_heap heap;
  census c;
  auto const p = make_gc<button>(tally{c});
  p->on_press = gc_function<int(int)>(
      [](gc_ptr<button>& self, int n) {
        self->on_press = nullptr;
        return n;
      },
      p);
  auto const call = p->on_press;
  CHECK(call(3) == 3);
  CHECK_FALSE(static_cast<bool>(p->on_press));
  CHECK(p.use_count() == 2);
}

namespace {

struct fragile {
  using gc_leaf = fragile;
  bool* armed;
  explicit fragile(bool* a) : armed(a) {}
  fragile(fragile const& o) : armed(o.armed) {
    if (*armed) throw std::runtime_error("copy");
  }
  ~fragile() {}
};

}  // namespace

TEST_CASE("an exception out of the callable comes through, and out of a capture's copy leaves the target as it was") {
  manual_heap heap;
  bool armed = false;
  gc_function<void()> const thrower([] { throw std::runtime_error("called"); });
  CHECK_THROWS_WITH(thrower(), "called");

  auto const p = make_gc<int>(1);
  gc_function<int()> const source([](fragile&, gc_ptr<int>& q) { return *q; }, fragile(&armed), p);
  gc_function<int()> target([](int& n) { return n; }, 77);
  auto const before = p.use_count();
  armed = true;
  CHECK_THROWS_WITH(target = source, "copy");
  CHECK_THROWS_WITH(gc_function<int()>(source), "copy");
  armed = false;
  CHECK(p.use_count() == before);
  CHECK(target() == 77);
  CHECK(source() == 1);
}

TEST_CASE("a gc_function may be an object of the heap itself") {
  manual_heap heap;
  using function = gc_function<int()>;
  auto f = make_gc<function>();
  *f = function([](gc_ptr<function>& self) { return static_cast<int>(self.use_count()); }, f);
  CHECK((*f)() == 2);
  f.reset();
  CHECK(ouro::gc::collect() >= 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("captures are destroyed once, whether the function dies by counting or in a collection") {
  struct owner {
    gc_function<void()> call{};
    gc_ptr<owner> self{};
  };
  manual_heap heap;
  census c;
  bool const cyclic = GENERATE(false, true);
  auto p = make_gc<owner>();
  p->call = gc_function<void()>([](tally&, gc_ptr<owner>&) {}, tally{c}, cyclic ? p : nullptr);
  CHECK(c.alive == 1);
  p.reset();
  ouro::gc::collect();
  CHECK(c.alive == 0);
  CHECK(c.born == c.died);
  CHECK(heap.objects() == 0);
}

static_assert(std::is_nothrow_move_constructible_v<gc_function<void()>>);
static_assert(std::is_nothrow_move_assignable_v<gc_function<void()>>);
static_assert(std::is_nothrow_default_constructible_v<gc_function<void()>>);
