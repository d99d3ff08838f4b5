// Memory runs out at the k-th allocation, for every k: nothing is lost, nothing is freed that lives.
//
// The program's operator new (and mmap, from which pages come) fails on demand: once, or from the k-th call on.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define OURO_TEST_FAILING_MMAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OURO_TEST_FAILING_MMAP 0
#endif
#endif
#if !defined(OURO_TEST_FAILING_MMAP) && defined(__linux__) && defined(__x86_64__)
#define OURO_TEST_FAILING_MMAP 1
#include <cerrno>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

/// Which allocations of the program fail.
struct fault {
  static inline bool armed = false;
  static inline bool lasting = false;
  static inline long until = 0;
  static inline long failures = 0;
  static inline long calls = 0;

  static bool strikes() noexcept {
    if (!armed) return false;
    ++calls;
    if (--until > 0 || (until < 0 && !lasting)) return false;
    ++failures;
    return true;
  }
};

/// Makes the k-th allocation fail while it lives, and when `lasting` all that follow.
class failing {
 public:
  failing(long k, bool lasting) {
    fault::until = k;
    fault::lasting = lasting;
    fault::failures = 0;
    fault::calls = 0;
    fault::armed = true;
  }
  failing(failing const&) = delete;
  failing& operator=(failing const&) = delete;
  ~failing() { fault::armed = false; }

  static bool happened() { return fault::failures > 0; }
};

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (fault::strikes()) return nullptr;
  if (size == 0) size = 1;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* p = allocate(size, alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace

#if defined(__GNUC__)
__attribute__((noinline))  // else g++ sees free() of what it thinks operator new has made
#endif
static void
release(void* p) noexcept {
  std::free(p);
}

void* operator new(std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return allocate(n, 0); }
void* operator new[](std::size_t n, std::nothrow_t const&) noexcept { return allocate(n, 0); }
void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }

#if OURO_TEST_FAILING_MMAP
extern "C" void* mmap(void* address, std::size_t length, int protection, int flags, int file, off_t offset) noexcept {
  if (fault::strikes()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, length, protection, flags, file, offset));
}
#endif

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::callbacks_restored;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct node {
  tally t;
  std::vector<gc_ptr<node>> links{};
  gc_ptr<node> next{};
  int value = 12;
};

struct finalized {
  tally t;
  int* calls;
  std::vector<gc_ptr<finalized>>* saved;
  bool resurrects = false;
  gc_ptr<finalized> self{};
  void gc_finalize() {
    ++*calls;
    if (resurrects) saved->push_back(self);
  }
};

constexpr long most_points = 100'000;  // a test that has more points than this is broken

/// A shortage of memory makes a collection smaller; it is no error.
std::size_t collect_or_give_up(int generation, bool& threw) {
  try {
    return ouro::gc::collect(generation);
  } catch (...) {
    threw = true;
    return 0;
  }
}

struct outcome {
  std::size_t found;
  bool failed;
};

/// A collection during which the k-th allocation fails, and with `lasting` all after it.
outcome collect_failing(int generation, long k, bool lasting) {
  bool threw = false;
  outcome result{};
  {
    failing const f(k, lasting);
    result.found = collect_or_give_up(generation, threw);
    result.failed = f.happened();
  }
  CHECK_FALSE(threw);
  return result;
}

/// Runs `scenario(k, lasting)` for k = 1, 2, ... until it ran without a failure; returns how many failed.
template <class F>
long for_every_allocation(F scenario) {
  long points = 0;
  for (bool const lasting : {false, true})
    for (long k = 1;; ++k) {
      REQUIRE(k < most_points);
      CAPTURE(k, lasting);
      if (!scenario(k, lasting)) break;
      ++points;
    }
  return points;
}

gc_ptr<node> make_ring(census& c, int length) {
  auto const first = make_gc<node>(tally{c});
  auto last = first;
  for (int i = 1; i < length; ++i) {
    last->next = make_gc<node>(tally{c});
    last->links = {last->next, last};
    last = last->next;
  }
  last->next = first;
  return first;
}

/// True if every node that `p` reaches through `next` looks as it was built.
bool ring_is_whole(gc_ptr<node> const& p, int length) {
  auto const* n = p.get();
  for (int i = 0; i < length; ++i) {
    if (n->value != 12 || !n->next) return false;
    if (n->next != p && (n->links.size() != 2 || n->links[0] != n->next || n->links[1].get() != n)) return false;
    n = n->next.get();
  }
  return n == p.get();
}

}  // namespace

TEST_CASE("memory runs out at any allocation of a full collection: state restored, the rest is found later") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census live_count;
    census garbage_count;
    constexpr int garbage_length = 6'000;
    constexpr int live_length = 5'000;
    auto const live = make_ring(live_count, live_length);
    make_ring(garbage_count, garbage_length);
    auto const before = live.use_count();

    auto [found, failed] = collect_failing(2, k, lasting);
    CHECK(found <= garbage_length);
    CHECK(garbage_count.died == static_cast<int>(found));
    CHECK(live_count.died == 0);
    CHECK(ring_is_whole(live, live_length));
    CHECK(live.use_count() == before);
    heap.verify();

    CHECK(ouro::gc::collect() == garbage_length - found);
    CHECK(garbage_count.alive == 0);
    CHECK(garbage_count.died == garbage_length);
    CHECK(live_count.died == 0);
    CHECK(ring_is_whole(live, live_length));
    CHECK(heap.objects() == live_length);
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory runs out at any allocation of a young collection: state restored") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    auto const old = make_ring(c, 1'000);
    ouro::gc::collect();
    int const generation = static_cast<int>(k % 2);
    auto const young = make_ring(c, 2'500);
    make_ring(c, 2'500);
    auto [found, failed] = collect_failing(generation, k, lasting);
    CHECK(c.died == static_cast<int>(found));
    CHECK(ring_is_whole(old, 1'000));
    CHECK(ring_is_whole(young, 2'500));
    heap.verify();
    CHECK(found + ouro::gc::collect() == 2'500);
    CHECK(c.alive == 3'500);
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory runs out at any allocation of a collection with finalizers: each runs once") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    recorded_reports const reports;
    census c;
    int calls = 0;
    std::vector<gc_ptr<finalized>> saved;
    saved.reserve(1'000);
    constexpr int count = 3'000;
    for (int i = 0; i < count; ++i) {
      auto const p = make_gc<finalized>(tally{c}, &calls, &saved, i % 10 == 0);
      p->self = p;
    }
    auto [found, failed] = collect_failing(2, k, lasting);
    CHECK(c.died == static_cast<int>(found));
    CHECK(calls >= static_cast<int>(found));
    heap.verify();
    for (int i = 0; i < 3; ++i) found += ouro::gc::collect();
    CHECK(calls == count);
    CHECK(saved.size() == count / 10);
    CHECK(found == count - count / 10);
    CHECK(c.alive == count / 10);
    saved.clear();
    CHECK(ouro::gc::collect() == count / 10);
    CHECK(calls == count);
    CHECK(heap.objects() == 0);
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory runs out at any allocation of a collection of one object with very many handles") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    auto const live = make_gc<node>(tally{c});
    auto hub = make_gc<node>(tally{c});
    hub->links.assign(30'000, live);
    hub->next = hub;
    for (int i = 0; i < 100; ++i) hub->links.push_back(make_gc<node>(tally{c}));
    hub.reset();
    auto [found, failed] = collect_failing(2, k, lasting);
    CHECK(live->value == 12);
    heap.verify();
    // What was left out of a set that was cut short may hang on it, and then dies by counting.
    CHECK(found + ouro::gc::collect() <= 101);
    CHECK(c.alive == 1);
    CHECK(live.use_count() == 1);
    return failed;
  });
}

namespace {

struct swelling {
  tally t;
  int* calls;
  std::vector<gc_ptr<swelling>>* saved;
  gc_ptr<swelling> self{};
  std::vector<gc_ptr<swelling>> more{};
  void gc_finalize() {
    more.resize(20'000, self);  // there is room for them
    if (++*calls % 2 == 0 && saved != nullptr) saved->push_back(self);
  }
};

}  // namespace

TEST_CASE("memory runs out at any allocation of a collection whose finalizers make very many handles") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    int calls = 0;
    std::vector<gc_ptr<swelling>> saved;
    saved.reserve(3);
    for (int i = 0; i < 6; ++i) {
      auto const p = make_gc<swelling>(tally{c}, &calls, &saved);
      p->self = p;
      p->more.reserve(20'000);
    }
    auto [found, failed] = collect_failing(2, k, lasting);
    CHECK(c.died == static_cast<int>(found));
    heap.verify();
    for (int i = 0; i < 2; ++i) found += ouro::gc::collect();
    CHECK(found == 3);
    CHECK(calls == 6);
    REQUIRE(saved.size() == 3);
    for (auto const& p : saved) CHECK(p.use_count() == 20'002);
    saved.clear();
    CHECK(ouro::gc::collect() == 3);
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
    heap.verify();
    return failed;
  });
}

namespace {

struct cell {
  gc_ptr<cell> next{};
  std::array<char, 400> padding{};
};

}  // namespace

TEST_CASE("garbage that a young collection leaves behind for want of memory is found by an automatic full one") {
  int left = 0;
  for_every_allocation([&](long k, bool lasting) {
    fresh_heap heap;
    census c;
    int calls = 0;
    {
      auto const p = make_gc<swelling>(tally{c}, &calls, nullptr);
      p->self = p;
      p->more.reserve(20'000);
    }
    bool const failed = collect_failing(0, k, lasting).failed;
    if (c.alive != 0) {
      ++left;
      gc_ptr<cell> chain;  // nothing is dropped while the heap grows
      for (int i = 0; i < 130'000; ++i) {
        auto first = make_gc<cell>();
        first->next = std::move(chain);
        chain = std::move(first);
      }
      CHECK(c.alive == 0);
    }
    return failed;
  });
  CHECK(left > 0);
}

TEST_CASE("memory runs out at any allocation of a collection with callbacks: they are not the end of it") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    callbacks_restored const restore;
    recorded_reports const reports;
    census c;
    int starts = 0;
    int stops = 0;
    std::string const long_capture = "a capture that is long enough to lie on the heap";
    for (int i = 0; i < 3; ++i)
      ouro::gc::callbacks().push_back([&starts, &stops, long_capture](ouro::gc::phase p, ouro::gc::info const&) {
        std::string const copy = long_capture;
        (p == ouro::gc::phase::start ? starts : stops) += !copy.empty();
      });
    make_ring(c, 100);
    auto [found, failed] = collect_failing(2, k, lasting);
    CHECK(c.died == static_cast<int>(found));
    CHECK(starts <= 3);
    CHECK(stops <= 3);
    heap.verify();
    CHECK(found + ouro::gc::collect() == 100);
    CHECK(c.alive == 0);
    return failed;
  });
}

TEST_CASE("memory runs out at any allocation of a collection that saves all garbage: nothing is lost") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    recorded_reports const reports;
    census c;
    make_ring(c, 500);
    ouro::gc::set_debug(ouro::gc::debug_flags::saveall);
    ouro::gc::garbage().clear();
    bool const failed = collect_failing(2, k, lasting).failed;
    CHECK(c.died == 0);
    heap.verify();
    ouro::gc::set_debug(ouro::gc::debug_flags::none);
    ouro::gc::garbage().clear();
    ouro::gc::garbage().shrink_to_fit();
    for (int i = 0; i < 2; ++i) ouro::gc::collect();
    CHECK(c.alive == 0);
    CHECK(c.died == 500);
    CHECK(heap.objects() == 0);
    return failed;
  });
}

TEST_CASE("handles are dropped, lists die and candidates are remembered without a byte of memory") {
  manual_heap heap;
  census c;
  gc_ptr<node> list;
  for (int i = 0; i < 50'000; ++i) list = make_gc<node>(tally{c}, std::vector<gc_ptr<node>>{}, std::move(list));
  std::vector<gc_ptr<node>> rings;
  for (int i = 0; i < 50'000; ++i) {
    rings.push_back(make_gc<node>(tally{c}));
    rings.back()->next = rings.back();
  }
  {
    failing const f(1, true);
    list.reset();
    for (auto& p : rings) p.reset();
  }
  CHECK(c.died == 50'000);
  heap.verify();
  CHECK(ouro::gc::collect() == 50'000);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

// ---- make_gc ----------------------------------------------------------------------------------------------------

namespace {

struct small {
  tally t;
  gc_ptr<small> self{};
};
struct large {
  tally t;
  char payload[3'000]{};
  gc_ptr<large> self{};
};
struct alignas(4096) aligned {
  tally t;
  gc_ptr<aligned> self{};
};
struct two_strings {
  tally t;
  std::string first{"a string that is long enough to lie on the heap"};
  std::string second{"another string that is long enough to lie on the heap"};
  gc_ptr<two_strings> self{};
};

/// A new object may fail to be made; then nothing has changed, and the next try works.
template <class T>
void expect_make_gc_is_safe() {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    std::vector<gc_ptr<T>> made;
    constexpr int rounds = 200;
    made.reserve(rounds + 1);
    bool failed = false;
    bool threw = false;
    {
      failing const f(k, lasting);
      try {
        for (int i = 0; i < rounds; ++i) {
          made.push_back(make_gc<T>(tally{c}));
          if (i % 3 == 0) {
            made.back()->self = made.back();
            made.pop_back();
          }
        }
      } catch (std::bad_alloc const&) {
        threw = true;
      }
      failed = f.happened();
    }
    if (threw) CHECK(failed);
    CHECK(c.alive == static_cast<int>(heap.objects()));
    CHECK(c.born - c.died >= static_cast<int>(made.size()));
    heap.verify();
    ouro::gc::collect();
    CHECK(heap.objects() == made.size());
    CHECK(c.alive == static_cast<int>(made.size()));
    made.push_back(make_gc<T>(tally{c}));
    made.clear();
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
    heap.verify();
    return failed;
  });
}

}  // namespace

TEST_CASE("memory runs out at any allocation of make_gc: small objects") { expect_make_gc_is_safe<small>(); }
TEST_CASE("memory runs out at any allocation of make_gc: large objects") { expect_make_gc_is_safe<large>(); }
TEST_CASE("memory runs out at any allocation of make_gc: over-aligned objects") { expect_make_gc_is_safe<aligned>(); }
TEST_CASE("memory runs out at any allocation of make_gc: constructors that allocate") {
  expect_make_gc_is_safe<two_strings>();
}

TEST_CASE("memory runs out at any allocation of make_gc<T[]>") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    std::vector<gc_ptr<std::string[]>> made;
    made.reserve(10);
    std::size_t objects = 0;
    bool failed = false;
    {
      failing const f(k, lasting);
      for (std::size_t const n : {0u, 1u, 10u, 1'000u}) {
        try {
          made.push_back(make_gc<std::string[]>(n));
          ++objects;
        } catch (std::bad_alloc const&) {
        }
      }
      failed = f.happened();
    }
    CHECK(heap.objects() == objects);
    for (auto const& p : made)
      for (auto const& s : p) CHECK(s.empty());
    made.clear();
    CHECK(heap.objects() == 0);
    return failed;
  });
}

TEST_CASE("an array too long for any memory throws and leaves nothing behind") {
  manual_heap heap;
  CHECK_THROWS_AS(make_gc<std::string[]>(static_cast<std::size_t>(-1)), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<std::string[]>(static_cast<std::size_t>(-1) / sizeof(std::string)), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<std::string[]>(static_cast<std::size_t>(-1) / sizeof(std::string) + 1), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<std::uint64_t[]>((static_cast<std::size_t>(-1) >> 3) + 2), std::bad_alloc);
  CHECK(heap.objects() == 0);
  CHECK(make_gc<std::string[]>(3).size() == 3);
}

TEST_CASE("when a large object does not fit, a full collection runs and the allocation is tried once more") {
  manual_heap heap;
  census c;
  make_gc<large>(tally{c}).reset();
  auto const before = ouro::gc::get_stats()[2].collections;
  for (int i = 0; i < 20; ++i) {
    auto const p = make_gc<large>(tally{c});
    p->self = p;
  }
  REQUIRE(c.alive == 20);
  gc_ptr<large> p;
  {
    failing const f(1, false);
    try {
      p = make_gc<large>(tally{c});
    } catch (std::bad_alloc const&) {
    }
  }
  CHECK(failing::happened());
  REQUIRE(p != nullptr);
  CHECK(ouro::gc::get_stats()[2].collections == before + 1);
  CHECK(c.alive == 1);
  CHECK(heap.objects() == 1);
}

TEST_CASE("when memory is out for good, make_gc has collected before it throws") {
  manual_heap heap;
  census c;
  make_ring(c, 50);
  bool threw = false;
  {
    failing const f(1, true);
    try {
      make_gc<large>(tally{c});
    } catch (std::bad_alloc const&) {
      threw = true;
    }
  }
  CHECK(threw);
  ouro::gc::collect();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a constructor that allocates objects while memory runs out gives everything back") {
  struct tree {
    tally t;
    gc_ptr<tree> left{};
    gc_ptr<tree> right{};
    std::string text{};
    static gc_ptr<tree> grow(census& c, int depth) {
      auto p = make_gc<tree>(tally{c});
      p->text = std::string(40, 'x');
      if (depth > 0) {
        p->left = grow(c, depth - 1);
        p->right = grow(c, depth - 1);
      }
      return p;
    }
  };
  for_every_allocation([](long k, bool lasting) {
    fresh_heap heap;
    census c;
    bool failed = false;
    bool whole = true;
    {
      failing const f(k, lasting);
      try {
        auto const p = tree::grow(c, 5);
        whole = c.alive == 63;
      } catch (std::bad_alloc const&) {
      }
      failed = f.happened();
    }
    CHECK(whole);
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory runs out at any allocation while collections run by themselves") {
  for_every_allocation([](long k, bool lasting) {
    fresh_heap heap;
    census c;
    std::vector<gc_ptr<node>> live;
    live.reserve(100);
    bool failed = false;
    {
      failing const f(k, lasting);
      try {
        ouro::gc::set_threshold(1, 2, 2);
        for (int i = 0; i < 60; ++i) {
          auto const p = make_gc<node>(tally{c});
          p->next = p;
          if (i % 4 == 0) live.push_back(p);
        }
      } catch (std::bad_alloc const&) {
      }
      failed = f.happened();
    }
    bool whole = true;
    for (auto const& p : live) whole = whole && p->value == 12 && p->next == p;
    CHECK(whole);
    heap.verify();
    ouro::gc::set_threshold(0);
    ouro::gc::collect();
    CHECK(c.alive == static_cast<int>(live.size()));
    live.clear();
    ouro::gc::collect();
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
    return failed && k < 400;
  });
}

// ---- the gc module and heaps ------------------------------------------------------------------------------------

namespace {

/// Runs `action` with memory running out at every point: it gives true or throws bad_alloc, and changes no count.
template <class F>
void expect_harmless(F action) {
  for_every_allocation([&](long k, bool lasting) {
    manual_heap heap;
    callbacks_restored const restore;
    census c;
    auto const live = make_ring(c, 3'000);
    auto const counts = live.use_count();
    bool failed = false;
    bool right = true;
    {
      failing const f(k, lasting);
      try {
        right = action(live);
      } catch (std::bad_alloc const&) {
        right = f.happened();
      }
      failed = f.happened();
    }
    CHECK(right);
    CHECK(live.use_count() == counts);
    CHECK(ring_is_whole(live, 3'000));
    CHECK(c.alive == 3'000);
    heap.verify();
    CHECK(ouro::gc::collect() == 0);
    return failed;
  });
}

}  // namespace

TEST_CASE("memory runs out in gc::get_objects") {
  expect_harmless([](gc_ptr<node> const&) { return ouro::gc::get_objects().size() == 3'000; });
}

TEST_CASE("memory runs out in gc::get_referrers") {
  expect_harmless([](gc_ptr<node> const& p) { return ouro::gc::get_referrers(p, p->next).size() == 3; });
}

TEST_CASE("memory runs out in gc::get_referents") {
  expect_harmless([](gc_ptr<node> const& p) { return ouro::gc::get_referents(p, p->next, p).size() == 9; });
}

TEST_CASE("memory runs out in gc::callbacks, gc::garbage, set_debug, set_threshold, freeze") {
  expect_harmless([](gc_ptr<node> const&) {
    ouro::gc::callbacks().push_back([](ouro::gc::phase, ouro::gc::info const&) {});
    ouro::gc::garbage().clear();
    ouro::gc::set_debug(ouro::gc::debug_flags::none);
    ouro::gc::set_threshold(0, 7, 7);
    ouro::gc::freeze();
    bool const all = ouro::gc::get_freeze_count() == 3'000;
    ouro::gc::unfreeze();
    ouro::gc::pause_scope const pause;
    return all && ouro::gc::get_freeze_count() == 0 && ouro::gc::get_stats().size() == 3 &&
           ouro::gc::get_count().size() == 3;
  });
}

TEST_CASE("memory runs out while a heap is made, used and dropped") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap outer;
    census c;
    bool failed = false;
    gc_ptr<node> survivor;
    {
      failing const f(k, lasting);
      try {
        ouro::heap inner;
        ouro::heap::scope const here(inner);
        auto const p = make_gc<node>(tally{c});
        p->next = p;
        survivor = make_gc<node>(tally{c});
      } catch (std::bad_alloc const&) {
      }
      failed = f.happened();
    }
    if (survivor) CHECK(survivor->value == 12);
    survivor.reset();
    // A heap that closed without memory to collect leaks nothing as long as it is given another chance.
    CHECK(c.alive <= 1);
    CHECK(outer.objects() == 0);
    outer.verify();
    return failed;
  });
}

TEST_CASE("a heap's limit: garbage makes room, live objects bring bad_alloc, and the heap goes on") {
  fresh_heap heap;
  census c;
  heap.get().set_limit(2 * 1024 * 1024);
  for (int i = 0; i < 20'000; ++i) {  // 60 MB in all, in cycles
    auto const p = make_gc<large>(tally{c});
    p->self = p;
  }
  CHECK(c.born == 20'000);
  std::vector<gc_ptr<large>> live;
  live.reserve(2'000);
  auto const fill = [&] {
    for (;;) live.push_back(make_gc<large>(tally{c}));
  };
  CHECK_THROWS_AS(fill(), std::bad_alloc);
  CHECK(live.size() > 300);
  CHECK(live.size() < 700);
  CHECK(c.alive == static_cast<int>(live.size()));
  CHECK(heap.get().stats().bytes_reserved <= 2 * 1024 * 1024 + 64 * 1024);
  heap.verify();
  live.clear();
  CHECK(make_gc<large>(tally{c}) != nullptr);
  heap.get().set_limit(static_cast<std::size_t>(-1));
  for (int i = 0; i < 1'000; ++i) live.push_back(make_gc<large>(tally{c}));
  live.clear();
  CHECK(c.alive == 0);
}

namespace {

/// A hook that needs no memory of its own.
int reports_of_hungry = 0;
void count_hungry(std::exception_ptr, std::string_view, std::string_view type) {
  reports_of_hungry += type.find("hungry") != std::string_view::npos;
}

}  // namespace

TEST_CASE("a finalizer that finds no memory is reported, and its object dies") {
  struct hungry {
    tally t;
    gc_ptr<hungry> self{};
    void gc_finalize() { make_gc<large>(tally{t.where()}); }
  };
  manual_heap heap;
  reports_of_hungry = 0;
  ouro::gc::set_unraisable_hook(&count_hungry);
  census c;
  bool const cyclic = GENERATE(false, true);
  auto p = make_gc<hungry>(tally{c});
  auto const warm = make_gc<large>(tally{c});
  ouro::gc::collect();
  if (cyclic) p->self = p;
  // The finalizer's own allocation is the last one that a collection of one object makes.
  for (long k = 1; k < 100 && reports_of_hungry == 0; ++k) {
    auto q = make_gc<hungry>(tally{c});
    if (cyclic) q->self = q;
    failing const f(k, true);
    q.reset();
    if (cyclic) ouro::gc::collect();
    if (!f.happened()) break;
  }
  CHECK(reports_of_hungry >= 1);
  p.reset();
  for (int i = 0; i < 3; ++i) ouro::gc::collect();
  CHECK(c.alive == 1);
  heap.verify();
}

TEST_CASE("memory runs out while a gc_function is made or copied: the target stays as it was") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    auto const p = make_gc<node>(tally{c});
    using function = ouro::gc_function<int()>;
    function target([](int& n) { return n; }, 5);
    bool failed = false;
    bool right = false;
    {
      failing const f(k, lasting);
      try {
        function source([](gc_ptr<node>& q, std::string& s) { return q->value + static_cast<int>(s.size()); }, p,
                        std::string("a capture that is long enough to lie on the heap"));
        target = source;
        right = target() == 12 + 48;
      } catch (std::bad_alloc const&) {
        right = target() == 5;
      }
      failed = f.happened();
    }
    CHECK(right);
    target = nullptr;
    CHECK(p.use_count() == 1);
    return failed;
  });
}

// --- generators -----------------------------------------------------------------------------------------------------

namespace {

ouro::gc_generator<int> failing_generator(tally, std::vector<int> numbers, gc_ptr<node> const& kept) {
  ouro::gc_local_value<std::vector<gc_ptr<node>>> const local(std::vector<gc_ptr<node>>{kept});
  co_yield ouro::elements_of(numbers);
  co_yield ouro::elements_of(std::vector<int>(2, 7));
}

ouro::gc_generator<int> failing_in_a_large_frame(tally, std::array<char, 1000> text) { co_yield int{text[0]}; }

template <class Make>
void expect_generator_is_safe(Make make) {
  for (bool const lasting : {false, true}) {
    for (long k = 1;; ++k) {
      manual_heap heap;
      census c;
      auto const kept = make_gc<node>(tally(c));
      std::size_t const before = heap.objects();
      bool threw = false;
      bool happened = false;
      {
        failing const memory(k, lasting);
        try {
          auto const g = make(c, kept);
          while (g.next()) {
          }
        } catch (std::bad_alloc const&) {
          threw = true;
        }
        happened = failing::happened();
      }
      CHECK(c.alive == 1);
      CHECK(heap.objects() == before);
      heap.verify();
      if (!happened) {
        CHECK_FALSE(threw);
        break;
      }
    }
  }
}

}  // namespace

TEST_CASE("memory runs out at any allocation of a generator and its body") {
  expect_generator_is_safe(
      [](census& c, gc_ptr<node> const& kept) { return failing_generator(tally(c), std::vector<int>(3, 1), kept); });
  expect_generator_is_safe([](census& c, gc_ptr<node> const&) { return failing_in_a_large_frame(tally(c), {}); });
}

// ---- weak references -------------------------------------------------------------------------------------------------

namespace {

struct bulky {
  gc_ptr<bulky> next{};
  std::array<char, 1000> rest{};
};

}  // namespace

TEST_CASE("memory runs out while weak handles are made: std::bad_alloc, and nothing has changed") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    auto p = make_gc<node>(tally{c});
    auto q = make_gc<bulky>();
    std::vector<ouro::weak_gc_ptr<node>> many;
    many.reserve(200);
    ouro::weak_gc_ptr<bulky> large;
    ouro::weak_gc_ptr<node> watching;
    int calls = 0;
    bool complete = false;
    bool failed = false;
    {
      failing const f(k, lasting);
      try {
        for (int i = 0; i < 100; ++i) many.emplace_back(p);
        large = q;
        watching = ouro::weak_gc_ptr<node>(p, [&](auto const&) { ++calls; });
        complete = true;
      } catch (std::bad_alloc const&) {
      }
      failed = f.happened();
    }
    for (auto const& w : many) CHECK(w.lock() == p);
    p.reset();
    q.reset();
    CHECK(calls == (complete ? 1 : 0));
    CHECK((watching.expired() && large.expired()));
    for (auto const& w : many) CHECK((w.expired() && w == many.front()));
    many.clear();
    watching.reset();
    CHECK(heap.objects() == 0);
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory runs out while weak handles are copied: the copies are made, and are equal") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    auto p = make_gc<node>(tally{c});
    ouro::weak_gc_ptr<node> const first = p;
    std::array<ouro::weak_gc_ptr<node>, 200> copies;
    bool failed = false;
    {
      failing const f(k, lasting);
      copies.fill(first);
      failed = f.happened();
    }
    for (auto const& w : copies) CHECK(w.lock() == p);
    p.reset();
    for (auto const& w : copies) CHECK((w.expired() && w == first));
    CHECK(c.alive == 0);
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory runs out while entries are put into weak containers: nothing has changed") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    auto p = make_gc<node>(tally{c});
    auto leaf = make_gc<int>(5);
    ouro::weak_key_map<node, gc_ptr<node>> map;
    ouro::weak_value_map<std::string, int> names;
    ouro::death_queue<node, int> queue;
    std::size_t in_map = 0;
    std::size_t in_names = 0;
    std::size_t watched = 0;
    ouro::finalizer f1;
    bool failed = false;
    {
      failing const f(k, lasting);
      try {
        map.try_emplace(p, p);
        in_map = 1;
        names.try_emplace("a name that is too long to lie in the string itself", leaf);
        in_names = 1;
        queue.watch(p, 1);
        watched = 1;
        f1 = ouro::finalize(p, [] {});
      } catch (std::bad_alloc const&) {
      }
      failed = f.happened();
    }
    CHECK((map.size() == in_map && names.size() == in_names && queue.watched() == watched));
    p.reset();
    leaf.reset();
    CHECK(ouro::gc::collect() == in_map);
    CHECK(heap.objects() == 0);
    CHECK((map.empty() && names.empty() && queue.pending() == watched && !f1.alive()));
    heap.verify();
    return failed;
  });
}

TEST_CASE("memory for a part of the garbage with finalizers and callbacks is enough to collect that part") {
  bool some_were_collected = false;
  for_every_allocation([&](long k, bool lasting) {
    manual_heap heap;
    census c;
    int finalized_ones = 0;
    int calls = 0;
    constexpr int count = 10'000;  // more than a chunk of the list holds
    std::vector<ouro::weak_gc_ptr<finalized>> watching;
    std::vector<gc_ptr<finalized>> saved;
    for (int i = 0; i < count; ++i) {
      auto const p = make_gc<finalized>(tally{c}, &finalized_ones, &saved, false);
      p->self = p;
      if (i % 100 == 0) watching.emplace_back(p, [&](auto const&) { ++calls; });
    }
    auto const [found, failed] = collect_failing(2, k, lasting);
    CHECK(found == static_cast<std::size_t>(c.died));
    CHECK(finalized_ones == c.died);
    some_were_collected |= failed && 0 < c.died && c.died < count;
    heap.verify();
    CHECK(ouro::gc::collect() + found == static_cast<std::size_t>(count));
    CHECK(finalized_ones == count);
    CHECK(calls == count / 100);
    CHECK(c.alive == 0);
    heap.verify();
    return failed;
  });
  CHECK(some_were_collected);
}

TEST_CASE("memory runs out during a collection of ephemerons and of objects with callbacks: nothing is lost") {
  for_every_allocation([](long k, bool lasting) {
    manual_heap heap;
    census c;
    int calls = 0;
    std::vector<ouro::weak_gc_ptr<node>> watching;
    ouro::weak_key_map<node, gc_ptr<node>> map;
    constexpr int pairs = 20;
    for (int i = 0; i < pairs; ++i) {
      auto key = make_gc<node>(tally{c});
      auto value = make_gc<node>(tally{c});
      value->next = key;
      watching.emplace_back(key, [&](auto const&) { ++calls; });
      map.try_emplace(key, std::move(value));
    }
    bool threw = false;
    bool failed = false;
    {
      failing const f(k, lasting);
      std::size_t const found = collect_or_give_up(2, threw);
      CHECK(found == static_cast<std::size_t>(c.died));
      failed = f.happened();
    }
    CHECK_FALSE(threw);
    CHECK(map.size() == static_cast<std::size_t>(pairs - calls));
    ouro::gc::collect();
    CHECK((c.alive == 0 && calls == pairs && map.empty()));
    heap.verify();
    return failed;
  });
}
