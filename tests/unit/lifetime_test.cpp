// Heaps and threads that end before the handles do, and objects that live in other heaps than the current one.
// What happens at the end of the program is tested by tests/lifetime.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

struct node {
  tally t;
  gc_ptr<node> link{};
  std::vector<gc_ptr<node>> links{};
  std::string text = "a string that is long enough to lie on the heap";
};

gc_ptr<node> make_ring(census& c, int length) {
  auto const first = make_gc<node>(tally{c});
  auto last = first;
  for (int i = 1; i < length; ++i) {
    last->link = make_gc<node>(tally{c});
    last = last->link;
  }
  last->link = first;
  return first;
}

bool is_whole(gc_ptr<node> const& p) { return p->text == "a string that is long enough to lie on the heap"; }

}  // namespace

// ---- heaps that are dropped -------------------------------------------------------------------------------------

TEST_CASE("a heap that is dropped lives on until its last object dies, also for objects in other heaps") {
  manual_heap outer;
  census c;
  gc_ptr<node> held;
  auto const holder = make_gc<node>(tally{c});
  {
    ouro::heap inner;
    ouro::heap::scope const here(inner);
    held = make_gc<node>(tally{c});
    held->links = {make_gc<node>(tally{c}), held};
    holder->link = make_gc<node>(tally{c});
  }
  CHECK(c.alive == 4);
  CHECK(is_whole(held));
  CHECK(is_whole(held->links[0]));
  CHECK(is_whole(holder->link));
  CHECK(held.use_count() == 2);
  held->links.clear();
  CHECK(c.alive == 3);
  held.reset();
  CHECK(c.alive == 2);
  holder->link.reset();
  CHECK(c.alive == 1);
  CHECK(outer.objects() == 1);
}

TEST_CASE("a heap that is dropped destroys its garbage at once, new garbage of destructors included") {
  struct breeder {
    tally t;
    int generations;
    gc_ptr<breeder> self{};
    ~breeder() {
      if (generations == 0) return;
      auto const child = make_gc<breeder>(tally{t.where()}, generations - 1);
      child->self = child;
    }
  };
  manual_heap outer;
  census c;
  {
    ouro::heap inner;
    ouro::heap::scope const here(inner);
    auto const p = make_gc<breeder>(tally{c}, 5);
    p->self = p;
  }
  ouro::gc::collect();
  CHECK(c.born >= 2);
  for (int i = 0; i < 6; ++i) ouro::gc::collect();
  CHECK(c.alive == 0);
}

TEST_CASE("a heap dropped while it is current: what it made stays valid and new objects can be made") {
  manual_heap outer;
  census c;
  gc_ptr<node> before;
  gc_ptr<node> after;
  {
    auto inner = std::make_unique<ouro::heap>();
    ouro::heap::scope const here(*inner);
    before = make_gc<node>(tally{c});
    inner.reset();
    CHECK(is_whole(before));
    after = make_gc<node>(tally{c}, before);
    before->link = after;
  }
  CHECK(is_whole(before));
  CHECK(is_whole(after));
  before->link.reset();
  before.reset();
  after.reset();
  CHECK(c.alive == 0);
  CHECK(outer.objects() == 0);
}

TEST_CASE("a destructor may drop the heap in which its object lives") {
  struct keeps_heap {
    tally t;
    std::unique_ptr<ouro::heap>* home;
    gc_ptr<keeps_heap> self{};
    ~keeps_heap() { home->reset(); }
  };
  manual_heap outer;
  census c;
  bool const cyclic = GENERATE(false, true);
  auto inner = std::make_unique<ouro::heap>();
  {
    gc_ptr<keeps_heap> p;
    ouro::heap::scope const here(*inner);
    p = make_gc<keeps_heap>(tally{c}, &inner);
    if (cyclic) p->self = p;
    p.reset();
    if (cyclic) CHECK(ouro::gc::collect() == 1);
  }
  CHECK(inner == nullptr);
  CHECK(c.alive == 0);
  CHECK(make_gc<node>(tally{c}) != nullptr);
}

TEST_CASE("a destructor in a closed heap may allocate, and its objects go to the current heap") {
  struct allocates {
    tally t;
    gc_ptr<node>* out;
    ~allocates() { *out = make_gc<node>(tally{t.where()}); }
  };
  manual_heap outer;
  census c;
  gc_ptr<node> out;
  gc_ptr<allocates> p;
  {
    ouro::heap inner;
    ouro::heap::scope const here(inner);
    p = make_gc<allocates>(tally{c}, &out);
  }
  p.reset();
  REQUIRE(out != nullptr);
  CHECK(outer.objects() == 1);
  out.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("many heaps, dropped in any order") {
  manual_heap outer;
  census c;
  {
    std::vector<std::optional<ouro::heap>> heaps(20);
    std::vector<gc_ptr<node>> handles;
    for (std::size_t i = 0; i < heaps.size(); ++i) {
      heaps[i].emplace();
      ouro::heap::scope const here(*heaps[i]);
      handles.push_back(make_gc<node>(tally{c}));
      if (i > 0) handles[i]->link = handles[i - 1];
      make_ring(c, 2);
    }
    for (std::size_t i = 0; i < heaps.size(); ++i) heaps[i * 7 % heaps.size()].reset();
    CHECK(c.alive == 20);
    for (std::size_t i = 0; i < heaps.size(); ++i) handles[i * 3 % heaps.size()].reset();
  }
  CHECK(c.alive == 0);
}

// ---- several heaps ----------------------------------------------------------------------------------------------

TEST_CASE("an object dies correctly whichever heap is current") {
  manual_heap first;
  census c;
  auto p = make_gc<node>(tally{c});
  p->link = make_gc<node>(tally{c});
  {
    manual_heap const second;
    auto const q = make_gc<node>(tally{c});
    CHECK(second.objects() == 1);
    CHECK(first.objects() == 2);
    p.reset();
    CHECK(c.alive == 1);
    CHECK(first.objects() == 0);
    CHECK(second.objects() == 1);
  }
  CHECK(c.alive == 0);
  first.verify();
}

TEST_CASE("heap::scope nests and gives the heap before back") {
  manual_heap a;
  census c;
  {
    ouro::heap b;
    ouro::heap::scope const in_b(b);
    {
      ouro::heap::scope const in_a(a.get());
      auto const p = make_gc<node>(tally{c});
      CHECK(a.objects() == 1);
      CHECK(b.stats().objects == 0);
    }
    auto const q = make_gc<node>(tally{c});
    CHECK(b.stats().objects == 1);
    CHECK(ouro::heap::current().stats().objects == 1);
  }
  CHECK(ouro::heap::current().stats().objects == 0);
  CHECK(a.objects() == 0);
}

TEST_CASE("collect speaks of the current heap") {
  manual_heap a;
  census c;
  make_ring(c, 3);
  {
    manual_heap const b;
    make_ring(c, 2);
    CHECK(ouro::gc::collect() == 2);
    CHECK(c.alive == 3);
  }
  CHECK(ouro::gc::collect() == 3);
  CHECK(c.alive == 0);
}

TEST_CASE("a reference from another heap keeps an object alive, and cycles across heaps are never collected") {
  manual_heap a;
  census c;
  auto p = make_gc<node>(tally{c});
  auto* const raw = p.get();
  {
    ouro::heap b;
    ouro::heap::scope const here(b);
    auto const q = make_gc<node>(tally{c}, p);
    p->link = q;
    p.reset();
    CHECK(ouro::gc::collect() == 0);
  }
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 2);
  CHECK(is_whole(raw->link));
  a.verify();
  raw->link.reset();
  CHECK(c.alive == 0);
  CHECK(a.objects() == 0);
}

TEST_CASE("garbage that points into another heap lets go of it") {
  manual_heap a;
  census c;
  ouro::heap b;
  gc_ptr<node> other;
  {
    ouro::heap::scope const here(b);
    other = make_ring(c, 2);
  }
  {
    auto const p = make_ring(c, 3);
    p->links = {other, other->link, other};
  }
  CHECK(other.use_count() == 4);
  CHECK(ouro::gc::collect() == 3);
  CHECK(other.use_count() == 2);
  CHECK(is_whole(other));
  other.reset();
  CHECK(ouro::gc::collect() == 0);
  ouro::heap::scope const here(b);
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 0);
}

TEST_CASE("a heap is a movable handle: moved, swapped and assigned, current or not") {
  manual_heap outer;
  census c;
  gc_ptr<node> p;
  ouro::heap a;
  {
    ouro::heap::scope const here(a);
    p = make_gc<node>(tally{c});
    ouro::heap b = std::move(a);
    CHECK(b.stats().objects == 1);
    auto const q = make_gc<node>(tally{c});
    CHECK(b.stats().objects == 2);
    CHECK(ouro::heap::current().stats().objects == 2);
    a = std::move(b);
    CHECK(a.stats().objects == 2);
  }
  ouro::heap d;
  d = std::move(a);
  CHECK(d.stats().objects == 1);
  d = ouro::heap();  // drops the heap that p points into
  CHECK(d.stats().objects == 0);
  CHECK(is_whole(p));
  p.reset();
  CHECK(c.alive == 0);
}

// ---- threads ----------------------------------------------------------------------------------------------------

TEST_CASE("a thread ends: its garbage is destroyed, what others hold lives on and dies where it is dropped") {
  manual_heap outer;
  census c;
  gc_ptr<node> taken;
  std::thread([&] {
    taken = make_gc<node>(tally{c});
    taken->link = make_gc<node>(tally{c});
    make_ring(c, 3);
  }).join();
  CHECK(c.alive == 2);
  CHECK(is_whole(taken));
  auto copy = taken->link;
  taken.reset();
  CHECK(c.alive == 1);
  CHECK(is_whole(copy));
  copy.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("objects of a thread that has ended may be held by objects of this thread") {
  manual_heap outer;
  census c;
  auto const holder = make_gc<node>(tally{c});
  std::vector<gc_ptr<node>> made(50);
  std::thread([&] {
    for (auto& p : made) p = make_gc<node>(tally{c});
  }).join();
  for (auto& p : made) holder->links.push_back(std::move(p));
  made.clear();
  CHECK(c.alive == 51);
  CHECK(ouro::gc::collect() == 0);
  bool whole = true;
  for (auto const& p : holder->links) whole = whole && is_whole(p);
  CHECK(whole);
  holder->links.clear();
  CHECK(c.alive == 1);
}

TEST_CASE("thread_local handles outlive the thread's heap") {
  struct end {
    static gc_ptr<node>& single() {
      static thread_local gc_ptr<node> p;
      return p;
    }
    static gc_ptr<node>& ring() {
      static thread_local gc_ptr<node> p;
      return p;
    }
  };
  manual_heap outer;
  census c;
  bool const before_first_use = GENERATE(false, true);
  std::thread([&] {
    if (before_first_use) {
      end::single();
      end::ring();
    }
    auto const p = make_gc<node>(tally{c});
    auto const q = make_ring(c, 2);
    end::single() = p;
    end::ring() = q;
  }).join();
  CHECK(c.born == 3);
  CHECK(c.alive == 0);
}

TEST_CASE("a heap that is handed to another thread works there, with its limits, thresholds and objects") {
  manual_heap outer;
  census c;
  ouro::heap heap;
  gc_ptr<node> ring;
  {
    ouro::heap::scope const here(heap);
    ouro::gc::set_threshold(0, 7, 8);
    ring = make_ring(c, 4);
  }
  std::size_t collected = 0;
  bool kept = false;
  bool whole = false;
  std::thread([&, mine = std::move(heap), handle = std::move(ring)]() mutable {
    ouro::heap::scope const there(mine);
    kept = ouro::gc::get_threshold() == std::array<std::size_t, 3>{0, 7, 8};
    whole = is_whole(handle) && handle->link->link->link->link == handle;
    handle->links.push_back(make_gc<node>(tally{c}, handle));
    handle.reset();
    collected = ouro::gc::collect();
  }).join();
  CHECK(kept);
  CHECK(whole);
  CHECK(collected == 5);
  CHECK(c.alive == 0);
}

TEST_CASE("a heap that is handed over and back is as it was") {
  manual_heap outer;
  census c;
  std::optional<ouro::heap> heap(std::in_place);
  gc_ptr<node> p;
  {
    ouro::heap::scope const here(*heap);
    p = make_ring(c, 2);
  }
  std::optional<ouro::heap> back;
  std::thread([&, mine = std::move(*heap), handle = std::move(p)]() mutable {
    {
      ouro::heap::scope const there(mine);
      handle->links.push_back(make_gc<node>(tally{c}));
    }
    p = std::move(handle);
    back.emplace(std::move(mine));
  }).join();
  {
    ouro::heap::scope const here(*back);
    CHECK(back->stats().objects == 3);
    CHECK(is_whole(p->links[0]));
    auto copy = p;
    copy.reset();
    CHECK(ouro::gc::collect() == 0);
    p.reset();
    CHECK(ouro::gc::collect() == 3);
  }
  CHECK(c.alive == 0);
}

TEST_CASE("threads work side by side, each in its own heap") {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&wrong, i] {
      census c;
      {
        manual_heap heap;
        for (int round = 0; round < 200; ++round) {
          auto const keep = make_ring(c, 5 + i);
          make_ring(c, 3 + i);
          if (ouro::gc::collect() < static_cast<std::size_t>(3 + i)) ++wrong;
          if (!is_whole(keep)) ++wrong;
        }
        ouro::gc::collect();
        if (c.alive != 0) ++wrong;
      }
      make_ring(c, 10);
      ouro::gc::collect();
      if (c.alive != 0) ++wrong;
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("a thousand short threads leave nothing behind") {
  manual_heap outer;
  census c;
  for (int i = 0; i < 1'000; ++i) {
    gc_ptr<node> handle;
    std::thread([&] {
      handle = make_gc<node>(tally{c});
      make_ring(c, 2);
    }).join();
    CHECK(c.alive == 1);
    handle.reset();
    CHECK(c.alive == 0);
  }
}

TEST_CASE("pause_scope holds back automatic collections of its heap, and not explicit ones") {
  ouro_test::fresh_heap heap;
  census c;
  ouro::gc::set_threshold(1, 1, 1);
  {
    ouro::gc::pause_scope const outer;
    {
      ouro::gc::pause_scope const inner;
      for (int i = 0; i < 50; ++i) make_ring(c, 2);
    }
    for (int i = 0; i < 50; ++i) make_ring(c, 2);
    CHECK(c.alive == 200);
    CHECK(ouro::gc::collect() == 200);
    for (int i = 0; i < 50; ++i) make_ring(c, 2);
    CHECK(c.alive == 100);
  }
  for (int i = 0; i < 50; ++i) make_ring(c, 2);
  CHECK(c.alive < 100);
  ouro::gc::collect();
  CHECK(c.alive == 0);
}
