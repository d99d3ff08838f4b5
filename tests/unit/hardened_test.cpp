// The checks of OURO_HARDENED: misuse ends the program, or is reported, with the type's name and what to do instead.
//
// Empty without OURO_HARDENED: units with and without it must not be linked together. tests/lifetime builds this file
// a second time, with everything around it hardened.
#if defined(OURO_HARDENED)

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct victim {
  int value = 5;
  gc_ptr<victim> link{};
  std::string text = "text";
};

struct bystander {
  std::string text = "text";
};

/// A second handle without a count: what memcpy, a union or a double destruction makes.
class bitwise_copy {
 public:
  explicit bitwise_copy(gc_ptr<victim> const& p) { std::memcpy(bytes_, static_cast<void const*>(&p), sizeof bytes_); }
  gc_ptr<victim>& get() { return *std::launder(reinterpret_cast<gc_ptr<victim>*>(bytes_)); }

 private:
  alignas(gc_ptr<victim>) unsigned char bytes_[sizeof(gc_ptr<victim>)];
};

}  // namespace

// ---- what hardened builds still do ------------------------------------------------------------------------------

TEST_CASE("hardened: a handle is still one pointer wide and cycles are still collected") {
  STATIC_REQUIRE(sizeof(gc_ptr<victim>) == sizeof(void*));
  manual_heap heap;
  recorded_reports const reports;
  auto a = make_gc<victim>();
  a->link = make_gc<victim>(6, a);
  CHECK(ouro::gc::collect() == 0);
  a.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(heap.objects() == 0);
  CHECK(reports.empty());
}

TEST_CASE("hardened: a heap handed to another thread may be used there") {
  ouro::heap heap;
  recorded_reports const reports;
  gc_ptr<victim> p;
  {
    ouro::heap::scope const here(heap);
    ouro::gc::disable();
    p = make_gc<victim>();
    p->link = p;
  }
  std::size_t collected = 0;
  std::thread([&, moved = std::move(heap), q = std::move(p)]() mutable {
    ouro::heap::scope const there(moved);
    auto copy = q;
    copy->value = 7;
    q.reset();
    copy.reset();
    collected = ouro::gc::collect();
  }).join();
  CHECK(collected == 1);
}

#if OURO_TEST_HAS_FORK

// ---- owner thread -----------------------------------------------------------------------------------------------

namespace {

template <class F>
ouro_test::child_result in_another_thread(F body) {
  return ouro_test::run_in_child([&] {
    auto p = make_gc<victim>();
    auto q = p;
    auto const other = make_gc<victim>();
    std::thread([&] { body(p, q, other); }).join();
    std::puts("went on");
  });
}

void expect_thread_report(ouro_test::child_result const& result) {
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("victim"));
  CHECK(result.says("thread"));
  CHECK(result.says("heap"));
}

}  // namespace

TEST_CASE("hardened: a handle copied on another thread than its heap's ends the program with type and remedy") {
  expect_thread_report(in_another_thread([](gc_ptr<victim>& p, gc_ptr<victim>&, gc_ptr<victim> const&) {
    auto const copy = p;
    std::printf("%d", copy->value);
  }));
}

TEST_CASE("hardened: a weak handle locked on another thread than its heap's ends the program with type and remedy") {
  expect_thread_report(in_another_thread([](gc_ptr<victim>& p, gc_ptr<victim>&, gc_ptr<victim> const&) {
    ouro::weak_gc_ptr<victim> const w = p;
    (void)w.lock();
  }));
}

TEST_CASE("hardened: a handle dropped on another thread than its heap's ends the program with type and remedy") {
  SECTION("not the last one") {
    expect_thread_report(
        in_another_thread([](gc_ptr<victim>& p, gc_ptr<victim>&, gc_ptr<victim> const&) { p.reset(); }));
  }
  SECTION("the last one") {
    expect_thread_report(in_another_thread([](gc_ptr<victim>& p, gc_ptr<victim>& q, gc_ptr<victim> const&) {
      p.reset();
      q.reset();
    }));
  }
  SECTION("by assignment") {
    expect_thread_report(
        in_another_thread([](gc_ptr<victim>& p, gc_ptr<victim>&, gc_ptr<victim> const& other) { p = other; }));
  }
}

TEST_CASE("hardened: a heap that a second thread has made current is no longer the first one's to use") {
  auto const result = ouro_test::run_in_child([] {
    ouro::heap heap;
    ouro::heap::scope const here(heap);
    auto const p = make_gc<victim>();
    std::atomic<bool> taken{false};
    std::thread([&] {
      ouro::heap::scope const there(heap);
      taken = true;
      for (;;) std::this_thread::yield();
    }).detach();
    while (!taken) std::this_thread::yield();
    auto const copy = p;
    std::puts("went on");
    std::fflush(stdout);
    std::_Exit(copy->value);
  });
  expect_thread_report(result);
}

// ---- destroyed objects and underflow ----------------------------------------------------------------------------

TEST_CASE("hardened: a copy of a handle to a destroyed object ends the program with type and remedy") {
  auto const result = ouro_test::run_in_child([] {
    auto const neighbour = make_gc<victim>();  // keeps the page
    auto p = make_gc<victim>();
    bitwise_copy stale(p);
    p.reset();
    auto const copy = stale.get();
    std::puts("went on");
    std::printf("%p", static_cast<void*>(copy.get()));
  });
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("victim"));
  CHECK(result.says("destr"));
}

TEST_CASE("hardened: a handle dropped twice ends the program with type and remedy") {
  auto const result = ouro_test::run_in_child([] {
    auto const neighbour = make_gc<victim>();
    auto p = make_gc<victim>();
    bitwise_copy stale(p);
    p.reset();
    stale.get().~gc_ptr<victim>();
    std::puts("went on");
  });
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("victim"));
}

TEST_CASE("hardened: a count that would fall below the handles the heap holds is noticed by a collection") {
  auto const result = ouro_test::run_in_child([] {
    auto owner = make_gc<victim>();
    auto const p = make_gc<victim>();
    owner->link = p;
    owner->link->link = owner;
    for (int i = 0; i < 2; ++i) {
      bitwise_copy extra(p);
      extra.get().~gc_ptr<victim>();  // one count too few: more edges than counts
      ouro::gc::collect();
    }
    std::puts(p->value == 5 && owner->link->value == 5 ? "intact" : "torn");
    std::fflush(stdout);
    std::_Exit(0);
  });
  INFO(result.output);
  CHECK((result.aborted() || result.says("intact")));
  CHECK(result.says("victim"));
}

TEST_CASE("hardened: a handle used in the destructor of a destroyed object's owner is caught") {
  auto const result = ouro_test::run_in_child([] {
    struct keeper {
      bitwise_copy* stale;
      ~keeper() {
        auto const copy = stale->get();
        std::printf("%p", static_cast<void*>(copy.get()));
      }
    };
    auto const neighbour = make_gc<victim>();
    auto p = make_gc<victim>();
    bitwise_copy stale(p);
    p.reset();
    make_gc<keeper>(&stale).reset();
    std::puts("went on");
  });
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("victim"));
}

TEST_CASE("hardened: a handle to something that is not from the pool ends the program") {
  auto const result = ouro_test::run_in_child([] {
    alignas(64) static unsigned char somewhere[4096];
    auto const keep = make_gc<victim>();
    void* address = somewhere + 1024;
    alignas(gc_ptr<victim>) unsigned char bytes[sizeof(gc_ptr<victim>)];
    std::memcpy(bytes, &address, sizeof address);
    auto const& forged = *std::launder(reinterpret_cast<gc_ptr<victim>*>(bytes));
    auto const copy = forged;
    std::puts("went on");
    std::printf("%p", static_cast<void*>(copy.get()));
  });
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("victim"));
}

TEST_CASE("hardened: a weak container that is given a handle to something else ends the program and says so") {
  auto const expect_report = [](auto insert) {
    auto const result = ouro_test::run_in_child([&] {
      alignas(64) static unsigned char somewhere[4096];
      auto const keep = make_gc<victim>();
      void* address = somewhere + 1024;
      alignas(gc_ptr<victim>) unsigned char bytes[sizeof(gc_ptr<victim>)];
      std::memcpy(bytes, &address, sizeof address);
      insert(*std::launder(reinterpret_cast<gc_ptr<victim>*>(bytes)));
      std::puts("went on");
    });
    INFO(result.output);
    CHECK(result.aborted());
    CHECK_FALSE(result.says("went on"));
    CHECK(result.says("a handle points to"));
  };
  ouro::weak_set<victim> set;
  expect_report([&](gc_ptr<victim> const& forged) { set.insert(forged); });
  ouro::weak_key_map<victim, int> by_object;
  expect_report([&](gc_ptr<victim> const& forged) { by_object.try_emplace(forged, 1); });
  ouro::weak_value_map<int, victim> by_number;
  expect_report([&](gc_ptr<victim> const& forged) { by_number.try_emplace(1, forged); });
}

TEST_CASE("hardened: gc_ptr<void> cast back to the wrong type ends the program with the object's type") {
  auto const result = ouro_test::run_in_child([] {
    gc_ptr<void> const anything = make_gc<bystander>();
    auto const wrong = ouro::static_pointer_cast<victim>(anything);
    std::puts("went on");
    std::printf("%p", static_cast<void*>(wrong.get()));
  });
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("bystander"));
}

TEST_CASE("hardened: gc_ptr<void> cast back to the right type, or to const, is fine") {
  auto const result = ouro_test::run_in_child([] {
    gc_ptr<void> const anything = make_gc<bystander>();
    auto const right = ouro::static_pointer_cast<bystander>(anything);
    auto const right_const = ouro::static_pointer_cast<bystander const>(anything);
    std::puts(right->text == right_const->text ? "went on" : "torn");
  });
  INFO(result.output);
  CHECK(result.clean());
  CHECK(result.says("went on"));
}

// ---- double trace -----------------------------------------------------------------------------------------------

namespace {

/// Two objects that both visit the handle of the first: no gc_trace repeats itself.
struct visits_neighbour {
  tally t;
  gc_ptr<victim> own{};
  visits_neighbour* neighbour = nullptr;
  gc_ptr<visits_neighbour> self{};
  explicit visits_neighbour(census& c) : t(c) {}
  void gc_trace(ouro::tracer& tr) const noexcept {
    tr(own, self);
    if (neighbour) tr(neighbour->own);
  }
};

struct visits_global {
  static inline gc_ptr<victim> global{};
  tally t;
  gc_ptr<visits_global> self{};
  explicit visits_global(census& c) : t(c) {}
  void gc_trace(ouro::tracer& tr) const noexcept { tr(self, global); }
};

}  // namespace

TEST_CASE("hardened: one handle visited by two objects is reported with a type and frees nothing alive") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const live = make_gc<victim>();
  std::vector<visits_neighbour*> raw;
  {
    auto const a = make_gc<visits_neighbour>(c);
    auto const b = make_gc<visits_neighbour>(c);
    a->own = live;
    a->self = b;
    b->self = a;
    b->neighbour = a.get();
    raw = {a.get(), b.get()};
  }
  REQUIRE(live.use_count() == 2);
  for (int g : {0, 1, 2, 2}) {
    ouro::gc::collect(g);
    REQUIRE(live.use_count() >= 1);
    CHECK(live->value == 5);
    CHECK(live->text == "text");
  }
  CHECK(reports.about("visits_neighbour") + reports.about("victim") >= 1);
  if (c.alive == 2) {
    raw[1]->neighbour = nullptr;
    raw[0]->self.reset();
  }
  heap.verify();
}

TEST_CASE("hardened: a handle that lies outside the heap, visited by two objects, is reported and frees nothing") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  visits_global::global = make_gc<victim>();
  auto const second = visits_global::global;
  std::vector<visits_global*> raw;
  {
    auto const a = make_gc<visits_global>(c);
    auto const b = make_gc<visits_global>(c);
    a->self = b;
    b->self = a;
    raw = {a.get(), b.get()};
  }
  for (int g : {0, 1, 2, 2}) {
    ouro::gc::collect(g);
    REQUIRE(visits_global::global != nullptr);
    CHECK(visits_global::global->value == 5);
    CHECK(second->text == "text");
  }
  CHECK(reports.about("visits_global") + reports.about("victim") >= 1);
  if (c.alive == 2) raw[0]->self.reset();
  visits_global::global.reset();
}

namespace {

/// Goes on visiting a handle after its end.
struct visits_dead_member {
  tally t;
  union storage {
    gc_ptr<victim> handle;
    storage() : handle() {}
    ~storage() {}
  };
  std::unique_ptr<storage> part;
  gc_ptr<visits_dead_member> self{};
  explicit visits_dead_member(census& c) : t(c), part(new storage) {}
  void gc_trace(ouro::tracer& tr) const noexcept { tr(part->handle, self); }
};

}  // namespace

TEST_CASE("hardened: a handle that is visited after its destruction is reported with a type") {
  auto const result = ouro_test::run_in_child([] {
    census c;
    auto const live = make_gc<victim>();
    auto const p = make_gc<visits_dead_member>(c);
    p->part->handle = live;
    p->part->handle.~gc_ptr<victim>();
    ouro::gc::collect();
    std::puts(live->value == 5 ? "intact" : "torn");
    std::fflush(stdout);
    std::_Exit(0);
  });
  INFO(result.output);
  CHECK((result.aborted() || (result.exit_code == 0 && result.says("intact"))));
  CHECK(result.says("visits_dead_member"));
}

#endif  // OURO_TEST_HAS_FORK

// ---- generators ---------------------------------------------------------------------------------------------------

namespace {

ouro::gc_generator<int> counting(gc_ptr<victim> v) {
  ouro::gc_local<victim> const local = v;
  for (int i = 0;; ++i) co_yield int(i);
}

}  // namespace

TEST_CASE("hardened: generators work, in frames of any size, and cycles through them are collected") {
  manual_heap heap;
  recorded_reports const reports;
  auto v = make_gc<victim>();
  struct holder {
    ouro::gc_generator<int> g{};
    gc_ptr<victim> v{};
  };
  auto const large = [](gc_ptr<holder> h) -> ouro::gc_generator<int> {
    std::array<char, 5000> text{};
    ouro::gc_local<holder> const local = h;
    co_yield int(text[0]);
    co_yield int(text[4999]);
  };
  auto h = make_gc<holder>();
  h->g = large(h);
  int sum = 0;
  for (int const x : h->g) sum += x;
  CHECK(sum == 0);
  h->g = large(h);
  CHECK(h->g.next());
  for (int const x : counting(v)) {
    if (x == 3) break;
  }
  h.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(reports.empty());
}

TEST_CASE("hardened: a generator that is advanced on a thread that does not own its heap ends the program") {
  auto const result = ouro_test::run_in_child([] {
    auto const g = counting(make_gc<victim>());
    g.next();
    std::thread([&] { g.next(); }).join();
    std::puts("went on");
  });
  INFO(result.output);
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("gc_generator<int"));
  CHECK(result.says("a thread that does not own"));
}

TEST_CASE("hardened: an iterator that is dereferenced at the end ends the program and says so") {
  auto const result = ouro_test::run_in_child([] {
    auto const g = counting(nullptr);
    auto const it = g.begin();
    g.close();
    int const x = *it;
    std::printf("went on with %d", x);
  });
  CHECK(result.aborted());
  CHECK(result.says("an iterator was dereferenced at the end"));
}

TEST_CASE("hardened: a gc_local outside of any generator is an ordinary handle") {
  manual_heap heap;
  recorded_reports const reports;
  {
    ouro::gc_local<victim> const local = make_gc<victim>();
    ouro::gc_local_value<std::vector<gc_ptr<victim>>> const value(std::vector<gc_ptr<victim>>{local});
    CHECK(ouro::gc::collect() == 0);
    CHECK(local->value == 5);
  }
  CHECK(heap.objects() == 0);
  CHECK(reports.empty());
}

#endif
