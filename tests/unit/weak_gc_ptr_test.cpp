// Weak handles: they lead to an object while it lives, keep nothing alive, and stay what they are after its death.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro::weak_gc_ptr;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::tally;

struct node {
  gc_ptr<node> next{};
  int value = 0;
};

struct left {
  virtual ~left() = default;
  int a = 1;
  using gc_leaf = left;
};
struct right {
  virtual ~right() = default;
  int b = 2;
  using gc_leaf = right;
};
struct both : left, right {
  gc_ptr<both> self{};
  static constexpr auto gc_members = ouro::members(&both::self);
};

struct apex {
  virtual ~apex() = default;
  int c = 3;
  using gc_leaf = apex;
};
struct one_side : virtual apex {
  using gc_leaf = one_side;
};
struct diamond : one_side {
  gc_ptr<diamond> self{};
  static constexpr auto gc_members = ouro::members(&diamond::self);
};

struct large {
  gc_ptr<large> next{};
  std::array<char, 100'000> bytes{};
};

struct tree {
  std::vector<gc_ptr<tree>> children{};
  weak_gc_ptr<tree> parent{};
};

struct never_completed;
struct with_incomplete {
  weak_gc_ptr<never_completed> later{};
};

struct careful {
  careful(weak_gc_ptr<careful>& out, bool fails) {
    out = ouro::gc_from_this(this);
    locked_inside = out.lock() != nullptr;
    if (fails) throw std::runtime_error("constructor");
  }
  bool locked_inside = false;
  using gc_leaf = careful;
};

std::size_t hash(weak_gc_ptr<node> const& w) { return std::hash<weak_gc_ptr<node>>()(w); }

}  // namespace

// ---- the handle --------------------------------------------------------------------------------------------------

TEST_CASE("a weak handle is one pointer wide, locks without exceptions, and converts as std::weak_ptr does") {
  STATIC_REQUIRE(sizeof(weak_gc_ptr<node>) == sizeof(void*));
  STATIC_REQUIRE(noexcept(std::declval<weak_gc_ptr<node> const&>().lock()));
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<weak_gc_ptr<node>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<weak_gc_ptr<node>>);
  STATIC_REQUIRE(std::is_convertible_v<gc_ptr<node>, weak_gc_ptr<node>>);
  STATIC_REQUIRE(std::is_convertible_v<weak_gc_ptr<node>, weak_gc_ptr<node const>>);
  STATIC_REQUIRE(std::is_convertible_v<weak_gc_ptr<both>, weak_gc_ptr<right>>);
  STATIC_REQUIRE(std::is_convertible_v<weak_gc_ptr<both>, weak_gc_ptr<void>>);
  STATIC_REQUIRE(!std::is_convertible_v<weak_gc_ptr<node const>, weak_gc_ptr<node>>);
  STATIC_REQUIRE(!std::is_convertible_v<weak_gc_ptr<left>, weak_gc_ptr<both>>);
  STATIC_REQUIRE(!std::is_convertible_v<weak_gc_ptr<node>, gc_ptr<node>>);
  STATIC_REQUIRE(std::is_constructible_v<gc_ptr<node>, weak_gc_ptr<node>>);
  STATIC_REQUIRE(std::is_same_v<decltype(weak_gc_ptr(std::declval<gc_ptr<node>>())), weak_gc_ptr<node>>);
  STATIC_REQUIRE(std::is_same_v<decltype(gc_ptr(std::declval<weak_gc_ptr<node>>())), gc_ptr<node>>);
  with_incomplete const holder;
  CHECK(holder.later == weak_gc_ptr<never_completed>());
}

TEST_CASE("a weak handle locks while its object lives, does not keep it alive, and gives null afterwards") {
  manual_heap heap;
  auto p = make_gc<node>();
  weak_gc_ptr<node> const w = p;
  CHECK(w.lock() == p);
  CHECK(w.use_count() == 1);
  CHECK_FALSE(w.expired());
  p.reset();
  CHECK(w.lock() == nullptr);
  CHECK(w.use_count() == 0);
  CHECK(w.expired());
}

TEST_CASE("a locked handle keeps the object alive") {
  manual_heap heap;
  auto p = make_gc<node>();
  weak_gc_ptr<node> const w = p;
  auto q = w.lock();
  p.reset();
  CHECK_FALSE(w.expired());
  q.reset();
  CHECK(w.expired());
}

TEST_CASE("an empty weak handle is expired, and equal to other empty ones") {
  weak_gc_ptr<node> const none;
  weak_gc_ptr<node> const from_null = gc_ptr<node>();
  CHECK(none.lock() == nullptr);
  CHECK(none.expired());
  CHECK(none.use_count() == 0);
  CHECK(none == from_null);
  CHECK(none == weak_gc_ptr<void>());
}

TEST_CASE("copies, moves, swaps and assignments of weak handles") {
  manual_heap heap;
  auto p = make_gc<node>();
  auto q = make_gc<node>();
  weak_gc_ptr<node> a = p;
  weak_gc_ptr<node> b = a;
  weak_gc_ptr<node> c = std::move(a);
  CHECK(a.expired());
  CHECK((b == c && c.lock() == p));
  a = q;
  swap(a, b);
  CHECK((a.lock() == p && b.lock() == q));
  b = a;
  CHECK(b == a);
  auto& self = b;
  b = self;
  CHECK(b.lock() == p);
  b.reset();
  CHECK(b == weak_gc_ptr<node>());
  weak_gc_ptr<void const> v;
  v = a;
  v = q;
  CHECK(v.lock() == q);
}

TEST_CASE("a gc_ptr made of an expired or empty weak handle throws bad_weak_gc_ptr") {
  manual_heap heap;
  auto p = make_gc<node>();
  weak_gc_ptr<node> const w = p;
  CHECK(gc_ptr<node const>(w) == p);
  p.reset();
  CHECK_THROWS_AS(gc_ptr<node>(w), ouro::bad_weak_gc_ptr);
  CHECK_THROWS_AS(gc_ptr<node>(weak_gc_ptr<node>()), ouro::bad_weak_gc_ptr);
}

TEST_CASE("weak handles are printed as the address of their object") {
  manual_heap heap;
  auto const p = make_gc<node>();
  std::ostringstream weak;
  std::ostringstream strong;
  weak << weak_gc_ptr<node>(p);
  strong << p;
  CHECK(weak.str() == strong.str());
}

// ---- identity ----------------------------------------------------------------------------------------------------

TEST_CASE("equality, hash and order of weak handles stay the same after death") {
  manual_heap heap;
  auto p = make_gc<node>();
  auto q = make_gc<node>();
  weak_gc_ptr<node> const a = p;
  weak_gc_ptr<node> const b = p;
  weak_gc_ptr<node> const c = q;
  auto const before = a <=> c;
  std::size_t const hash_before = hash(a);
  std::unordered_set<weak_gc_ptr<node>> unordered{a, b, c};
  std::set<weak_gc_ptr<node>> ordered{a, b, c};
  CHECK(unordered.size() == 2);
  p.reset();
  CHECK((a == b && a != c));
  CHECK((a <=> c) == before);
  CHECK(hash(a) == hash_before);
  CHECK((unordered.contains(b) && ordered.contains(b)));
}

TEST_CASE("no later object is equal to one that weak handles still remember") {
  manual_heap heap;
  std::vector<weak_gc_ptr<node>> dead;
  std::vector<weak_gc_ptr<large>> dead_large;
  for (int i = 0; i < 100; ++i) {
    auto const p = make_gc<node>();
    auto const q = make_gc<large>();
    for (auto const& w : dead) CHECK(w != weak_gc_ptr<node>(p));
    for (auto const& w : dead_large) CHECK(w != weak_gc_ptr<large>(q));
    dead.emplace_back(p);
    dead_large.emplace_back(q);
  }
  heap.verify();
}

TEST_CASE("weak handles to different bases and to the whole are equal, before and after death") {
  manual_heap heap;
  auto p = make_gc<both>();
  weak_gc_ptr<both> const whole = p;
  weak_gc_ptr<right> const second = p;
  weak_gc_ptr<left> const first = whole;
  weak_gc_ptr<void> const any = second;
  CHECK(second.lock()->b == 2);
  CHECK(any.lock() == p);
  CHECK(second.lock().get() == static_cast<right*>(p.get()));
  CHECK((any == second && any == first && any == whole));
  p.reset();
  CHECK((second.expired() && first.expired() && any.expired()));
  CHECK((any == second && any == first && any == whole));
}

TEST_CASE("weak handles convert after the death of their object, to a virtual base, too") {
  manual_heap heap;
  auto p = make_gc<diamond>();
  weak_gc_ptr<diamond> const whole = p;
  weak_gc_ptr<apex> const alive = whole;
  CHECK(alive.lock()->c == 3);
  p.reset();
  weak_gc_ptr<apex> const dead = whole;
  weak_gc_ptr<one_side> const middle = whole;
  CHECK((dead.expired() && middle.expired()));
  CHECK((dead == whole && middle == whole && alive == whole));
}

TEST_CASE("weak handles to arrays lock to arrays, small and large") {
  manual_heap heap;
  for (std::size_t const n : {std::size_t{0}, std::size_t{3}, std::size_t{1000}}) {
    auto p = make_gc<node[]>(n);
    weak_gc_ptr<node[]> const w = p;
    weak_gc_ptr<node const[]> const constant = w;
    CHECK(w.lock().size() == n);
    CHECK(constant.lock() == p);
    p.reset();
    CHECK(w.expired());
    CHECK(constant == w);
  }
}

// ---- memory ------------------------------------------------------------------------------------------------------

TEST_CASE("the block of a dead object stays until its last weak handle goes, but is no object") {
  manual_heap heap;
  auto p = make_gc<node>();
  auto w = std::optional<weak_gc_ptr<node>>(p);
  auto w2 = w;
  p.reset();
  CHECK(heap.objects() == 0);
  CHECK(heap.get().stats().pages == 1);
  CHECK(ouro::gc::get_objects().empty());
  heap.verify();
  w.reset();
  CHECK(heap.get().stats().pages == 1);
  w2.reset();
  ouro::heap::current().trim();
  CHECK(heap.get().stats().pages == 0);
  heap.verify();
}

TEST_CASE("dead blocks survive collections, counted or not, and are reused afterwards") {
  manual_heap heap;
  if (GENERATE(false, true)) ouro::gc::set_threshold(0);
  std::vector<weak_gc_ptr<node>> weak;
  for (int i = 0; i < 10'000; ++i) {
    auto p = make_gc<node>();
    p->next = p;
    if (i % 3 == 0) weak.emplace_back(p);
  }
  CHECK(ouro::gc::collect() == 10'000);
  CHECK(heap.objects() == 0);
  heap.verify();
  for (auto const& w : weak) REQUIRE(w.expired());
  std::size_t const pages = heap.get().stats().pages;
  weak.clear();
  heap.verify();
  std::vector<gc_ptr<node>> again(10'000);
  for (auto& p : again) p = make_gc<node>();
  CHECK(heap.get().stats().pages <= pages + 1);
  CHECK(heap.objects() == 10'000);
}

TEST_CASE("a large object leaves no memory behind, whatever weak handles it had") {
  manual_heap heap;
  auto p = make_gc<large>();
  weak_gc_ptr<large> const w = p;
  weak_gc_ptr<void> const v = w;
  CHECK((w.lock() == p && v.lock() == p));
  p.reset();
  CHECK(heap.get().stats().large_objects == 0);
  CHECK(heap.get().stats().bytes_in_use == 0);
  CHECK((w.expired() && v == w));
  p = make_gc<large>();
  p->next = p;
  weak_gc_ptr<large> const again = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK((again.expired() && again != w));
}

TEST_CASE("an object may have any number of weak handles, more than its header can count") {
  manual_heap heap;
  for (std::size_t const n : {63u, 64u, 65u, 66u, 127u, 128u, 129u, 255u, 256u, 257u, 100'000u}) {
    auto p = make_gc<node>();
    std::vector<weak_gc_ptr<node>> copies(n, weak_gc_ptr<node>(p));
    std::vector<weak_gc_ptr<void>> others(copies.begin(), copies.end());
    CHECK((copies.front() == copies.back() && others.back() == copies.front()));
    CHECK(copies.back().lock() == p);
    p.reset();
    CHECK(copies.back().expired());
    CHECK((copies.front() == copies.back() && others.back() == copies.front()));
    copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(n / 2));
    weak_gc_ptr<node> const late = copies.back();
    CHECK(late == copies.front());
    heap.verify();
  }
  ouro::heap::current().trim();
  CHECK(heap.get().stats().pages == 0);
}

TEST_CASE("more weak handles than the header can count, each through a base of its own, stay apart") {
  manual_heap heap;
  auto p = make_gc<both>();
  std::vector<weak_gc_ptr<both>> whole(100, weak_gc_ptr<both>(p));
  std::vector<weak_gc_ptr<right>> second(whole.begin(), whole.end());
  std::vector<weak_gc_ptr<left>> first(whole.begin(), whole.end());
  CHECK(second.back().lock().get() == static_cast<right*>(p.get()));
  CHECK(first.back().lock().get() == static_cast<left*>(p.get()));
  p.reset();
  CHECK((second.back().expired() && first.back().expired()));
  CHECK((second.back() == whole.back() && first.back() == whole.back()));
}

TEST_CASE("weak handles outlive their heap, and the thread that made it") {
  weak_gc_ptr<node> w;
  weak_gc_ptr<large> l;
  {
    manual_heap heap;
    auto const p = make_gc<node>();
    auto const q = make_gc<large>();
    w = p;
    l = q;
  }
  CHECK((w.expired() && l.expired()));
  weak_gc_ptr<node> const copy = w;
  CHECK(copy == w);
  weak_gc_ptr<node> from_thread;
  std::thread([&] { from_thread = make_gc<node>(); }).join();
  CHECK(from_thread.expired());
}

TEST_CASE("a million objects of which each has a weak handle die, and the handles with them") {
  manual_heap heap;
  struct item {
    gc_ptr<item> next{};
    weak_gc_ptr<item> previous{};
  };
  gc_ptr<item> first;
  for (int i = 0; i < 1'000'000; ++i) {
    auto fresh = make_gc<item>(std::move(first));
    if (fresh->next) fresh->next->previous = fresh;
    first = std::move(fresh);
  }
  CHECK(first->next->previous.lock() == first);
  first.reset();
  CHECK(heap.objects() == 0);
  heap.verify();
}

// ---- birth and death -----------------------------------------------------------------------------------------------

TEST_CASE("a weak handle taken in a constructor locks there, and is dead if the constructor throws") {
  manual_heap heap;
  weak_gc_ptr<careful> w;
  auto p = make_gc<careful>(w, false);
  CHECK(p->locked_inside);
  CHECK(w.lock() == p);
  CHECK_THROWS_AS(make_gc<careful>(w, true), std::runtime_error);
  CHECK(w.expired());
  CHECK(heap.objects() == 1);
  heap.verify();
}

TEST_CASE("a weak handle without a callback locks in a finalizer, but not in a destructor") {
  manual_heap heap;
  struct watched {
    weak_gc_ptr<watched>* self;
    int* locked_in_finalizer;
    int* locked_in_destructor;
    gc_ptr<watched> cycle{};
    void gc_finalize() { *locked_in_finalizer += self->lock() != nullptr; }
    ~watched() { *locked_in_destructor += !self->expired() || self->lock() != nullptr; }
  };
  int in_finalizer = 0;
  int in_destructor = 0;
  weak_gc_ptr<watched> w;
  auto p = make_gc<watched>(&w, &in_finalizer, &in_destructor);
  w = p;
  p.reset();
  CHECK((in_finalizer == 1 && in_destructor == 0));
  p = make_gc<watched>(&w, &in_finalizer, &in_destructor);
  w = p;
  p->cycle = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK((in_finalizer == 2 && in_destructor == 0));
}

TEST_CASE("a weak handle stays valid when its object is resurrected, on counted death and in a cycle") {
  manual_heap heap;
  struct phoenix {
    gc_ptr<phoenix>* saved;
    gc_ptr<phoenix> cycle{};
    void gc_finalize() { *saved = ouro::gc_from_this(this); }
  };
  bool const in_cycle = GENERATE(false, true);
  gc_ptr<phoenix> saved;
  auto p = make_gc<phoenix>(&saved);
  weak_gc_ptr<phoenix> const w = p;
  if (in_cycle) p->cycle = p;
  p.reset();
  ouro::gc::collect();
  REQUIRE(saved);
  CHECK(w.lock() == saved);
  saved->cycle.reset();
  saved.reset();
  CHECK(w.expired());
}

TEST_CASE("a weak handle taken in a finalizer or copied in a destructor is dead afterwards") {
  manual_heap heap;
  struct leaving {
    std::vector<weak_gc_ptr<leaving>>* out;
    weak_gc_ptr<leaving> own{};
    gc_ptr<leaving> cycle{};
    void gc_finalize() { out->emplace_back(ouro::gc_from_this(this)); }
    ~leaving() { out->push_back(own); }
  };
  bool const in_cycle = GENERATE(false, true);
  std::vector<weak_gc_ptr<leaving>> taken;
  auto p = make_gc<leaving>(&taken);
  p->own = p;
  if (in_cycle) p->cycle = p;
  p.reset();
  ouro::gc::collect();
  REQUIRE(taken.size() == 2);
  CHECK((taken[0].expired() && taken[1].expired()));
  CHECK(taken[0] == taken[1]);
  heap.verify();
}

TEST_CASE("a weak handle to an object that is queued for its destructor does not lock") {
  manual_heap heap;
  struct link;
  struct observer {  // of an object whose last handle has just been dropped
    weak_gc_ptr<link> dropped{};
    ouro::weak_value_map<int, link>* by_number = nullptr;
    int number = 0;
    int* queued = nullptr;  // how often the destructor had not run yet
    int* destroyed = nullptr;
    ~observer() {
      if (destroyed == nullptr) return;
      *queued += *destroyed < number;
      CHECK(dropped.lock() == nullptr);
      CHECK(dropped.expired());
      CHECK_FALSE(by_number->contains(number));
      bool met = false;
      for (auto const& [n, p] : *by_number) met = met || n == number;
      CHECK_FALSE(met);
    }
  };
  struct link {
    observer after{};
    gc_ptr<link> next{};
    int* destroyed = nullptr;
    ~link() { ++*destroyed; }
  };
  constexpr int count = 500;
  int queued = 0;
  int destroyed = 0;
  ouro::weak_value_map<int, link> by_number;
  auto const stays = make_gc<link>();
  stays->destroyed = &destroyed;
  by_number.try_emplace(0, stays);
  gc_ptr<link> first;
  for (int i = 0; i != count; ++i) {
    auto const p = make_gc<link>();
    p->destroyed = &destroyed;
    if (first) {
      p->after.dropped = first;
      p->after.by_number = &by_number;
      p->after.number = count - i + 1;  // the object's place in the order of deaths
      p->after.queued = &queued;
      p->after.destroyed = &destroyed;
      by_number.try_emplace(count - i + 1, first);
    }
    p->next = std::move(first);
    first = p;
  }
  first.reset();
  CHECK(destroyed == count);
  CHECK(queued > 0);
  CHECK(heap.objects() == 1);
}

TEST_CASE("weak handles are made and dropped while every allocation collects") {
  fresh_heap heap;
  ouro::gc::set_threshold(1, 1, 1);
  std::vector<weak_gc_ptr<node>> weak;
  for (int i = 0; i < 2'000; ++i) {
    auto p = make_gc<node>();
    p->next = i % 2 == 0 ? p : nullptr;
    weak.emplace_back(p);
    CHECK(weak.back().lock() == p);
    if (i % 3 == 0) weak.erase(weak.begin());
  }
  ouro::gc::collect();
  for (auto const& w : weak) CHECK(w.expired());
  heap.verify();
}

// ---- as members ----------------------------------------------------------------------------------------------------

TEST_CASE("a tree with weak parents is freed by counting alone") {
  manual_heap heap;
  auto root = make_gc<tree>();
  for (int i = 0; i < 10; ++i) root->children.push_back(make_gc<tree>(std::vector<gc_ptr<tree>>(), root));
  CHECK(root->children[3]->parent.lock() == root);
  auto child = root->children[3];
  root.reset();
  CHECK(heap.objects() == 1);
  CHECK(child->parent.expired());
}

TEST_CASE("types with weak members are traced, never leaves") {
  struct only_weak {
    weak_gc_ptr<node> w{};
  };
  STATIC_REQUIRE(ouro::is_traced<weak_gc_ptr<node>>);
  STATIC_REQUIRE(ouro::is_traced<only_weak>);
  manual_heap heap;
  CHECK(ouro::gc::is_tracked(make_gc<only_weak>()));
}

TEST_CASE("saved garbage stays locked") {
  manual_heap heap;
  auto p = make_gc<node>();
  p->next = p;
  weak_gc_ptr<node> const w = p;
  p.reset();
  ouro::gc::set_debug(ouro::gc::debug_flags::saveall);
  CHECK(ouro::gc::collect() == 1);
  CHECK_FALSE(w.expired());
  ouro::gc::set_debug(ouro::gc::debug_flags::none);
  ouro::gc::garbage().clear();
  ouro::gc::collect();
  CHECK(w.expired());
}
