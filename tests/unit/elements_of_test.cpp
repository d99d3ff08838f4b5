// elements_of: one generator yields the elements of another generator or range.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using ouro::elements_of;
using ouro::gc_generator;
using ouro::gc_ptr;
using ouro::generator_running;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

#if defined(__OPTIMIZE__)
constexpr int many = 1'000'000;
#else
constexpr int many = 200'000;
#endif

using numbers = std::vector<int>;

template <class G>
numbers list_of(G const& g) {
  numbers result;
  for (int const x : g) result.push_back(x);
  return result;
}

gc_generator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

gc_generator<int> nothing() { co_return; }

/// n, n-1, ..., 0, ..., n-1, n.
gc_generator<int> down_and_up(int n) {
  co_yield n;
  if (n == 0) co_return;
  co_yield elements_of(down_and_up(n - 1));
  co_yield n;
}

gc_generator<int> delegate_to(gc_generator<int> inner) { co_yield elements_of(inner); }

}  // namespace

TEST_CASE("elements_of yields the elements of a generator in their place") {
  manual_heap heap;
  auto const body = []() -> gc_generator<int> {
    co_yield 0;
    co_yield elements_of(count_to(2));
    auto inner = count_to(1);
    co_yield elements_of(inner);
    co_yield elements_of(nothing());
    co_yield elements_of(gc_generator<int>());
    co_yield 9;
  };
  CHECK(list_of(body()) == numbers{0, 1, 2, 1, 9});
}

TEST_CASE("elements_of takes any range") {
  manual_heap heap;
  auto const body = []() -> gc_generator<int> {
    numbers v{1, 2, 3};
    co_yield elements_of(v);
    co_yield elements_of(numbers(2, 4));
    co_yield elements_of(std::ranges::subrange(v.begin() + 1, v.end()));
    co_yield elements_of(std::views::iota(6, 8));
    numbers const constant{8};
    co_yield elements_of(constant);
    co_yield int(v.size());
  };
  CHECK(list_of(body()) == numbers{1, 2, 3, 4, 4, 2, 3, 6, 7, 8, 3});
}

TEST_CASE("elements of an lvalue range may be written through") {
  manual_heap heap;
  auto const body = [](numbers& v) -> gc_generator<int&> { co_yield elements_of(v); };
  numbers v{1, 2};
  for (int& x : body(v)) x += 10;
  CHECK(v == numbers{11, 12});
}

TEST_CASE("a generator of another type is a range like others, and its result is what co_yield gives") {
  manual_heap heap;
  auto const inner = []() -> gc_generator<short, void, std::string> {
    co_yield short{1};
    co_yield short{2};
    co_return "inner";
  };
  auto const body = [](auto make, std::string& result) -> gc_generator<int> {
    auto g = make();
    auto inner_result = co_yield elements_of(std::move(g));
    result = std::move(inner_result);
  };
  std::string result;
  CHECK(list_of(body(inner, result)) == numbers{1, 2});
  CHECK(result == "inner");
}

TEST_CASE("delegation goes down and up a thousand levels") {
  manual_heap heap;
  auto const all = list_of(down_and_up(1000));
  REQUIRE(all.size() == 2001);
  for (int i = 0; i <= 1000; ++i) {
    CHECK(all[static_cast<std::size_t>(i)] == 1000 - i);
    CHECK(all[static_cast<std::size_t>(2000 - i)] == 1000 - i);
  }
  CHECK(heap.objects() == 0);
}

TEST_CASE("a body begins when its elements are asked for, and ends before its delegator goes on") {
  manual_heap heap;
  std::vector<std::string> order;
  auto const inner = [](std::vector<std::string>& to) -> gc_generator<int> {
    to.push_back("inner begins");
    co_yield 1;
    to.push_back("inner ends");
  };
  auto const outer = [](auto make, std::vector<std::string>& to) -> gc_generator<int> {
    auto g = make(to);
    to.push_back("outer begins");
    co_yield elements_of(g);
    to.push_back(g.done() ? "outer ends" : "too early");
  };
  CHECK(list_of(outer(inner, order)) == numbers{1});
  CHECK(order == std::vector<std::string>{"outer begins", "inner begins", "inner ends", "outer ends"});
}

TEST_CASE("many empty children and deep delegation need no stack") {
  manual_heap heap;
  auto const body = [](int n) -> gc_generator<int> {
    for (int i = 0; i < n; ++i) co_yield elements_of(nothing());
    co_yield 1;
  };
  CHECK(list_of(body(many)) == numbers{1});
  long sum = 0;
  for (int const x : down_and_up(many / 5)) sum += x;
  CHECK(sum == long{many / 5} * (many / 5 + 1));
}

TEST_CASE("a partly consumed generator is continued by who delegates to it") {
  manual_heap heap;
  auto const g = count_to(4);
  CHECK(g.next());
  auto const outer = delegate_to(g);
  CHECK(outer.next());
  CHECK(outer.value() == 2);
  CHECK(g.value() == 2);
  CHECK(list_of(outer) == numbers{3, 4});
  CHECK(g.done());
  CHECK(list_of(delegate_to(g)).empty());
}

TEST_CASE("a generator to which another delegates may be advanced from outside") {
  manual_heap heap;
  auto const g = count_to(6);
  auto const middle = delegate_to(g);
  auto const outer = delegate_to(middle);
  CHECK(outer.next());
  CHECK(g.next());
  CHECK(outer.value() == 2);
  CHECK(middle.value() == 2);
  CHECK(middle.next());
  CHECK(outer.value() == 3);
  CHECK(outer.next());
  CHECK(g.value() == 4);
  CHECK(g.next());
  CHECK(middle.next());
  CHECK_FALSE(g.next());
  CHECK(g.done());
  CHECK_FALSE(outer.done());
  CHECK_THROWS_AS(outer.value(), std::logic_error);
  CHECK_FALSE(outer.next());
  CHECK(middle.done());
}

TEST_CASE("two generators may delegate to a third one at the same time") {
  manual_heap heap;
  auto const g = count_to(6);
  auto const a = delegate_to(g);
  auto const b = delegate_to(g);
  CHECK(a.next());
  CHECK(b.next());
  CHECK(a.next());
  CHECK(b.next());
  CHECK(g.value() == 4);
  CHECK(list_of(a) == numbers{5, 6});
  CHECK(list_of(b).empty());
}

TEST_CASE("a generator that delegates may be delegated to by two others at the same time") {
  manual_heap heap;
  auto const g = delegate_to(count_to(6));
  auto const a = delegate_to(g);
  auto const b = delegate_to(g);
  CHECK(a.next());
  CHECK(b.next());
  CHECK(b.value() == 2);
  CHECK(a.next());
  CHECK(b.next());
  CHECK(b.value() == 4);
  CHECK(list_of(a) == numbers{5, 6});
}

TEST_CASE("iterators stay at the element of a generator that delegates when another one delegates to it") {
  manual_heap heap;
  auto const g = delegate_to(count_to(4));
  auto i = g.begin();
  auto const outer = delegate_to(g);
  CHECK(outer.next());
  CHECK(*i == 2);
  ++i;
  CHECK(*i == 3);
  CHECK(outer.next());
  CHECK(*i == 4);
  ++i;
  CHECK(i == std::default_sentinel);
}

TEST_CASE("a generator cannot delegate to itself or to one that waits for it") {
  manual_heap heap;
  gc_generator<int> outer;
  auto const inner = [](gc_generator<int>& whom) -> gc_generator<int> {
    co_yield 1;
    co_yield elements_of(whom);
  };
  auto const wrap = [](auto make, gc_generator<int>& whom) -> gc_generator<int> { co_yield elements_of(make(whom)); };
  outer = inner(outer);
  CHECK(outer.next());
  CHECK_THROWS_AS(outer.next(), generator_running);
  CHECK(outer.done());
  outer = wrap(inner, outer);
  CHECK(outer.next());
  CHECK_THROWS_AS(outer.next(), generator_running);
  CHECK(outer.done());
}

TEST_CASE("a generator that runs in a chain of delegation cannot be advanced or closed, wherever it is in it") {
  manual_heap heap;
  gc_generator<int> chain[3];
  int errors = 0;
  auto const body = [](gc_generator<int>* all, int& count) -> gc_generator<int> {
    for (int i = 0; i < 3; ++i) {
      CHECK(all[i].running());
      try {
        all[i].next();
      } catch (generator_running const&) {
        ++count;
      }
      try {
        all[i].close();
      } catch (generator_running const&) {
        ++count;
      }
    }
    co_yield 1;
  };
  chain[0] = body(chain, errors);
  chain[1] = delegate_to(chain[0]);
  chain[2] = delegate_to(chain[1]);
  CHECK(chain[2].next());
  CHECK(errors == 6);
  for (auto const& g : chain) CHECK_FALSE(g.running());
}

TEST_CASE("what waits for a generator that is advanced from outside counts as running") {
  manual_heap heap;
  gc_generator<int> outer;
  auto const body = [](gc_generator<int>& waiting) -> gc_generator<int> {
    co_yield 1;
    CHECK(waiting.running());
    CHECK_THROWS_AS(waiting.next(), generator_running);
    CHECK_THROWS_AS(waiting.close(), generator_running);
    co_yield 2;
  };
  auto const g = body(outer);
  outer = delegate_to(g);
  CHECK(outer.next());
  CHECK(g.next());
  CHECK_FALSE(outer.running());
  CHECK(outer.value() == 2);
  CHECK_FALSE(outer.next());
}

// --- exceptions, send, results ------------------------------------------------------------------------------------

namespace {

gc_generator<int> failing(int good) {
  for (int i = 0; i < good; ++i) co_yield i;
  throw std::runtime_error("inner");
}

}  // namespace

TEST_CASE("an exception passes through all delegators") {
  manual_heap heap;
  for (int const good : {0, 2}) {
    auto const inner = failing(good);
    auto const outer = delegate_to(delegate_to(inner));
    for (int i = 0; i < good; ++i) CHECK(outer.next());
    CHECK_THROWS_AS(outer.next(), std::runtime_error);
    CHECK(outer.done());
    CHECK(inner.done());
  }
  CHECK(heap.objects() == 0);
}

TEST_CASE("a delegator may catch an exception and go on") {
  manual_heap heap;
  auto const body = []() -> gc_generator<int> {
    bool caught = false;
    try {
      co_yield elements_of(failing(1));
    } catch (std::runtime_error const&) {
      caught = true;
    }
    if (caught) co_yield 7;
    co_yield elements_of(count_to(1));
  };
  CHECK(list_of(body()) == numbers{0, 7, 1});
}

TEST_CASE("throw_() reaches the innermost generator first, then those that wait for it") {
  manual_heap heap;
  std::vector<std::string> seen;
  auto const inner = [](std::vector<std::string>& to) -> gc_generator<int> {
    try {
      co_yield 1;
    } catch (std::runtime_error const&) {
      to.push_back("inner");
      throw;
    }
  };
  auto const outer = [](gc_generator<int> g, std::vector<std::string>& to) -> gc_generator<int> {
    bool caught = false;
    try {
      co_yield elements_of(g);
    } catch (std::runtime_error const&) {
      to.push_back("outer");
      caught = true;
    }
    if (caught) co_yield 2;
  };
  auto const g = outer(inner(seen), seen);
  CHECK(g.next());
  CHECK(g.throw_(std::make_exception_ptr(std::runtime_error("x"))));
  CHECK(g.value() == 2);
  CHECK(seen == std::vector<std::string>{"inner", "outer"});
}

namespace {

gc_generator<int, void, int, int> adder() {
  int sum = 0;
  while (int const* const sent = co_yield int(sum)) sum += *sent;
  co_return sum;
}

gc_generator<int, void, std::string, int> reporter() {
  int const first = co_yield elements_of(adder());
  int const second = co_yield elements_of(adder());
  co_return std::to_string(first) + " " + std::to_string(second);
}

}  // namespace

TEST_CASE("send() reaches the innermost generator, and its result is what co_yield gives") {
  manual_heap heap;
  auto const g = reporter();
  CHECK(g.next());
  CHECK(g.send(1));
  CHECK(g.send(2));
  CHECK(g.value() == 3);
  CHECK(g.next());
  CHECK(g.value() == 0);
  CHECK(g.send(10));
  CHECK_FALSE(g.next());
  CHECK(g.result() == "3 10");
}

TEST_CASE("what a generator was sent is not there again when another one delegates to it") {
  manual_heap heap;
  std::vector<bool> sent;
  using listener = gc_generator<int, void, void, int>;
  auto const g = [](std::vector<bool>& got) -> listener {
    for (int i = 0; i < 3; ++i) got.push_back((co_yield int(i)) != nullptr);
  }(sent);
  CHECK(g.next());
  CHECK(g.send(5));
  auto const outer = [](listener inner) -> listener { co_yield elements_of(inner); }(g);
  CHECK(outer.next());
  CHECK(sent == std::vector<bool>{true, false});
}

TEST_CASE("the result of a generator that others hold stays there; a move-only one is moved") {
  manual_heap heap;
  auto const returns = []() -> gc_generator<int, void, std::string> {
    co_return "a string that is not stored in place";
  };
  auto const moves = []() -> gc_generator<int, void, std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
  auto const outer = [](auto inner, auto& result) -> gc_generator<int> {
    auto inner_result = co_yield elements_of(inner);
    result = std::move(inner_result);
  };
  auto const shared = returns();
  std::string text;
  list_of(outer(shared, text));
  CHECK(text == shared.result());
  std::unique_ptr<int> pointer;
  list_of(outer(moves(), pointer));
  CHECK(*pointer == 3);
}

TEST_CASE("without a result of the inner generator the delegator gets an exception") {
  manual_heap heap;
  auto const inner = adder();
  auto const outer = [](gc_generator<int, void, int, int> g) -> gc_generator<int, void, int, int> {
    co_return co_yield elements_of(g);
  };
  auto const g = outer(inner);
  CHECK(g.next());
  inner.close();
  CHECK_THROWS_AS(g.next(), std::logic_error);
}

// --- the end --------------------------------------------------------------------------------------------------------

namespace {

gc_generator<int> noted(std::vector<std::string>& to, std::string name, gc_generator<int> inner) {
  struct note {
    std::vector<std::string>& list;
    std::string text;
    ~note() { list.push_back(text); }
  };
  note const local{to, name};
  co_yield 1;
  co_yield elements_of(inner);
}

}  // namespace

TEST_CASE("closing or dropping the outer generator closes the inner one first, also if others hold it") {
  manual_heap heap;
  std::vector<std::string> order;
  for (bool const drop : {false, true}) {
    order.clear();
    auto const inner = noted(order, "inner", count_to(3));
    auto outer = noted(order, "outer", noted(order, "middle", inner));
    for (int i = 0; i < 4; ++i) REQUIRE(outer.next());
    if (drop) {
      outer.reset();
    } else {
      outer.close();
      CHECK(outer.done());
    }
    CHECK(order == std::vector<std::string>{"inner", "middle", "outer"});
    CHECK(inner.done());
  }
  CHECK(heap.objects() == 0);
}

TEST_CASE("closing an inner generator from outside lets its delegator go on") {
  manual_heap heap;
  auto const inner = count_to(3);
  auto const body = [](gc_generator<int> g) -> gc_generator<int> {
    co_yield elements_of(g);
    co_yield 9;
  };
  auto const outer = body(inner);
  CHECK(outer.next());
  inner.close();
  CHECK_FALSE(outer.done());
  CHECK_THROWS_AS(outer.value(), std::logic_error);
  CHECK(list_of(outer) == numbers{9});
}

TEST_CASE("the destructor of an inner local cannot advance the generators that are being closed") {
  manual_heap heap;
  gc_generator<int> outer;
  int errors = 0;
  struct meddler {
    gc_generator<int>& whom;
    int& count;
    ~meddler() {
      try {
        whom.next();
      } catch (generator_running const&) {
        ++count;
      }
    }
  };
  auto const inner = [](gc_generator<int>& whom, int& count) -> gc_generator<int> {
    meddler const local{whom, count};
    co_yield 1;
  };
  outer = delegate_to(inner(outer, errors));
  CHECK(outer.next());
  outer.close();
  CHECK(errors == 1);
}

TEST_CASE("the last handle to the outer generator may be dropped by the inner body") {
  manual_heap heap;
  census c;
  gc_generator<int> outer;
  auto const inner = [](tally, gc_generator<int>& whom, bool go_on) -> gc_generator<int> {
    whom = nullptr;
    if (go_on) co_yield 1;
  };
  for (bool const go_on : {true, false}) {
    outer = delegate_to(delegate_to(inner(tally(c), outer, go_on)));
    CHECK_FALSE(outer.next());
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
  }
}

TEST_CASE("a generator that is advanced from outside and drops who delegates to it is closed with that") {
  manual_heap heap;
  census c;
  gc_generator<int> outer;
  auto const inner = [](tally, gc_generator<int>& whom) -> gc_generator<int> {
    co_yield 1;
    whom.reset();
    co_yield 2;
    co_yield 3;
  };
  auto g = inner(tally(c), outer);
  outer = delegate_to(g);
  CHECK(outer.next());
  CHECK_FALSE(g.next());
  CHECK(g.done());
  CHECK(c.alive == 0);

  g = inner(tally(c), outer);
  outer = delegate_to(g);
  CHECK(outer.next());
  CHECK(list_of(g).empty());
  CHECK(c.alive == 0);
  g.reset();
  CHECK(heap.objects() == 0);
}

TEST_CASE("references to a delegator's locals do not keep the delegator alive") {
  manual_heap heap;
  census c;
  auto const inner = [](numbers& path) -> gc_generator<int> {
    path.push_back(1);
    co_yield path.back();
  };
  auto const body = [](tally, auto make) -> gc_generator<int> {
    numbers path;
    co_yield elements_of(make(path));
  };
  auto g = body(tally(c), inner);
  CHECK(g.next());
  g.reset();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}
