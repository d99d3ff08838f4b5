// Hand-written traces that are wrong: reported, and never the death of a live object.
//
// An edge that is missed only leaks. An edge that is visited twice stands in for a handle that is not there, so the
// counts can balance although a handle outside is alive: that is what most of these objects arrange.
#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>
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

struct target {
  tally t;
  gc_ptr<target> self{};
  int value = 31;
};

/// Collects several times, in every generation, while `live` must stay what it is.
void collect_often(gc_ptr<target> const& live, int expected_count) {
  for (int round = 0; round < 3; ++round)
    for (int g : {0, 1, 2}) {
      ouro::gc::collect(g);
      REQUIRE(live->value == 31);
      REQUIRE(static_cast<int>(live.use_count()) == expected_count);
    }
}

struct visits_twice {
  tally t;
  gc_ptr<target> first{};
  gc_ptr<visits_twice> self{};
  explicit visits_twice(census& c) : t(c) {}
  void gc_trace(ouro::tracer& tr) const noexcept { tr(first, self, first); }
};

}  // namespace

// ---- visited twice ----------------------------------------------------------------------------------------------

TEST_CASE("a gc_trace that visits a member twice is reported with its type") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const p = make_gc<visits_twice>(c);
  p->first = make_gc<target>(tally{c});
  ouro::gc::collect();
  CHECK(reports.about("visits_twice") >= 1);
  REQUIRE_FALSE(reports.empty());
  CHECK_FALSE(reports[0].where.empty());
}

TEST_CASE("a gc_trace that visits a member twice never frees a live object, also when the counts balance") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const live = make_gc<target>(tally{c});
  SECTION("its object is alive") {
    auto const p = make_gc<visits_twice>(c);
    p->first = live;
    collect_often(live, 2);
  }
  SECTION("its object is garbage: one edge counted twice makes two, as many as there are handles") {
    auto p = make_gc<visits_twice>(c);
    p->self = p;
    p->first = live;
    auto* const raw = p.get();
    p.reset();
    collect_often(live, 2);
    // An opaque object counts as alive, so it may leak: take its cycle apart by hand.
    if (c.alive == 2) raw->self.reset();
  }
  SECTION("its object is garbage and so is what it points to, but for one handle") {
    live->self = live;
    auto p = make_gc<visits_twice>(c);
    p->self = p;
    p->first = live;
    auto* const raw = p.get();
    p.reset();
    collect_often(live, 3);
    if (c.alive == 2) raw->self.reset();
    live->self.reset();
  }
  CHECK(c.alive == 1);
  heap.verify();
}

TEST_CASE("a gc_trace that visits its own cycle twice never frees the object while a handle holds it") {
  struct doubles_itself {
    tally t;
    gc_ptr<doubles_itself> self{};
    int value = 31;
    explicit doubles_itself(census& c) : t(c) {}
    void gc_trace(ouro::tracer& tr) const noexcept { tr(self, self); }
  };
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const p = make_gc<doubles_itself>(c);
  p->self = p;
  REQUIRE(p.use_count() == 2);  // two handles, and two visits of one of them
  for (int g : {0, 1, 2, 2}) CHECK(ouro::gc::collect(g) == 0);
  CHECK(c.alive == 1);
  CHECK(p->value == 31);
  CHECK(reports.about("doubles_itself") >= 1);
  p->self.reset();
}

namespace {

struct visits_elements_twice {
  tally t;
  std::vector<gc_ptr<target>> all{};
  gc_ptr<visits_elements_twice> self{};
  explicit visits_elements_twice(census& c) : t(c) {}
  void gc_trace(ouro::tracer& tr) const noexcept {
    tr(self, all);
    for (auto const& p : all) tr(p);
  }
};

}  // namespace

TEST_CASE("a gc_trace that visits a container and its elements never frees a live object, however many there are") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  int const many = GENERATE(1, 2, 20, 100, 1'000, 100'000);
  std::vector<gc_ptr<target>> live;
  auto p = make_gc<visits_elements_twice>(c);
  p->self = p;
  auto* const raw = p.get();
  for (int i = 0; i < many; ++i) {
    live.push_back(make_gc<target>(tally{c}));
    p->all.push_back(live.back());
  }
  p.reset();
  for (int g : {0, 1, 2, 2}) ouro::gc::collect(g);
  bool intact = true;
  for (auto const& q : live) intact = intact && q->value == 31 && q.use_count() >= 1;
  CHECK(intact);
  CHECK(c.alive >= many);
  CHECK(reports.about("visits_elements_twice") >= 1);
  if (c.alive == many + 1) raw->self.reset();
  heap.verify();
}

TEST_CASE("a base's gc_trace called twice through two bases is reported and frees nothing alive") {
  struct base {
    gc_ptr<target> link{};
    void gc_trace(ouro::tracer& tr) const noexcept { tr(link); }
  };
  struct derived : base {
    tally t;
    gc_ptr<derived> self{};
    explicit derived(census& c) : t(c) {}
    void gc_trace(ouro::tracer& tr) const noexcept {
      base::gc_trace(tr);
      tr(link, self);
    }
  };
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const live = make_gc<target>(tally{c});
  auto p = make_gc<derived>(c);
  p->link = live;
  p->self = p;
  auto* const raw = p.get();
  p.reset();
  collect_often(live, 2);
  CHECK(reports.about("derived") >= 1);
  if (c.alive == 2) raw->self.reset();
  CHECK(c.alive == 1);
}

// ---- copies -----------------------------------------------------------------------------------------------------

namespace {

enum class copying { on_stack_too, on_stack_only, on_heap_too, on_heap_only, by_value_too };

struct visits_copies {
  tally t;
  copying how;
  gc_ptr<target> first{};
  gc_ptr<visits_copies> self{};
  visits_copies(census& c, copying h) : t(c), how(h) {}

  static void visit_by_value(ouro::tracer& tr, gc_ptr<target> p) noexcept { tr(p); }

  void gc_trace(ouro::tracer& tr) const noexcept {
    tr(self);
    switch (how) {
      case copying::on_stack_too: {
        auto const copy = first;
        tr(first, copy);
        break;
      }
      case copying::on_stack_only: {
        auto const copy = first;
        tr(copy);
        break;
      }
      case copying::on_heap_too: {
        std::vector<gc_ptr<target>> const copies{first};
        tr(first, copies);
        break;
      }
      case copying::on_heap_only: {
        auto const copy = std::make_unique<gc_ptr<target>>(first);
        tr(*copy);
        break;
      }
      case copying::by_value_too:
        tr(first);
        visit_by_value(tr, first);
        break;
    }
  }
};

}  // namespace

TEST_CASE("a gc_trace that visits a copy of a handle never frees a live object, also when the counts balance") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const how = GENERATE(copying::on_stack_too, copying::on_stack_only, copying::on_heap_too, copying::on_heap_only,
                            copying::by_value_too);
  bool const garbage = GENERATE(false, true);
  bool const target_in_cycle = GENERATE(false, true);
  CAPTURE(static_cast<int>(how), garbage, target_in_cycle);
  auto const live = make_gc<target>(tally{c});
  if (target_in_cycle) live->self = live;
  auto p = make_gc<visits_copies>(c, how);
  p->first = live;
  p->self = p;
  auto* const raw = p.get();
  if (garbage) p.reset();
  for (int round = 0; round < 3; ++round)
    for (int g : {0, 1, 2}) {
      ouro::gc::collect(g);
      REQUIRE(live->value == 31);
      REQUIRE(live.use_count() >= (target_in_cycle ? 2 : 1));
      if (!garbage) REQUIRE(c.alive == 2);
      if (c.alive == 2) REQUIRE(live.use_count() == (target_in_cycle ? 3 : 2));
    }
  if (c.alive == 2) raw->self.reset();
  p.reset();
  live->self.reset();
  CHECK(c.alive == 1);
  CHECK(live.use_count() == 1);
  heap.verify();
}

TEST_CASE("a gc_trace that visits a copy on the stack is reported with its type") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const how = GENERATE(copying::on_stack_too, copying::on_stack_only, copying::by_value_too);
  CAPTURE(static_cast<int>(how));
  auto const p = make_gc<visits_copies>(c, how);
  p->first = make_gc<target>(tally{c});
  ouro::gc::collect();
  CHECK(reports.about("visits_copies") >= 1);
}

TEST_CASE("a gc_trace that visits a member and a copy of it in other memory is reported with its type") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const p = make_gc<visits_copies>(c, copying::on_heap_too);
  p->first = make_gc<target>(tally{c});
  ouro::gc::collect();
  CHECK(reports.about("visits_copies") >= 1);
}

TEST_CASE("copies visited by many objects at once free nothing alive") {
  manual_heap heap;
  recorded_reports const reports;
  census c;
  auto const how = GENERATE(copying::on_stack_too, copying::on_stack_only, copying::on_heap_too, copying::on_heap_only);
  CAPTURE(static_cast<int>(how));
  std::vector<gc_ptr<target>> live;
  std::vector<visits_copies*> raw;
  gc_ptr<visits_copies> ring;
  constexpr int many = 500;
  for (int i = 0; i < many; ++i) {
    live.push_back(make_gc<target>(tally{c}));
    auto p = make_gc<visits_copies>(c, how);
    p->first = live.back();
    p->self = ring ? ring : p;
    raw.push_back(p.get());
    ring = p;
  }
  raw[0]->self = ring;
  ring.reset();
  for (int g : {0, 1, 2, 2}) ouro::gc::collect(g);
  bool intact = true;
  for (auto const& p : live) intact = intact && p->value == 31 && p.use_count() >= 1;
  CHECK(intact);
  CHECK((c.alive == 2 * many || c.alive == many));  // opaque objects leak as a whole, or none was opaque
  if (c.alive == 2 * many) raw[0]->self.reset();
  CHECK(c.alive == many);
  heap.verify();
}

// ---- other things a trace must not do, and may do ---------------------------------------------------------------

TEST_CASE("a gc_trace that forgets a member only leaks") {
  struct forgets {
    tally t;
    gc_ptr<forgets> seen{};
    gc_ptr<forgets> forgotten{};
    explicit forgets(census& c) : t(c) {}
    void gc_trace(ouro::tracer& tr) const noexcept { tr(seen); }
  };
  manual_heap heap;
  census c;
  auto p = make_gc<forgets>(c);
  auto* const raw = p.get();
  p->forgotten = p;
  p->seen = make_gc<forgets>(c);
  p.reset();
  for (int g : {0, 1, 2, 2}) CHECK(ouro::gc::collect(g) == 0);
  CHECK(c.alive == 2);
  raw->forgotten.reset();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct drops_in_trace {
  tally t;
  gc_ptr<drops_in_trace> mutable other{};
  bool* armed;
  drops_in_trace(census& c, bool* a) : t(c), armed(a) {}
  void gc_trace(ouro::tracer& tr) const noexcept {
    if (*armed) other.reset();
    tr(other);
  }
};

}  // namespace

TEST_CASE("a gc_trace that drops the cycle's own links frees nothing while it traces, and nothing twice after") {
  static bool armed;  // what leaks is traced once more when the heap closes, and at exit
  static census c;
  armed = false;
  c = {};
  manual_heap heap;
  recorded_reports const reports;
  auto a = make_gc<drops_in_trace>(c, &armed);
  a->other = make_gc<drops_in_trace>(c, &armed);
  a->other->other = a;
  SECTION("the cycle is garbage") { a.reset(); }
  SECTION("the cycle is alive") {}
  armed = true;
  ouro::gc::collect();
  armed = false;
  ouro::gc::collect();
  ouro::gc::collect();
  CHECK(c.died <= 2);
  if (a) {
    CHECK(c.alive >= 1);
    CHECK(a->armed == &armed);
  }
  a.reset();
  ouro::gc::collect();
  // A handle that vanishes during the count may leave its target with a count too high: a leak, which is harmless.
  CHECK(c.alive + c.died == 2);
  CHECK(static_cast<int>(heap.objects()) == c.alive);
  heap.verify();
}

namespace {

struct allocates_in_trace {
  tally t;
  census* made;
  gc_ptr<allocates_in_trace> self{};
  allocates_in_trace(census& c, census* m) : t(c), made(m) {}
  void gc_trace(ouro::tracer& tr) const noexcept {
    auto const temporary = make_gc<target>(tally{*made});
    temporary->self = temporary;
    make_gc<target>(tally{*made});
    tr(self);
  }
};

struct collects_in_trace {
  tally t;
  std::size_t* collected;
  gc_ptr<collects_in_trace> self{};
  collects_in_trace(census& c, std::size_t* n) : t(c), collected(n) {}
  void gc_trace(ouro::tracer& tr) const noexcept {
    *collected += ouro::gc::collect();
    tr(self);
  }
};

}  // namespace

TEST_CASE("a gc_trace that allocates with threshold 1 starts no collection, and its garbage goes later") {
  census c;
  census made;
  {
    fresh_heap heap;
    callbacks_restored const restore;
    int depth = 0;
    int deepest = 0;
    ouro::gc::callbacks().push_back([&](ouro::gc::phase phase, ouro::gc::info const&) {
      depth += phase == ouro::gc::phase::start ? 1 : -1;
      deepest = depth > deepest ? depth : deepest;
    });
    auto p = make_gc<allocates_in_trace>(c, &made);
    p->self = p;
    ouro::gc::set_threshold(1, 1, 1);
    for (int i = 0; i < 20; ++i) make_gc<target>(tally{c});
    CHECK(made.born > 0);
    CHECK(deepest == 1);
    p.reset();
    ouro::gc::set_threshold(0);
    for (int i = 0; i < 5; ++i) ouro::gc::collect();
    CHECK(c.alive == 0);
    CHECK(made.alive == 0);
    heap.verify();
    CHECK(heap.objects() == 0);
  }
  CHECK(made.born == made.died);
}

TEST_CASE("collect inside gc_trace returns 0") {
  manual_heap heap;
  census c;
  std::size_t collected = 0;
  auto p = make_gc<collects_in_trace>(c, &collected);
  p->self = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(collected == 0);
  CHECK(c.alive == 0);
}

#if OURO_TEST_HAS_FORK

namespace {

struct throws_in_trace {
  tally t;
  gc_ptr<target> link{};
  explicit throws_in_trace(census& c) : t(c) {}
  void gc_trace(ouro::tracer& tr) const noexcept {
    tr(link);
    if (link) throw_it();
  }
  static void throw_it() { throw std::runtime_error("thrown by a trace"); }
};

}  // namespace

TEST_CASE("a gc_trace is noexcept: an exception out of it ends the program before anything is freed") {
  auto const result = ouro_test::run_in_child([] {
    manual_heap heap;
    census c;
    auto const p = make_gc<throws_in_trace>(c);
    p->link = make_gc<target>(tally{c});
    ouro::gc::collect();
    std::puts("went on");
  });
  CHECK(result.aborted());
  CHECK_FALSE(result.says("went on"));
  CHECK(result.says("thrown by a trace"));
}

TEST_CASE("without a hook a wrong gc_trace is reported on standard error with its type and what to write") {
  auto const result = ouro_test::run_in_child([] {
    manual_heap heap;
    census c;
    auto const p = make_gc<visits_twice>(c);
    p->first = make_gc<target>(tally{c});
    ouro::gc::collect();
    std::puts("went on");
  });
  CHECK(result.clean());
  CHECK(result.says("went on"));
  CHECK(result.says("visits_twice"));
  CHECK(result.says("gc_trace"));
}

#endif

TEST_CASE("edges are sorted by their slots, in whatever order they were reported") {
  using ouro::detail::edge;
  std::vector<void*> words(5'000);
  for (std::size_t const n : {0u, 1u, 2u, 16u, 17u, 100u, 5'000u}) {
    for (int order = 0; order != 5; ++order) {
      std::vector<edge> edges;
      for (std::size_t i = 0; i != n; ++i) {
        std::size_t const at[] = {i, n - 1 - i, i * 7919 % n, i < n / 2 ? 2 * i : 2 * (n - 1 - i), i % 3};
        edges.push_back({&words[at[order]], i});
      }
      auto expected = edges;
      auto const by_slot = [](edge const& a, edge const& b) { return a.slot < b.slot; };
      std::sort(expected.begin(), expected.end(), by_slot);
      ouro::detail::sort_by_slot(edges.data(), edges.data() + n);
      CHECK(std::equal(edges.begin(), edges.end(), expected.begin(), expected.end(),
                       [](edge const& a, edge const& b) { return a.slot == b.slot; }));
      std::sort(edges.begin(), edges.end(), [](edge const& a, edge const& b) { return a.target < b.target; });
      bool none_lost = true;
      for (std::size_t i = 0; i != n; ++i) none_lost = none_lost && edges[i].target == i;
      CHECK(none_lost);
    }
  }
}

namespace {

struct ring_node {
  tally t;
  gc_ptr<ring_node> next{};
};

/// Holds a handle of its own while it hands its members over.
template <std::size_t N>
struct careful {
  std::array<gc_ptr<ring_node>, N> all{};

  gc_ptr<ring_node> first() const { return all[0]; }
  void gc_trace(ouro::tracer& t) const {
    auto const held = first();
    if (held) t(all);
  }
};

template <std::size_t N>
void keeps_what_it_leads_to() {
  manual_heap const heap;
  census c;
  struct root {
    gc_ptr<careful<N>> leads{};
    gc_ptr<root> self{};
  };
  auto const r = make_gc<root>();
  r->self = r;
  r->leads = make_gc<careful<N>>();
  for (auto& slot : r->leads->all) {
    slot = make_gc<ring_node>(tally{c});
    slot->next = slot;
  }
  for (int generation : {0, 1, 2}) CHECK(ouro::gc::collect(generation) == 0);
  CHECK(c.died == 0);
  CHECK(r->leads->all[0].use_count() == 2);
}

}  // namespace

TEST_CASE("a trace may hold a handle of its own while it reports few or many members") {
  keeps_what_it_leads_to<4>();
  keeps_what_it_leads_to<40>();
  keeps_what_it_leads_to<200>();
}
