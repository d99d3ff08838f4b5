// Garbage that is nothing but handles to one another needs no destructor, and still leaves everything as it should be.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <type_traits>
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
  gc_ptr<node> other{};
  int value = 0;
};

gc_ptr<node> make_ring(int length) {
  auto const first = make_gc<node>();
  auto last = first;
  for (int i = 1; i < length; ++i) {
    last->next = make_gc<node>();
    last = last->next;
  }
  last->next = first;
  return first;
}

struct leaf {
  tally t;
};
struct holds_leaf {
  gc_ptr<holds_leaf> self{};
  gc_ptr<leaf> a_leaf{};
  gc_ptr<int> number{};
};

struct speaks {
  gc_ptr<node> start{};
  gc_ptr<speaks> self{};
  int* deaths = nullptr;
  ~speaks() {
    if (start == nullptr) ++*deaths;
  }
};
struct refers_to_speaker {
  gc_ptr<speaks> speaker{};
  gc_ptr<refers_to_speaker> self{};
};

// Neither has handles, and both could be copied and moved in constant expressions.
struct guard {
  int* deaths = nullptr;
  constexpr ~guard() {
    if (deaths != nullptr) ++*deaths;
  }
};
int goodbyes = 0;
struct says_goodbye {
  constexpr ~says_goodbye() {
    if (!std::is_constant_evaluated()) ++goodbyes;
  }
};
template <class Guards>
struct is_guarded {
  gc_ptr<is_guarded> self{};
  Guards guards{};
};
struct has_base : says_goodbye {
  gc_ptr<has_base> handles[2];
};

struct big {
  gc_ptr<big> next{};
  std::array<char, 2000> rest{};
};

}  // namespace

TEST_CASE("rings of plain objects are collected, and their memory serves again") {
  manual_heap heap;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1000; ++i) make_ring(1 + i % 7);
    std::size_t const objects = heap.objects();
    CHECK(ouro::gc::collect() == objects);
    CHECK(heap.objects() == 0);
    heap.verify();
  }
}

TEST_CASE("plain garbage beside live objects of its pages goes alone") {
  manual_heap heap;
  std::vector<gc_ptr<node>> live;
  for (int i = 0; i < 5000; ++i) {
    make_ring(2);
    live.push_back(make_ring(3));
    live.back()->value = i;
  }
  CHECK(ouro::gc::collect() == 10'000);
  CHECK(heap.objects() == 15'000);
  for (int i = 0; i < 5000; ++i) CHECK(live[static_cast<std::size_t>(i)]->next->next->next->value == i);
  heap.verify();
  live.clear();
  CHECK(ouro::gc::collect() == 15'000);
}

TEST_CASE("weak handles to plain garbage are dead, and no other object takes their place") {
  manual_heap heap;
  std::vector<weak_gc_ptr<node>> weak;
  for (int i = 0; i < 100; ++i) weak.emplace_back(make_ring(4));
  CHECK(ouro::gc::collect() == 400);
  CHECK(heap.objects() == 0);
  std::vector<gc_ptr<node>> fresh(1000);
  for (auto& p : fresh) p = make_gc<node>();
  for (auto const& w : weak) {
    CHECK(w.expired());
    CHECK(w.lock() == nullptr);
    for (auto const& p : fresh) CHECK(weak_gc_ptr<node>(p) != w);
  }
  weak.clear();
  heap.verify();
}

TEST_CASE("callbacks are called and entries vanish when plain objects are garbage") {
  manual_heap heap;
  int called = 0;
  ouro::weak_key_map<node, gc_ptr<node>> map;
  ouro::weak_set<node> set;
  auto p = make_ring(3);
  weak_gc_ptr<node> const watched(p, [&](weak_gc_ptr<node> const&) { ++called; });
  map.try_emplace(p, p->next);
  set.insert(p->next);
  p.reset();
  CHECK(ouro::gc::collect() == 3);
  CHECK(called == 1);
  CHECK((map.empty() && set.empty()));
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("entries of weak containers go with plain garbage, and the containers serve again") {
  manual_heap heap;
  ouro::weak_key_map<node, gc_ptr<node>> values;
  ouro::weak_key_map<node, int> numbers;
  ouro::weak_value_map<int, node> by_number;
  ouro::weak_set<node> set;
  ouro::death_queue<node> deaths;
  auto const survivor = make_ring(2);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      auto const p = make_ring(3);
      values.try_emplace(p, p->next);
      numbers.try_emplace(p, i);
      by_number.try_emplace(i, p->next);
      set.insert(p);
      set.insert(p->next->next);
      if (round == 1) deaths.watch(p, static_cast<std::size_t>(i));
    }
    values.insert_or_assign(survivor, survivor);
    numbers.insert_or_assign(survivor, round);
    CHECK(ouro::gc::collect() == 1500);
    CHECK(values.size() == 1);
    CHECK(numbers.at(survivor) == round);
    CHECK((by_number.empty() && set.empty()));
    CHECK(deaths.pending() == (round == 0 ? 0u : 500u));
    CHECK(heap.objects() == 2);
    heap.verify();
  }
}

TEST_CASE("keys and values with destructors are destroyed when plain objects are garbage") {
  manual_heap heap;
  census c;
  ouro::weak_key_map<node, tally> map;
  ouro::weak_value_map<std::string, node> named;
  for (int i = 0; i < 100; ++i) {
    auto const p = make_ring(2);
    if (i % 2 == 0) map.try_emplace(p, c);
    named.try_emplace("a name that is too long for a string without an allocation " + std::to_string(i), p->next);
  }
  CHECK(c.alive == 50);
  CHECK(ouro::gc::collect() == 200);
  CHECK(c.alive == 0);
  CHECK((map.empty() && named.empty()));
}

TEST_CASE("leaves that only plain garbage holds die with it") {
  manual_heap heap;
  census c;
  for (int i = 0; i < 100; ++i) {
    auto p = make_gc<holds_leaf>();
    p->a_leaf = make_gc<leaf>(tally{c});
    p->number = make_gc<int>(i);
    p->self = p;
  }
  CHECK(ouro::gc::collect() == 100);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a destructor among plain garbage runs, and finds its handles to garbage null") {
  manual_heap heap;
  int deaths = 0;
  for (int i = 0; i < 10; ++i) {
    auto const p = make_gc<refers_to_speaker>();
    p->self = p;
    p->speaker = make_gc<speaks>();
    p->speaker->deaths = &deaths;
    p->speaker->self = p->speaker;
    p->speaker->start = make_ring(2);
    p->speaker->start->other = p->speaker->start;
  }
  CHECK(ouro::gc::collect() == 40);
  CHECK(deaths == 10);
  CHECK(heap.objects() == 0);
}

TEST_CASE("destructors of members and of empty bases without handles run, too") {
  manual_heap heap;
  int deaths = 0;
  {
    auto const one = make_gc<is_guarded<guard>>();
    auto const three = make_gc<is_guarded<guard[3]>>();
    auto const two = make_gc<is_guarded<std::array<guard, 2>>>();
    one->self = one;
    three->self = three;
    two->self = two;
    one->guards.deaths = &deaths;
    for (guard& g : three->guards) g.deaths = &deaths;
    for (guard& g : two->guards) g.deaths = &deaths;
  }
  CHECK(ouro::gc::collect() == 3);
  CHECK(deaths == 6);
  {
    auto const based = make_gc<has_base>();
    based->handles[1] = based;
  }
  goodbyes = 0;
  CHECK(ouro::gc::collect() == 1);
  CHECK(goodbyes == 1);
}

TEST_CASE("plain arrays and plain objects with blocks of their own are collected") {
  manual_heap heap;
  for (int i = 0; i < 20; ++i) {
    auto p = make_gc<big>();
    p->next = make_gc<big>();
    p->next->next = p;
    auto const all = ouro::make_gc<node[]>(30);
    all[7].next = make_gc<node>();
    auto const handles = ouro::make_gc<gc_ptr<node>[]>(300);
    handles[3] = make_ring(2);
  }
  CHECK(ouro::gc::collect() == 20 * (2 + 2));
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("of random graphs of plain objects exactly what cannot be reached dies") {
  std::mt19937 random(20260521);
  auto const below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    fresh_heap heap;
    constexpr std::size_t number = 40;
    std::vector<weak_gc_ptr<node>> weak;
    ouro::weak_set<node> set;
    std::vector<std::array<std::size_t, 2>> edges(number);
    std::vector<std::size_t> roots;
    std::vector<gc_ptr<node>> held;
    {
      std::vector<gc_ptr<node>> all(number);
      for (auto& p : all) {
        p = make_gc<node>();
        weak.emplace_back(p);
        set.insert(p);
      }
      for (std::size_t i = 0; i < number; ++i) {
        edges[i] = {below(number), below(number)};
        all[i]->next = all[edges[i][0]];
        all[i]->other = all[edges[i][1]];
      }
      for (std::size_t i = below(4); i != 0; --i) {
        roots.push_back(below(number));
        held.push_back(all[roots.back()]);
      }
    }
    std::vector<bool> reachable(number);
    for (auto todo = roots; !todo.empty();) {
      std::size_t const i = todo.back();
      todo.pop_back();
      if (reachable[i]) continue;
      reachable[i] = true;
      todo.insert(todo.end(), edges[i].begin(), edges[i].end());
    }
    ouro::gc::collect(static_cast<int>(below(3)));
    ouro::gc::collect();
    std::size_t alive = 0;
    for (std::size_t i = 0; i < number; ++i) {
      CHECK(weak[i].expired() != reachable[i]);
      if (reachable[i]) ++alive;
    }
    CHECK(set.size() == alive);
    heap.verify();
  }
}
