// The functions of namespace gc: counts, generations, thresholds, statistics, lists of objects, freezing, debugging.
#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace gc = ouro::gc;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::callbacks_restored;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

using counts = std::array<std::size_t, 3>;
using object_list = std::vector<gc_ptr<void>>;

struct node {
  gc_ptr<node> next{};
  gc_ptr<node> other{};
  int value = 0;
};

struct counted_node {
  tally t;
  gc_ptr<counted_node> next{};
  gc_ptr<counted_node> other{};
  int value = 0;
};

struct leaf {
  int value = 0;
};

template <class T, class... A>
void make_self_cycle(A const&... arguments) {
  auto const p = make_gc<T>(arguments...);
  p->next = p;
}

template <class T>
bool lists(object_list const& objects, gc_ptr<T> const& p) {
  return std::find(objects.begin(), objects.end(), gc_ptr<void>(p)) != objects.end();
}

template <class T>
std::ptrdiff_t times_listed(object_list const& objects, gc_ptr<T> const& p) {
  return std::count(objects.begin(), objects.end(), gc_ptr<void>(p));
}

std::size_t all_collections() {
  std::size_t n = 0;
  for (auto const& s : gc::get_stats()) n += s.collections;
  return n;
}

std::size_t all_visited() {
  std::size_t n = 0;
  for (auto const& s : gc::get_stats()) n += s.visited;
  return n;
}

}  // namespace

// ---- counts and generations -------------------------------------------------------------------------------------

TEST_CASE("an allocation of a tracked type raises count 0 by one, and count 0 only") {
  manual_heap heap;
  CHECK(gc::get_count() == counts{0, 0, 0});
  auto const a = make_gc<node>();
  CHECK(gc::get_count() == counts{1, 0, 0});
  std::vector<gc_ptr<node>> more;
  for (int i = 0; i < 500; ++i) more.push_back(make_gc<node>());
  CHECK(gc::get_count() == counts{501, 0, 0});
}

TEST_CASE("an allocation of a leaf raises no count") {
  manual_heap heap;
  std::vector<gc_ptr<leaf>> leaves;
  for (int i = 0; i < 500; ++i) leaves.push_back(make_gc<leaf>());
  auto const text = make_gc<std::string>("text");
  auto const bytes = make_gc<unsigned char[]>(2'000);
  CHECK(gc::get_count() == counts{0, 0, 0});
}

TEST_CASE("count 0 is net: what has died again does not count") {
  manual_heap heap;
  for (int i = 0; i < 500; ++i) make_gc<node>();
  CHECK(gc::get_count()[0] <= 1);
  auto const kept = make_gc<node>();
  CHECK(gc::get_count()[0] >= 1);
  CHECK(gc::get_count()[0] <= 2);
}

TEST_CASE("more objects may die than were made since the last collection: count 0 stays at zero") {
  manual_heap heap;
  std::vector<gc_ptr<node>> old(100);
  for (auto& p : old) p = make_gc<node>();
  gc::collect();
  old.clear();
  CHECK(gc::get_count() == counts{0, 0, 0});
  auto const p = make_gc<node>();
  CHECK(gc::get_count()[0] <= 1);
}

TEST_CASE("after a full collection all counts are zero") {
  manual_heap heap;
  std::vector<gc_ptr<node>> kept(100);
  for (auto& p : kept) p = make_gc<node>();
  gc::collect(0);
  gc::collect(1);
  kept.push_back(make_gc<node>());
  CHECK(gc::get_count() != counts{0, 0, 0});
  gc::collect();
  CHECK(gc::get_count() == counts{0, 0, 0});
}

TEST_CASE("collections of a generation count for the next one and set its own and the younger counts to zero") {
  manual_heap heap;
  auto const p = make_gc<node>();
  gc::collect(0);
  gc::collect(0);
  CHECK(gc::get_count() == counts{0, 2, 0});
  gc::collect(1);
  CHECK(gc::get_count() == counts{0, 0, 1});
  gc::collect(0);
  gc::collect(1);
  CHECK(gc::get_count() == counts{0, 0, 2});
  gc::collect(2);
  CHECK(gc::get_count() == counts{0, 0, 0});
}

TEST_CASE("an object moves through the generations 0, 1 and 2, and stays in the last") {
  manual_heap heap;
  auto const lies_only_in = [](gc_ptr<node> const& p, int generation) {
    for (int g = 0; g < 3; ++g)
      if (lists(gc::get_objects(g), p) != (g == generation)) return false;
    return lists(gc::get_objects(), p);
  };
  auto const p = make_gc<node>();
  CHECK(gc::get_count() == counts{1, 0, 0});
  CHECK(lies_only_in(p, 0));
  gc::collect(0);
  CHECK(gc::get_count() == counts{0, 1, 0});
  CHECK(lies_only_in(p, 1));
  gc::collect(0);
  CHECK(lies_only_in(p, 1));
  gc::collect(1);
  CHECK(gc::get_count() == counts{0, 0, 1});
  CHECK(lies_only_in(p, 2));
  gc::collect(2);
  CHECK(gc::get_count() == counts{0, 0, 0});
  CHECK(lies_only_in(p, 2));
}

TEST_CASE("collect(1) takes generation 0 along") {
  manual_heap heap;
  auto const p = make_gc<node>();
  gc::collect(1);
  CHECK(lists(gc::get_objects(2), p));
}

TEST_CASE("very many collections mix up no generations") {
  manual_heap heap;
  auto const oldest = make_gc<node>();
  gc::collect(1);
  auto const middle = make_gc<node>();
  for (int i = 0; i < 100'000; ++i) gc::collect(0);
  auto const young = make_gc<node>();
  CHECK(lists(gc::get_objects(2), oldest));
  CHECK(lists(gc::get_objects(1), middle));
  CHECK(lists(gc::get_objects(0), young));
  CHECK(gc::get_objects(0).size() == 1);
  CHECK(gc::get_objects(1).size() == 1);
  CHECK(gc::get_objects(2).size() == 1);
  heap.verify();
}

namespace {

struct freezer {
  std::vector<gc_ptr<freezer>>* saved;
  int times;
  gc_ptr<freezer> self{};
  void gc_finalize() {
    saved->push_back(self);
    for (int i = 0; i < times; ++i) gc::freeze();
  }
};

}  // namespace

TEST_CASE("what a finalizer freezes stays frozen, even if generations are renumbered meanwhile") {
  for (int const generation : {0, 1, 2}) {
    for (int const before : {0, 32'600}) {
      CAPTURE(generation, before);
      manual_heap heap;
      std::vector<gc_ptr<freezer>> saved;
      for (int i = 0; i < before; ++i) gc::collect(0);
      {
        auto const p = make_gc<freezer>(&saved, 300);
        p->self = p;
      }
      CHECK(gc::collect(generation) == 0);
      for (int i = 0; i < 3; ++i) {
        CHECK(gc::get_freeze_count() == 1);
        CHECK(gc::get_objects(0).size() + gc::get_objects(1).size() + gc::get_objects(2).size() == 0);
        CHECK(gc::collect(0) == 0);
      }
      saved.clear();
      CHECK(gc::collect() == 0);
      gc::unfreeze();
      CHECK(gc::collect() == 1);
      heap.verify();
    }
  }
}

TEST_CASE("survivors of a collection are of the next generation, those of a resurrection too") {
  for (int const generation : {0, 1, 2}) {
    CAPTURE(generation);
    manual_heap heap;
    std::vector<gc_ptr<freezer>> saved;
    auto const alive = make_gc<freezer>(&saved, 0);
    {
      auto const p = make_gc<freezer>(&saved, 0);
      p->self = p;
    }
    CHECK(gc::collect(generation) == 0);
    CHECK(saved.size() == 1);
    CHECK(gc::get_objects(std::min(generation + 1, 2)).size() == 2);
    CHECK(gc::get_objects(0).empty());
    heap.verify();
  }
}

TEST_CASE("generations that do not exist are refused") {
  manual_heap heap;
  make_self_cycle<node>();
  constexpr int lowest = std::numeric_limits<int>::min();
  constexpr int highest = std::numeric_limits<int>::max();
  for (int const g : {-1, 3, 4, lowest, highest}) CHECK_THROWS_AS(gc::collect(g), std::invalid_argument);
  for (int const g : {-2, 3, 4, lowest, highest}) CHECK_THROWS_AS(gc::get_objects(g), std::invalid_argument);
  CHECK(heap.objects() == 1);
  CHECK(all_collections() == 0);
  CHECK(gc::collect() == 1);
}

// ---- lists of objects -------------------------------------------------------------------------------------------

TEST_CASE("get_objects lists every tracked object once, and no leaf") {
  manual_heap heap;
  std::vector<gc_ptr<node>> old(50);
  for (auto& p : old) p = make_gc<node>();
  gc::collect();
  std::vector<gc_ptr<node>> young(30);
  for (auto& p : young) p = make_gc<node>();
  auto const array = make_gc<node[]>(3);
  auto const no_object = make_gc<leaf>();
  auto const no_array = make_gc<int[]>(10);
  struct large {
    gc_ptr<node> p{};
    std::array<char, 5'000> bytes{};
  };
  auto const big = make_gc<large>();

  auto const all = gc::get_objects();
  CHECK(all.size() == 82);
  for (auto const& p : old) CHECK(times_listed(all, p) == 1);
  for (auto const& p : young) CHECK(times_listed(all, p) == 1);
  CHECK(times_listed(all, array) == 1);
  CHECK(times_listed(all, big) == 1);
  CHECK_FALSE(lists(all, no_object));
  CHECK_FALSE(lists(all, no_array));
  CHECK(gc::get_objects(0).size() == 32);
  CHECK(gc::get_objects(1).empty());
  CHECK(gc::get_objects(2).size() == 50);
}

TEST_CASE("the result of get_objects is no object itself and keeps what it lists") {
  manual_heap heap;
  auto p = make_gc<node>(nullptr, nullptr, 5);
  node const* const address = p.get();
  auto const first = gc::get_objects();
  CHECK(gc::get_objects() == first);
  CHECK(gc::get_objects().size() == 1);
  CHECK(heap.objects() == 1);
  p.reset();
  CHECK(gc::collect() == 0);
  REQUIRE(first.size() == 1);
  auto const again = ouro::static_pointer_cast<node>(first[0]);
  CHECK(again.get() == address);
  CHECK(again->value == 5);
}

TEST_CASE("get_objects lists garbage that has not been collected yet") {
  manual_heap heap;
  make_self_cycle<node>();
  CHECK(gc::get_objects().size() == 1);
  CHECK(gc::collect() == 1);  // the list is gone
  CHECK(gc::get_objects().empty());
}

namespace {

struct looks_around {
  explicit looks_around(std::vector<std::size_t>& seen) : seen_(&seen) { seen_->push_back(gc::get_objects().size()); }
  ~looks_around() { seen_->push_back(gc::get_objects().size()); }
  gc_ptr<looks_around> self;

 private:
  std::vector<std::size_t>* seen_;
  static constexpr std::size_t gc_fields = 2;
  friend ouro::access;
};

}  // namespace

TEST_CASE("get_objects leaves out objects that are being built or are dying") {
  manual_heap heap;
  auto const bystander = make_gc<node>();
  std::vector<std::size_t> seen;
  make_gc<looks_around>(seen).reset();
  CHECK(seen == std::vector<std::size_t>{1, 1});
}

TEST_CASE("get_objects leaves out garbage once its destruction has begun") {
  manual_heap heap;
  auto const bystander = make_gc<node>();
  std::vector<std::size_t> seen;
  {
    auto const a = make_gc<looks_around>(seen);
    auto const b = make_gc<looks_around>(seen);
    a->self = b;
    b->self = a;
  }
  seen.clear();
  CHECK(gc::collect() == 2);
  CHECK(seen == std::vector<std::size_t>{1, 1});
}

namespace {

struct lists_in_finalizer {
  tally t;
  gc_ptr<lists_in_finalizer> next{};
  std::size_t* seen;
  void gc_finalize() { *seen += gc::get_objects().size(); }
};

}  // namespace

TEST_CASE("finalizers may list the objects: nothing is resurrected by looking") {
  manual_heap heap;
  census c;
  std::size_t seen = 0;
  {
    auto const a = make_gc<lists_in_finalizer>(tally{c}, nullptr, &seen);
    a->next = make_gc<lists_in_finalizer>(tally{c}, a, &seen);
  }
  CHECK(gc::collect() == 2);
  CHECK(seen == 4);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("is_tracked: a leaf is not, what may hold handles is") {
  manual_heap heap;
  CHECK_FALSE(gc::is_tracked(make_gc<leaf>()));
  CHECK_FALSE(gc::is_tracked(make_gc<int>(3)));
  CHECK_FALSE(gc::is_tracked(make_gc<std::string>("x")));
  CHECK_FALSE(gc::is_tracked(make_gc<std::vector<int>>()));
  CHECK_FALSE(gc::is_tracked(make_gc<int[]>(4)));
  CHECK_FALSE(gc::is_tracked(make_gc<std::array<char, 2'000>>()));
  CHECK(gc::is_tracked(make_gc<node>()));
  CHECK(gc::is_tracked(make_gc<node[]>(1)));
  CHECK(gc::is_tracked(make_gc<std::vector<gc_ptr<node>>>()));
  CHECK(gc::is_tracked(make_gc<gc_ptr<node>>()));
  gc_ptr<void> erased = make_gc<node>();
  CHECK(gc::is_tracked(erased));
  erased = make_gc<leaf>();
  CHECK_FALSE(gc::is_tracked(erased));
  CHECK_FALSE(gc::is_tracked(gc_ptr<node>()));
}

namespace {

struct animal {
  using gc_leaf = animal;
  virtual ~animal() = default;
};
struct tracked_animal final : animal {
  gc_ptr<animal> friend_;
  static constexpr auto gc_members = ouro::members(&tracked_animal::friend_);
};

}  // namespace

TEST_CASE("is_tracked asks the dynamic type") {
  manual_heap heap;
  gc_ptr<animal> p = make_gc<animal>();
  CHECK_FALSE(gc::is_tracked(p));
  p = make_gc<tracked_animal>();
  CHECK(gc::is_tracked(p));
}

namespace {

struct phoenix {
  tally t;
  gc_ptr<phoenix>* rescue;
  gc_ptr<phoenix> next{};
  void gc_finalize() { *rescue = ouro::gc_from_this(this); }
};

}  // namespace

TEST_CASE("is_finalized: false until the finalizer has run, then true") {
  manual_heap heap;
  census c;
  gc_ptr<phoenix> rescued;
  auto p = make_gc<phoenix>(tally{c}, &rescued);
  CHECK_FALSE(gc::is_finalized(p));
  p.reset();
  REQUIRE(rescued);
  CHECK(gc::is_finalized(rescued));
  CHECK(gc::is_finalized(gc_ptr<void>(rescued)));
  rescued.reset();
  CHECK_FALSE(rescued);
  CHECK(c.alive == 0);

  p = make_gc<phoenix>(tally{c}, &rescued);
  p->next = p;
  p.reset();
  CHECK(gc::collect() == 0);
  REQUIRE(rescued);
  CHECK(gc::is_finalized(rescued));
  rescued.reset();
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("is_finalized: false for null and for objects without a finalizer, whatever was collected") {
  manual_heap heap;
  auto const p = make_gc<node>();
  p->next = p;
  gc::collect();
  CHECK_FALSE(gc::is_finalized(p));
  CHECK_FALSE(gc::is_finalized(make_gc<leaf>()));
  CHECK_FALSE(gc::is_finalized(gc_ptr<phoenix>()));
}

TEST_CASE("get_referents keeps multiplicity") {
  manual_heap heap;
  auto const child = make_gc<node>();
  auto const other = make_gc<node>();
  auto const parent = make_gc<std::vector<gc_ptr<node>>>();
  *parent = {child, child, nullptr, child, other};
  auto const found = gc::get_referents(parent);
  CHECK(found.size() == 4);
  CHECK(times_listed(found, child) == 3);
  CHECK(times_listed(found, other) == 1);
}

TEST_CASE("get_referents of several objects lists those of each, and goes one step only") {
  manual_heap heap;
  auto const c = make_gc<node>();
  auto const b = make_gc<node>(c);
  auto const a = make_gc<node>(b, b);
  a->next->other = a;
  CHECK(gc::get_referents(a).size() == 2);
  auto const found = gc::get_referents(a, b);
  CHECK(found.size() == 4);
  CHECK(times_listed(found, a) == 1);
  CHECK(times_listed(found, b) == 2);
  CHECK(times_listed(found, c) == 1);
  CHECK(gc::get_referents(c).empty());
}

TEST_CASE("get_referents of nothing, of null and of leaves is empty") {
  manual_heap heap;
  CHECK(gc::get_referents().empty());
  CHECK(gc::get_referents(gc_ptr<node>()).empty());
  CHECK(gc::get_referents(make_gc<leaf>(), make_gc<int[]>(3)).empty());
}

TEST_CASE("get_referents sees through containers, arrays and untyped handles") {
  manual_heap heap;
  auto const target = make_gc<node>();
  auto const array = make_gc<node[]>(2);
  array[0].next = target;
  array[1].other = target;
  CHECK(times_listed(gc::get_referents(array), target) == 2);
  CHECK(times_listed(gc::get_referents(gc_ptr<void>(array)), target) == 2);
  auto const untyped = make_gc<std::vector<gc_ptr<void>>>();
  untyped->push_back(array);
  untyped->push_back(target);
  auto const found = gc::get_referents(untyped);
  CHECK(times_listed(found, array) == 1);
  CHECK(times_listed(found, target) == 1);
}

TEST_CASE("get_referrers lists each object that refers to one of the arguments once") {
  manual_heap heap;
  auto const target = make_gc<node>();
  auto const second = make_gc<node>();
  auto const a = make_gc<node>(target, target);
  auto const b = make_gc<std::vector<gc_ptr<node>>>();
  b->assign(3, target);
  auto const c = make_gc<node>(second);
  auto const bystander = make_gc<node>(a);
  gc::collect(1);
  auto const young = make_gc<node>(target, second);

  auto found = gc::get_referrers(target);
  CHECK(found.size() == 3);
  CHECK(times_listed(found, a) == 1);
  CHECK(times_listed(found, b) == 1);
  CHECK(times_listed(found, young) == 1);
  found = gc::get_referrers(target, second);
  CHECK(found.size() == 4);
  CHECK(times_listed(found, c) == 1);
  CHECK(times_listed(found, young) == 1);
  CHECK_FALSE(lists(found, bystander));
}

TEST_CASE("get_referrers: an object may refer to itself, handles outside objects are no referrers") {
  manual_heap heap;
  auto const p = make_gc<node>();
  std::vector<gc_ptr<node>> const outside(5, p);
  CHECK(gc::get_referrers(p).empty());
  p->next = p;
  auto const found = gc::get_referrers(p);
  REQUIRE(found.size() == 1);
  CHECK(found[0] == p);
}

TEST_CASE("get_referrers of nothing and of null is empty, null members or not") {
  manual_heap heap;
  auto const p = make_gc<node>();
  CHECK(gc::get_referrers().empty());
  CHECK(gc::get_referrers(gc_ptr<node>()).empty());
  CHECK(gc::get_referrers(gc_ptr<void>(), gc_ptr<leaf>()).empty());
}

// ---- statistics -------------------------------------------------------------------------------------------------

TEST_CASE("get_stats changes only in the generation that was collected") {
  manual_heap heap;
  for (auto const& s : gc::get_stats()) {
    CHECK(s.collections == 0);
    CHECK(s.collected == 0);
    CHECK(s.uncollectable == 0);
    CHECK(s.visited == 0);
    CHECK(s.seconds == 0);
    CHECK(s.longest_pause == 0);
  }
  for (int generation = 0; generation < 3; ++generation) {
    auto const before = gc::get_stats();
    make_self_cycle<node>();
    make_self_cycle<node>();
    CHECK(gc::collect(generation) == 2);
    auto const after = gc::get_stats();
    for (std::size_t g = 0; g < 3; ++g) {
      bool const collected = static_cast<int>(g) == generation;
      CHECK(after[g].collections == before[g].collections + (collected ? 1 : 0));
      CHECK(after[g].collected == before[g].collected + (collected ? 2 : 0));
      CHECK(after[g].uncollectable == 0);
      CHECK((after[g].visited > before[g].visited) == collected);
      CHECK(after[g].seconds >= before[g].seconds);
      CHECK(after[g].longest_pause <= after[g].seconds);
      if (!collected) CHECK(after[g].seconds == before[g].seconds);
    }
  }
}

TEST_CASE("statistics count what callers of collect are told") {
  manual_heap heap;
  std::size_t told = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    for (std::size_t i = 0; i < n; ++i) make_self_cycle<node>();
    told += gc::collect();
  }
  CHECK(told == 190);
  CHECK(gc::get_stats()[2].collected == 190);
  CHECK(gc::get_stats()[2].collections == 20);
}

// ---- automatic collections --------------------------------------------------------------------------------------

TEST_CASE("a new heap collects by itself and has a threshold") {
  fresh_heap heap;
  CHECK(gc::is_enabled());
  CHECK(gc::get_threshold()[0] > 0);
}

TEST_CASE("disabled: 10,000 allocations run no collection") {
  fresh_heap heap;
  gc::disable();
  CHECK_FALSE(gc::is_enabled());
  gc::set_threshold(1, 1, 1);
  for (int i = 0; i < 10'000; ++i) make_self_cycle<node>();
  CHECK(all_collections() == 0);
  CHECK(heap.objects() == 10'000);
  gc::enable();
  CHECK(gc::is_enabled());
  auto const a = make_gc<node>();
  auto const b = make_gc<node>();
  CHECK(all_collections() > 0);
}

TEST_CASE("disabled: an explicit collection works") {
  manual_heap heap;
  make_self_cycle<node>();
  CHECK_FALSE(gc::is_enabled());
  CHECK(gc::collect() == 1);
  CHECK_FALSE(gc::is_enabled());
}

TEST_CASE("disabled, and churn without cycles: memory stays flat") {
  manual_heap heap;
  auto const churn = [](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      auto const a = make_gc<node>(make_gc<node>(), make_gc<node>());
      auto const b = make_gc<std::vector<gc_ptr<node>>>(3, a);
      auto const big = make_gc<std::array<gc_ptr<node>, 100>>();
      big->fill(a);
    }
  };
  churn(100);
  auto const before = heap.get().stats();
  churn(100'000);
  auto const after = heap.get().stats();
  CHECK(after.objects == 0);
  CHECK(after.bytes_in_use == 0);
  CHECK(after.bytes_reserved == before.bytes_reserved);
  CHECK(after.pages == before.pages);
  CHECK(all_collections() == 0);
}

TEST_CASE("set_threshold is what get_threshold returns") {
  manual_heap heap;
  gc::set_threshold(123, 4, 5);
  CHECK(gc::get_threshold() == counts{123, 4, 5});
  gc::set_threshold(7);
  CHECK(gc::get_threshold() == counts{7, 10, 10});
  gc::set_threshold(0, 0, 0);
  CHECK(gc::get_threshold() == counts{0, 0, 0});
  constexpr auto most = std::numeric_limits<std::size_t>::max();
  gc::set_threshold(most, most, most);
  CHECK(gc::get_threshold() == counts{most, most, most});
  gc::enable();
  std::vector<gc_ptr<node>> kept(5'000);
  for (auto& p : kept) p = make_gc<node>();
  CHECK(all_collections() == 0);
}

TEST_CASE("set_threshold(0): never") {
  fresh_heap heap;
  gc::set_threshold(0);
  for (int i = 0; i < 100'000; ++i) make_self_cycle<node>();
  CHECK(all_collections() == 0);
  CHECK(heap.objects() == 100'000);
  CHECK(gc::collect() == 100'000);
}

TEST_CASE("set_threshold(1): at every allocation of a tracked type") {
  fresh_heap heap;
  std::vector<gc_ptr<node>> kept(100);
  gc::set_threshold(1);
  kept[0] = make_gc<node>();
  for (std::size_t i = 1; i < kept.size(); ++i) {
    auto const before = all_collections();
    kept[i] = make_gc<node>();
    CHECK(all_collections() == before + 1);
  }
  auto const before = all_collections();
  for (int i = 0; i < 100; ++i) make_gc<leaf>();
  CHECK(all_collections() <= before + 1);
  heap.verify();
}

TEST_CASE("a collection at every allocation frees each cycle before the next one but one") {
  fresh_heap heap;
  gc::set_threshold(1);
  census c;
  for (int i = 0; i < 1'000; ++i) {
    make_self_cycle<counted_node>(tally{c});
    CHECK(c.alive <= 2);
  }
}

TEST_CASE("a threshold of any size bounds the garbage that waits") {
  for (std::size_t const first : {5'000u, 10'000u, 50'000u}) {
    CAPTURE(first);
    fresh_heap heap;
    gc::set_threshold(static_cast<unsigned>(first));
    std::size_t most = 0;
    for (std::size_t i = 0; i < 10 * first; ++i) {
      auto const p = make_gc<node>();
      p->next = p;
      if (i % 100 == 0) most = std::max(most, heap.objects());
    }
    CHECK(most <= first + 1);
  }
}

TEST_CASE("cycles are collected young while more live objects are touched than the collector takes note of") {
  fresh_heap heap;
  std::size_t most = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<gc_ptr<node>> live(9'000);
    for (auto& p : live) p = make_gc<node>();
    for (int again = 0; again < 2; ++again) {
      for (int i = 0; i < 5'000; ++i) {
        auto const p = make_gc<node>();
        p->next = p;
      }
      for (auto const& p : live) [[maybe_unused]]
        auto const copy = p;
    }
    most = std::max(most, heap.objects());
  }
  CHECK(most < 60'000);  // of 3'000'000
  CHECK(gc::get_stats()[2].collections == 0);
}

TEST_CASE("thresholds hold to the allocation, and objects made before do not matter") {
  fresh_heap heap;
  gc::set_threshold(0);
  std::vector<gc_ptr<node>> kept;
  for (int i = 0; i < 777; ++i) kept.push_back(make_gc<node>());
  gc::collect();
  auto const before = all_collections();
  gc::set_threshold(100);
  for (int i = 0; i < 99; ++i) kept.push_back(make_gc<node>());
  CHECK(all_collections() == before);
  for (int i = 0; i < 3; ++i) kept.push_back(make_gc<node>());
  CHECK(all_collections() == before + 1);
}

TEST_CASE("older generations are collected less often, as the thresholds say") {
  fresh_heap heap;
  gc::set_threshold(10, 5, 4);
  std::vector<gc_ptr<node>> kept;
  for (int i = 0; i < 20'000; ++i) kept.push_back(make_gc<node>());
  auto const stats = gc::get_stats();
  CHECK(stats[0].collections > 3 * stats[1].collections);
  CHECK(stats[1].collections > 2 * stats[2].collections);
  CHECK(stats[1].collections > 0);
  CHECK(all_collections() >= 1'700);
  CHECK(all_collections() <= 2'001);
}

TEST_CASE("garbage that has grown old is collected automatically too") {
  fresh_heap heap;
  gc::set_threshold(10, 2, 2);
  census c;
  auto old = make_gc<counted_node>(tally{c});
  old->next = old;
  gc::collect(1);
  old.reset();
  CHECK(c.alive == 1);
  for (int i = 0; i < 10'000 && c.alive != 0; ++i) make_self_cycle<node>();
  CHECK(c.alive == 0);
}

TEST_CASE("a pause_scope forbids automatic collections, nested ones too, and not explicit ones") {
  fresh_heap heap;
  gc::set_threshold(1);
  std::vector<gc_ptr<node>> kept;
  {
    gc::pause_scope const outer;
    {
      gc::pause_scope const inner;
      for (int i = 0; i < 100; ++i) kept.push_back(make_gc<node>());
    }
    for (int i = 0; i < 100; ++i) make_self_cycle<node>();
    CHECK(gc::is_enabled());
    CHECK(all_collections() == 0);
    CHECK(gc::collect() == 100);
    CHECK(all_collections() == 1);
  }
  for (int i = 0; i < 3; ++i) kept.push_back(make_gc<node>());
  CHECK(all_collections() > 1);
}

TEST_CASE("a pause_scope ends when an exception leaves it") {
  fresh_heap heap;
  gc::set_threshold(1);
  try {
    gc::pause_scope const pause;
    throw std::runtime_error("out");
  } catch (std::runtime_error const&) {
  }
  std::vector<gc_ptr<node>> kept(3);
  for (auto& p : kept) p = make_gc<node>();
  CHECK(all_collections() > 0);
}

TEST_CASE("building 1,000,000 long-lived objects makes O(log n) full collections") {
  fresh_heap heap;
  gc_ptr<node> list;
  for (int i = 0; i < 1'000'000; ++i) {
    gc_ptr<node> const second = list;  // dropped at once: every object has been a candidate
    list = make_gc<node>(list, nullptr, i);
  }
  CHECK(gc::get_stats()[2].collections <= 62);  // log(1,000,000) / log(1.25)
  CHECK(heap.objects() == 1'000'000);
  CHECK(list->value == 999'999);
}

TEST_CASE("building a graph of 1,000,000 long-lived objects visits each a few times") {
  fresh_heap heap;
  std::vector<gc_ptr<node>> kept;
  for (int i = 0; i < 1'000'000; ++i) {
    kept.push_back(make_gc<node>());
    if (i > 0) kept[static_cast<std::size_t>(i) / 2]->other = kept.back();
  }
  CHECK(gc::get_stats()[2].collections <= 62);
  CHECK(all_visited() <= 40'000'000);
}

TEST_CASE("young collections do not visit old objects") {
  manual_heap heap;
  constexpr std::size_t old_objects = 10'000;
  std::vector<gc_ptr<node>> old(old_objects);
  for (std::size_t i = 0; i < old_objects; ++i) {
    old[i] = make_gc<node>();
    if (i > 0) old[i - 1]->next = old[i];
  }
  old.back()->next = old.front();
  gc::collect();
  CHECK(gc::get_stats()[2].visited >= old_objects);

  for (int generation = 0; generation < 2; ++generation) {
    auto const young = make_gc<node>(old.front());
    old[old_objects / 2]->other = young;
    for (auto const& p : old) gc_ptr<node> const dropped = p;  // candidates, all of them
    make_self_cycle<node>();
    auto const before = gc::get_stats();
    CHECK(gc::collect(generation) == 1);
    auto const after = gc::get_stats();
    auto const g = static_cast<std::size_t>(generation);
    CHECK(after[g].visited - before[g].visited < 20);
    CHECK(young->next == old.front());
    CHECK(old[old_objects / 2]->other == young);
  }
}

namespace {

struct tree {
  gc_ptr<tree> left{};
  gc_ptr<tree> right{};
};

gc_ptr<tree> make_tree(int depth) {
  auto t = make_gc<tree>();
  if (depth > 0) {
    t->left = make_tree(depth - 1);
    t->right = make_tree(depth - 1);
  }
  return t;
}

}  // namespace

TEST_CASE("a program that never makes cycles and shares nothing does no tracing at all") {
  fresh_heap heap;
  auto const kept = make_tree(16);
  for (int i = 0; i < 50; ++i) make_tree(10);
  CHECK(all_visited() == 0);
  CHECK(heap.objects() == (1u << 17) - 1);
}

// ---- freezing ---------------------------------------------------------------------------------------------------

TEST_CASE("frozen garbage is not collected until unfreeze") {
  manual_heap heap;
  census c;
  make_self_cycle<counted_node>(tally{c});
  auto p = make_gc<counted_node>(tally{c});
  p->next = p;
  CHECK(gc::get_freeze_count() == 0);
  gc::freeze();
  CHECK(gc::get_freeze_count() == 2);
  p.reset();
  for (int generation = 0; generation < 3; ++generation) CHECK(gc::collect(generation) == 0);
  CHECK(c.alive == 2);
  gc::unfreeze();
  CHECK(gc::get_freeze_count() == 0);
  CHECK(gc::collect() == 2);
  CHECK(c.alive == 0);
}

TEST_CASE("unfrozen objects are in the oldest generation") {
  manual_heap heap;
  auto const p = make_gc<node>();
  gc::freeze();
  gc::unfreeze();
  CHECK(lists(gc::get_objects(2), p));
  CHECK_FALSE(lists(gc::get_objects(0), p));
  CHECK_FALSE(lists(gc::get_objects(1), p));
}

TEST_CASE("frozen objects keep what they refer to, and still die by counting") {
  manual_heap heap;
  census c;
  auto frozen = make_gc<counted_node>(tally{c});
  gc::freeze();
  CHECK(gc::get_freeze_count() == 1);
  frozen->next = make_gc<counted_node>(tally{c});
  frozen->next->next = frozen->next;
  CHECK(gc::get_freeze_count() == 1);
  CHECK(gc::collect() == 0);
  CHECK(c.alive == 2);
  frozen.reset();
  CHECK(c.alive == 1);
  CHECK(gc::get_freeze_count() == 0);
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("frozen garbage is found by an automatic collection after unfreeze, whatever was collected in between") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  struct block {
    gc_ptr<block> next{};
    char bytes[400]{};
  };
  auto p = make_gc<block>();
  p->next = p;
  ouro::weak_gc_ptr<block> const watched = p;
  gc::freeze();
  p.reset();
  CHECK(gc::collect() == 0);
  gc::unfreeze();
  gc_ptr<block> live;
  for (int i = 0; i < 120'000 && !watched.expired(); ++i) live = make_gc<block>(std::move(live));  // below 64 MiB
  CHECK(watched.expired());
}

TEST_CASE("garbage made after a freeze is collected, what is frozen is not visited") {
  manual_heap heap;
  std::vector<gc_ptr<node>> frozen(1'000);
  for (auto& p : frozen) p = make_gc<node>();
  gc::freeze();
  make_self_cycle<node>();
  CHECK(gc::collect() == 1);
  CHECK(gc::get_stats()[2].visited < 20);
  CHECK(gc::get_freeze_count() == 1'000);
}

TEST_CASE("freezing twice freezes what came between, one unfreeze is enough, and one too many does nothing") {
  manual_heap heap;
  auto const a = make_gc<node>();
  gc::freeze();
  auto const b = make_gc<node>();
  CHECK(gc::get_freeze_count() == 1);
  gc::freeze();
  CHECK(gc::get_freeze_count() == 2);
  gc::collect();
  CHECK(gc::get_freeze_count() == 2);
  gc::unfreeze();
  CHECK(gc::get_freeze_count() == 0);
  gc::unfreeze();
  CHECK(gc::get_freeze_count() == 0);
  heap.verify();
}

TEST_CASE("a cycle half of which is frozen waits for unfreeze") {
  manual_heap heap;
  census c;
  auto p = make_gc<counted_node>(tally{c});
  gc::freeze();
  p->next = make_gc<counted_node>(tally{c}, p);
  p.reset();
  CHECK(gc::collect() == 0);
  CHECK(c.alive == 2);
  gc::unfreeze();
  CHECK(gc::collect() == 2);
  CHECK(c.alive == 0);
}

// ---- debugging --------------------------------------------------------------------------------------------------

static_assert(static_cast<unsigned>(gc::debug_flags::none) == 0);
static_assert(static_cast<unsigned>(gc::debug_flags::stats) == 1);
static_assert(static_cast<unsigned>(gc::debug_flags::collectable) == 2);
static_assert(static_cast<unsigned>(gc::debug_flags::uncollectable) == 4);
static_assert(static_cast<unsigned>(gc::debug_flags::saveall) == 32);
static_assert(static_cast<unsigned>(gc::debug_flags::leak) == 38);

TEST_CASE("debug flags are none at first and are what was set") {
  manual_heap heap;
  CHECK(gc::get_debug() == gc::debug_flags::none);
  auto const several = static_cast<gc::debug_flags>(1 + 32);
  gc::set_debug(several);
  CHECK(gc::get_debug() == several);
  gc::set_debug(gc::debug_flags::leak);
  CHECK(gc::get_debug() == gc::debug_flags::leak);
  gc::set_debug(gc::debug_flags::none);
  CHECK(gc::get_debug() == gc::debug_flags::none);
}

TEST_CASE("saveall keeps garbage intact in garbage()") {
  manual_heap heap;
  census c;
  CHECK(gc::garbage().empty());
  {
    auto const p = make_gc<counted_node>(tally{c}, nullptr, nullptr, 1);
    p->next = make_gc<counted_node>(tally{c}, p, nullptr, 2);
    p->other = make_gc<counted_node>(tally{c}, nullptr, nullptr, 3);
  }
  gc::set_debug(gc::debug_flags::saveall);
  CHECK(gc::collect() == 3);
  CHECK(c.alive == 3);
  CHECK(c.died == 0);
  REQUIRE(gc::garbage().size() == 3);
  int sum = 0;
  for (auto const& saved : gc::garbage()) {
    auto const p = ouro::static_pointer_cast<counted_node>(saved);
    sum += p->value;
    if (p->value == 1) {
      CHECK(p->next->next == p);
      CHECK(p->other->value == 3);
    }
  }
  CHECK(sum == 6);

  gc::set_debug(gc::debug_flags::none);
  CHECK(gc::collect() == 0);  // garbage() holds them
  CHECK(c.alive == 3);
  gc::garbage().clear();
  CHECK(gc::collect() == 3);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("saveall adds to what is in garbage() already, and leaves death by counting alone") {
  manual_heap heap;
  census c;
  gc::set_debug(gc::debug_flags::saveall);
  make_gc<counted_node>(tally{c}).reset();
  CHECK(c.died == 1);
  for (std::size_t n = 1; n <= 3; ++n) {
    make_self_cycle<counted_node>(tally{c});
    CHECK(gc::collect() == 1);
    CHECK(gc::garbage().size() == n);
  }
  CHECK(c.alive == 3);
  gc::set_debug(gc::debug_flags::none);
  gc::garbage().clear();
  CHECK(gc::collect() == 3);
  CHECK(c.alive == 0);
}

TEST_CASE("saveall runs finalizers once, and what they resurrect is no garbage") {
  manual_heap heap;
  census c;
  gc_ptr<phoenix> rescued;
  auto p = make_gc<phoenix>(tally{c}, &rescued);
  p->next = p;
  p.reset();
  gc::set_debug(gc::debug_flags::saveall);
  CHECK(gc::collect() == 0);
  CHECK(gc::garbage().empty());
  REQUIRE(rescued);
  rescued.reset();
  CHECK(gc::collect() == 1);
  CHECK_FALSE(rescued);
  REQUIRE(gc::garbage().size() == 1);
  CHECK(gc::is_finalized(gc::garbage()[0]));
  gc::set_debug(gc::debug_flags::none);
  gc::garbage().clear();
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("leak includes saveall") {
  manual_heap heap;
#if OURO_TEST_HAS_FORK
  auto const child = ouro_test::run_in_child([] {
    make_self_cycle<node>();
    gc::set_debug(gc::debug_flags::leak);
    if (gc::collect() != 1 || gc::garbage().size() != 1) _exit(1);
  });
  CHECK(child.clean());
#endif
}

TEST_CASE("what is put into garbage() lives until it is taken out") {
  manual_heap heap;
  census c;
  gc::garbage().push_back(make_gc<counted_node>(tally{c}));
  CHECK(gc::collect() == 0);
  CHECK(c.alive == 1);
  gc::garbage().clear();
  CHECK(c.alive == 0);
}

#if OURO_TEST_HAS_FORK
namespace {
struct conspicuous_node {
  gc_ptr<conspicuous_node> next{};
};
}  // namespace

TEST_CASE("debug flag stats prints a line per collection, collectable one per object, none nothing") {
  manual_heap heap;
  auto const output_of = [](gc::debug_flags flags) {
    auto const child = ouro_test::run_in_child([flags] {
      gc::set_debug(flags);
      make_self_cycle<conspicuous_node>();
      gc::collect();
    });
    CHECK(child.clean());
    return child.output;
  };
  CHECK(output_of(gc::debug_flags::none).empty());
  CHECK_FALSE(output_of(gc::debug_flags::stats).empty());
  CHECK_THAT(output_of(gc::debug_flags::stats), !Catch::Matchers::ContainsSubstring("conspicuous_node"));
  CHECK_THAT(output_of(gc::debug_flags::collectable), Catch::Matchers::ContainsSubstring("conspicuous_node"));
}
#endif

// ---- what nobody can catch --------------------------------------------------------------------------------------

namespace {

struct throws_in_finalizer {
  gc_ptr<throws_in_finalizer> next{};
  void gc_finalize() { throw std::runtime_error("from the finalizer"); }
};

void ignore(std::exception_ptr, std::string_view, std::string_view) {}

}  // namespace

TEST_CASE("set_unraisable_hook returns the hook before, and null brings back the first one") {
  manual_heap heap;
  auto const first = gc::set_unraisable_hook(&ignore);
  CHECK(gc::set_unraisable_hook(first) == &ignore);
  CHECK(gc::set_unraisable_hook(nullptr) == first);
  gc::set_unraisable_hook(first);
}

TEST_CASE("the unraisable hook is told the exception, where it happened and the type") {
  manual_heap heap;
  recorded_reports const reports;
  make_gc<throws_in_finalizer>().reset();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].exception == "from the finalizer");
  CHECK_FALSE(reports[0].where.empty());
  CHECK_THAT(reports[0].type, Catch::Matchers::ContainsSubstring("throws_in_finalizer"));
  make_self_cycle<throws_in_finalizer>();
  CHECK(gc::collect() == 1);
  CHECK(reports.size() == 2);
  CHECK(reports.with_exception("from the finalizer") == 2);
  CHECK(heap.objects() == 0);
}

#if OURO_TEST_HAS_FORK
TEST_CASE("without a hook, what cannot be thrown is printed to standard error") {
  manual_heap heap;
  auto const child = ouro_test::run_in_child([] {
    make_self_cycle<throws_in_finalizer>();
    if (gc::collect() != 1) _exit(1);
  });
  CHECK(child.clean());
  CHECK(child.says("from the finalizer"));
  CHECK(child.says("throws_in_finalizer"));
}

TEST_CASE("a hook that throws does not end the program, and the collection goes on") {
  manual_heap heap;
  auto const child = ouro_test::run_in_child([] {
    gc::set_unraisable_hook([](std::exception_ptr, std::string_view, std::string_view) { throw 1; });
    make_self_cycle<throws_in_finalizer>();
    make_self_cycle<throws_in_finalizer>();
    if (gc::collect() != 2) _exit(1);
  });
  CHECK(child.clean());
}
#endif

// ---- one heap at a time -----------------------------------------------------------------------------------------

TEST_CASE("everything in gc speaks of the current heap") {
  manual_heap outer;
  make_self_cycle<node>();
  gc::set_threshold(11, 12, 13);
  gc::freeze();
  gc::garbage().push_back(nullptr);
  {
    fresh_heap inner;
    CHECK(gc::is_enabled());
    CHECK(gc::get_threshold() != counts{11, 12, 13});
    CHECK(gc::get_count() == counts{0, 0, 0});
    CHECK(gc::get_freeze_count() == 0);
    CHECK(gc::get_objects().empty());
    CHECK(gc::garbage().empty());
    make_self_cycle<node>();
    CHECK(gc::collect() == 1);
    gc::callbacks().push_back([](gc::phase, gc::info const&) {});
    gc::set_debug(gc::debug_flags::saveall);
  }
  CHECK_FALSE(gc::is_enabled());
  CHECK(gc::get_threshold() == counts{11, 12, 13});
  CHECK(gc::get_freeze_count() == 1);
  CHECK(gc::get_objects().size() <= 1);
  CHECK(gc::garbage().size() == 1);
  CHECK(gc::callbacks().empty());
  CHECK(gc::get_debug() == gc::debug_flags::none);
  CHECK(gc::get_stats()[2].collections == 0);
  gc::garbage().clear();
  gc::unfreeze();
  CHECK(gc::collect() == 1);
}
