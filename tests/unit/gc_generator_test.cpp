// gc_generator: the sequence it is, from its first element to its end, its close or its death.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using ouro::gc_generator;
using ouro::gc_ptr;
using ouro::generator_running;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

gc_generator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

gc_generator<int> counted(tally, int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

gc_generator<int> nothing() { co_return; }

template <class G>
auto list_of(G&& g) {
  std::vector<std::remove_cvref_t<decltype(*g.begin())>> result;
  for (auto&& x : g) result.push_back(std::forward<decltype(x)>(x));
  return result;
}

using numbers = std::vector<int>;

/// Counts how it is copied and moved.
struct traveller {
  traveller() = default;
  traveller(traveller const& other) noexcept : copies(other.copies + 1), moves(other.moves) {}
  traveller(traveller&& other) noexcept : copies(other.copies), moves(other.moves + 1) { other.gone = true; }
  traveller& operator=(traveller const&) = delete;
  int copies = 0;
  int moves = 0;
  bool gone = false;
};

/// Appends a name when it is destroyed.
class note {
 public:
  note(std::vector<std::string>& to, std::string name) : to_(to), name_(std::move(name)) {}
  note(note const&) = delete;
  note& operator=(note const&) = delete;
  ~note() { to_.push_back(name_); }

 private:
  std::vector<std::string>& to_;
  std::string name_;
};

}  // namespace

// --- the sequence ---------------------------------------------------------------------------------------------------

TEST_CASE("a generator yields its elements in order and then is done") {
  manual_heap heap;
  auto const g = count_to(3);
  CHECK(list_of(g) == numbers{1, 2, 3});
  CHECK(g.done());
  CHECK_FALSE(g.next());
}

TEST_CASE("a generator does nothing before it is asked for its first element") {
  manual_heap heap;
  bool entered = false;
  auto const body = [](bool& flag) -> gc_generator<int> {
    flag = true;
    co_yield 1;
  };
  auto const g = body(entered);
  CHECK_FALSE(entered);
  CHECK_FALSE(g.started());
  CHECK_FALSE(g.done());
  CHECK(g.next());
  CHECK(entered);
  CHECK(g.started());
}

TEST_CASE("an empty generator and a null one are empty sequences") {
  manual_heap heap;
  CHECK(list_of(nothing()).empty());
  gc_generator<int> const null;
  CHECK(list_of(null).empty());
  CHECK_FALSE(static_cast<bool>(null));
  CHECK(static_cast<bool>(nothing()));
  CHECK(null == nullptr);
  CHECK_FALSE(null.next());
  CHECK(null.done());
  CHECK_FALSE(null.started());
  CHECK_FALSE(null.running());
  null.close();
  CHECK_THROWS_AS(null.value(), std::logic_error);
}

TEST_CASE("next() and value() give what iteration gives") {
  manual_heap heap;
  auto const g = count_to(2);
  CHECK_THROWS_AS(g.value(), std::logic_error);
  REQUIRE(g.next());
  CHECK(g.value() == 1);
  CHECK(g.value() == 1);
  REQUIRE(g.next());
  CHECK(g.value() == 2);
  CHECK_FALSE(g.next());
  CHECK_THROWS_AS(g.value(), std::logic_error);
}

TEST_CASE("begin() continues after the current element") {
  manual_heap heap;
  auto const g = count_to(5);
  for (int const x : g) {
    if (x == 2) break;
  }
  CHECK(list_of(g) == numbers{3, 4, 5});
}

TEST_CASE("copies are handles to the same generator") {
  manual_heap heap;
  auto a = count_to(4);
  auto const b = a;
  CHECK(a == b);
  CHECK(a.use_count() == 2);
  CHECK(a.next());
  CHECK(b.value() == 1);
  CHECK(b.next());
  CHECK(a.value() == 2);
  auto c = std::move(a);
  CHECK(a == nullptr);
  CHECK(c.use_count() == 2);
  swap(a, c);
  CHECK(c == nullptr);
  CHECK(list_of(a) == numbers{3, 4});
  CHECK(std::hash<gc_generator<int>>()(a) == std::hash<gc_generator<int>>()(b));
}

TEST_CASE("a generator is one pointer wide, a view, an input range and a borrowed range") {
  STATIC_REQUIRE(sizeof(gc_generator<int>) == sizeof(void*));
  STATIC_REQUIRE(std::ranges::input_range<gc_generator<int>>);
  STATIC_REQUIRE(std::ranges::view<gc_generator<int>>);
  STATIC_REQUIRE(std::ranges::borrowed_range<gc_generator<int>>);
  STATIC_REQUIRE(std::same_as<std::ranges::range_value_t<gc_generator<std::string const&>>, std::string>);
}

TEST_CASE("views over an lvalue take from the generator itself") {
  manual_heap heap;
  auto g = count_to(10);
  numbers taken;
  for (int const x : g | std::views::take(3)) taken.push_back(x);
  CHECK(taken == numbers{1, 2, 3});
  CHECK(list_of(g).front() == 5);  // take has looked one element ahead
}

TEST_CASE("iterators keep the generator alive") {
  manual_heap heap;
  auto it = count_to(3).begin();
  CHECK(*it == 1);
  ++it;
  CHECK(*it == 2);
  it++;
  ++it;
  CHECK(it == std::default_sentinel);
  CHECK(heap.objects() == 1);
  it = {};
  CHECK(heap.objects() == 0);
}

TEST_CASE("iterators may be copied, moved and outlive a collection") {
  manual_heap heap;
  census c;
  auto it = counted(tally(c), 3).begin();
  auto other = it;
  CHECK(ouro::gc::collect() == 0);
  ++it;
  CHECK(*other == 2);
  auto moved = std::move(it);
  other = moved;
  moved = {};
  CHECK(c.alive == 1);
  other = {};
  CHECK(c.alive == 0);
}

// --- elements -------------------------------------------------------------------------------------------------------

TEST_CASE("an iterator gives exactly the reference type") {
  manual_heap heap;
  STATIC_REQUIRE(std::same_as<decltype(*gc_generator<int>().begin()), int&&>);
  STATIC_REQUIRE(std::same_as<decltype(*gc_generator<int&>().begin()), int&>);
  STATIC_REQUIRE(std::same_as<decltype(*gc_generator<int const&>().begin()), int const&>);
  STATIC_REQUIRE(std::same_as<decltype(*gc_generator<int&&>().begin()), int&&>);
  STATIC_REQUIRE(std::same_as<decltype(*gc_generator<std::string_view, std::string>().begin()), std::string_view>);
  STATIC_REQUIRE(std::same_as<decltype(gc_generator<int&>().value()), int&>);
}

TEST_CASE("nothing is copied or moved when an element of a generator of const references is yielded") {
  manual_heap heap;
  auto const body = []() -> gc_generator<traveller const&> {
    traveller mine;
    traveller const constant;
    co_yield mine;
    co_yield constant;
    co_yield traveller();
    co_yield std::move(mine);
  };
  int seen = 0;
  for (traveller const& t : body()) {
    CHECK(t.copies == 0);
    CHECK(t.moves == 0);
    ++seen;
  }
  CHECK(seen == 4);
}

TEST_CASE("of a generator of values, lvalues are copied once and rvalues never") {
  manual_heap heap;
  auto const body = []() -> gc_generator<traveller> {
    traveller mine;
    traveller const constant;
    co_yield mine;
    CHECK_FALSE(mine.gone);
    co_yield constant;
    co_yield traveller();
    co_yield std::move(mine);
    CHECK(mine.gone);
  };
  std::vector<std::pair<int, int>> seen;
  for (auto&& t : body()) {
    traveller const kept(std::move(t));  // a move of our own
    seen.emplace_back(kept.copies, kept.moves);
  }
  CHECK(seen == std::vector<std::pair<int, int>>{{1, 1}, {1, 1}, {0, 1}, {0, 1}});
}

TEST_CASE("of a generator of rvalue references, lvalues are copied once and rvalues never") {
  manual_heap heap;
  auto const body = []() -> gc_generator<traveller&&> {
    traveller mine;
    co_yield mine;
    co_yield traveller();
    co_yield std::move(mine);
  };
  std::vector<int> copies;
  for (traveller&& t : body()) {
    copies.push_back(t.copies);
    CHECK(t.moves == 0);
  }
  CHECK(copies == numbers{1, 0, 0});
}

TEST_CASE("elements may be written through a mutable reference") {
  manual_heap heap;
  auto const body = [](std::vector<int> v, int& sum) -> gc_generator<int&> {
    for (int& x : v) co_yield x;
    for (int const x : v) sum += x;
  };
  int sum = 0;
  for (int& x : body({1, 2, 3}, sum)) x *= 10;
  CHECK(sum == 60);
}

TEST_CASE("move-only elements can be yielded and taken") {
  manual_heap heap;
  auto const body = []() -> gc_generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    co_yield std::move(second);
    CHECK(second == nullptr);
  };
  std::vector<std::unique_ptr<int>> taken;
  for (auto&& p : body()) taken.push_back(std::move(p));
  REQUIRE(taken.size() == 2);
  CHECK(*taken[0] == 1);
  CHECK(*taken[1] == 2);
}

TEST_CASE("a generator may have a proxy for a reference") {
  manual_heap heap;
  auto const body = []() -> gc_generator<std::pair<int, char>, std::pair<int, char>> {
    std::pair<int, char> const p(1, 'a');
    co_yield p;
    co_yield {2, 'b'};
  };
  std::vector<std::pair<int, char>> seen;
  for (std::pair<int, char> p : body()) seen.push_back(p);
  CHECK(seen == std::vector<std::pair<int, char>>{{1, 'a'}, {2, 'b'}});
}

// --- exceptions -----------------------------------------------------------------------------------------------------

TEST_CASE("an exception out of the body comes out of next() and ends the generator") {
  manual_heap heap;
  census c;
  auto const body = [](tally, int good) -> gc_generator<int> {
    for (int i = 0; i < good; ++i) co_yield i;
    throw std::runtime_error("body");
  };
  for (int const good : {0, 1, 2}) {
    auto const g = body(tally(c), good);
    for (int i = 0; i < good; ++i) CHECK(g.next());
    CHECK_THROWS_AS(g.next(), std::runtime_error);
    CHECK(g.done());
    CHECK(c.alive == 0);
    CHECK_FALSE(g.next());
  }
}

TEST_CASE("an exception out of the body comes out of iteration, whose iterator is at the end then") {
  manual_heap heap;
  auto const body = []() -> gc_generator<int> {
    co_yield 1;
    throw std::runtime_error("body");
  };
  auto const g = body();
  auto it = g.begin();
  CHECK_THROWS_AS(++it, std::runtime_error);
  CHECK(it == std::default_sentinel);
  CHECK_THROWS_AS(body().begin() == std::default_sentinel || (body().begin().operator++(), false), std::runtime_error);
}

TEST_CASE("throw_() throws at the co_yield that the body is suspended at") {
  manual_heap heap;
  auto const body = []() -> gc_generator<int> {
    for (int i = 0; i < 3; ++i) {
      bool caught = false;
      try {
        co_yield i;
      } catch (std::runtime_error const&) {
        caught = true;
      }
      if (caught) co_yield 100 + i;
    }
  };
  auto const error = std::make_exception_ptr(std::runtime_error("thrown in"));
  auto const g = body();
  REQUIRE(g.next());
  REQUIRE(g.throw_(error));
  CHECK(g.value() == 100);
  REQUIRE(g.next());
  CHECK(g.value() == 1);
  REQUIRE(g.next());
  CHECK_THROWS_AS(g.throw_(std::make_exception_ptr(1)), int);
  CHECK(g.done());
}

TEST_CASE("throw_() to a generator that has not started, or has ended, comes back and ends it") {
  manual_heap heap;
  census c;
  auto const error = std::make_exception_ptr(std::runtime_error("thrown in"));
  auto const g = counted(tally(c), 3);
  CHECK_THROWS_AS(g.throw_(error), std::runtime_error);
  CHECK(g.done());
  CHECK(c.alive == 0);
  CHECK_THROWS_AS(g.throw_(error), std::runtime_error);
  CHECK_THROWS_AS(gc_generator<int>().throw_(error), std::runtime_error);
}

// --- send and result ------------------------------------------------------------------------------------------------

namespace {

/// Sums what is sent; yields the sum so far.
gc_generator<int, void, std::string, int> summing() {
  int sum = 0;
  while (true) {
    int const* const sent = co_yield int(sum);
    if (sent == nullptr) continue;
    if (*sent == 0) co_return std::to_string(sum);
    sum += *sent;
  }
}

}  // namespace

TEST_CASE("send() is what the co_yield returns, and next() sends null") {
  manual_heap heap;
  auto const g = summing();
  REQUIRE(g.next());
  int five = 5;
  REQUIRE(g.send(five));
  CHECK(g.value() == 5);
  REQUIRE(g.next());
  CHECK(g.value() == 5);
  REQUIRE(g.send(7));
  CHECK(g.value() == 12);
  REQUIRE(g.send(nullptr));
  CHECK(g.value() == 12);
  CHECK_FALSE(g.send(0));
  CHECK(g.result() == "12");
  CHECK_FALSE(g.send(1));
}

TEST_CASE("send() to a generator that has not started is an error, unless it is null") {
  manual_heap heap;
  auto const g = summing();
  CHECK_THROWS_AS(g.send(1), std::logic_error);
  CHECK_FALSE(g.started());
  CHECK(g.send(nullptr));
  CHECK(g.started());
  CHECK_FALSE((gc_generator<int, void, std::string, int>().send(1)));
}

TEST_CASE("result() is there once the body has returned, and only then") {
  manual_heap heap;
  auto const g = summing();
  CHECK_THROWS_AS(g.result(), std::logic_error);
  g.next();
  CHECK_THROWS_AS(g.result(), std::logic_error);
  g.close();
  CHECK_THROWS_AS(g.result(), std::logic_error);
  CHECK_THROWS_AS((gc_generator<int, void, int>().result()), std::logic_error);
}

TEST_CASE("results may be move-only") {
  manual_heap heap;
  auto const body = []() -> gc_generator<int, void, std::unique_ptr<int>> {
    co_yield 1;
    co_return std::make_unique<int>(42);
  };
  auto const g = body();
  while (g.next()) {
  }
  std::unique_ptr<int> const taken = std::move(g.result());
  CHECK(*taken == 42);
}

// --- the end --------------------------------------------------------------------------------------------------------

TEST_CASE("arguments are released when the body ends, while handles to the generator live") {
  manual_heap heap;
  census c;
  auto const g = counted(tally(c), 2);
  CHECK(c.alive == 1);
  while (g.next()) CHECK(c.alive == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 1);
}

TEST_CASE("a suspended generator that is dropped destroys its locals once, innermost scope first") {
  manual_heap heap;
  std::vector<std::string> order;
  auto const body = [](std::vector<std::string>& to) -> gc_generator<int> {
    note const outer(to, "outer");
    try {
      note const second(to, "second");
      {
        note const inner(to, "inner");
        co_yield 1;
      }
      co_yield 2;
    } catch (...) {
      to.push_back("caught");
    }
  };
  {
    auto const g = body(order);
    g.next();
  }
  CHECK(order == std::vector<std::string>{"inner", "second", "outer"});
  order.clear();
  {
    auto const g = body(order);
    g.next();
    g.next();
    CHECK(order == std::vector<std::string>{"inner"});
    g.close();
    CHECK(order == std::vector<std::string>{"inner", "second", "outer"});
    CHECK(g.done());
  }
  CHECK(order.size() == 3);
  order.clear();
  body(order);
  CHECK(order.empty());
}

TEST_CASE("close() ends a generator that has not started without running it") {
  manual_heap heap;
  census c;
  auto const g = counted(tally(c), 2);
  g.close();
  CHECK(c.alive == 0);
  CHECK(g.done());
  CHECK_FALSE(g.next());
  g.close();
}

TEST_CASE("a body may drop the last handle to its generator, which dies when the body has come back") {
  manual_heap heap;
  std::vector<std::string> order;
  struct holder {
    gc_generator<int> g;
  };
  holder h;
  auto const body = [](holder& from, std::vector<std::string>& to, bool go_on) -> gc_generator<int> {
    note const local(to, "local");
    from.g = nullptr;
    to.push_back("dropped");
    if (go_on) co_yield 1;
    to.push_back("ended");
  };
  for (bool const go_on : {true, false}) {
    order.clear();
    h.g = body(h, order, go_on);
    CHECK_FALSE(h.g.next());
    CHECK(order == (go_on ? std::vector<std::string>{"dropped", "local"}
                          : std::vector<std::string>{"dropped", "ended", "local"}));
    CHECK(heap.objects() == 0);
  }
}

TEST_CASE("the exception of a body that has dropped its last handle still comes out") {
  manual_heap heap;
  gc_generator<int> g;
  auto const body = [](gc_generator<int>& self) -> gc_generator<int> {
    self = nullptr;
    throw std::runtime_error("orphan");
    co_return;
  };
  g = body(g);
  CHECK_THROWS_AS(g.next(), std::runtime_error);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a parameter that is the last to hold the generator may be destroyed by the body's end") {
  manual_heap heap;
  struct owner {
    gc_generator<int> g{};
  };
  auto const body = [](gc_ptr<owner>) -> gc_generator<int> { co_yield 1; };
  auto p = make_gc<owner>();
  p->g = body(p);
  owner& o = *p;
  p.reset();
  CHECK(o.g.next());
  CHECK_FALSE(o.g.next());
  CHECK(heap.objects() == 0);
}

TEST_CASE("a body that has dropped its last handle may delegate before it yields") {
  manual_heap heap;
  gc_generator<int> g;
  std::vector<std::string> order;
  auto const inner = [](std::vector<std::string>& to, int depth, auto const& again) -> gc_generator<int> {
    note const local(to, "inner " + std::to_string(depth));
    if (depth == 0) {
      co_yield 1;
    } else {
      co_yield ouro::elements_of(again(to, depth - 1, again));
    }
  };
  auto const body = [](gc_generator<int>& self, std::vector<std::string>& to, auto const& make) -> gc_generator<int> {
    note const local(to, "outer");
    self = nullptr;
    for (int const element : nothing()) co_yield element;
    co_yield ouro::elements_of(nothing());
    co_yield ouro::elements_of(make(to, 2, make));
  };
  g = body(g, order, inner);
  CHECK_FALSE(g.next());
  CHECK(order == std::vector<std::string>{"inner 0", "inner 1", "inner 2", "outer"});
  CHECK(heap.objects() == 0);
}

using returning = gc_generator<int, void, int, int>;

// Asks, when it is destroyed, all that a parameter can ask its generator.
struct nosy {
  nosy(returning const* g, int* n) : generator(g), asked(n) {}
  nosy(nosy&& other) noexcept : generator(std::exchange(other.generator, nullptr)), asked(other.asked) {}
  nosy& operator=(nosy&&) = delete;
  ~nosy() {
    if (generator == nullptr) return;
    ++*asked;
    ouro::gc::collect();
    CHECK(generator->done());
    CHECK_FALSE(generator->running());
    CHECK_FALSE(generator->next());
    CHECK_FALSE(generator->send(1));
    CHECK(generator->begin() == generator->end());
    CHECK(generator->result() == 2);
    generator->close();
    auto const delegator = [](returning g) -> returning { co_return co_yield ouro::elements_of(g); };
    returning const other = delegator(*generator);
    CHECK_FALSE(other.next());
    CHECK(other.result() == 2);
  }
  returning const* generator;
  int* asked;
  using gc_leaf = nosy;
};

TEST_CASE("parameters that are destroyed at the body's end find a generator that has ended, and may collect") {
  manual_heap heap;
  int asked = 0;
  {
    returning g;
    auto const body = [](nosy) -> returning {
      co_yield 1;
      co_return 2;
    };
    g = body(nosy(&g, &asked));
    CHECK(g.next());
    CHECK_FALSE(g.next());
    CHECK(asked == 1);
    CHECK(g.done());
  }
  CHECK(heap.objects() == 0);
}

TEST_CASE("a generator whose last handles go at its body's end can be locked and asked there") {
  manual_heap heap;
  int asked = 0;
  struct weakly_nosy {
    weakly_nosy(returning* g, ouro::weak_gc_generator<int, void, int, int> const* w, int* n)
        : generator(g), weak(w), asked(n) {}
    weakly_nosy(weakly_nosy&& other) noexcept
        : generator(std::exchange(other.generator, nullptr)), weak(other.weak), asked(other.asked) {}
    weakly_nosy& operator=(weakly_nosy&&) = delete;
    ~weakly_nosy() {
      if (generator == nullptr) return;
      generator->reset();
      for (int i = 0; i != 3; ++i) {
        returning const again = weak->lock();
        nosy const questions(&again, asked);
      }
    }
    returning* generator;
    ouro::weak_gc_generator<int, void, int, int> const* weak;
    int* asked;
    using gc_leaf = weakly_nosy;
  };
  returning g;
  ouro::weak_gc_generator<int, void, int, int> weak;
  auto const body = [](returning& self, weakly_nosy, bool early) -> returning {
    co_yield 1;
    if (early) self = nullptr;
    co_return 2;
  };
  for (bool const early : {false, true}) {
    g = body(g, weakly_nosy(&g, &weak, &asked), early);
    weak = g.weak();
    CHECK(g.next());
    CHECK_FALSE(g.next());
    CHECK(weak.expired());
    CHECK(heap.objects() == 0);
  }
  CHECK(asked == 6);
}

TEST_CASE("a local whose destructor drops the last handle may be closed") {
  manual_heap heap;
  struct dropper {
    gc_generator<int>& g;
    ~dropper() { g = nullptr; }
  };
  gc_generator<int> g;
  auto const body = [](gc_generator<int>& self) -> gc_generator<int> {
    dropper const local{self};
    co_yield 1;
  };
  g = body(g);
  CHECK(g.next());
  g.close();
  CHECK(g == nullptr);
  CHECK(heap.objects() == 0);
}

TEST_CASE("when a parameter's copy throws, no generator is left behind") {
  manual_heap heap;
  struct thrower {
    thrower() = default;
    thrower(thrower const&) { throw std::runtime_error("copy"); }
    using gc_leaf = thrower;
  };
  census c;
  auto const body = [](tally, thrower) -> gc_generator<int> { co_yield 1; };
  thrower const t;
  CHECK_THROWS_AS(body(tally(c), t), std::runtime_error);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("parameters that are aligned to 16 bytes are, in frames of any size") {
  manual_heap heap;
  struct alignas(16) lane {
    char bytes[16];
  };
  auto const misalignment = [](auto const& x) { return reinterpret_cast<std::uintptr_t>(&x) % 16; };
  auto const small = [](lane l, auto measure) -> gc_generator<std::uintptr_t> { co_yield measure(l); };
  auto const large = [](char c, lane l, auto measure) -> gc_generator<std::uintptr_t> {
    lane local[100];
    local[99].bytes[0] = c;
    co_yield measure(l) + measure(local);
    co_yield std::uintptr_t(local[99].bytes[0] - c);
  };
  for (int i = 0; i < 3; ++i) {
    for (auto const& g : {small(lane(), misalignment), large('x', lane(), misalignment)}) {
      while (g.next()) CHECK(g.value() == 0);
    }
  }
}

TEST_CASE("a generator that is made, used and dropped in one function is an object of the heap") {
  manual_heap heap;
  auto const g = count_to(3);
  CHECK(heap.objects() == 1);
  int sum = 0;
  for (int const x : g) sum += x;
  CHECK(sum == 6);
  CHECK(heap.objects() == 1);
}

TEST_CASE("generators of a heap that is not current, and of one that was closed, go on") {
  census c;
  auto heap = std::make_unique<ouro::heap>();
  gc_generator<int> g;
  {
    ouro::heap::scope const here(*heap);
    g = counted(tally(c), 3);
  }
  CHECK(g.next());
  heap.reset();
  CHECK(g.next());
  CHECK(g.value() == 2);
  CHECK(c.alive == 1);
  g.reset();
  CHECK(c.alive == 0);
}

// --- re-entrancy ----------------------------------------------------------------------------------------------------

TEST_CASE("a generator cannot be advanced or closed by its own body") {
  manual_heap heap;
  gc_generator<int> g;
  int errors = 0;
  auto const body = [](gc_generator<int>& self, int& count) -> gc_generator<int> {
    CHECK(self.running());
    CHECK_THROWS_AS(self.value(), std::logic_error);
    for (auto const& act : {std::function<void()>([&] { self.next(); }), std::function<void()>([&] { self.close(); }),
                            std::function<void()>([&] { self.begin(); }),
                            std::function<void()>([&] { self.throw_(std::make_exception_ptr(1)); })}) {
      try {
        act();
      } catch (generator_running const&) {
        ++count;
      }
    }
    co_yield 1;
  };
  g = body(g, errors);
  CHECK(g.next());
  CHECK(errors == 4);
  CHECK_FALSE(g.running());
  CHECK(g.value() == 1);
}

TEST_CASE("generators that pull one another are nested calls") {
  manual_heap heap;
  auto const twice = [](gc_generator<int> in) -> gc_generator<int> {
    while (in.next()) {
      co_yield 2 * in.value();
    }
  };
  CHECK(list_of(twice(twice(twice(count_to(3))))) == numbers{8, 16, 24});
}

TEST_CASE("a collection inside a running generator keeps all it uses") {
  manual_heap heap;
  struct cell {
    int value = 7;
    gc_generator<int> g{};
  };
  auto p = make_gc<cell>();
  auto const body = [](gc_ptr<cell> mine, gc_ptr<cell>& outside) -> gc_generator<int> {
    outside.reset();
    CHECK(ouro::gc::collect() == 0);
    co_yield int(mine->value);
    CHECK(ouro::gc::collect() == 0);
    co_yield 8;
  };
  p->g = body(p, p);
  cell& c = *p;
  REQUIRE(c.g.next());
  CHECK(c.g.value() == 7);
  REQUIRE(c.g.next());
  CHECK(c.g.value() == 8);
  CHECK(ouro::gc::collect() == 2);
  CHECK(heap.objects() == 0);
}

TEST_CASE("automatic collections may run at every allocation inside a generator") {
  ouro_test::fresh_heap heap;
  ouro::gc::set_threshold(1);
  auto const body = [](int n) -> gc_generator<gc_ptr<std::string>> {
    for (int i = 0; i < n; ++i) co_yield make_gc<std::string>(std::to_string(i));
  };
  std::string all;
  for (auto&& s : body(5)) all += *s;
  CHECK(all == "01234");
}
