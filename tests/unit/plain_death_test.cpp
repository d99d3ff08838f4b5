// Objects that are nothing but handles and numbers die by counting without a destructor, and nobody can tell.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#ifdef OURO_HARDENED
#define OURO_TEST_HARDENED true
#else
#define OURO_TEST_HARDENED false
#endif

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro::weak_gc_ptr;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct witness {
  std::vector<int>* log;
  int number;
  ~witness() { log->push_back(number); }
};

struct gc_handles {
  template <class T>
  using handle = gc_ptr<T>;
  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    return make_gc<T>(std::forward<A>(arguments)...);
  }
};
struct shared_handles {
  template <class T>
  using handle = std::shared_ptr<T>;
  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    return handle<T>(new T{std::forward<A>(arguments)...});
  }
};

template <class Handles, class T>
using handle = typename Handles::template handle<T>;

template <class H>
struct with_a_part {
  struct pair {
    handle<H, witness> first{};
    handle<H, with_a_part> second{};
  };
  handle<H, witness> front{};
  pair inner{};
  int number = 0;

  template <class Watch, class Grow>
  void fill(Watch watch, Grow grow_child) {
    front = watch();
    inner.first = watch();
    inner.second = grow_child();
  }
};
template <class H>
struct with_arrays {
  handle<H, witness> two[2]{};
  std::array<handle<H, with_arrays>, 2> children{};

  template <class Watch, class Grow>
  void fill(Watch watch, Grow grow_child) {
    for (auto& w : two) w = watch();
    for (auto& c : children) c = grow_child();
  }
};
static_assert(ouro::detail::object_operations<with_a_part<gc_handles>>::is_plain == !OURO_TEST_HARDENED);
static_assert(ouro::detail::object_operations<with_arrays<gc_handles>>::is_plain == !OURO_TEST_HARDENED);

template <class H, template <class> class Type>
handle<H, Type<H>> grow(std::vector<int>& log, int depth, int& number) {
  auto top = H::template make<Type<H>>();
  top->fill([&] { return H::template make<witness>(&log, number++); },
            [&] { return depth > 0 ? grow<H, Type>(log, depth - 1, number) : nullptr; });
  return top;
}

template <template <class> class Type>
void compare_orders() {
  manual_heap const heap;
  for (int const depth : {0, 1, 2, 8}) {
    std::vector<int> log, expected;
    int number = 0;
    grow<gc_handles, Type>(log, depth, number).reset();
    number = 0;
    grow<shared_handles, Type>(expected, depth, number).reset();
    CHECK(log.size() == static_cast<std::size_t>(number));
    CHECK(log == expected);
    CHECK(heap.objects() == 0);
  }
  heap.verify();
}

struct node {
  gc_ptr<node> left{};
  gc_ptr<node> right{};
  int value = 0;
};

gc_ptr<node> grow(int depth) {
  if (depth == 0) return make_gc<node>();
  return make_gc<node>(grow(depth - 1), grow(depth - 1), depth);
}

}  // namespace

TEST_CASE("handles of a plain object are dropped in the order in which a destructor drops members: parts") {
  compare_orders<with_a_part>();
}

TEST_CASE("handles of a plain object are dropped in the order in which a destructor drops members: arrays") {
  compare_orders<with_arrays>();
}

TEST_CASE("a tree of plain objects dies with its root, all but what is held elsewhere") {
  manual_heap const heap;
  auto tree = grow(10);
  auto const kept = tree->left->right;
  weak_gc_ptr<node> const weak = tree->right->left;
  auto const also_kept = tree->right->right->left;
  tree.reset();
  CHECK(weak.expired());
  CHECK(heap.objects() == 511 + 255);
  CHECK(kept->value == 8);
  CHECK(also_kept->value == 7);
  CHECK(kept.use_count() == 1);
  CHECK(also_kept.use_count() == 1);
  heap.verify();
}

TEST_CASE("a plain object's death makes a candidate of what it shared, and the cycle behind it is collected") {
  manual_heap const heap;
  auto holder = make_gc<node>();
  {
    auto const ring = make_gc<node>();
    ring->right = make_gc<node>(ring);
    holder->left = holder->right = ring;
  }
  make_gc<node>(nullptr, std::exchange(holder, nullptr)).reset();
  CHECK(heap.objects() == 2);
  CHECK(ouro::gc::collect(0) == 2);
  CHECK(heap.objects() == 0);
}

TEST_CASE("long chains of plain objects die, whichever member they hang on") {
  manual_heap const heap;
  for (bool const left : {false, true}) {
    gc_ptr<node> chain;
    for (int i = 0; i != 1'000'000; ++i) {
      auto link = make_gc<node>();
      (left ? link->left : link->right) = std::move(chain);
      chain = std::move(link);
    }
    chain.reset();
    CHECK(heap.objects() == 0);
  }
  heap.verify();
}

namespace {

struct plain_base {
  gc_ptr<plain_base> next{};
};
struct with_destructor : plain_base {
  with_destructor(gc_ptr<plain_base> n, census& c) : plain_base{std::move(n)}, t(c), text(100, 'x') {}
  static constexpr auto gc_members = ouro::members<with_destructor>(ouro::bases<plain_base>);
  tally t;
  std::string text;
};

}  // namespace

TEST_CASE("a derived object behind a handle to a plain base runs its own destructor") {
  manual_heap const heap;
  census c;
  gc_ptr<plain_base> chain;
  for (int i = 0; i != 200; ++i) {
    if (i % 3 == 0) {
      chain = make_gc<with_destructor>(std::move(chain), c);
    } else {
      chain = make_gc<plain_base>(std::move(chain));
    }
  }
  CHECK(c.alive == 67);
  chain.reset();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct curious_child;
struct plain_parent {
  gc_ptr<plain_parent> next{};
  gc_ptr<curious_child> child{};
};
struct curious_child {
  plain_parent* parent;
  int* nulls;
  std::size_t* collected;
  std::size_t* listed;
  ~curious_child() {
    *nulls += ouro::gc_from_this(parent) == nullptr;
    auto const garbage = make_gc<node>();
    garbage->left = garbage;
    *collected += ouro::gc::collect();
    for (auto const& object : ouro::gc::get_objects()) *listed += object.get() == parent;
  }
};

}  // namespace

TEST_CASE("a destructor of what a plain object holds finds that object dying, and no collection starts") {
  manual_heap const heap;
  recorded_reports const reports;
  int nulls = 0;
  std::size_t collected = 0, listed = 0;
  auto chain = make_gc<plain_parent>();
  for (int i = 0; i != 20; ++i) {
    chain->child = make_gc<curious_child>(chain.get(), &nulls, &collected, &listed);
    chain = make_gc<plain_parent>(std::move(chain));
  }
  chain.reset();
  CHECK(nulls == 20);
  CHECK(reports.about("plain_parent") == 20);
  CHECK(collected == 0);
  CHECK(listed == 0);
  CHECK(ouro::gc::collect() == 20);
  CHECK(heap.objects() == 0);
}

TEST_CASE("plain objects of another heap, and immortal ones, die as they should: there, or not at all") {
  manual_heap const heap;
  auto const immortal = make_gc<node>();
  ouro::detail::make_immortal(ouro::detail::handle_access::header(immortal));
  ouro::heap other;
  gc_ptr<node> foreign;
  {
    ouro::heap::scope const scope(other);
    foreign = grow(6);
  }
  make_gc<node>(std::move(foreign), make_gc<node>(immortal, immortal)).reset();
  CHECK(other.stats().objects == 0);
  CHECK(heap.objects() == 1);
  CHECK(immortal->value == 0);
  heap.verify();
  other.verify();
}
