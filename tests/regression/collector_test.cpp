// Bugs of the collector and of heaps that were found by trying to break them.
#include "support/catch.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;

struct ring {
  gc_ptr<ring> next{};
};

void make_rings(int n) {
  for (int i = 0; i < n; ++i) {
    auto const a = make_gc<ring>();
    a->next = make_gc<ring>(make_gc<ring>(a));
  }
}

int reports = 0;
void count_reports(std::exception_ptr, std::string_view, std::string_view) { ++reports; }

}  // namespace

TEST_CASE("pages full of garbage leave the exact figures of a heap with thresholds exact") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  ouro::gc::set_threshold(0);
  make_rings(20'000);
  CHECK(ouro::gc::collect() == 60'000);
  heap.verify();
  CHECK(heap.stats().objects == 0);
  CHECK(ouro::gc::get_count()[0] == 0);
}

TEST_CASE("moving the thread's default heap takes it away, and the thread begins a new one") {
  auto const outside = make_gc<ring>();
  {
    ouro::heap taken = std::move(ouro::heap::current());
    CHECK(taken.stats().objects >= 1);
    CHECK(ouro::heap::current().stats().objects == 0);
    std::thread([h = std::move(taken)]() mutable {
      ouro::heap::scope const scope(h);
      make_rings(10);
    }).join();
  }
  CHECK(outside.use_count() == 1);
  make_rings(10);
  CHECK(ouro::gc::collect() == 30);
  ouro::heap::current().verify();
}

namespace {

struct escapee {
  gc_ptr<struct holder> owner{};
  int value = 7;
};

gc_ptr<escapee> escaped;
bool let_escape = false;

struct key {
  gc_ptr<escapee> target{};
  int id = 0;
  key(gc_ptr<escapee> t, int i) : target(std::move(t)), id(i) {}
  key(key const&) = default;
  key& operator=(key const&) = default;
  ~key() {
    if (let_escape && id == 1 && target && !escaped) escaped = target;
  }
  bool operator<(key const& other) const { return id < other.id; }

 private:
  friend ouro::access;
  static constexpr std::size_t gc_fields = 2;
};

struct holder {
  std::set<key> keys{};
  gc_ptr<escapee> target{};
};

}  // namespace

TEST_CASE("an object whose handle escapes while a keyed container is emptied is never reused") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  auto const before = ouro::gc::set_unraisable_hook(count_reports);
  reports = 0;
  void const* address = nullptr;
  {
    auto const h = make_gc<holder>();
    h->target = make_gc<escapee>(h);
    for (int i = 0; i < 5; ++i) h->keys.emplace(h->target, i);
    address = h->target.get();
  }
  let_escape = true;
  CHECK(ouro::gc::collect() == 2);
  let_escape = false;
  REQUIRE(escaped);
  CHECK(reports == 1);
  for (int i = 0; i < 100; ++i) CHECK(make_gc<escapee>().get() != address);
  escaped.reset();
  ouro::gc::set_unraisable_hook(before);
}

namespace {

std::vector<gc_ptr<void>> kept;
bool keeping = false;

struct keeps_in_trace {
  gc_ptr<keeps_in_trace> other{};
  void gc_trace(ouro::tracer& t) const noexcept {
    if (keeping && kept.empty()) kept.push_back(other);
    t(other);
  }
};

}  // namespace

TEST_CASE("a handle that a trace keeps is counted, and reported") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  auto const before = ouro::gc::set_unraisable_hook(count_reports);
  reports = 0;
  auto a = make_gc<keeps_in_trace>();
  a->other = make_gc<keeps_in_trace>();
  a->other->other = a;
  SECTION("of an object that is alive") {}
  SECTION("of garbage") { a.reset(); }
  keeping = true;
  CHECK(ouro::gc::collect() == 0);
  keeping = false;
  CHECK(reports == 1);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].use_count() == 2);
  kept.clear();
  a.reset();
  CHECK(ouro::gc::collect() == 2);
  heap.verify();
  ouro::gc::set_unraisable_hook(before);
}

namespace {

struct chain_link {
  std::unique_ptr<chain_link> next{};
  gc_ptr<struct chain_owner> owner{};
};

struct chain_owner {
  std::unique_ptr<chain_link> first{};
  explicit chain_owner(int length) {
    for (int i = 0; i < length; ++i) {
      auto link = std::make_unique<chain_link>();
      link->next = std::move(first);
      first = std::move(link);
    }
  }
  ~chain_owner() {
    while (first) first = std::exchange(first->next, nullptr);
  }

 private:
  friend ouro::access;
  static constexpr std::size_t gc_fields = 1;
};

}  // namespace

TEST_CASE("a chain of a million unique_ptr inside one object is traced without deep recursion") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  auto owner = make_gc<chain_owner>(1'000'000);
  owner->first->owner = owner;
  owner->first->next->next->owner = owner;
  CHECK(ouro::gc::collect() == 0);
  owner.reset();
  CHECK(ouro::gc::collect() == 1);
}

namespace {

struct freezer {
  gc_ptr<freezer> self{};
  gc_ptr<freezer>* home = nullptr;
  void gc_finalize() {
    for (int i = 0; i < 20; ++i) ouro::gc::freeze();
    ouro::gc::unfreeze();
    if (home != nullptr) *home = ouro::gc_from_this(this);
  }
};

}  // namespace

TEST_CASE("ages stay right when a finalizer has the epochs renumbered") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  for (int i = 0; i < 32'740; ++i) ouro::gc::freeze();
  ouro::gc::unfreeze();
  gc_ptr<freezer> saved;
  {
    auto const f = make_gc<freezer>();
    f->self = f;
    f->home = &saved;
  }
  CHECK(ouro::gc::collect() == 0);
  REQUIRE(saved);
  for (int i = 0; i < 3; ++i) ouro::gc::collect();
  CHECK(ouro::gc::get_objects(2).size() == 1);
  ouro::gc::freeze();
  CHECK(ouro::gc::get_freeze_count() == 1);
  saved.reset();
  CHECK(ouro::gc::collect() == 0);
  ouro::gc::unfreeze();
  CHECK(ouro::gc::collect() == 1);
  heap.verify();
}

namespace {

int rings_alive = 0;

struct counted_ring {
  gc_ptr<counted_ring> self{};
  counted_ring() { ++rings_alive; }
  ~counted_ring() { --rings_alive; }

 private:
  friend ouro::access;
  static constexpr std::size_t gc_fields = 1;
};

struct heap_owner {
  ouro::heap own{};
  gc_ptr<heap_owner> self{};
  heap_owner() {
    ouro::heap::scope const scope(own);
    for (int i = 0; i < 10; ++i) {
      auto const r = make_gc<counted_ring>();
      r->self = r;
    }
  }
  void gc_trace(ouro::tracer& t) const noexcept { t(self); }
};

}  // namespace

TEST_CASE("a heap that is closed inside a destructor collects when the destructors are done") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  auto p = make_gc<heap_owner>();
  CHECK(rings_alive == 10);
  SECTION("by counting") { p.reset(); }
  SECTION("in a collection") {
    p->self = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(rings_alive == 0);
}

TEST_CASE("gc_from_this of a null pointer throws") {
  struct polymorphic {
    virtual ~polymorphic() = default;
  };
  polymorphic* const none = nullptr;
  CHECK_THROWS_AS(ouro::gc_from_this(none), ouro::bad_gc_from_this);
}

TEST_CASE("a gc_function made of a null function pointer is empty") {
  void (*none)() = nullptr;
  ouro::gc_function<void()> const f(none);
  CHECK_FALSE(f);
}

#ifndef OURO_SYSTEM_ALLOC  // there are no pages
TEST_CASE("a page from which blocks are handed out is never taken for one full of garbage") {
  struct alone {
    gc_ptr<alone> next{};
    std::string name{"long enough to be on the free store, which a leak checker sees"};
  };
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  ouro::gc::disable();
  ouro::detail::page* page = nullptr;
  for (int i = 0; i < 5; ++i) {
    auto const p = make_gc<alone>();
    p->next = p;
    page = ouro::detail::page_of(ouro::detail::header_of(p.get()));
  }
  REQUIRE(page->mode == ouro::detail::page_mode::current);
  page->used = 5;  // as it is after very many frees, which count it down
  CHECK(ouro::gc::collect() == 5);
  CHECK(heap.stats().objects == 0);
  CHECK(page->condemned == 0);
  heap.verify();
}
#endif
