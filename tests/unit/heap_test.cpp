// Heaps: figures, limits, pages given back, scopes, threads, and objects that outlive their heap.
#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace gc = ouro::gc;
using ouro::gc_ptr;
using ouro::heap;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

struct node {
  tally t;
  gc_ptr<node> next{};
  int value = 0;
};

struct three_words {
  gc_ptr<three_words> a{};
  gc_ptr<three_words> b{};
  void* c = nullptr;
};
static_assert(sizeof(three_words) == 3 * sizeof(void*));

struct large {
  gc_ptr<large> next{};
  std::array<std::byte, 10'000> bytes{};
};

void make_self_cycle(census& c) {
  auto const p = make_gc<node>(tally{c});
  p->next = p;
}

constexpr std::size_t mebibyte = 1024 * 1024;

}  // namespace

static_assert(std::is_nothrow_move_constructible_v<heap>);
static_assert(std::is_nothrow_move_assignable_v<heap>);
static_assert(!std::is_copy_constructible_v<heap>);
static_assert(!std::is_copy_constructible_v<heap::scope>);
static_assert(!std::is_convertible_v<heap&, heap::scope>);

// ---- figures ----------------------------------------------------------------------------------------------------

TEST_CASE("a new heap is empty") {
  heap const h;
  auto const s = h.stats();
  CHECK(s.objects == 0);
  CHECK(s.bytes_in_use == 0);
  CHECK(s.pages == 0);
  CHECK(s.large_objects == 0);
  h.verify();
}

TEST_CASE("stats count objects of all kinds, leaves too, and what has died no more") {
  manual_heap heap;
  census c;
  std::vector<gc_ptr<void>> objects;
  for (int i = 0; i < 10; ++i) {
    objects.push_back(make_gc<node>(tally{c}));
    objects.push_back(make_gc<int>(i));
    objects.push_back(make_gc<large>());
    objects.push_back(make_gc<int[]>(static_cast<std::size_t>(i)));
    CHECK(heap.objects() == objects.size());
  }
  auto const s = heap.get().stats();
  CHECK(s.large_objects == 10);
  CHECK(s.pages > 0);
  CHECK(s.bytes_in_use > 10 * sizeof(large));
  CHECK(s.bytes_in_use < 10 * sizeof(large) + 10'000);
  CHECK(s.bytes_reserved >= s.bytes_in_use);
  while (!objects.empty()) {
    objects.pop_back();
    CHECK(heap.objects() == objects.size());
  }
  CHECK(heap.get().stats().bytes_in_use == 0);
  CHECK(heap.get().stats().large_objects == 0);
  heap.verify();
}

TEST_CASE("an object of 24 bytes takes 32 bytes of heap") {
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept;
  for (std::size_t i = 1; i <= 10'000; ++i) {
    kept.push_back(make_gc<three_words>());
    if (heap.get().stats().bytes_in_use != i * (sizeof(three_words) + 8)) FAIL("at object " << i);
  }
  CHECK(heap.get().stats().bytes_reserved < 10'000 * 32 * 11 / 10 + 2 * 65'536);
}

TEST_CASE("objects of up to 512 bytes share pages, larger ones are large") {
  manual_heap heap;
  struct pooled {
    std::array<char, 512> bytes;
  };
  struct beyond {
    std::array<char, 513> bytes;
  };
  auto const a = make_gc<pooled>();
  CHECK(heap.get().stats().large_objects == 0);
  CHECK(heap.get().stats().pages == 1);
  auto const b = make_gc<beyond>();
  CHECK(heap.get().stats().large_objects == 1);
  CHECK(heap.get().stats().pages == 1);
}

TEST_CASE("a freed large object's memory serves the next one of about its size, and trim gives it back") {
  manual_heap heap;
  struct large {
    std::array<char, 100'000> bytes;
  };
  struct nearly_as_large {
    std::array<char, 99'000> bytes;
  };
  auto first = make_gc<large>();
  void const* const where = first.get();
  std::size_t const in_use = heap.get().stats().bytes_reserved;
  first.reset();
  CHECK(heap.get().stats().large_objects == 0);
  CHECK(heap.get().stats().bytes_in_use == 0);
  CHECK(heap.get().stats().bytes_reserved == in_use);

  auto const second = make_gc<nearly_as_large>();
  CHECK(second.get() == where);
  CHECK(ouro::gc_from_this(second.get()) == second);
  second->bytes.fill('x');
  heap.verify();

  auto third = make_gc<large>();
  auto* const freed = third.get();
  third.reset();
  CHECK_THROWS_AS(ouro::gc_from_this(freed), ouro::bad_gc_from_this);
  heap.get().trim();
  CHECK(heap.get().stats().bytes_reserved < in_use + sizeof(large));
  CHECK(heap.get().stats().large_objects == 1);
}

TEST_CASE("free large memory is bounded by what is in use") {
  manual_heap heap;
  std::vector<gc_ptr<char[]>> blocks;
  for (int i = 0; i < 64; ++i) blocks.push_back(make_gc<char[]>(std::size_t{1} << 20));
  std::size_t const all = heap.get().stats().bytes_reserved;
  blocks.clear();
  CHECK(heap.get().stats().bytes_reserved < all / 4);
  for (std::size_t size = 513; size < 3'000'000; size += size / 7) {
    auto const block = make_gc<char[]>(size);
    CHECK(block.size() == size);
    block[size - 1] = 'x';
  }
  heap.verify();
}

namespace {

void pass_through_many_states(manual_heap const& heap) {
  census c;
  heap.verify();
  std::vector<gc_ptr<node>> kept;
  for (int i = 0; i < 5'000; ++i) {
    kept.push_back(make_gc<node>(tally{c}, i > 0 ? kept.back() : nullptr, i));
    if (i % 3 == 0) make_self_cycle(c);
  }
  heap.verify();
  for (std::size_t i = 0; i < kept.size(); i += 2) kept[i].reset();
  heap.verify();
  gc::collect(0);
  heap.verify();
  kept.clear();
  heap.verify();
  gc::collect();
  heap.verify();
  CHECK(c.alive == 0);
  for (int i = 0; i < 5'000; ++i) make_self_cycle(c);  // whole pages of garbage
  CHECK(gc::collect() == 5'000);
  heap.verify();
  CHECK(heap.objects() == 0);
}

}  // namespace

TEST_CASE("verify agrees with a heap in every state") {
  manual_heap const heap;
  pass_through_many_states(heap);
}

TEST_CASE("verify agrees with a heap in every state, after thresholds have been set") {
  manual_heap const heap;
  gc::set_threshold(700);
  pass_through_many_states(heap);
}

// ---- memory given back ------------------------------------------------------------------------------------------

TEST_CASE("empty pages go back to the system, all but a few") {
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept(1'000'000);
  for (auto& p : kept) p = make_gc<three_words>();
  auto const full = heap.get().stats();
  CHECK(full.bytes_reserved >= 30 * mebibyte);
  kept.clear();
  auto const empty = heap.get().stats();
  CHECK(empty.bytes_in_use == 0);
  CHECK(empty.bytes_reserved < full.bytes_reserved / 4);
}

TEST_CASE("pages emptied by a collection go back too") {
  manual_heap heap;
  for (int i = 0; i < 1'000'000; ++i) {
    auto const p = make_gc<three_words>();
    p->a = p;
  }
  auto const full = heap.get().stats();
  CHECK(gc::collect() == 1'000'000);
  CHECK(heap.get().stats().bytes_in_use == 0);
  CHECK(heap.get().stats().bytes_reserved < full.bytes_reserved / 4);
}

TEST_CASE("trim gives back every page that is empty, and the heap goes on") {
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept(100'000);
  for (auto& p : kept) p = make_gc<three_words>();
  auto const survivor = kept[50'000];
  kept.clear();
  heap.get().trim();
  CHECK(heap.objects() == 1);
  CHECK(heap.get().stats().pages == 1);
  CHECK(heap.get().stats().bytes_reserved == 65'536);
  auto const fresh = make_gc<three_words>(survivor);
  CHECK(heap.objects() == 2);
  heap.get().trim();
  heap.verify();
}

TEST_CASE("trim of an empty heap leaves nothing") {
  manual_heap heap;
  for (int i = 0; i < 1'000; ++i) {
    make_gc<three_words>();
    make_gc<int[]>(static_cast<std::size_t>(i % 100));
    make_gc<large>();
  }
  heap.get().trim();
  auto const s = heap.get().stats();
  CHECK(s.pages == 0);
  CHECK(s.bytes_reserved == 0);
  heap.get().trim();
  CHECK(heap.get().stats().bytes_reserved == 0);
}

TEST_CASE("memory stays flat when a page's worth of objects comes and goes") {
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept;
  std::size_t most = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 2'500; ++i) kept.push_back(make_gc<three_words>());
    auto const reserved = heap.get().stats().bytes_reserved;
    most = reserved > most ? reserved : most;
    kept.clear();
  }
  CHECK(most <= 4 * 65'536);
}

TEST_CASE("pages that have lost all their objects serve other types before the system is asked for more") {
  struct other {
    std::array<std::uint64_t, 4> words{};
  };
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept(50'000);
  std::vector<gc_ptr<other>> others(30'000);
  for (auto& p : kept) p = make_gc<three_words>();
  auto const reserved = heap.get().stats().bytes_reserved;
  for (int round = 0; round != 3; ++round) {
    for (auto& p : kept) p = nullptr;
    heap.verify();
    CHECK(heap.objects() == 0);
    CHECK(heap.get().stats().pages <= 2);  // those that the two types allocate from
    for (auto& p : others) p = make_gc<other>();
    heap.verify();
    CHECK(heap.get().stats().bytes_reserved <= reserved + 65'536);
    for (auto& p : others) p = nullptr;
    for (auto& p : kept) p = make_gc<three_words>(p, nullptr, &p);
    CHECK(heap.get().stats().bytes_reserved <= reserved + 65'536);
  }
  CHECK(std::all_of(kept.begin(), kept.end(), [](auto& p) { return p->c == &p && p.use_count() == 1; }));
  kept.clear();
  heap.get().trim();
  CHECK(heap.get().stats().bytes_reserved == 0);
}

TEST_CASE("pages that have lost all their objects count for no limit until they are used again") {
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept(20'000);
  for (auto& p : kept) p = make_gc<three_words>();
  auto const full = heap.get().stats().pages;
  kept.clear();
  heap.get().set_limit(full / 2 * 65'536);
  CHECK_THROWS_AS(
      [&] {
        while (true) kept.push_back(make_gc<three_words>());
      }(),
      std::bad_alloc);
  CHECK(heap.get().stats().pages <= full / 2);
  CHECK(kept.size() > 20'000 / 3);
  heap.verify();
}

TEST_CASE("pages that have lost all their objects are used again when figures have become exact") {
  manual_heap heap;
  std::vector<gc_ptr<three_words>> kept(20'000);
  for (auto& p : kept) p = make_gc<three_words>();
  for (auto& p : kept) p = nullptr;
  gc::set_threshold(1'000'000);
  for (auto& p : kept) p = make_gc<three_words>();
  CHECK(heap.objects() == 20'000);
  heap.verify();
  kept.clear();
  CHECK(heap.objects() == 0);
  CHECK(heap.get().stats().bytes_in_use == 0);
  heap.verify();
}

// ---- limits and failures ----------------------------------------------------------------------------------------

TEST_CASE("over its limit a heap collects, and only then throws bad_alloc") {
  manual_heap heap;
  census c;
  heap.get().set_limit(4 * mebibyte);
  for (int i = 0; i < 500'000; ++i) make_self_cycle(c);  // 20 MiB in all
  CHECK(c.died > 300'000);
  CHECK(heap.get().stats().bytes_reserved <= 4 * mebibyte);
  gc::collect();

  gc_ptr<node> list;
  int made = 0;
  auto const grow = [&] {
    for (;; ++made) list = make_gc<node>(tally{c}, list, made);
  };
  CHECK_THROWS_AS(grow(), std::bad_alloc);
  CHECK(made > 50'000);
  CHECK(c.alive == made);
  CHECK(heap.objects() == static_cast<std::size_t>(made));
  CHECK(heap.get().stats().bytes_reserved <= 4 * mebibyte);
  CHECK_THROWS_AS(grow(), std::bad_alloc);  // again
  int value = made;
  bool intact = true;
  for (auto p = list; p; p = p->next) intact = intact && p->value == --value;
  CHECK(intact);
  CHECK(value == 0);
  heap.verify();

  list.reset();
  CHECK(c.alive == 0);
  made = 0;
  CHECK_THROWS_AS(grow(), std::bad_alloc);  // what was freed can be used again
  CHECK(made > 50'000);
  list.reset();
}

TEST_CASE("a limit holds for large objects and arrays, and can be raised") {
  manual_heap heap;
  heap.get().set_limit(mebibyte);
  CHECK_THROWS_AS(make_gc<char[]>(2 * mebibyte), std::bad_alloc);
  CHECK(heap.objects() == 0);
  auto const half = make_gc<char[]>(mebibyte / 2);
  CHECK_THROWS_AS(make_gc<char[]>(mebibyte * 3 / 4), std::bad_alloc);
  heap.get().set_limit(4 * mebibyte);
  auto const more = make_gc<char[]>(2 * mebibyte);
  CHECK(heap.objects() == 2);
  std::vector<gc_ptr<large>> many;
  auto const grow = [&] {
    for (;;) many.push_back(make_gc<large>());
  };
  CHECK_THROWS_AS(grow(), std::bad_alloc);
  CHECK(many.size() > 100);
  CHECK(many.size() < 200);
}

TEST_CASE("garbage makes room for a large object under a limit") {
  manual_heap heap;
  heap.get().set_limit(2 * mebibyte);
  struct holder {
    gc_ptr<holder> self{};
    gc_ptr<char[]> bytes{};
  };
  for (int i = 0; i < 20; ++i) {
    auto const p = make_gc<holder>(nullptr, make_gc<char[]>(mebibyte));
    p->self = p;
  }
  CHECK(heap.objects() <= 4);
}

TEST_CASE("a limit below what is in use takes nothing away") {
  manual_heap heap;
  census c;
  std::vector<gc_ptr<node>> kept(10'000);
  for (auto& p : kept) p = make_gc<node>(tally{c});
  heap.get().set_limit(1);
  CHECK_THROWS_AS(make_gc<large>(), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<char[]>(100'000), std::bad_alloc);
  CHECK(c.alive == 10'000);
  heap.get().set_limit(static_cast<std::size_t>(-1));
  CHECK(make_gc<large>());
}

TEST_CASE("a limit is one heap's alone") {
  manual_heap limited;
  limited.get().set_limit(1);
  heap other;
  heap::scope const scope(other);
  CHECK(make_gc<char[]>(mebibyte).size() == mebibyte);
}

namespace {

struct thrower {
  explicit thrower(bool fail) {
    if (fail) throw std::runtime_error("no");
  }
  gc_ptr<thrower> link;
  std::array<char, 40> bytes{};
  static constexpr auto gc_members = ouro::members(&thrower::link);
};

}  // namespace

TEST_CASE("a constructor that throws leaves the heap as it was") {
  manual_heap heap;
  auto const kept = make_gc<thrower>(false);
  auto const before = heap.get().stats();
  for (int i = 0; i < 10'000; ++i) CHECK_THROWS_AS(make_gc<thrower>(true), std::runtime_error);
  auto const after = heap.get().stats();
  CHECK(after.objects == before.objects);
  CHECK(after.bytes_in_use == before.bytes_in_use);
  CHECK(after.bytes_reserved == before.bytes_reserved);
  CHECK(gc::collect() == 0);
  heap.verify();
}

// ---- current heap and scopes ------------------------------------------------------------------------------------

TEST_CASE("a scope makes a heap current, scopes nest, and the heap before comes back") {
  heap& first = heap::current();
  heap a;
  heap b;
  {
    heap::scope const in_a(a);
    CHECK(&heap::current() == &a);
    auto const x = make_gc<int>(1);
    {
      heap::scope const in_b(b);
      CHECK(&heap::current() == &b);
      auto const y = make_gc<int>(2);
      {
        heap::scope const again(a);
        CHECK(&heap::current() == &a);
        auto const z = make_gc<int>(3);
        CHECK(a.stats().objects == 2);
        CHECK(b.stats().objects == 1);
      }
      CHECK(&heap::current() == &b);
    }
    CHECK(&heap::current() == &a);
    CHECK(b.stats().objects == 0);
  }
  CHECK(&heap::current() == &first);
  CHECK(a.stats().objects == 0);
}

TEST_CASE("a scope ends when an exception leaves it") {
  heap& first = heap::current();
  heap a;
  try {
    heap::scope const scope(a);
    throw 1;
  } catch (int) {
  }
  CHECK(&heap::current() == &first);
}

TEST_CASE("objects die correctly whichever heap is current") {
  census c;
  heap a;
  heap b;
  gc_ptr<node> in_a;
  gc_ptr<node> in_b;
  {
    heap::scope const scope(a);
    in_a = make_gc<node>(tally{c});
    in_a->next = make_gc<node>(tally{c});
  }
  {
    heap::scope const scope(b);
    in_b = make_gc<node>(tally{c});
    in_a.reset();
    CHECK(a.stats().objects == 0);
    CHECK(b.stats().objects == 1);
  }
  in_b.reset();
  CHECK(b.stats().objects == 0);
  CHECK(c.alive == 0);
  a.verify();
  b.verify();
}

TEST_CASE("collect collects the current heap only") {
  census c;
  heap a;
  heap b;
  for (auto* h : {&a, &b}) {
    heap::scope const scope(*h);
    make_self_cycle(c);
  }
  {
    heap::scope const scope(a);
    CHECK(gc::collect() == 1);
  }
  CHECK(a.stats().objects == 0);
  CHECK(b.stats().objects == 1);
  CHECK(c.alive == 1);
}

TEST_CASE("a reference from another heap keeps an object alive, and dies with its holder") {
  census c;
  heap a;
  heap b;
  gc_ptr<node> holder;
  {
    heap::scope const scope(b);
    holder = make_gc<node>(tally{c});
  }
  heap::scope const scope(a);
  gc::disable();
  holder->next = make_gc<node>(tally{c}, nullptr, 5);
  holder->next->next = holder->next;
  CHECK(gc::collect() == 0);
  CHECK(holder->next->value == 5);
  holder.reset();
  CHECK(c.alive == 1);
  CHECK(gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("a cycle across heaps is not collected, and is once it has been cut") {
  census c;
  heap a;
  heap b;
  node* raw = nullptr;
  {
    heap::scope const scope(a);
    auto const in_a = make_gc<node>(tally{c});
    raw = in_a.get();
    heap::scope const inner(b);
    in_a->next = make_gc<node>(tally{c}, in_a);
    CHECK(gc::collect() == 0);
  }
  {
    heap::scope const scope(a);
    CHECK(gc::collect() == 0);
  }
  CHECK(c.alive == 2);
  raw->next.reset();
  CHECK(c.alive == 0);
}

// ---- heaps that move, and heaps that are gone -------------------------------------------------------------------

TEST_CASE("a heap moves with all that is in it") {
  census c;
  gc_ptr<node> kept;
  std::optional<heap> first(std::in_place);
  {
    heap::scope const scope(*first);
    gc::disable();
    kept = make_gc<node>(tally{c}, nullptr, 5);
    make_self_cycle(c);
  }
  heap second(std::move(*first));
  first.reset();
  CHECK(second.stats().objects == 2);
  CHECK(c.alive == 2);
  {
    heap::scope const scope(second);
    CHECK(&heap::current() == &second);
    CHECK_FALSE(gc::is_enabled());
    CHECK(gc::collect() == 1);
    CHECK(kept->value == 5);
    CHECK(make_gc<int>(1));
  }
  second.verify();
  heap third;
  third = std::move(second);
  CHECK(third.stats().objects == 1);
  kept.reset();
  CHECK(third.stats().objects == 0);
}

TEST_CASE("heaps can be swapped and kept in containers") {
  std::vector<heap> heaps;
  std::vector<gc_ptr<int>> kept;
  for (int i = 0; i < 20; ++i) {
    heaps.emplace_back();
    heap::scope const scope(heaps.back());
    for (int j = 0; j < i; ++j) kept.push_back(make_gc<int>(i));
  }
  std::swap(heaps[3], heaps[17]);
  CHECK(heaps[3].stats().objects == 17);
  CHECK(heaps[17].stats().objects == 3);
  heaps.erase(heaps.begin(), heaps.begin() + 10);
  CHECK(heaps.size() == 10);
  for (auto const& p : kept) CHECK(*p < 20);
}

TEST_CASE("a heap that is dropped collects its garbage") {
  census c;
  {
    heap h;
    heap::scope const scope(h);
    gc::disable();
    for (int i = 0; i < 100; ++i) make_self_cycle(c);
    CHECK(c.alive == 100);
  }
  CHECK(c.alive == 0);
}

TEST_CASE("objects with handles outlive their heap and die by counting") {
  census c;
  gc_ptr<node> kept;
  gc_ptr<char[]> bytes;
  {
    heap h;
    heap::scope const scope(h);
    for (int i = 0; i < 1'000; ++i) kept = make_gc<node>(tally{c}, kept, i);
    bytes = make_gc<char[]>(100'000);
    make_self_cycle(c);
  }
  CHECK(c.alive == 1'000);
  int value = 1'000;
  for (auto p = kept; p; p = p->next) CHECK(p->value == --value);
  kept->next->next.reset();
  CHECK(c.alive == 2);
  auto copy = kept;
  kept.reset();
  CHECK(copy->value == 999);
  CHECK(gc::collect() == 0);
  CHECK(copy->next->value == 998);
  copy.reset();
  CHECK(c.alive == 0);
  CHECK(bytes[99'999] == 0);
  bytes.reset();
}

TEST_CASE("a cycle whose heap is gone can still be cut by hand") {
  census c;
  gc_ptr<node> kept;
  {
    heap h;
    heap::scope const scope(h);
    kept = make_gc<node>(tally{c});
    kept->next = make_gc<node>(tally{c}, kept);
  }
  CHECK(c.alive == 2);
  kept->next->next.reset();
  kept.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("an object of a heap that is gone may hold objects of living heaps, and the other way around") {
  census c;
  heap living;
  gc_ptr<node> old_one;
  {
    heap gone;
    heap::scope const scope(gone);
    old_one = make_gc<node>(tally{c});
  }
  heap::scope const scope(living);
  old_one->next = make_gc<node>(tally{c}, nullptr, 6);
  CHECK(gc::collect() == 0);
  CHECK(old_one->next->value == 6);
  auto holder = make_gc<node>(tally{c}, std::move(old_one));
  CHECK(gc::collect() == 0);
  CHECK(holder->next->next->value == 6);
  CHECK(c.alive == 3);
  holder.reset();
  CHECK(c.alive == 0);
  CHECK(living.stats().objects == 0);
}

TEST_CASE("a destructor may drop the last handle into a heap that is gone") {
  census c;
  gc_ptr<node> outer;
  {
    heap inner_heap;
    heap::scope const scope(inner_heap);
    outer = make_gc<node>(tally{c});
    heap innermost_heap;
    heap::scope const inner_scope(innermost_heap);
    outer->next = make_gc<node>(tally{c}, make_gc<node>(tally{c}));
  }
  CHECK(c.alive == 3);
  outer.reset();
  CHECK(c.alive == 0);
}

// ---- threads ----------------------------------------------------------------------------------------------------

TEST_CASE("each thread has a heap of its own") {
  heap* const mine = &heap::current();
  auto const objects = mine->stats().objects;
  census c;
  heap* theirs = nullptr;
  int alive = 0;
  std::thread([&] {
    theirs = &heap::current();
    std::vector<gc_ptr<node>> kept(100);
    for (auto& p : kept) p = make_gc<node>(tally{c});
    make_self_cycle(c);
    alive = c.alive;
  }).join();
  CHECK(theirs != mine);
  CHECK(alive == 101);
  CHECK(c.alive == 0);  // the cycle went with the thread's heap
  CHECK(mine->stats().objects == objects);
}

TEST_CASE("many threads work side by side") {
  std::atomic<int> errors{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&errors, t] {
      census c;
      gc_ptr<node> list;
      for (int i = 0; i < 20'000; ++i) {
        if (i % 100 == 0) list.reset();
        list = make_gc<node>(tally{c}, list, i);
        make_self_cycle(c);
        if (i % (500 + t) == 0) gc::collect();
      }
      list.reset();
      gc::collect();
      if (c.alive != 0 || c.died != 40'000) ++errors;
    });
  }
  for (auto& t : threads) t.join();
  CHECK(errors == 0);
}

TEST_CASE("handles left by a thread that has ended stay valid, and their objects die by counting") {
  census c;
  gc_ptr<node> kept;
  std::thread([&] {
    kept = make_gc<node>(tally{c}, make_gc<node>(tally{c}, nullptr, 2), 1);
    make_self_cycle(c);
  }).join();
  CHECK(c.alive == 2);
  CHECK(kept->value == 1);
  CHECK(kept->next->value == 2);
  auto copy = kept;
  CHECK(kept.use_count() == 2);
  gc::collect();
  kept.reset();
  copy->next.reset();
  CHECK(c.alive == 1);
  copy.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("a heap is handed to another thread and back") {
  census c;
  heap h;
  gc_ptr<node> kept;
  {
    heap::scope const scope(h);
    gc::disable();
    kept = make_gc<node>(tally{c}, nullptr, 1);
    make_self_cycle(c);
  }
  std::size_t collected = 0;
  std::thread([&collected, &c, h = std::move(h), kept = std::move(kept)]() mutable {
    heap::scope const scope(h);
    kept->next = make_gc<node>(tally{c}, kept, 2);
    collected = gc::collect();
    kept.reset();
    collected += gc::collect();
  }).join();
  CHECK(collected == 3);
  CHECK(c.alive == 0);
}

TEST_CASE("a heap filled by one thread is read and emptied by the next") {
  census c;
  heap h;
  gc_ptr<node> list;
  for (int round = 0; round < 3; ++round) {
    heap moved;
    std::thread([&c, &list, &moved, round, given = std::move(h)]() mutable {
      heap::scope const scope(given);
      for (int i = 0; i < 1'000; ++i) list = make_gc<node>(tally{c}, list, round);
      moved = std::move(given);
    }).join();
    h = std::move(moved);
  }
  heap::scope const scope(h);
  CHECK(c.alive == 3'000);
  CHECK(list->value == 2);
  CHECK(h.stats().objects == 3'000);
  h.verify();
  list.reset();
  CHECK(c.alive == 0);
}

namespace {

struct thread_witness {
  std::atomic<int>* deaths;
  gc_ptr<thread_witness> self{};
  ~thread_witness() { ++*deaths; }
};

}  // namespace

TEST_CASE("handles in thread_locals, in cycles or not, are released when their thread ends") {
  static std::atomic<int> deaths{0};
  deaths = 0;
  std::thread([] {
    // One is older than the thread's heap, the other one younger.
    static thread_local gc_ptr<thread_witness> before;
    before = make_gc<thread_witness>(&deaths);
    static thread_local gc_ptr<thread_witness> after;
    after = make_gc<thread_witness>(&deaths);
    after->self = after;
    static thread_local std::vector<gc_ptr<thread_witness>> many(10, before);
  }).join();
  CHECK(deaths == 2);
}

TEST_CASE("destructors of thread_locals may still make and collect objects") {
  static std::atomic<int> deaths{0};
  deaths = 0;
  std::thread([] {
    struct late {
      ~late() {
        auto const p = make_gc<thread_witness>(&deaths);
        p->self = p;
        make_gc<thread_witness>(&deaths);
      }
    };
    static thread_local late first;
    (void)first;
    make_gc<thread_witness>(&deaths);
    static thread_local late second;
    (void)second;
  }).join();
  CHECK(deaths == 5);
}

// ---- the end of the program -------------------------------------------------------------------------------------

#if OURO_TEST_HAS_FORK
namespace {

struct last_words {
  explicit last_words(char const* w) : words(w) {}
  ~last_words() {
    std::fputs(words, stdout);
    std::fflush(stdout);
  }
  char const* words;
  gc_ptr<last_words> self;
  static constexpr std::size_t gc_fields = 2;
};

}  // namespace

TEST_CASE("handles in statics are released at the end of the program, cycles included") {
  auto const child = ouro_test::run_in_child([] {
    static gc_ptr<last_words> counted;
    counted = make_gc<last_words>("counted;");
    static gc_ptr<last_words> cyclic;
    cyclic = make_gc<last_words>("cyclic;");
    cyclic->self = cyclic;
    static std::vector<gc_ptr<last_words>> many{make_gc<last_words>("in a vector;")};
    auto const lost = make_gc<last_words>("lost;");
    lost->self = lost;
    std::exit(0);
  });
  CHECK(child.clean());
  CHECK(child.says("counted;"));
  CHECK(child.says("cyclic;"));
  CHECK(child.says("in a vector;"));
}

TEST_CASE("a static handle into a heap that is gone is released at the end of the program") {
  auto const child = ouro_test::run_in_child([] {
    static gc_ptr<last_words> kept;
    {
      heap h;
      heap::scope const scope(h);
      kept = make_gc<last_words>("kept;");
    }
    std::exit(0);
  });
  CHECK(child.clean());
  CHECK(child.says("kept;"));
}

TEST_CASE("a static heap may die before or after handles into it") {
  auto const child = ouro_test::run_in_child([] {
    static gc_ptr<last_words> older;
    static heap h;
    static gc_ptr<last_words> younger;
    heap::scope const scope(h);
    older = make_gc<last_words>("older;");
    younger = make_gc<last_words>("younger;");
    younger->self = younger;
    older->self = younger;
    std::exit(0);
  });
  CHECK(child.clean());
  CHECK(child.says("older;"));
}
#endif
