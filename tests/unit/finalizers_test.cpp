// Finalizers: `gc_finalize()` runs once per object, on the intact graph, and may resurrect.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct person;

/// What the objects of one test share.
struct stage {
  census people;
  int finalized = 0;
  int destroyed_unfinalized = 0;
  std::vector<gc_ptr<person>> saved{};
  std::vector<std::string> log{};
};

enum class will { plain, resurrects, breaks };

struct person {
  tally t;
  stage* scene;
  will does = will::plain;
  std::string name{};
  gc_ptr<person> link{};
  std::vector<gc_ptr<person>> friends{};
  bool finalized = false;
  void gc_finalize() {
    ++scene->finalized;
    finalized = true;
    scene->log.push_back("finalize " + name);
    if (does == will::resurrects) scene->saved.push_back(ouro::gc_from_this(this));
    if (does == will::breaks) link.reset();
  }
  ~person() {
    scene->destroyed_unfinalized += !finalized;
    scene->log.push_back("destroy " + name);
  }
};

gc_ptr<person> make_person(stage& s, will does = will::plain, std::string name = {}) {
  return make_gc<person>(tally{s.people}, &s, does, std::move(name));
}

}  // namespace

// ---- simple -----------------------------------------------------------------------------------------------------

TEST_CASE("a finalizer runs once, before the destructor: death by counting") {
  manual_heap heap;
  stage s;
  make_person(s, will::plain, "a").reset();
  CHECK(s.log == std::vector<std::string>{"finalize a", "destroy a"});
  CHECK(ouro::gc::collect() == 0);
  CHECK(s.finalized == 1);
  CHECK(s.people.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer runs once, before the destructor: self cycle") {
  manual_heap heap;
  stage s;
  auto p = make_person(s, will::plain, "a");
  p->link = p;
  p.reset();
  CHECK(s.log.empty());
  CHECK(ouro::gc::collect() == 1);
  CHECK(s.log == std::vector<std::string>{"finalize a", "destroy a"});
  CHECK(ouro::gc::collect() == 0);
  CHECK(s.finalized == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer does not run while the object is held") {
  manual_heap heap;
  stage s;
  auto p = make_person(s);
  p->link = p;
  auto const q = p;
  p.reset();
  for (int g : {0, 1, 2, 2}) CHECK(ouro::gc::collect(g) == 0);
  CHECK(s.finalized == 0);
  CHECK_FALSE(ouro::gc::is_finalized(q));
  q->link.reset();
}

namespace {

struct unborn {
  static constexpr std::size_t gc_fields = 1;
  int* finalized;
  explicit unborn(int& f) : finalized(&f) { throw 1; }
  void gc_finalize() { ++*finalized; }
};

}  // namespace

TEST_CASE("a constructor that throws is followed by no finalizer") {
  manual_heap heap;
  int finalized = 0;
  CHECK_THROWS_AS(make_gc<unborn>(finalized), int);
  ouro::gc::collect();
  CHECK(finalized == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct only_finalizer {
  int* finalized;
  void gc_finalize() { ++*finalized; }
};

}  // namespace

TEST_CASE("a type with a finalizer and no handles is no leaf") {
  manual_heap heap;
  int finalized = 0;
  auto p = make_gc<only_finalizer>(&finalized);
  CHECK(ouro::gc::is_tracked(p));
  CHECK_FALSE(ouro::gc::is_finalized(p));
  SECTION("it dies by counting") {
    p.reset();
    CHECK(finalized == 1);
  }
  SECTION("it hangs on a cycle") {
    struct ring {
      gc_ptr<ring> self;
      gc_ptr<only_finalizer> hanger;
    };
    auto r = make_gc<ring>(nullptr, std::move(p));
    r->self = r;
    r.reset();
    CHECK(ouro::gc::collect() == 2);
    CHECK(finalized == 1);
  }
  CHECK(heap.objects() == 0);
}

TEST_CASE("the graph is intact while finalizers run, partners finalized before included") {
  struct looker {
    std::vector<std::string>* log;
    int number;
    std::array<gc_ptr<looker>, 2> links{};
    std::vector<gc_ptr<looker>> many{};
    bool dead = false;
    void gc_finalize() {
      bool const whole = links[0] && links[1] && links[0]->number == number && !links[1]->dead && many.size() == 2 &&
                         many[0]->many.size() == 2 && many[1]->links[1]->number == number;
      log->push_back(whole ? "whole" : "torn");
    }
    ~looker() {
      dead = true;
      log->push_back("destroyed");
    }
  };
  manual_heap heap;
  std::vector<std::string> log;
  {
    auto const a = make_gc<looker>(&log, 1);
    auto const b = make_gc<looker>(&log, 2);
    a->links = {a, b};
    b->links = {b, a};
    a->many = {a, b};
    b->many = {b, a};
  }
  CHECK(ouro::gc::collect() == 2);
  // All finalizers come before the first destructor.
  CHECK(log == std::vector<std::string>{"whole", "whole", "destroyed", "destroyed"});
  CHECK(heap.objects() == 0);
}

// ---- resurrection -----------------------------------------------------------------------------------------------

TEST_CASE("an object resurrected when its count fell to zero survives, and its second death has no finalizer") {
  manual_heap heap;
  stage s;
  auto p = make_person(s, will::resurrects, "a");
  p->friends.push_back(make_person(s, will::plain, "friend"));
  auto const* const address = p.get();
  p.reset();
  CHECK(s.finalized == 1);
  CHECK(s.people.alive == 2);
  REQUIRE(s.saved.size() == 1);
  CHECK(s.saved[0].get() == address);
  CHECK(s.saved[0].use_count() == 1);
  CHECK(s.saved[0]->name == "a");
  REQUIRE(s.saved[0]->friends.size() == 1);
  CHECK(s.saved[0]->friends[0]->name == "friend");
  CHECK(ouro::gc::is_finalized(s.saved[0]));
  CHECK_FALSE(ouro::gc::is_finalized(s.saved[0]->friends[0]));
  CHECK(ouro::gc::collect() == 0);
  heap.verify();

  s.saved.clear();
  CHECK(s.finalized == 2);  // the friend's only
  CHECK(s.people.alive == 0);
  CHECK(s.destroyed_unfinalized == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a resurrected object that becomes a cycle later dies in a collection without a second finalizer") {
  manual_heap heap;
  stage s;
  make_person(s, will::resurrects).reset();
  REQUIRE(s.saved.size() == 1);
  s.saved[0]->link = s.saved[0];
  s.saved.clear();
  CHECK(ouro::gc::collect() == 1);
  CHECK(s.finalized == 1);
  CHECK(s.people.alive == 0);
  CHECK(s.people.died == 1);
}

TEST_CASE("an object resurrected out of a cycle survives, and its second death has no finalizer") {
  manual_heap heap;
  stage s;
  auto p = make_person(s, will::resurrects, "a");
  p->link = p;
  p.reset();
  CHECK(ouro::gc::collect() == 0);  // resurrected objects are not counted
  CHECK(s.finalized == 1);
  CHECK(s.people.alive == 1);
  REQUIRE(s.saved.size() == 1);
  CHECK(s.saved[0]->link == s.saved[0]);
  CHECK(s.saved[0].use_count() == 2);
  CHECK(ouro::gc::is_finalized(s.saved[0]));
  CHECK(ouro::gc::collect() == 0);
  heap.verify();
  s.saved.clear();
  CHECK(ouro::gc::collect() == 1);
  CHECK(s.finalized == 1);
  CHECK(s.people.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer that makes handles to its object and drops them again resurrects nothing") {
  struct fickle {
    tally t;
    gc_ptr<fickle> self{};
    void gc_finalize() {
      auto a = ouro::gc_from_this(this);
      std::vector<gc_ptr<fickle>> copies(10, a);
      a.reset();
    }
  };
  manual_heap heap;
  census c;
  bool const cyclic = GENERATE(false, true);
  auto p = make_gc<fickle>(tally{c});
  if (cyclic) p->self = p;
  p.reset();
  CHECK(ouro::gc::collect() == (cyclic ? 1u : 0u));
  CHECK(c.alive == 0);
  CHECK(c.died == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer that breaks its own cycle: the object dies once and is counted") {
  manual_heap heap;
  stage s;
  auto p = make_person(s, will::breaks);
  p->link = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(s.finalized == 1);
  CHECK(s.people.alive == 0);
  CHECK(s.people.died == 1);
  CHECK(s.destroyed_unfinalized == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("chains of three, each simple, resurrecting or self-breaking: every finalizer runs exactly once") {
  std::array<will, 3> const wills{will::plain, will::resurrects, will::breaks};
  for (will const a : wills)
    for (will const b : wills)
      for (will const c : wills) {
        CAPTURE(static_cast<int>(a), static_cast<int>(b), static_cast<int>(c));
        manual_heap heap;
        stage s;
        {
          auto const first = make_person(s, a, "a");
          auto const second = make_person(s, b, "b");
          auto const third = make_person(s, c, "c");
          first->link = second;
          second->link = third;
          third->link = first;
        }
        auto const resurrecting =
            static_cast<std::size_t>((a == will::resurrects) + (b == will::resurrects) + (c == will::resurrects));
        auto const found = ouro::gc::collect();
        CHECK(s.finalized == 3);
        CHECK(s.saved.size() == resurrecting);
        heap.verify();
        if (resurrecting == 0) {
          CHECK(found == 3);
          CHECK(s.people.alive == 0);
        } else {
          // The rest follows the saved ones as far as nobody broke the chain.
          CHECK(found + static_cast<std::size_t>(s.people.alive) == 3);
          CHECK(s.people.alive >= static_cast<int>(resurrecting));
          for (auto const& p : s.saved) CHECK(p->scene == &s);
          s.saved.clear();
          ouro::gc::collect();
          CHECK(s.people.alive == 0);
          CHECK(s.finalized == 3);
        }
        CHECK(s.people.died == 3);
        CHECK(s.destroyed_unfinalized == 0);
        CHECK(heap.objects() == 0);
      }
}

TEST_CASE(
    "chains that die by counting, each simple, resurrecting or self-breaking: every finalizer runs exactly once") {
  std::array<will, 3> const wills{will::plain, will::resurrects, will::breaks};
  for (will const a : wills)
    for (will const b : wills)
      for (will const c : wills) {
        CAPTURE(static_cast<int>(a), static_cast<int>(b), static_cast<int>(c));
        manual_heap heap;
        stage s;
        auto first = make_person(s, a, "a");
        first->link = make_person(s, b, "b");
        first->link->link = make_person(s, c, "c");
        first.reset();
        // A saved link keeps what hangs on it; the others are gone at once.
        for (int i = 0; i < 3 && !s.saved.empty(); ++i) {
          auto const saved = std::move(s.saved);
          s.saved.clear();
        }
        CHECK(s.finalized == 3);
        CHECK(s.people.alive == 0);
        CHECK(s.people.died == 3);
        CHECK(s.destroyed_unfinalized == 0);
        CHECK(heap.objects() == 0);
      }
}

TEST_CASE("resurrection happens once per object") {
  manual_heap heap;
  struct lazarus {
    tally t;
    std::vector<gc_ptr<lazarus>>* saved;
    int* finalized;
    gc_ptr<lazarus> self{};
    void gc_finalize() {
      ++*finalized;
      saved->push_back(self);
    }
  };
  census c;
  std::vector<gc_ptr<lazarus>> saved;
  int finalized = 0;
  for (int i = 0; i < 10; ++i) {
    auto const p = make_gc<lazarus>(tally{c}, &saved, &finalized);
    p->self = p;
  }
  CHECK(ouro::gc::collect() == 0);
  CHECK(saved.size() == 10);
  CHECK(c.alive == 10);
  saved.clear();
  CHECK(ouro::gc::collect() == 10);
  CHECK(saved.empty());
  CHECK(finalized == 10);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("resurrection is transitive: what the saved object reaches stays, finalized or not") {
  manual_heap heap;
  stage s;
  {
    auto const saver = make_person(s, will::resurrects, "saver");
    auto const friend1 = make_person(s, will::plain, "friend1");
    auto const friend2 = make_person(s, will::plain, "friend2");
    saver->link = saver;
    saver->friends = {friend1};
    friend1->link = friend2;
    friend2->link = friend1;
    auto const back = make_person(s, will::plain, "back");  // points to the saved, is not pointed to
    back->link = back;
    back->friends = {saver};
  }
  CHECK(ouro::gc::collect() == 1);
  CHECK(s.people.alive == 3);
  CHECK(s.finalized == 4);
  REQUIRE(s.saved.size() == 1);
  REQUIRE(s.saved[0]->friends.size() == 1);
  REQUIRE(s.saved[0]->friends[0] != nullptr);
  CHECK(s.saved[0]->friends[0]->name == "friend1");
  REQUIRE(s.saved[0]->friends[0]->link != nullptr);
  CHECK(s.saved[0]->friends[0]->link->name == "friend2");
  CHECK(s.saved[0]->friends[0]->link->link == s.saved[0]->friends[0]);
  heap.verify();
  s.saved.clear();
  CHECK(ouro::gc::collect() == 3);
  CHECK(s.finalized == 4);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer may resurrect its partner instead of its own object") {
  manual_heap heap;
  struct saver {
    tally t;
    std::vector<gc_ptr<saver>>* saved;
    int number;
    gc_ptr<saver> partner{};
    void gc_finalize() {
      if (number == 0) saved->push_back(partner);
    }
  };
  census c;
  std::vector<gc_ptr<saver>> saved;
  {
    auto const a = make_gc<saver>(tally{c}, &saved, 0);
    a->partner = make_gc<saver>(tally{c}, &saved, 1, a);
  }
  CHECK(ouro::gc::collect() == 0);  // the partner points back, so both live on
  REQUIRE(saved.size() == 1);
  CHECK(saved[0]->number == 1);
  CHECK(saved[0]->partner->number == 0);
  saved[0]->partner.reset();
  CHECK(c.alive == 1);
  saved.clear();
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("one resurrected object does not keep 100 others: they are cleaned and the counts are exact") {
  manual_heap heap;
  stage s;
  for (int i = 0; i < 100; ++i) {
    auto const p = make_person(s);
    p->link = p;
  }
  auto const before = ouro::gc::get_stats()[2];
  CHECK(ouro::gc::collect() == 100);
  CHECK(ouro::gc::get_stats()[2].collected - before.collected == 100);
  CHECK(ouro::gc::get_stats()[2].collections - before.collections == 1);
  CHECK(s.people.alive == 0);

  auto zombie = make_person(s, will::resurrects);
  zombie->link = zombie;
  zombie.reset();
  for (int i = 0; i < 100; ++i) {
    auto const p = make_person(s);
    p->link = p;
  }
  CHECK(ouro::gc::collect() == 100);
  CHECK(ouro::gc::get_stats()[2].collected - before.collected == 200);
  CHECK(ouro::gc::get_stats()[2].uncollectable - before.uncollectable == 0);
  CHECK(s.people.alive == 1);
  CHECK(s.saved.size() == 1);
  CHECK(ouro::gc::collect() == 0);
  s.saved.clear();
  CHECK(ouro::gc::collect() == 1);
  CHECK(ouro::gc::get_stats()[2].collected - before.collected == 201);
  CHECK(heap.objects() == 0);
}

// ---- finalizers that allocate -----------------------------------------------------------------------------------

namespace {

struct breeder {
  tally t;
  int* budget;
  gc_ptr<breeder> self{};
  void gc_finalize() {
    if (--*budget < 0) return;
    auto const child = make_gc<breeder>(tally{t.where()}, budget);
    child->self = child;
  }
};

}  // namespace

TEST_CASE("a finalizer that creates a new finalizable cycle: each collect ends") {
  manual_heap heap;
  census c;
  int budget = 1'000'000;
  auto p = make_gc<breeder>(tally{c}, &budget);
  p->self = p;
  p.reset();
  for (int i = 1; i <= 5; ++i) {
    CHECK(ouro::gc::collect() == 1);
    CHECK(c.born == i + 1);
    CHECK(c.alive == 1);
  }
  budget = 0;
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer run by counting that creates a new finalizable cycle ends too") {
  manual_heap heap;
  census c;
  int budget = 3;
  make_gc<breeder>(tally{c}, &budget).reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(c.born == 4);
  CHECK(heap.objects() == 0);
}

namespace {

struct haunted;
struct ghost {
  tally t;
  gc_ptr<haunted> about{};
  gc_ptr<ghost> self{};
};
struct haunted {
  tally t;
  census* ghosts;
  bool ghost_in_cycle;
  int* finalized;
  gc_ptr<haunted> self{};
  void gc_finalize() {
    ++*finalized;
    auto const g = make_gc<ghost>(tally{*ghosts}, ouro::gc_from_this(this));
    if (ghost_in_cycle) g->self = g;
  }
};

}  // namespace

TEST_CASE("a finalizer that makes temporary garbage referring to its object: no loop") {
  manual_heap heap;
  census people;
  census ghosts;
  int finalized = 0;
  bool const cyclic = GENERATE(false, true);
  CAPTURE(cyclic);

  SECTION("the garbage dies at once") {
    auto p = make_gc<haunted>(tally{people}, &ghosts, false, &finalized);
    if (cyclic) p->self = p;
    p.reset();
    CHECK(ouro::gc::collect() == (cyclic ? 1u : 0u));
    CHECK(people.alive == 0);
    CHECK(ghosts.alive == 0);
  }
  SECTION("the garbage is a cycle and holds the object until the next collection") {
    auto p = make_gc<haunted>(tally{people}, &ghosts, true, &finalized);
    if (cyclic) p->self = p;
    p.reset();
    if (cyclic) CHECK(ouro::gc::collect() == 0);
    CHECK(people.alive == 1);
    CHECK(ghosts.alive == 1);
    CHECK(ouro::gc::collect() == 2);
    CHECK(people.alive == 0);
    CHECK(ghosts.alive == 0);
  }
  CHECK(finalized == 1);
  CHECK(ghosts.born == 1);
  CHECK(people.died == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer may drop and rewire survivors and garbage alike") {
  struct vandal {
    tally t;
    gc_ptr<vandal>* outside;
    gc_ptr<vandal> link{};
    gc_ptr<vandal> other{};
    bool active = false;
    void gc_finalize() {
      if (!active) return;
      active = false;
      std::swap(link, other);
      if (link) link->link.reset();
      if (outside) outside->reset();
    }
  };
  manual_heap heap;
  census c;
  gc_ptr<vandal> outside = make_gc<vandal>(tally{c}, nullptr);
  {
    auto const a = make_gc<vandal>(tally{c}, &outside, nullptr, nullptr, true);
    auto const b = make_gc<vandal>(tally{c}, nullptr, a);
    auto const d = make_gc<vandal>(tally{c}, nullptr, b, outside);
    a->link = d;
    a->other = b;
  }
  // a swaps its links, breaks b's link to a, and drops the last handle from outside: d still holds that object.
  auto const found = ouro::gc::collect();
  CHECK(found >= 3);
  CHECK(outside == nullptr);
  ouro::gc::collect();
  CHECK(c.alive == 0);
  CHECK(c.died == 4);
  heap.verify();
  CHECK(heap.objects() == 0);
}

// ---- which finalizer runs ---------------------------------------------------------------------------------------

namespace {

struct finalizable_base {
  int* base_calls;
  explicit finalizable_base(int* calls) : base_calls(calls) {}
  virtual ~finalizable_base() = default;
  void gc_finalize() { ++*base_calls; }
  static constexpr std::size_t gc_fields = 1;
};

struct inherits_finalizer : finalizable_base {
  gc_ptr<finalizable_base> link;
  explicit inherits_finalizer(int* calls) : finalizable_base(calls) {}
  static constexpr auto gc_members = ouro::members(ouro::bases<finalizable_base>, &inherits_finalizer::link);
};

struct replaces_finalizer : inherits_finalizer {
  int* own_calls;
  replaces_finalizer(int* base, int* own) : inherits_finalizer(base), own_calls(own) {}
  void gc_finalize() { ++*own_calls; }
  static constexpr auto gc_members = ouro::members<replaces_finalizer>(ouro::bases<inherits_finalizer>);
};

struct virtual_base {
  std::vector<std::string>* log;
  gc_ptr<virtual_base> link{};
  explicit virtual_base(std::vector<std::string>* l) : log(l) {}
  virtual ~virtual_base() = default;
  virtual void gc_finalize() { log->push_back("base"); }
  static constexpr auto gc_members = ouro::members(&virtual_base::link);
};

struct virtual_derived : virtual_base {
  using virtual_base::virtual_base;
  void gc_finalize() override {
    log->push_back("derived");
    virtual_base::gc_finalize();
  }
  static constexpr auto gc_members = ouro::members<virtual_derived>(ouro::bases<virtual_base>);
};

}  // namespace

TEST_CASE("an inherited finalizer runs, also when the last handle is one to the base") {
  manual_heap heap;
  int calls = 0;
  gc_ptr<finalizable_base> p = make_gc<inherits_finalizer>(&calls);
  SECTION("by counting") { p.reset(); }
  SECTION("in a collection") {
    ouro::static_pointer_cast<inherits_finalizer>(p)->link = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(calls == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("of several finalizers in a hierarchy only the most derived runs") {
  manual_heap heap;
  int base = 0;
  int own = 0;
  gc_ptr<finalizable_base> p = make_gc<replaces_finalizer>(&base, &own);
  SECTION("by counting") { p.reset(); }
  SECTION("in a collection") {
    ouro::static_pointer_cast<inherits_finalizer>(p)->link = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(base == 0);
  CHECK(own == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a virtual finalizer is called once and may call its base's") {
  manual_heap heap;
  std::vector<std::string> log;
  gc_ptr<virtual_base> p = make_gc<virtual_derived>(&log);
  SECTION("by counting") { p.reset(); }
  SECTION("in a collection") {
    p->link = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(log == std::vector<std::string>{"derived", "base"});
  CHECK(heap.objects() == 0);
}

namespace {

struct finalizable_element {
  std::vector<std::string>* log = current;
  int number = next++;
  gc_ptr<finalizable_element[]> block{};
  void gc_finalize() { log->push_back("finalize " + std::to_string(number)); }
  ~finalizable_element() { log->push_back("destroy " + std::to_string(number)); }
  static inline std::vector<std::string>* current = nullptr;
  static inline int next = 0;
};

}  // namespace

TEST_CASE("the elements of an array are finalized first to last, then destroyed last to first") {
  manual_heap heap;
  std::vector<std::string> log;
  finalizable_element::current = &log;
  finalizable_element::next = 0;
  auto p = make_gc<finalizable_element[]>(3);
  SECTION("by counting") { p.reset(); }
  SECTION("in a collection") {
    p[1].block = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(log ==
        std::vector<std::string>{"finalize 0", "finalize 1", "finalize 2", "destroy 2", "destroy 1", "destroy 0"});
  CHECK(heap.objects() == 0);
}

// ---- many, deep, young ------------------------------------------------------------------------------------------

TEST_CASE("deep chains with finalizers: every object is finalized and destroyed once") {
  manual_heap heap;
  stage s;
  gc_ptr<person> list;
  constexpr int length = 10'000;
  for (int i = 0; i < length; ++i) {
    auto p = make_person(s);
    p->link = std::move(list);
    list = std::move(p);
  }
  s.log.reserve(2 * length);
  SECTION("by counting") { list.reset(); }
  SECTION("in a collection") {
    auto last = list;
    while (last->link) last = last->link;
    last->link = list;
    last.reset();
    list.reset();
    CHECK(ouro::gc::collect() == length);
  }
  CHECK(s.finalized == length);
  CHECK(s.people.died == length);
  CHECK(s.destroyed_unfinalized == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("deep chains whose every second finalizer resurrects, dropped until nothing is saved") {
  manual_heap heap;
  stage s;
  gc_ptr<person> list;
  constexpr int length = 1'000;
  for (int i = 0; i < length; ++i) {
    auto p = make_person(s, i % 2 ? will::resurrects : will::plain);
    p->link = std::move(list);
    list = std::move(p);
  }
  list.reset();
  for (int i = 0; i < length && !s.saved.empty(); ++i) {
    auto const saved = std::exchange(s.saved, {});
  }
  CHECK(s.saved.empty());
  CHECK(s.finalized == length);
  CHECK(s.people.died == length);
  CHECK(heap.objects() == 0);
}

TEST_CASE("automatic collections run finalizers and keep what they resurrect") {
  fresh_heap heap;
  stage s;
  ouro::gc::set_threshold(10, 2, 2);
  for (int i = 0; i < 2'000; ++i) {
    auto const p = make_person(s, i % 10 == 0 ? will::resurrects : will::plain);
    p->link = p;
  }
  ouro::gc::set_threshold(0);
  ouro::gc::collect();
  CHECK(s.finalized == 2'000);
  CHECK(s.saved.size() == 200);
  CHECK(s.people.alive == 200);
  bool intact = true;
  for (auto const& p : s.saved) intact = intact && p->finalized && p->link == p;
  CHECK(intact);
  heap.verify();
  s.saved.clear();
  CHECK(ouro::gc::collect() == 200);
  CHECK(s.finalized == 2'000);
  CHECK(heap.objects() == 0);
}

// ---- finalizers that restructure what the collector has traced ----------------------------------------------------

namespace {

struct shapeshifter {
  tally t;
  int number;
  std::vector<gc_ptr<shapeshifter>> list{};
  std::map<int, gc_ptr<shapeshifter>> by_number{};
  std::set<gc_ptr<shapeshifter>> ordered{};
  std::unique_ptr<std::vector<gc_ptr<shapeshifter>>> box{};
  std::variant<int, gc_ptr<shapeshifter>, std::vector<gc_ptr<shapeshifter>>> either{};
  std::optional<gc_ptr<shapeshifter>> maybe{};

  void gc_finalize() {
    auto const neighbours = list;
    for (auto const& n : neighbours) {
      // Every place a handle was found in before has moved or is gone afterwards, in this object and in others.
      n->list.reserve(4 * n->list.capacity() + 4);
      n->by_number.emplace(number + 1'000, list.empty() ? nullptr : list.front());
      n->ordered.clear();
      n->box = std::make_unique<std::vector<gc_ptr<shapeshifter>>>(3, n);
      n->either = std::vector<gc_ptr<shapeshifter>>{n, n};
      n->maybe.reset();
    }
    by_number.clear();
    ordered.insert(neighbours.begin(), neighbours.end());
    maybe = list.front();
    std::swap(list, *box);
    box.reset();
    either = 7;
  }
};

}  // namespace

TEST_CASE("finalizers may move, clear and refill the containers in which the handles of the garbage lie") {
  manual_heap heap;
  census c;
  constexpr std::size_t count = 50;
  {
    std::vector<gc_ptr<shapeshifter>> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(make_gc<shapeshifter>(tally{c}, static_cast<int>(i)));
    for (std::size_t i = 0; i < count; ++i) {
      auto const& next = all[(i + 1) % count];
      auto const& far = all[i * 7 % count];
      all[i]->list = {next, far};
      all[i]->by_number = {{1, next}, {2, far}};
      all[i]->ordered = {next, far};
      all[i]->box = std::make_unique<std::vector<gc_ptr<shapeshifter>>>(2, far);
      all[i]->either = next;
      all[i]->maybe = far;
    }
  }
  CHECK(c.alive == count);
  CHECK(ouro::gc::collect() == count);
  CHECK(c.alive == 0);
  CHECK(c.died == count);
  heap.verify();
  CHECK(heap.objects() == 0);
}

TEST_CASE("a finalizer may hang a survivor onto garbage, and garbage onto a survivor") {
  struct hanger {
    tally t;
    gc_ptr<hanger>* survivor;
    bool save;
    gc_ptr<hanger> self{};
    std::vector<gc_ptr<hanger>> others{};
    void gc_finalize() {
      others.assign(10, *survivor);
      if (save) (*survivor)->others.push_back(self);
    }
  };
  manual_heap heap;
  census c;
  bool const save = GENERATE(false, true);
  gc_ptr<hanger> survivor = make_gc<hanger>(tally{c}, &survivor, false);
  {
    auto const p = make_gc<hanger>(tally{c}, &survivor, save);
    p->self = p;
  }
  CHECK(ouro::gc::collect() == (save ? 0u : 1u));
  CHECK(c.alive == (save ? 2 : 1));
  CHECK(survivor.use_count() == (save ? 11u : 1u));
  heap.verify();
  survivor.reset();
  ouro::gc::collect();
  ouro::gc::collect();
  CHECK(c.died == 2);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a hook may throw, allocate, make cycles and ask for a collection") {
  struct fails {
    tally t;
    gc_ptr<fails> self{};
    void gc_finalize() { throw 1; }
  };
  manual_heap heap;
  static census hook_census;
  static std::size_t collected;
  hook_census = {};
  collected = 0;
  ouro::gc::set_unraisable_hook([](std::exception_ptr, std::string_view, std::string_view) {
    auto const p = make_gc<fails>(tally{hook_census});
    p->self = p;
    collected += ouro::gc::collect();
    throw 2;
  });
  census c;
  bool const cyclic = GENERATE(false, true);
  {
    auto const p = make_gc<fails>(tally{c});
    if (cyclic) p->self = p;
  }
  ouro::gc::collect();
  CHECK(c.alive == 0);
  CHECK(collected == 0);
  CHECK(hook_census.born > 0);
  ouro::gc::set_unraisable_hook([](std::exception_ptr, std::string_view, std::string_view) {});
  ouro::gc::collect();
  ouro::gc::collect();
  CHECK(hook_census.alive == 0);
  heap.verify();
  CHECK(heap.objects() == 0);
}

namespace {

struct copier {
  gc_ptr<copier> self{};
  void gc_finalize() { auto const copy = self; }
};

struct cell {
  gc_ptr<cell> next{};
  std::array<char, 400> padding{};
};

}  // namespace

TEST_CASE("handles that finalizers of a full collection copy and drop make no further one due") {
  fresh_heap heap;
  for (int i = 0; i < 100; ++i) {
    auto const p = make_gc<copier>();
    p->self = p;
  }
  CHECK(ouro::gc::collect() == 100);
  auto const before = ouro::gc::get_stats()[2].collections;
  gc_ptr<cell> chain;  // nothing is dropped while the heap grows
  for (int i = 0; i < 130'000; ++i) {
    auto first = make_gc<cell>();
    first->next = std::move(chain);
    chain = std::move(first);
  }
  CHECK(ouro::gc::get_stats()[2].collections == before);
}
