// Destructors: what they see, what they may do, and in which order and depth they run.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <any>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::callbacks_restored;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct cell {
  tally t;
  gc_ptr<cell> link{};
  gc_ptr<cell> other{};
  int value = 0;
};

gc_ptr<cell> make_ring(census& c, int length) {
  auto const first = make_gc<cell>(tally{c});
  auto last = first;
  for (int i = 1; i < length; ++i) {
    last->link = make_gc<cell>(tally{c});
    last = last->link;
  }
  last->link = first;
  return first;
}

}  // namespace

// ---- nests whose destructors collect --------------------------------------------------------------------------

namespace {

struct collecting {
  int* deaths;
  std::size_t* collected_inside;
  ~collecting() {
    if (++*deaths % 17 == 0) *collected_inside += ouro::gc::collect();
  }
};

struct direct_nest {
  tally t;
  gc_ptr<direct_nest> inner;
  gc_ptr<collecting> ouch;
};
struct vector_nest {
  tally t;
  std::vector<gc_ptr<vector_nest>> inner;
  gc_ptr<collecting> ouch;
};
struct map_nest {
  tally t;
  std::map<int, gc_ptr<map_nest>> inner;
  gc_ptr<collecting> ouch;
};

template <class Nest, class Wrap>
void grow_and_drop_nests(Wrap wrap) {
  fresh_heap heap;
  census c;
  int deaths = 0;
  std::size_t collected_inside = 0;
  for (int round = 0; round < 3; ++round) {
    gc_ptr<Nest> nest;
    for (int depth = 0; depth < 150; ++depth)
      nest = make_gc<Nest>(tally{c}, wrap(std::move(nest)), make_gc<collecting>(&deaths, &collected_inside));
    CHECK(c.alive == 150);
    nest.reset();
    CHECK(c.alive == 0);
  }
  CHECK(c.died == c.born);
  CHECK(deaths == 450);
  CHECK(collected_inside == 0);
  CHECK(heap.objects() == 0);
  heap.verify();
}

}  // namespace

TEST_CASE("150-deep nests whose destructors collect now and then die whole: direct handles") {
  grow_and_drop_nests<direct_nest>([](gc_ptr<direct_nest> inner) { return inner; });
}

TEST_CASE("150-deep nests whose destructors collect now and then die whole: vectors") {
  grow_and_drop_nests<vector_nest>([](gc_ptr<vector_nest> inner) {
    std::vector<gc_ptr<vector_nest>> v;
    v.push_back(std::move(inner));
    return v;
  });
}

TEST_CASE("150-deep nests whose destructors collect now and then die whole: maps") {
  grow_and_drop_nests<map_nest>([](gc_ptr<map_nest> inner) {
    std::map<int, gc_ptr<map_nest>> m;
    m.emplace(1, std::move(inner));
    return m;
  });
}

// ---- allocation and collection inside destructors ---------------------------------------------------------------

namespace {

struct allocating {
  census* c;
  bool* inside;
  gc_ptr<allocating> self{};
  ~allocating() {
    *inside = true;
    for (int i = 0; i < 10; ++i) {
      auto const fresh = make_gc<cell>(tally{*c});
      fresh->link = fresh;
    }
    *inside = false;
  }
};

struct allocating_finalizer {
  census* c;
  bool* inside;
  gc_ptr<allocating_finalizer> self{};
  void gc_finalize() {
    *inside = true;
    for (int i = 0; i < 10; ++i) {
      auto const fresh = make_gc<cell>(tally{*c});
      fresh->link = fresh;
    }
    *inside = false;
  }
};

template <class T>
void allocate_with_threshold_one() {
  fresh_heap heap;
  callbacks_restored const restore;
  census c;
  bool inside = false;
  int started_inside = 0;
  int started = 0;
  ouro::gc::callbacks().push_back([&](ouro::gc::phase phase, ouro::gc::info const&) {
    if (phase != ouro::gc::phase::start) return;
    ++started;
    started_inside += inside;
  });
  ouro::gc::set_threshold(1, 1, 1);
  for (int i = 0; i < 50; ++i) {
    auto const counted = make_gc<T>(&c, &inside);
    auto const cyclic = make_gc<T>(&c, &inside);
    cyclic->self = cyclic;
  }
  ouro::gc::set_threshold(0);
  for (int i = 0; i < 10 && heap.objects() > 0; ++i) ouro::gc::collect();
  CHECK(started > 0);
  CHECK(started_inside == 0);
  CHECK(c.born == 50 * 2 * 10);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  heap.verify();
}

}  // namespace

TEST_CASE("a destructor may allocate with threshold 1: no collection starts inside it") {
  allocate_with_threshold_one<allocating>();
}

TEST_CASE("a finalizer may allocate with threshold 1: no collection starts inside it") {
  allocate_with_threshold_one<allocating_finalizer>();
}

namespace {

struct booming {
  tally t;
  gc_ptr<booming> other{};
  int* finalized = nullptr;
  void gc_finalize() {
    ++*finalized;
    other.reset();
  }
};

}  // namespace

TEST_CASE("code that runs during a collection may drop the cycle's own links") {
  manual_heap heap;
  census c;
  int finalized = 0;
  auto a = make_gc<booming>(tally{c}, nullptr, &finalized);
  a->other = make_gc<booming>(tally{c}, a, &finalized);
  a.reset();
  REQUIRE(c.alive == 2);
  CHECK(ouro::gc::collect() == 2);
  CHECK(finalized == 2);
  CHECK(c.alive == 0);
  CHECK(ouro::gc::garbage().empty());
  CHECK(heap.objects() == 0);
}

namespace {

struct cycle_maker {
  tally t;
  census* fresh;
  gc_ptr<cycle_maker> self{};
  ~cycle_maker() { make_ring(*fresh, 3); }
};

}  // namespace

TEST_CASE("a destructor of cyclic garbage that makes a new cycle: the next collection frees it") {
  manual_heap heap;
  census makers;
  census fresh;
  auto p = make_gc<cycle_maker>(tally{makers}, &fresh);
  p->self = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(makers.alive == 0);
  CHECK(fresh.alive == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(fresh.alive == 0);
  CHECK(fresh.born == 3);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a destructor run by counting that makes a new cycle: the next collection frees it") {
  manual_heap heap;
  census makers;
  census fresh;
  make_gc<cycle_maker>(tally{makers}, &fresh).reset();
  CHECK(makers.alive == 0);
  CHECK(fresh.alive == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(ouro::gc::collect() == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct collects_when_destroyed {
  gc_ptr<collects_when_destroyed> self;
  std::size_t* result;
  int* calls;
  ~collects_when_destroyed() {
    *result += ouro::gc::collect() + ouro::gc::collect(0) + ouro::gc::collect(1);
    ++*calls;
  }
};

struct collects_when_finalized {
  gc_ptr<collects_when_finalized> self;
  std::size_t* result;
  int* calls;
  void gc_finalize() {
    *result += ouro::gc::collect() + ouro::gc::collect(0) + ouro::gc::collect(1);
    ++*calls;
  }
};

template <class T>
void collect_inside() {
  manual_heap heap;
  census c;
  std::size_t result = 0;
  int calls = 0;
  make_ring(c, 5);  // garbage that an inner collection could find

  auto counted = make_gc<T>(nullptr, &result, &calls);
  counted.reset();
  CHECK(calls == 1);
  CHECK(c.alive == 5);

  auto cyclic = make_gc<T>(nullptr, &result, &calls);
  cyclic->self = cyclic;
  cyclic.reset();
  CHECK(ouro::gc::collect() == 6);
  CHECK(calls == 2);
  CHECK(result == 0);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

}  // namespace

TEST_CASE("collect inside a destructor returns 0 and frees nothing") { collect_inside<collects_when_destroyed>(); }

TEST_CASE("collect inside a finalizer returns 0 and frees nothing") { collect_inside<collects_when_finalized>(); }

TEST_CASE("collect inside a callback returns 0, at the start and at the stop") {
  manual_heap heap;
  callbacks_restored const restore;
  census c;
  std::vector<std::size_t> inner;
  ouro::gc::callbacks().push_back(
      [&](ouro::gc::phase, ouro::gc::info const&) { inner.push_back(ouro::gc::collect()); });
  make_ring(c, 4);
  CHECK(ouro::gc::collect() == 4);
  CHECK(inner == std::vector<std::size_t>{0, 0});
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

// ---- many objects and other cycles in the free loop -------------------------------------------------------------

namespace {

struct hoarder {
  gc_ptr<hoarder> self;
  std::vector<gc_ptr<cell>> hoard;
};

}  // namespace

TEST_CASE("a destructor may drop very many live handles during the free loop") {
  manual_heap heap;
  census c;
  constexpr int many = 200'000;  // more than a candidate buffer with 16-bit positions holds
  std::vector<gc_ptr<cell>> live;
  {
    auto const h = make_gc<hoarder>();
    h->self = h;
    for (int i = 0; i < many; ++i) {
      live.push_back(make_gc<cell>(tally{c}));
      live.back()->link = live.back();
      live.back()->value = i;
      h->hoard.push_back(live.back());
    }
  }
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == many);
  bool intact = true;
  for (int i = 0; i < many; ++i) {
    auto const& p = live[static_cast<std::size_t>(i)];
    intact = intact && p->value == i && p.use_count() == 2 && p->link == p;
  }
  CHECK(intact);
  live.clear();
  CHECK(ouro::gc::collect() == many);
  CHECK(c.alive == 0);
  CHECK(c.died == many);
  CHECK(heap.objects() == 0);
}

namespace {

struct holder_of_another_cycle {
  gc_ptr<holder_of_another_cycle> self;
  std::shared_ptr<std::vector<gc_ptr<cell>>>* outside;  // not traced: a root for what lies in it
  ~holder_of_another_cycle() { outside->reset(); }
};

}  // namespace

TEST_CASE("a destructor that drops the last outside handle of another cycle leaves it to the next collection") {
  manual_heap heap;
  census c;
  auto outside = std::make_shared<std::vector<gc_ptr<cell>>>();
  outside->push_back(make_ring(c, 3));
  {
    auto const h = make_gc<holder_of_another_cycle>(nullptr, &outside);
    h->self = h;
  }
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("dropping the last outside handle by counting leaves the cycle whole until a collection") {
  manual_heap heap;
  census c;
  auto outside = std::make_shared<std::vector<gc_ptr<cell>>>();
  outside->push_back(make_ring(c, 3));
  make_gc<holder_of_another_cycle>(nullptr, &outside).reset();
  CHECK(c.alive == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(heap.objects() == 0);
}

// ---- what destructors see ---------------------------------------------------------------------------------------

namespace {

struct sight {
  int destroyed = 0;
  bool garbage_null = true;
  bool hanger_null = true;
  bool survivor_intact = true;
  bool leaf_intact = true;
  bool members_intact = true;
  bool vector_kept_its_size = true;
  bool vector_null = true;
  bool map_values_null = true;
  bool keyed_empty = true;
  bool optional_null = true;
  bool variant_null = true;
  bool array_null = true;
  bool box_null = true;
};

struct boxed;
struct witness {
  sight* seen;
  std::string name;
  gc_ptr<witness> partner{};
  gc_ptr<cell> hanger{};
  gc_ptr<cell> survivor{};
  gc_ptr<std::string> leaf{};
  std::vector<gc_ptr<witness>> many{};
  std::map<int, gc_ptr<witness>> by_number{};
  std::set<gc_ptr<witness>> ordered{};
  std::unordered_map<gc_ptr<witness>, int> hashed{};
  std::optional<gc_ptr<witness>> maybe{};
  std::variant<int, gc_ptr<witness>> either{};
  std::array<gc_ptr<witness>, 2> both{};
  std::unique_ptr<boxed> box{};
  std::vector<int> numbers{};

  ~witness();
};

struct boxed {
  gc_ptr<witness> back;
  int value;
};

witness::~witness() {
  ++seen->destroyed;
  seen->garbage_null &= partner == nullptr;
  seen->hanger_null &= hanger == nullptr;
  seen->survivor_intact &= survivor != nullptr && survivor->value == 77;
  seen->leaf_intact &= leaf != nullptr && *leaf == "a leaf that lies on the heap and is long";
  seen->members_intact &= name == "a name that is long enough to lie on the heap" && numbers == std::vector{1, 2, 3};
  seen->vector_kept_its_size &= many.size() == 3 && by_number.size() == 2;
  for (auto const& p : many) seen->vector_null &= p == nullptr;
  for (auto const& [k, p] : by_number) seen->map_values_null &= p == nullptr;
  seen->keyed_empty &= ordered.empty() && hashed.empty();
  seen->optional_null &= maybe.has_value() && *maybe == nullptr;
  seen->variant_null &= either.index() == 1 && std::get<1>(either) == nullptr;
  for (auto const& p : both) seen->array_null &= p == nullptr;
  seen->box_null &= box != nullptr && box->back == nullptr && box->value == 5;
}

void fill(witness& w, gc_ptr<witness> const& partner, gc_ptr<cell> const& survivor, census& c) {
  w.partner = partner;
  w.hanger = make_gc<cell>(tally{c});
  w.survivor = survivor;
  w.leaf = make_gc<std::string>("a leaf that lies on the heap and is long");
  w.many = {partner, partner, partner};
  w.by_number = {{1, partner}, {2, partner}};
  w.ordered = {partner};
  w.hashed = {{partner, 1}};
  w.maybe = partner;
  w.either = partner;
  w.both = {partner, partner};
  w.box = std::make_unique<boxed>(boxed{partner, 5});
  w.numbers = {1, 2, 3};
}

}  // namespace

TEST_CASE("a destructor of cyclic garbage sees null for garbage, survivors intact, its own leaf members intact") {
  manual_heap heap;
  census c;
  sight seen;
  auto const survivor = make_gc<cell>(tally{c}, nullptr, nullptr, 77);
  {
    auto const a = make_gc<witness>(&seen, "a name that is long enough to lie on the heap");
    auto const b = make_gc<witness>(&seen, "a name that is long enough to lie on the heap");
    fill(*a, b, survivor, c);
    fill(*b, a, survivor, c);
  }
  CHECK(seen.destroyed == 0);
  CHECK(ouro::gc::collect() == 4);  // two witnesses and the two cells that only hang on them; strings are leaves
  CHECK(seen.destroyed == 2);
  CHECK(seen.garbage_null);
  CHECK(seen.hanger_null);
  CHECK(seen.survivor_intact);
  CHECK(seen.leaf_intact);
  CHECK(seen.members_intact);
  CHECK(seen.vector_kept_its_size);
  CHECK(seen.vector_null);
  CHECK(seen.map_values_null);
  CHECK(seen.keyed_empty);
  CHECK(seen.optional_null);
  CHECK(seen.variant_null);
  CHECK(seen.array_null);
  CHECK(seen.box_null);
  CHECK(survivor.use_count() == 1);
  CHECK(c.alive == 1);
  CHECK(heap.objects() == 1);
}

namespace {

struct plain_witness {
  std::vector<std::string>* log;
  std::string name;
  gc_ptr<plain_witness> child{};
  std::vector<gc_ptr<plain_witness>> children{};
  ~plain_witness() {
    std::string line = name;
    if (child) line += " " + child->name;
    for (auto const& p : children) line += " " + (p ? p->name : std::string("null"));
    log->push_back(line);
  }
};

}  // namespace

TEST_CASE("a destructor run by counting sees all its pointers intact, the owner's before the owned") {
  manual_heap heap;
  std::vector<std::string> log;
  auto const node = [&](char const* name) { return make_gc<plain_witness>(&log, name); };
  auto root = node("root");
  root->child = node("child");
  root->child->child = node("grandchild");
  root->children = {node("first"), node("second")};
  root.reset();
  REQUIRE(log.size() == 5);
  CHECK(log[0] == "root child first second");
  auto const at = [&](std::string const& line) { return std::find(log.begin(), log.end(), line) - log.begin(); };
  CHECK(at("child grandchild") < 5);
  CHECK(at("child grandchild") < at("grandchild"));
  CHECK(at("first") < 5);
  CHECK(at("second") < 5);
  CHECK(heap.objects() == 0);
}

TEST_CASE("what hangs on a survivor's death by counting is seen intact too, cycles elsewhere or not") {
  manual_heap heap;
  census c;
  std::vector<std::string> log;
  auto p = make_gc<plain_witness>(&log, "p");
  p->child = make_gc<plain_witness>(&log, "q");
  make_ring(c, 3);
  CHECK(ouro::gc::collect() == 3);
  p.reset();
  CHECK(log == std::vector<std::string>{"p q", "q"});
}

namespace {

struct asks_for_itself {
  bool* null;
  bool* threw;
  gc_ptr<asks_for_itself> self{};
  ~asks_for_itself() {
    try {
      *null = ouro::gc_from_this(this) == nullptr;
    } catch (...) {
      *threw = true;
    }
  }
};

}  // namespace

TEST_CASE("gc_from_this in a destructor is null and reported: death by counting") {
  manual_heap heap;
  recorded_reports const reports;
  bool null = false;
  bool threw = false;
  make_gc<asks_for_itself>(&null, &threw).reset();
  CHECK(null);
  CHECK_FALSE(threw);
  CHECK(reports.about("asks_for_itself") == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("gc_from_this in a destructor is null and reported: cyclic garbage") {
  manual_heap heap;
  recorded_reports const reports;
  bool null = false;
  bool threw = false;
  auto p = make_gc<asks_for_itself>(&null, &threw);
  p->self = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(null);
  CHECK_FALSE(threw);
  CHECK(reports.about("asks_for_itself") == 1);
  CHECK(heap.objects() == 0);
}

// ---- exceptions -------------------------------------------------------------------------------------------------

namespace {

struct throwing_finalizer {
  tally t;
  gc_ptr<throwing_finalizer> link{};
  int* calls = nullptr;
  void gc_finalize() {
    ++*calls;
    throw std::runtime_error("thrown by a finalizer");
  }
};

}  // namespace

TEST_CASE("an exception out of a finalizer is reported and the object dies: death by counting") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  int calls = 0;
  make_gc<throwing_finalizer>(tally{c}, nullptr, &calls).reset();
  CHECK(calls == 1);
  CHECK(c.alive == 0);
  CHECK(reports.with_exception("thrown by a finalizer") == 1);
  CHECK(reports.about("throwing_finalizer") == 1);
  CHECK_FALSE(reports[0].where.empty());
  CHECK(heap.objects() == 0);
}

TEST_CASE("exceptions out of finalizers are reported and the collection goes on") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  int calls = 0;
  {
    auto const first = make_gc<throwing_finalizer>(tally{c}, nullptr, &calls);
    auto const second = make_gc<throwing_finalizer>(tally{c}, first, &calls);
    first->link = make_gc<throwing_finalizer>(tally{c}, second, &calls);
  }
  make_ring(c, 5);
  CHECK(ouro::gc::collect() == 8);
  CHECK(calls == 3);
  CHECK(c.alive == 0);
  CHECK(reports.with_exception("thrown by a finalizer") == 3);
  heap.verify();
  CHECK(heap.objects() == 0);
  make_ring(c, 2);
  CHECK(ouro::gc::collect() == 2);
}

namespace {

struct resurrects_and_throws {
  tally t;
  gc_ptr<resurrects_and_throws>* saved;
  gc_ptr<resurrects_and_throws> self{};
  void gc_finalize() {
    *saved = ouro::gc_from_this(this);
    throw 42;
  }
};

}  // namespace

TEST_CASE("a finalizer that resurrects and then throws has resurrected") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  gc_ptr<resurrects_and_throws> saved;
  bool const cyclic = GENERATE(false, true);
  auto p = make_gc<resurrects_and_throws>(tally{c}, &saved);
  if (cyclic) p->self = p;
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 1);
  REQUIRE(saved != nullptr);
  CHECK(ouro::gc::is_finalized(saved));
  CHECK(reports.with_exception("?") == 1);
  saved->self.reset();
  saved.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("an exception out of a callback is reported and the collection goes on") {
  manual_heap heap;
  callbacks_restored const restore;
  recorded_reports const reports;
  census c;
  int after = 0;
  ouro::gc::callbacks().push_back([](ouro::gc::phase phase, ouro::gc::info const&) {
    throw std::runtime_error(phase == ouro::gc::phase::start ? "thrown at start" : "thrown at stop");
  });
  ouro::gc::callbacks().push_back([&](ouro::gc::phase, ouro::gc::info const&) { ++after; });
  make_ring(c, 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(c.alive == 0);
  CHECK(after == 2);
  CHECK(reports.with_exception("thrown at start") == 1);
  CHECK(reports.with_exception("thrown at stop") == 1);
  heap.verify();
}

// ---- constructors -----------------------------------------------------------------------------------------------

namespace {

class collects_in_constructor {
 public:
  static constexpr std::size_t gc_fields = 4;
  friend ouro::access;

  explicit collects_in_constructor(census& c, std::size_t& collected) : t_(c), self_(ouro::gc_from_this(this)) {
    partner_ = self_;
    collected = ouro::gc::collect();
    name_ += " was built";
  }

  std::string const& name() const { return name_; }
  bool whole() const { return self_.get() == this && partner_.get() == this; }

 private:
  tally t_;
  gc_ptr<collects_in_constructor> self_;
  gc_ptr<collects_in_constructor> partner_{};
  std::string name_ = "a string that is long enough to be on the heap";
};

}  // namespace

TEST_CASE("a constructor may collect half-built: its object stays, garbage goes") {
  manual_heap heap;
  census c;
  census ring;
  make_ring(ring, 3);
  std::size_t collected = 99;
  auto p = make_gc<collects_in_constructor>(c, collected);
  CHECK(collected == 3);
  CHECK(ring.alive == 0);
  REQUIRE(p->whole());
  CHECK(p->name() == "a string that is long enough to be on the heap was built");
  CHECK(p.use_count() == 3);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

class collects_before_its_members {
 public:
  static constexpr std::size_t gc_fields = 3;
  friend ouro::access;

  explicit collects_before_its_members(census& c) : collected_(publish_and_collect()), t_(c) {}
  std::size_t collected() const { return collected_; }
  std::vector<gc_ptr<collects_before_its_members>>& links() { return links_; }

 private:
  // Nothing of this object is built yet: its memory must not be looked at.
  std::size_t publish_and_collect() {
    auto const self = ouro::gc_from_this(this);
    return ouro::gc::collect() + ouro::gc::collect(0);
  }

  std::size_t collected_;
  tally t_;
  std::vector<gc_ptr<collects_before_its_members>> links_;
};

}  // namespace

TEST_CASE("a constructor may collect before its first member exists") {
  manual_heap heap;
  census c;
  for (int i = 0; i < 20; ++i) {  // later rounds get blocks with old contents
    auto const p = make_gc<collects_before_its_members>(c);
    CHECK(p->collected() == (i > 0 ? 1u : 0u));
    p->links().assign(3, p);
  }
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(c.born == 20);
  CHECK(heap.objects() == 0);
}

namespace {

class builds_children {
 public:
  static constexpr std::size_t gc_fields = 3;
  friend ouro::access;

  builds_children(census& c, int depth) : t_(c), self_(ouro::gc_from_this(this)) {
    if (depth > 0)
      for (int i = 0; i < 2; ++i) children_.push_back(make_gc<builds_children>(c, depth - 1));
  }

 private:
  tally t_;
  gc_ptr<builds_children> self_;
  std::vector<gc_ptr<builds_children>> children_;
};

}  // namespace

namespace {

class collects_with_children {
 public:
  static constexpr std::size_t gc_fields = 3;
  friend ouro::access;

  explicit collects_with_children(census& c, bool root) : t_(c) {
    if (!root) return;
    for (int i = 0; i < 10; ++i) {
      children_.push_back(make_gc<collects_with_children>(c, false));
      children_.back()->parent_ = ouro::gc_from_this(this);
      children_.back()->children_ = children_;
      // Nothing but members of the unfinished object holds the children.
      for (int g : {0, 1, 2}) intact_ = ouro::gc::collect(g) == 0 && intact_;
    }
  }
  static inline bool intact_ = true;
  std::size_t size() const { return children_.size(); }

 private:
  tally t_;
  gc_ptr<collects_with_children> parent_{};
  std::vector<gc_ptr<collects_with_children>> children_{};
};

}  // namespace

TEST_CASE("what only an unfinished object holds is alive in a collection that its constructor starts") {
  manual_heap heap;
  census c;
  auto p = make_gc<collects_with_children>(c, true);
  CHECK(collects_with_children::intact_);
  CHECK(p->size() == 10);
  CHECK(c.alive == 11);
  CHECK(ouro::gc::collect() == 0);
  heap.verify();
  p.reset();
  CHECK(ouro::gc::collect() == 11);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("constructors may build other objects with threshold 1") {
  fresh_heap heap;
  census c;
  ouro::gc::set_threshold(1, 1, 1);
  auto p = make_gc<builds_children>(c, 8);
  CHECK(c.alive == 511);
  p.reset();
  ouro::gc::set_threshold(0);
  ouro::gc::collect();
  CHECK(c.alive == 0);
  CHECK(c.died == 511);
  CHECK(heap.objects() == 0);
}

namespace {

struct throws_in_constructor {
  throws_in_constructor(census& c, int& destructors, bool doit) : first(c), second(c), destructors_(&destructors) {
    link = make_gc<cell>(tally{c});
    if (doit) throw std::runtime_error("thrown by a constructor");
  }
  ~throws_in_constructor() { ++*destructors_; }

  static constexpr std::size_t gc_fields = 4;
  tally first;
  tally second;
  gc_ptr<cell> link;
  int* destructors_;
};

}  // namespace

TEST_CASE("a constructor that throws gives its block back and the exception comes through") {
  manual_heap heap;
  census c;
  int destructors = 0;
  auto const keep = make_gc<throws_in_constructor>(c, destructors, false);
  auto const before = heap.get().stats();
  for (int i = 0; i < 10'000; ++i)
    CHECK_THROWS_WITH(make_gc<throws_in_constructor>(c, destructors, true), "thrown by a constructor");
  auto const after = heap.get().stats();
  CHECK(after.objects == before.objects);
  CHECK(after.bytes_in_use == before.bytes_in_use);
  CHECK(destructors == 0);
  CHECK(c.alive == 3);
  CHECK(ouro::gc::collect() == 0);
  heap.verify();
}

namespace {

struct large_and_throws {
  tally t;
  char payload[100'000];
  explicit large_and_throws(census& c) : t(c), payload{} { throw 1; }
  static constexpr std::size_t gc_fields = 2;
};

}  // namespace

TEST_CASE("a constructor of a large object that throws gives its block back") {
  manual_heap heap;
  census c;
  for (int i = 0; i < 100; ++i) CHECK_THROWS_AS(make_gc<large_and_throws>(c), int);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  CHECK(heap.get().stats().bytes_in_use == 0);
  CHECK(heap.get().stats().large_objects == 0);
}

namespace {

struct leaks_this {
  tally t;
  gc_ptr<leaks_this> self;
  explicit leaks_this(census& c, gc_ptr<leaks_this>* escaped) : t(c) {
    if (!escaped) return;
    *escaped = ouro::gc_from_this(this);
    leaked = this;
    throw std::runtime_error("leaked");
  }
  static constexpr std::size_t gc_fields = 2;
  static inline void const* leaked = nullptr;
};

}  // namespace

// Such a handle may only be dropped: its object is dead.
TEST_CASE("a constructor that leaks a handle to itself and throws: the block is never reused") {
  manual_heap heap;
  census c;
  gc_ptr<leaks_this> escaped;
  CHECK_THROWS_WITH(make_gc<leaks_this>(c, &escaped), "leaked");
  CHECK(c.alive == 0);
  auto const* const address = leaks_this::leaked;
  bool const drop_first = GENERATE(false, true);
  if (drop_first) escaped.reset();
  std::vector<gc_ptr<leaks_this>> others;
  bool reused = false;
  for (int i = 0; i < 5'000; ++i) {
    others.push_back(make_gc<leaks_this>(c, nullptr));
    others.back()->self = others.back();
    reused = reused || others.back().get() == address;
  }
  if (!drop_first) CHECK_FALSE(reused);
  CHECK(ouro::gc::collect() == 0);
  others.clear();
  CHECK(ouro::gc::collect() == 5'000);
  escaped.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 0);
  CHECK(c.died == c.born);
}

TEST_CASE("a constructor that leaks a handle to itself into a cycle and throws: collections stay sound") {
  manual_heap heap;
  census c;
  struct keeper {
    tally t;
    gc_ptr<leaks_this> dead{};
    gc_ptr<keeper> self{};
  };
  auto k = make_gc<keeper>(tally{c});
  k->self = k;
  CHECK_THROWS_WITH(make_gc<leaks_this>(c, &k->dead), "leaked");
  CHECK(ouro::gc::collect() == 0);
  k.reset();
  CHECK(ouro::gc::collect() >= 1);
  CHECK(c.alive == 0);
  CHECK(c.died == c.born);
  heap.verify();
}

// ---- order and depth --------------------------------------------------------------------------------------------

TEST_CASE("dropping the last handle runs all destructors before the drop returns, at any depth") {
  manual_heap heap;
  int const length = GENERATE(1, 2, 31, 32, 33, 34, 63, 64, 65, 1'000, 100'000);
  census c;
  gc_ptr<cell> list;
  for (int i = 0; i < length; ++i) list = make_gc<cell>(tally{c}, std::move(list));
  CHECK(c.alive == length);
  list.reset();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("all destructors of cyclic garbage run before any of its memory is reused") {
  struct remembers {
    std::vector<void const*>* alive_or_dying;
    std::vector<gc_ptr<remembers>>* fresh;
    bool* reused;
    bool makes;
    gc_ptr<remembers> link{};
    ~remembers() {
      if (!makes) return;
      for (int i = 0; i < 3; ++i) {
        fresh->push_back(make_gc<remembers>(alive_or_dying, fresh, reused, false));
        for (auto const* p : *alive_or_dying) *reused = *reused || p == fresh->back().get();
      }
    }
  };
  manual_heap heap;
  std::vector<void const*> dying;
  std::vector<gc_ptr<remembers>> fresh;
  bool reused = false;
  {
    gc_ptr<remembers> const first = make_gc<remembers>(&dying, &fresh, &reused, true);
    gc_ptr<remembers> last = first;
    dying.push_back(first.get());
    for (int i = 0; i < 50; ++i) {
      last->link = make_gc<remembers>(&dying, &fresh, &reused, true);
      last = last->link;
      dying.push_back(last.get());
    }
    last->link = first;
  }
  CHECK(ouro::gc::collect() == 51);
  CHECK(fresh.size() == 153);
  CHECK_FALSE(reused);
  fresh.clear();
  CHECK(heap.objects() == 0);
}

namespace {

struct element {
  std::vector<int>* log;
  int number;
  static int next;
  static int throw_at;
  element() : log(current), number(next++) {
    if (number == throw_at) throw std::runtime_error("element");
  }
  ~element() { log->push_back(number); }
  static std::vector<int>* current;
  gc_ptr<element[]> owner;
  static constexpr std::size_t gc_fields = 3;
};
int element::next = 0;
int element::throw_at = -1;
std::vector<int>* element::current = nullptr;

}  // namespace

TEST_CASE("the elements of an array die last to first") {
  manual_heap heap;
  std::vector<int> log;
  element::current = &log;
  element::next = 0;
  element::throw_at = -1;
  bool const cyclic = GENERATE(false, true);
  auto p = make_gc<element[]>(4);
  REQUIRE(p.size() == 4);
  if (cyclic) p[2].owner = p;
  p.reset();
  if (cyclic) {
    CHECK(log.empty());
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(log == std::vector{3, 2, 1, 0});
  CHECK(heap.objects() == 0);
}

TEST_CASE("an element whose constructor throws takes the elements before it along, last to first") {
  manual_heap heap;
  std::vector<int> log;
  element::current = &log;
  element::next = 0;
  element::throw_at = 3;
  CHECK_THROWS_WITH(make_gc<element[]>(5), "element");
  CHECK(log == std::vector{2, 1, 0});
  CHECK(heap.objects() == 0);
  element::throw_at = -1;
}

// ---- handles that change while they drop ------------------------------------------------------------------------

TEST_CASE("a handle is already null when the destructor it starts looks at it") {
  struct looks_back {
    gc_ptr<looks_back>* holder;
    bool* null;
    ~looks_back() { *null = *holder == nullptr; }
  };
  manual_heap heap;
  bool null = false;
  gc_ptr<looks_back> p;
  SECTION("reset") {
    p = make_gc<looks_back>(&p, &null);
    p.reset();
  }
  SECTION("assignment of null") {
    p = make_gc<looks_back>(&p, &null);
    p = nullptr;
  }
  CHECK(null);
}

TEST_CASE("the new value is already in place when an assignment destroys the old one") {
  struct looks_back {
    gc_ptr<looks_back>* holder;
    int number;
    int* seen;
    ~looks_back() { *seen = *holder ? (*holder)->number : -1; }
  };
  manual_heap heap;
  int seen = 0;
  int dummy = 0;
  gc_ptr<looks_back> p = make_gc<looks_back>(&p, 1, &seen);
  SECTION("copy") {
    auto const q = make_gc<looks_back>(&p, 2, &dummy);
    p = q;
    CHECK(seen == 2);
  }
  SECTION("move") {
    p = make_gc<looks_back>(&p, 2, &dummy);
    CHECK(seen == 2);
  }
  p.reset();  // not in the handle's own destructor, where the object would look at a dead handle
}

TEST_CASE("a handle may be assigned from inside the object it destroys") {
  manual_heap heap;
  census c;
  auto p = make_gc<cell>(tally{c}, make_gc<cell>(tally{c}, make_gc<cell>(tally{c})));
  SECTION("p = p->link") {
    p = p->link;
    CHECK(c.alive == 2);
    p = p->link;
    CHECK(c.alive == 1);
  }
  SECTION("p = std::move(p->link)") {
    p = std::move(p->link);
    CHECK(c.alive == 2);
    p = std::move(p->link);
    CHECK(c.alive == 1);
  }
  SECTION("p->link = p->link->link") {
    p->link = p->link->link;
    CHECK(c.alive == 2);
    REQUIRE(p->link != nullptr);
    CHECK(p->link->link == nullptr);
  }
  SECTION("self-assignment") {
    auto& same = p;
    p = same;
    CHECK(c.alive == 3);
    p = std::move(same);
    CHECK(c.alive == 3);
    CHECK(p != nullptr);
  }
  p.reset();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a destructor may rewire survivors") {
  struct rewires {
    gc_ptr<cell> survivor;
    gc_ptr<rewires> self{};
    ~rewires() {
      std::swap(survivor->link, survivor->other);
      survivor->link = survivor;
      survivor->value = 9;
    }
  };
  manual_heap heap;
  census c;
  auto survivor = make_gc<cell>(tally{c});
  survivor->link = make_ring(c, 2);
  bool const cyclic = GENERATE(false, true);
  {
    auto const r = make_gc<rewires>(survivor);
    if (cyclic) r->self = r;
  }
  CHECK(ouro::gc::collect() == (cyclic ? 1u : 0u));
  CHECK(survivor->value == 9);
  CHECK(survivor->link == survivor);
  CHECK(c.alive == 3);
  survivor.reset();
  CHECK(ouro::gc::collect() == 3);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a destructor that drops handles to objects whose destructors drop the survivors of the same collection") {
  struct chained {
    tally t;
    std::any next{};  // not traced: a root until this object dies
    gc_ptr<chained> self{};
  };
  manual_heap heap;
  census c;
  gc_ptr<chained> first = make_gc<chained>(tally{c});
  auto last = first;
  for (int i = 0; i < 100; ++i) {
    last->self = last;
    auto next = make_gc<chained>(tally{c});
    last->next = next;
    last = std::move(next);
  }
  last.reset();
  first.reset();
  for (int i = 0; i < 100; ++i) {
    CHECK(c.alive == 101 - i);
    CHECK(ouro::gc::collect() == 1);
  }
  // The last one holds no cycle and dies with its holder.
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

// ---- the library's own functions inside destructors -----------------------------------------------------------------

TEST_CASE("a destructor may call everything the gc module and the heap offer") {
  struct curious {
    tally t;
    ouro::heap* heap;
    std::size_t* sum;
    gc_ptr<curious> self{};
    ~curious() {
      *sum += ouro::gc::get_objects().size() + ouro::gc::get_freeze_count() + heap->stats().objects;
      *sum += ouro::gc::get_stats()[0].collections + ouro::gc::get_count()[0] + ouro::gc::garbage().size();
      ouro::gc::freeze();
      ouro::gc::unfreeze();
      ouro::gc::pause_scope const pause;
      heap->trim();
      heap->set_limit(static_cast<std::size_t>(-1));
      ouro::gc::callbacks().clear();
      ouro::heap other;
      ouro::heap::scope const there(other);
      make_gc<cell>(tally{t.where()}, make_gc<cell>(tally{t.where()}));
    }
  };
  manual_heap heap;
  census c;
  std::size_t sum = 0;
  auto const survivor = make_ring(c, 3);
  for (int i = 0; i < 10; ++i) {
    make_gc<curious>(tally{c}, &heap.get(), &sum).reset();
    auto const p = make_gc<curious>(tally{c}, &heap.get(), &sum);
    p->self = p;
    if (i % 2) {
      auto const q = make_gc<curious>(tally{c}, &heap.get(), &sum, p);
      p->self = q;
    }
  }
  CHECK(c.alive == 3 + 15);
  CHECK(ouro::gc::collect() == 15);
  CHECK(sum > 0);
  heap.verify();
  CHECK(c.alive == 3);
  CHECK(survivor->link->link->link == survivor);
  CHECK(ouro::gc::collect() == 0);
}

TEST_CASE("a callback may drop the last handles to garbage, before and after the collection") {
  manual_heap heap;
  callbacks_restored const restore;
  census c;
  gc_ptr<cell> at_start = make_ring(c, 3);
  gc_ptr<cell> at_stop = make_ring(c, 4);
  gc_ptr<cell> single = make_gc<cell>(tally{c});
  ouro::gc::callbacks().push_back([&](ouro::gc::phase phase, ouro::gc::info const&) {
    (phase == ouro::gc::phase::start ? at_start : at_stop).reset();
    single.reset();
  });
  CHECK(ouro::gc::collect() == 3);
  CHECK(c.alive == 4);
  CHECK(ouro::gc::collect() == 4);
  CHECK(c.alive == 0);
  heap.verify();
}
