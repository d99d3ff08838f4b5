// Weak containers: entries vanish with their objects, whatever happens meanwhile; values of weak_key_map are ephemerons.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro::weak_gc_ptr;
using ouro::weak_key_map;
using ouro::weak_set;
using ouro::weak_value_map;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct node {
  gc_ptr<node> next{};
  int value = 0;
};
gc_ptr<node> make_ring() {
  auto p = make_gc<node>();
  p->next = p;
  return p;
}

/// No handle in it, and no `final`.
struct leaf {
  int value = 0;
};
struct refers_to_leaf {
  gc_ptr<leaf> target{};
};

struct large {
  gc_ptr<large> next{};
  std::array<char, 1000> rest{};
};

struct owner {
  weak_key_map<node, gc_ptr<owner>> map{};
  gc_ptr<node> key{};
};

struct hand_traced {
  gc_ptr<node> p{};
  void gc_trace(ouro::tracer& t) const noexcept { t(p); }
};
struct hand_traced_owner {
  weak_key_map<node, hand_traced> map{};
  gc_ptr<hand_traced_owner> self{};
  void gc_trace(ouro::tracer& t) const noexcept { t(map, self); }
};

struct reports_twice {
  gc_ptr<node> p{};
  void gc_trace(ouro::tracer& t) const noexcept { t(p, p); }
};

struct base_a {
  virtual ~base_a() = default;
  using gc_leaf = base_a;
};
struct base_b {
  virtual ~base_b() = default;
  int b = 7;
  using gc_leaf = base_b;
};
struct derived final : base_a, base_b {
  gc_ptr<derived> self{};
  static constexpr auto gc_members = ouro::members(&derived::self);
};

}  // namespace

// ---- weak_set ----------------------------------------------------------------------------------------------------

TEST_CASE("a weak set forgets objects that die, by counting and by collection") {
  manual_heap heap;
  weak_set<node> set;
  auto a = make_gc<node>();
  auto b = make_ring();
  CHECK(set.insert(a).second);
  CHECK_FALSE(set.insert(a).second);
  CHECK(set.insert(b).second);
  CHECK((set.contains(a) && set.contains(b) && !set.contains(make_gc<node>())));
  CHECK(*set.find(a) == a);
  a.reset();
  CHECK(set.size() == 1);
  b.reset();
  CHECK(set.size() == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(set.empty());
  CHECK(set.begin() == set.end());
}

TEST_CASE("weak containers refuse null, and erase what they are told") {
  manual_heap heap;
  weak_set<node> set;
  weak_key_map<node, int> map;
  weak_value_map<int, node> values;
  CHECK_THROWS_AS(set.insert(nullptr), std::invalid_argument);
  CHECK_THROWS_AS(map.try_emplace(nullptr, 1), std::invalid_argument);
  CHECK_THROWS_AS(values.try_emplace(1, nullptr), std::invalid_argument);
  CHECK_FALSE(set.contains(nullptr));
  auto const p = make_gc<node>();
  auto const q = make_gc<node>();
  set.insert(p);
  set.insert(q);
  CHECK(set.erase(p) == 1);
  CHECK(set.erase(p) == 0);
  CHECK(set.erase(set.find(q)) == set.end());
  CHECK(set.empty());
  set.insert(p);
  set.clear();
  CHECK(set.empty());
  heap.verify();
}

TEST_CASE("weak containers move and swap, entries included") {
  manual_heap heap;
  auto p = make_gc<node>();
  weak_key_map<node, int> a;
  a.try_emplace(p, 1);
  weak_key_map<node, int> b = std::move(a);
  CHECK((a.empty() && b.at(p) == 1));
  swap(a, b);
  b = std::move(a);
  CHECK(b.at(p) == 1);
  p.reset();
  CHECK(b.empty());
  STATIC_REQUIRE(!std::is_copy_constructible_v<weak_set<node>>);
  STATIC_REQUIRE(std::forward_iterator<weak_set<node>::iterator>);
}

TEST_CASE("iteration goes in the order of insertion and survives the death of any object") {
  manual_heap heap;
  std::vector<gc_ptr<node>> keep;
  weak_set<node> set;
  for (int i = 0; i < 100; ++i) {
    keep.push_back(make_gc<node>(nullptr, i));
    set.insert(keep.back());
  }
  std::vector<int> seen;
  for (auto const& p : set) {
    seen.push_back(p->value);
    if (p->value == 10) keep.erase(keep.begin() + 5, keep.begin() + 95);  // the one it stands on, too
    if (p->value == 96) keep.clear();
  }
  CHECK(seen == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 95, 96});
  CHECK(set.empty());
}

TEST_CASE("an entry may be erased by an iterator that has the last handle to its object") {
  manual_heap heap;
  weak_set<node> set;
  weak_key_map<node, std::string> map;
  auto p = make_gc<node>();
  auto const other = make_gc<node>();
  set.insert(p);
  set.insert(other);
  map.try_emplace(p, "value");
  auto in_set = set.begin();
  p.reset();
  in_set = set.erase(std::move(in_set));
  CHECK(*in_set == other);
  CHECK((set.size() == 1 && map.empty()));

  p = make_gc<node>();
  map.try_emplace(p, "another");
  auto in_map = map.begin();
  p.reset();
  CHECK(map.erase(std::move(in_map)) == map.end());
  CHECK(map.empty());
  in_set = {};
  CHECK(heap.objects() == 1);
  heap.verify();
}

TEST_CASE("entries that are added while iterating are met") {
  manual_heap heap;
  std::vector<gc_ptr<node>> keep{make_gc<node>()};
  weak_set<node> set;
  set.insert(keep.back());
  int seen = 0;
  for (auto const& p : set) {
    REQUIRE(p);
    if (++seen < 1000) {
      keep.push_back(make_gc<node>());
      set.insert(keep.back());
    }
  }
  CHECK(seen == 1000);
}

TEST_CASE("one object in many containers, and many objects in one") {
  manual_heap heap;
  std::vector<weak_set<node>> sets(1000);
  auto p = make_gc<node>();
  for (auto& set : sets) set.insert(p);
  sets.erase(sets.begin() + 100, sets.begin() + 200);
  p.reset();
  for (auto const& set : sets) CHECK(set.empty());
  weak_set<node> one;
  std::vector<gc_ptr<node>> keep(100'000);
  for (auto& q : keep) one.insert(q = make_gc<node>());
  CHECK(one.size() == 100'000);
  keep.clear();
  CHECK(one.empty());
  heap.verify();
}

TEST_CASE("weak containers find objects by any base, and large ones") {
  manual_heap heap;
  auto p = make_gc<derived>();
  weak_set<base_b> set;
  set.insert(p);
  CHECK((*set.begin())->b == 7);
  p.reset();
  CHECK(set.empty());
  auto q = make_gc<large>();
  weak_key_map<large, gc_ptr<large>> map;
  map.try_emplace(q, q);
  q.reset();
  CHECK(map.size() == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(map.empty());
}

// ---- weak_value_map ----------------------------------------------------------------------------------------------

TEST_CASE("a weak value map finds live objects by their keys") {
  manual_heap heap;
  weak_value_map<std::string, node> map;
  auto a = make_gc<node>();
  auto b = make_gc<node>();
  CHECK(map.try_emplace("a", a).second);
  auto const [at, fresh] = map.try_emplace("a", b);
  CHECK_FALSE(fresh);
  CHECK((*at).second == a);
  CHECK(at->first == "a");
  CHECK((map.at("a") == a && map.contains("a") && map.count("b") == 0));
  CHECK_THROWS_AS(map.at("b"), std::out_of_range);
  CHECK(map.insert_or_assign("b", b).second);
  CHECK_FALSE(map.insert_or_assign("a", b).second);
  CHECK(map.at("a") == b);
  CHECK(map.size() == 2);
  CHECK(map.erase("b") == 1);
  b.reset();
  CHECK(map.empty());
}

TEST_CASE("the death of an object never removes a newer entry with its key") {
  manual_heap heap;
  weak_value_map<int, node> map;
  auto a = make_ring();
  auto b = make_gc<node>();
  map.try_emplace(1, a);
  map.insert_or_assign(1, b);
  a.reset();
  ouro::gc::collect();
  CHECK(map.at(1) == b);
  b.reset();
  auto c = make_gc<node>();
  CHECK(map.try_emplace(1, c).second);
  CHECK(map.at(1) == c);
}

TEST_CASE("purging neither hashes nor compares, and destroys keys when the map is consistent") {
  manual_heap heap;
  static int hashed = 0;
  static int compared = 0;
  struct counting_hash {
    std::size_t operator()(std::string const& s) const {
      ++hashed;
      return s.size();
    }
  };
  struct counting_equal {
    bool operator()(std::string const& a, std::string const& b) const {
      ++compared;
      return a == b;
    }
  };
  weak_value_map<std::string, node, counting_hash, counting_equal> map;
  std::vector<gc_ptr<node>> keep;
  for (int i = 0; i < 100; ++i) {
    keep.push_back(make_ring());
    map.try_emplace(std::string(static_cast<std::size_t>(i % 7), 'x') + std::to_string(i), keep.back());
  }
  hashed = compared = 0;
  keep.clear();
  CHECK(ouro::gc::collect() == 100);
  CHECK(map.empty());
  CHECK((hashed == 0 && compared == 0));
}

TEST_CASE("values whose destructors use the map see it without the entry that goes") {
  manual_heap heap;
  struct stack {
    std::vector<gc_ptr<node>> nodes;
    // Some vectors shrink only when the destructor is done, which here comes back to the vector.
    void pop() {
      auto const last = std::move(nodes.back());
      nodes.pop_back();
    }
  };
  struct meddler {
    weak_key_map<node, std::unique_ptr<meddler>>* map;
    stack* keep;
    std::size_t* seen;
    ~meddler() {
      *seen = map->size();
      if (!keep->nodes.empty()) keep->pop();  // cascading deletes
      auto p = make_gc<node>();
      map->try_emplace(p, nullptr);
    }
  };
  weak_key_map<node, std::unique_ptr<meddler>> map;
  stack keep;
  std::size_t seen = 99;
  for (int i = 0; i < 50; ++i) {
    keep.nodes.push_back(make_gc<node>());
    map.try_emplace(keep.nodes.back(), std::make_unique<meddler>(&map, &keep, &seen));
  }
  keep.pop();
  CHECK(keep.nodes.empty());
  CHECK(map.empty());
  CHECK(seen == 0);
}

TEST_CASE("keys with handles in a weak value map die with the map or the object") {
  manual_heap heap;
  struct table_owner {
    weak_value_map<gc_ptr<node>, node> map{};
    gc_ptr<table_owner> self{};
  };
  auto o = make_gc<table_owner>();
  o->self = o;
  auto key = make_gc<node>();
  auto value = make_gc<node>();
  o->map.try_emplace(key, value);
  weak_gc_ptr<node> const w = key;
  key.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK_FALSE(w.expired());
  SECTION("the object goes") {
    value.reset();
    CHECK(w.expired());
    o.reset();
  }
  SECTION("the map goes") {
    o.reset();
    CHECK(ouro::gc::collect() == 2);
    CHECK(w.expired());
  }
  SECTION("a key that leads to its object") {
    w.lock()->next = value;
    value.reset();
    CHECK(ouro::gc::collect() == 2);
    CHECK(o->map.empty());
  }
}

// ---- ephemerons --------------------------------------------------------------------------------------------------

TEST_CASE("an entry whose value leads to its key is collected") {
  manual_heap heap;
  weak_key_map<node, gc_ptr<node>> map;
  auto key = make_gc<node>();
  map.try_emplace(key, make_gc<node>(key));
  CHECK(ouro::gc::collect() == 0);
  CHECK(map.size() == 1);
  key.reset();
  CHECK(map.size() == 1);
  CHECK(ouro::gc::collect() == 2);
  CHECK(map.empty());
  CHECK(heap.objects() == 0);
}

TEST_CASE("an entry whose value is held from outside stays as long as its key is reachable through it") {
  manual_heap heap;
  weak_key_map<node, gc_ptr<node>> map;
  auto key = make_gc<node>();
  auto value = make_gc<node>(key);
  map.try_emplace(key, value);
  key.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(map.at(value->next) == value);
  value.reset();
  CHECK(ouro::gc::collect() == 2);
}

TEST_CASE("a chain of ephemerons lives from its first key and dies as a whole") {
  manual_heap heap;
  weak_key_map<node, gc_ptr<node>> map;
  int const length = 1000;
  auto first = make_gc<node>();
  auto last = first;
  for (int i = 1; i < length; ++i) {
    auto next = make_gc<node>();
    map.try_emplace(last, next);
    last = next;
  }
  bool const closed = GENERATE(false, true);
  if (closed) map.try_emplace(last, first);
  last.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(heap.objects() == 1000);
  first.reset();
  CHECK(ouro::gc::collect() == (closed ? 1000 : 0));
  CHECK(map.empty());
  CHECK(heap.objects() == 0);
}

TEST_CASE("a value that leads to the table dies with it, although its key lives") {
  manual_heap heap;
  auto o = make_gc<owner>();
  auto const key = make_gc<node>();
  o->map.try_emplace(key, o);
  weak_gc_ptr<owner> const w = o;
  CHECK(ouro::gc::collect() == 0);
  o.reset();
  CHECK_FALSE(w.expired());
  CHECK(ouro::gc::collect() == 1);
  CHECK(w.expired());
  CHECK(heap.objects() == 1);
  heap.verify();
}

TEST_CASE("a table that its value and its key lead to dies with all of them") {
  manual_heap heap;
  auto o = make_gc<owner>();
  o->key = make_ring();
  o->map.try_emplace(o->key, o);
  weak_gc_ptr<owner> const w = o;
  CHECK(ouro::gc::collect() == 0);
  o.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(w.expired());
}

TEST_CASE("a key that dies by counting takes its value along, to the table if nothing else held it") {
  manual_heap heap;
  auto o = make_gc<owner>();
  auto key = make_gc<node>();
  o->map.try_emplace(key, o);
  weak_gc_ptr<owner> const w = o;
  o.reset();
  CHECK_FALSE(w.expired());
  key.reset();
  CHECK(w.expired());
  CHECK(heap.objects() == 0);
}

TEST_CASE("young collections respect ephemerons whose key or table is old") {
  manual_heap heap;
  auto old_key = make_gc<node>();
  auto old_owner = make_gc<owner>();
  ouro::gc::collect();
  auto const young_owner = make_gc<owner>();
  old_owner->map.try_emplace(old_key, young_owner);
  auto young_key = make_gc<node>();
  weak_gc_ptr<node> const watched = young_key;
  old_owner->map.try_emplace(young_key, make_gc<owner>());
  weak_gc_ptr<owner> const value = old_owner->map.at(young_key);
  young_key->next = young_key;
  CHECK(ouro::gc::collect(0) == 0);
  CHECK_FALSE(value.expired());
  young_key.reset();
  CHECK(ouro::gc::collect(1) == 2);
  CHECK((watched.expired() && value.expired()));
  CHECK(old_owner->map.size() == 1);
}

TEST_CASE("attaching a value with handles makes a leaf key tracked, so that a cycle through it is found") {
  manual_heap heap;
  weak_key_map<leaf, gc_ptr<refers_to_leaf>> map;
  auto key = make_gc<leaf>();
  CHECK_FALSE(ouro::gc::is_tracked(key));
  map.try_emplace(key, make_gc<refers_to_leaf>(key));
  CHECK(ouro::gc::is_tracked(key));
  weak_gc_ptr<leaf> const w = key;
  int const generation = GENERATE(0, 1, 2);
  if (generation == 2) CHECK(ouro::gc::collect() == 0);
  key.reset();
  CHECK_FALSE(w.expired());
  CHECK(ouro::gc::collect(generation) == 2);
  CHECK(w.expired());
  CHECK(map.empty());
  heap.verify();
}

TEST_CASE("a leaf key whose entry was erased lives and dies as before") {
  manual_heap heap;
  weak_key_map<leaf, gc_ptr<node>> map;
  auto key = make_gc<leaf>();
  map.try_emplace(key, make_gc<node>());
  map.erase(key);
  CHECK(ouro::gc::collect() == 0);
  auto second = key;
  second.reset();
  CHECK(ouro::gc::collect() == 0);
  key.reset();
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("values without handles leave a leaf key untracked") {
  manual_heap heap;
  weak_key_map<leaf, std::string> map;
  auto key = make_gc<leaf>();
  map.try_emplace(key, "value");
  CHECK_FALSE(ouro::gc::is_tracked(key));
  map[key] += "s";
  CHECK(map.at(key) == "values");
  CHECK_FALSE(map.insert_or_assign(key, "other").second);
  CHECK(map.at(key) == "other");
  key.reset();
  CHECK(map.empty());
}

TEST_CASE("ephemerons in a map that is reported by a trace written by hand") {
  manual_heap heap;
  recorded_reports reports;
  auto o = make_gc<hand_traced_owner>();
  o->self = o;
  auto key = make_gc<node>();
  o->map.try_emplace(key, hand_traced{key});
  weak_gc_ptr<node> const w = key;
  key.reset();
  SECTION("the key goes") {
    CHECK(ouro::gc::collect() == 1);
    CHECK(w.expired());
    CHECK(o->map.empty());
  }
  SECTION("the table goes") {
    auto const alive = w.lock();
    o.reset();
    CHECK(ouro::gc::collect() == 1);
    CHECK_FALSE(w.expired());
  }
  SECTION("both go") {
    o.reset();
    CHECK(ouro::gc::collect() == 2);
    CHECK(w.expired());
  }
  CHECK(reports.empty());
  heap.verify();
}

TEST_CASE("a value that reports a handle twice is found out, and frees nothing that lives") {
  manual_heap heap;
  recorded_reports reports;
  weak_key_map<node, reports_twice> map;
  auto key = make_gc<node>();
  auto value = make_ring();
  weak_gc_ptr<node> const w = value;
  map.try_emplace(key, reports_twice{value});
  value.reset();
  key->next = key;
  CHECK(ouro::gc::collect() == 0);
  CHECK_FALSE(w.expired());
  CHECK(reports.size() == 1);
  map.clear();
  CHECK(ouro::gc::collect() == 1);
  CHECK(w.expired());
}

TEST_CASE("values with containers whose keys are handles are torn down as other garbage is") {
  manual_heap heap;
  using keyed = std::set<gc_ptr<node>>;
  struct keyed_owner {
    weak_key_map<node, keyed> map{};
    gc_ptr<keyed_owner> self{};
  };
  recorded_reports reports;
  auto o = make_gc<keyed_owner>();
  o->self = o;
  auto key = make_gc<node>();
  o->map.try_emplace(key, keyed{key, make_gc<node>(key), make_ring()});
  bool const owner_too = GENERATE(false, true);
  key.reset();
  if (owner_too) o.reset();
  CHECK(ouro::gc::collect() == (owner_too ? 4 : 3));
  CHECK(heap.objects() == (owner_too ? 0 : 1));
  CHECK(reports.empty());
  heap.verify();
}

TEST_CASE("a finalizer finds the entries of its object, a destructor does not; resurrection keeps them") {
  manual_heap heap;
  struct subject {
    weak_key_map<subject, int>* map;
    std::vector<std::string>* log;
    bool resurrects;
    gc_ptr<subject>* saved;
    gc_ptr<subject> cycle{};
    void gc_finalize() {
      log->push_back("finalize " + std::to_string(map->at(ouro::gc_from_this(this))));
      if (resurrects) *saved = ouro::gc_from_this(this);
    }
    ~subject() { log->push_back("destroy " + std::to_string(map->size())); }
  };
  weak_key_map<subject, int> map;
  std::vector<std::string> log;
  gc_ptr<subject> saved;
  bool const in_cycle = GENERATE(false, true);
  bool const resurrects = GENERATE(false, true);
  auto p = make_gc<subject>(&map, &log, resurrects, &saved);
  if (in_cycle) p->cycle = p;
  map.try_emplace(p, 5);
  p.reset();
  ouro::gc::collect();
  if (resurrects) {
    CHECK(log == std::vector<std::string>{"finalize 5"});
    CHECK(map.at(saved) == 5);
    saved->cycle.reset();
    saved.reset();
  }
  CHECK(log == std::vector<std::string>{"finalize 5", "destroy 0"});
}

TEST_CASE("a map member of garbage takes its values along and leaves the keys alone") {
  manual_heap heap;
  census values;
  struct map_owner {
    weak_key_map<node, std::shared_ptr<tally>> map{};
    gc_ptr<map_owner> self{};
  };
  auto o = make_gc<map_owner>();
  o->self = o;
  auto const key = make_gc<node>();
  o->map.try_emplace(key, std::make_shared<tally>(values));
  o.reset();
  CHECK(values.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(values.alive == 0);
  CHECK(key.use_count() == 1);
  heap.verify();
}

TEST_CASE("maps within values are ephemerons, too") {
  manual_heap heap;
  weak_key_map<node, weak_key_map<node, gc_ptr<node>>> outer;
  auto a = make_gc<node>();
  auto const b = make_gc<node>();
  outer[a].try_emplace(b, make_gc<node>(a));
  weak_gc_ptr<node> const w = a;
  CHECK(ouro::gc::collect() == 0);
  CHECK(outer[a].size() == 1);
  a.reset();  // what leads to it is the value of a map that is alive only if it is
  CHECK_FALSE(w.expired());
  CHECK(ouro::gc::collect() == 2);
  CHECK(w.expired());
  CHECK(outer.empty());
  CHECK(heap.objects() == 1);
  heap.verify();
}

TEST_CASE("a key in another heap keeps its value, which dies with the key") {
  manual_heap heap;
  ouro::heap other;
  weak_key_map<node, gc_ptr<node>> map;
  gc_ptr<node> key;
  {
    ouro::heap::scope const scope(other);
    key = make_gc<node>();
  }
  map.try_emplace(key, make_ring());
  CHECK(ouro::gc::collect() == 0);
  key.reset();
  CHECK(map.empty());
  CHECK(ouro::gc::collect() == 1);
}

TEST_CASE("the value of an entry may hold the last object of a heap that is gone") {
  manual_heap heap;
  weak_key_map<node, gc_ptr<node>> map;
  gc_ptr<node> key;
  {
    ouro::heap other;
    ouro::heap::scope const scope(other);
    key = make_gc<node>();
    map.try_emplace(key, key);
  }
  weak_gc_ptr<node> const weak = key;
  key.reset();
  CHECK_FALSE(weak.expired());
  map.clear();
  CHECK(weak.expired());
}

namespace {
template <std::size_t Bytes, std::size_t Alignment>
struct alignas(Alignment) sized_value {
  explicit sized_value(int v) : first(v), last(static_cast<char>(v)) {}
  int first;
  std::array<char, Bytes> body{};
  char last;
};

template <class Value>
void check_values_of() {
  manual_heap heap;
  weak_key_map<node, Value> map;
  std::vector<gc_ptr<node>> keys;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 300; ++i) {
      keys.push_back(make_gc<node>());
      map.try_emplace(keys.back(), i);
    }
    heap.verify();
    int i = 0;
    for (auto const& [key, value] : map) {
      CHECK(key == keys[static_cast<std::size_t>(i)]);
      CHECK(reinterpret_cast<std::uintptr_t>(&value) % alignof(Value) == 0);
      CHECK((value.first == i && value.last == static_cast<char>(i)));
      ++i;
    }
    CHECK(i == 300);
    if (round == 1) map.clear();
    keys.clear();
    CHECK(map.empty());
    heap.verify();
  }
}
}  // namespace

TEST_CASE("values of any size and alignment have entries of their own") {
  check_values_of<sized_value<1, 4>>();
  check_values_of<sized_value<100, 16>>();
  check_values_of<sized_value<400, 8>>();
  check_values_of<sized_value<5000, 8>>();
  check_values_of<sized_value<1, 64>>();
}

TEST_CASE("an entry whose value cannot be made leaves nothing behind") {
  struct throws {
    explicit throws(bool now) {
      if (now) throw std::runtime_error("no value");
    }
  };
  manual_heap heap;
  weak_key_map<node, throws> map;
  auto const key = make_gc<node>();
  for (int i = 0; i < 2000; ++i) CHECK_THROWS_AS(map.try_emplace(key, true), std::runtime_error);
  CHECK(map.empty());
  CHECK(map.try_emplace(key, false).second);
  CHECK(map.size() == 1);
  heap.verify();
}

TEST_CASE("the last handle to a key may be dropped while its value is made") {
  struct drops {
    explicit drops(gc_ptr<node>& last) { last = nullptr; }
  };
  manual_heap heap;
  weak_key_map<node, drops> map;
  auto key = make_gc<node>();
  weak_gc_ptr<node> const weak = key;
  {
    auto const [at, is_new] = map.try_emplace(key, key);
    CHECK(is_new);
    CHECK((*at).first == weak.lock());
    CHECK(map.size() == 1);
  }
  CHECK(weak.expired());
  CHECK(map.empty());
  heap.verify();
}

TEST_CASE("the entries of many small containers share memory") {
  manual_heap heap;
  auto const key = make_gc<node>();
  std::vector<weak_set<node>> sets(2000);
  for (auto& s : sets) s.insert(key);
  CHECK(ouro::heap::current().stats().bytes_reserved < 2'000'000);
  sets.clear();
  heap.verify();
}

#if !defined(OURO_SYSTEM_ALLOC)
TEST_CASE("a heap's limit refuses no entries, but counts them") {
  manual_heap const outside;
  ouro::heap limited;
  ouro::heap::scope const scope(limited);
  struct other {
    std::array<char, 40> body{};
  };
  auto const key = make_gc<node>();
  limited.set_limit(limited.stats().pages * 65536 + 65536);
  std::vector<weak_set<node>> sets(2000);
  for (auto& s : sets) CHECK(s.insert(key).second);
  limited.verify();
  CHECK_THROWS_AS(make_gc<other>(), std::bad_alloc);
  sets.clear();
  CHECK(make_gc<other>() != nullptr);
}
#endif

TEST_CASE("a million ephemerons whose values refer to their keys are collected at once") {
  manual_heap heap;
  weak_key_map<node, gc_ptr<node>> map;
  std::size_t const n = 1'000'000;
  for (std::size_t i = 0; i < n; ++i) {
    auto const key = make_gc<node>();
    map.try_emplace(key, make_gc<node>(key));
  }
  CHECK(map.size() == n);
  CHECK(ouro::gc::collect() == 2 * n);
  CHECK(map.empty());
  CHECK(heap.objects() == 0);
}

TEST_CASE("collections renumber the births of leaf keys like all others") {
  manual_heap heap;
  weak_key_map<leaf, gc_ptr<refers_to_leaf>> map;
  auto key = make_gc<leaf>();
  map.try_emplace(key, make_gc<refers_to_leaf>(key));
  for (int i = 0; i < 40'000; ++i) ouro::gc::collect(0);
  key.reset();
  CHECK(ouro::gc::collect() == 2);
  heap.verify();
}
