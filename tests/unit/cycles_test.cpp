// Cycles: which of them a collection frees, when, and how many objects it counts.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::fresh_heap;
using ouro_test::manual_heap;
using ouro_test::tally;

struct node {
  tally t;
  gc_ptr<node> next{};
  gc_ptr<node> other{};
  int value = 0;
};

struct leaf {
  tally t;
  int value = 0;
};

gc_ptr<node> make_ring(census& c, int length) {
  auto const first = make_gc<node>(tally{c});
  auto last = first;
  for (int i = 1; i < length; ++i) {
    last->next = make_gc<node>(tally{c}, nullptr, nullptr, i);
    last = last->next;
  }
  last->next = first;
  return first;
}

}  // namespace

// ---- one and two objects ----------------------------------------------------------------------------------------

TEST_CASE("an object that refers to itself is one object of garbage") {
  manual_heap heap;
  census c;
  auto p = make_gc<node>(tally{c});
  p->next = p;
  CHECK(p.use_count() == 2);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("two objects that refer to each other are two objects of garbage, and then none") {
  manual_heap heap;
  census c;
  auto a = make_gc<node>(tally{c});
  a->next = make_gc<node>(tally{c}, a);
  a.reset();
  CHECK(c.alive == 2);
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 0);
  CHECK(ouro::gc::collect() == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct tree_node {  // as in the introduction of the library
  std::string name;
  std::vector<gc_ptr<tree_node>> children{};
  gc_ptr<tree_node> parent{};
};

}  // namespace

TEST_CASE("a tree whose children know their parent needs no weak pointer") {
  manual_heap heap;
  auto root = make_gc<tree_node>("root");
  root->children.push_back(make_gc<tree_node>("leaf", std::vector<gc_ptr<tree_node>>{}, root));
  CHECK(root->children[0]->parent == root);
  root.reset();
  CHECK(heap.objects() == 2);
  CHECK(ouro::gc::collect() == 2);
  CHECK(heap.objects() == 0);
}

namespace {

struct plain_base {
  gc_ptr<plain_base> held{};
};
struct plain_derived : plain_base {
  explicit plain_derived(census& c) : t(c) {}
  std::vector<int> payload = std::vector<int>(100, 7);
  tally t;
  static constexpr auto gc_members = ouro::members<plain_derived>(ouro::bases<plain_base>);
};

class virtual_base {
 public:
  virtual ~virtual_base() = default;
  gc_ptr<virtual_base> held;

 private:
  static constexpr std::size_t gc_fields = 1;
  friend ouro::access;
};
class virtual_derived : public virtual_base {
 public:
  explicit virtual_derived(census& c) : t_(c) {}

 private:
  tally t_;
  static constexpr auto gc_members = ouro::members<virtual_derived>(ouro::bases<virtual_base>);
  friend ouro::access;
};

template <class Derived>
void hold_self_through_base_member() {
  manual_heap heap;
  census c;
  auto p = make_gc<Derived>(c);
  p->held = p;
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

}  // namespace

TEST_CASE("a derived object that holds itself through a base's member is collected: plain base") {
  hold_self_through_base_member<plain_derived>();
}

TEST_CASE("a derived object that holds itself through a base's member is collected: polymorphic base") {
  hold_self_through_base_member<virtual_derived>();
}

namespace {

struct counter_button {
  tally t;
  ouro::gc_function<int(int)> on_press{};
  int presses = 0;
};

}  // namespace

TEST_CASE("a functor held by the object that it captures is collected with it") {
  manual_heap heap;
  census c;
  auto p = make_gc<counter_button>(tally{c});
  p->on_press = ouro::gc_function<int(int)>([](gc_ptr<counter_button>& self, int n) { return self->presses += n; }, p);
  CHECK(p->on_press(2) == 2);
  CHECK(p->on_press(3) == 5);
  CHECK(ouro::gc::collect() == 0);
  CHECK(p->on_press(1) == 6);
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() >= 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

// ---- rings and handles from outside -----------------------------------------------------------------------------

TEST_CASE("a ring of three lives while any handle from outside does") {
  manual_heap heap;
  for (int kept = 0; kept < 3; ++kept) {
    census c;
    std::array<gc_ptr<node>, 3> handles;
    handles[0] = make_ring(c, 3);
    handles[1] = handles[0]->next;
    handles[2] = handles[1]->next;
    for (int i = 0; i < 3; ++i)
      if (i != kept) handles[static_cast<std::size_t>(i)].reset();
    CHECK(ouro::gc::collect() == 0);
    CHECK(ouro::gc::collect(0) == 0);
    CHECK(c.alive == 3);
    auto& last = handles[static_cast<std::size_t>(kept)];
    CHECK(last->next->next->next == last);
    CHECK(last.use_count() == 2);
    last.reset();
    CHECK(ouro::gc::collect() == 3);
    CHECK(c.alive == 0);
  }
  CHECK(heap.objects() == 0);
}

TEST_CASE("a handle from outside to one object of a ring keeps all of it, and what hangs on it") {
  manual_heap heap;
  census c;
  auto kept = make_ring(c, 100);
  for (int i = 0; i < 40; ++i) kept = kept->next;
  for (auto p = kept->next; p != kept; p = p->next) p->other = make_gc<node>(tally{c}, nullptr, nullptr, -1);
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 199);
  int seen = 0;
  for (auto p = kept->next; p != kept; p = p->next) seen += p->other->value == -1;
  CHECK(seen == 99);
  kept.reset();
  CHECK(ouro::gc::collect() == 199);
  CHECK(c.alive == 0);
  CHECK(c.died == 199);
  CHECK(heap.objects() == 0);
}

TEST_CASE("an object held only by a ring dies once with it") {
  manual_heap heap;
  census ring;
  census held;
  auto p = make_ring(ring, 3);
  p->other = make_gc<node>(tally{held});
  p->next->other = p->other;
  CHECK(p->other.use_count() == 2);
  p.reset();
  CHECK(held.alive == 1);
  CHECK(ouro::gc::collect() == 4);
  CHECK(held.alive == 0);
  CHECK(held.died == 1);
  CHECK(ring.died == 3);
  CHECK(ouro::gc::collect() == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a chain that hangs on a cycle is counted with it, and what a survivor holds too is not") {
  manual_heap heap;
  census c;
  auto const survivor = make_gc<node>(tally{c}, nullptr, nullptr, 42);
  auto p = make_ring(c, 2);
  p->other = make_gc<node>(tally{c});
  p->other->next = make_gc<node>(tally{c});
  p->other->next->next = survivor;
  p->next->other = survivor;
  CHECK(survivor.use_count() == 3);
  p.reset();
  CHECK(ouro::gc::collect() == 4);
  CHECK(c.alive == 1);
  CHECK(survivor.use_count() == 1);
  CHECK(survivor->value == 42);
  heap.verify();
}

TEST_CASE("a chain that leads into a cycle keeps the cycle until the chain goes") {
  manual_heap heap;
  census c;
  auto head = make_gc<node>(tally{c});
  head->next = make_gc<node>(tally{c});
  head->next->next = make_ring(c, 3);
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 5);
  head.reset();  // the chain dies by counting, the ring does not
  CHECK(c.alive == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(heap.objects() == 0);
}

TEST_CASE("two rings that share an object live and die together") {
  manual_heap heap;
  census c;
  auto shared = make_ring(c, 4);
  shared->other = make_gc<node>(tally{c});
  shared->other->other = make_gc<node>(tally{c}, nullptr, shared);
  gc_ptr<node> kept = shared->other->other;
  shared.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 6);
  kept.reset();
  CHECK(ouro::gc::collect() == 6);
  CHECK(c.alive == 0);
}

TEST_CASE("a complete graph is garbage as a whole") {
  manual_heap heap;
  census c;
  {
    struct vertex {
      tally t;
      std::vector<gc_ptr<vertex>> all;
    };
    std::vector<gc_ptr<vertex>> all;
    for (int i = 0; i < 40; ++i) all.push_back(make_gc<vertex>(tally{c}));
    for (auto const& v : all) v->all = all;
    CHECK(all.front().use_count() == 41);
    CHECK(ouro::gc::collect() == 0);
  }
  CHECK(c.alive == 40);
  CHECK(ouro::gc::collect() == 40);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

// ---- leaves and repeated edges ----------------------------------------------------------------------------------

namespace {

struct with_leaves {
  tally t;
  gc_ptr<with_leaves> next{};
  gc_ptr<leaf> own{};
  gc_ptr<leaf> shared{};
  gc_ptr<std::string> name{};
};

}  // namespace

TEST_CASE("leaves and tracked objects mixed: only tracked ones are counted, leaves die with them unless held") {
  manual_heap heap;
  census tracked;
  census own;
  census shared;
  auto kept = make_gc<leaf>(tally{shared}, 5);
  {
    auto const a = make_gc<with_leaves>(tally{tracked}, nullptr, make_gc<leaf>(tally{own}), kept);
    auto const b = make_gc<with_leaves>(tally{tracked}, a, make_gc<leaf>(tally{own}), kept,
                                        make_gc<std::string>("a text that does not fit into the string itself"));
    a->next = b;
    a->name = b->name;
    CHECK(kept.use_count() == 3);
  }
  CHECK(own.alive == 2);
  CHECK(ouro::gc::collect() == 2);
  CHECK(tracked.alive == 0);
  CHECK(own.alive == 0);
  CHECK(own.died == 2);
  CHECK(shared.alive == 1);
  CHECK(kept.use_count() == 1);
  CHECK(kept->value == 5);
  CHECK(heap.objects() == 1);
  kept.reset();
  CHECK(shared.died == 1);
  CHECK(heap.objects() == 0);
}

namespace {

struct three_slots {
  tally t;
  std::array<gc_ptr<node>, 3> slots{};
  gc_ptr<three_slots> self{};
};

}  // namespace

TEST_CASE("one child in three slots of one parent dies once: by counting and in a collection") {
  manual_heap heap;
  census parents;
  census children;
  auto const make_parent = [&] {
    auto parent = make_gc<three_slots>(tally{parents});
    parent->slots.fill(make_gc<node>(tally{children}));
    CHECK(parent->slots[0].use_count() == 3);
    return parent;
  };
  make_parent().reset();
  CHECK(parents.died == 1);
  CHECK(children.died == 1);
  {
    auto const p = make_parent();
    p->self = p;
  }
  CHECK(children.alive == 1);
  CHECK(ouro::gc::collect() == 2);
  CHECK(parents.died == 2);
  CHECK(children.died == 2);
  CHECK(children.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("one child in three slots of garbage, and held from outside, survives with its count right") {
  manual_heap heap;
  census c;
  auto const child = make_gc<node>(tally{c}, nullptr, nullptr, 9);
  {
    auto const p = make_gc<three_slots>(tally{c});
    p->slots.fill(child);
    p->self = p;
  }
  CHECK(child.use_count() == 4);
  CHECK(ouro::gc::collect() == 1);
  CHECK(child.use_count() == 1);
  CHECK(child->value == 9);
}

// ---- very many handles to one object -------------------------------------------------------------------------------

namespace {

/// Of any size: small ones lie in pages, large ones do not.
template <std::size_t Bytes>
struct hub {
  tally t;
  std::vector<gc_ptr<hub>> spokes{};
  gc_ptr<hub> next{};
  std::array<char, Bytes> padding{};
};

/// A hub that holds itself `n` times.
template <std::size_t Bytes>
gc_ptr<hub<Bytes>> make_hub(census& c, std::size_t n, gc_ptr<hub<Bytes>> next = {}) {
  auto h = make_gc<hub<Bytes>>(tally{c});
  h->spokes.assign(n, h);
  h->next = std::move(next);
  return h;
}

/// Hubs that live and hubs that are garbage, mixed, with counts on both sides of what the collector's list has room for.
template <std::size_t Bytes>
void check_hubs() {
  constexpr std::size_t sizes[] = {1, 16381, 40'000, 16382, 2, 16383, 100'000, 16384, 3, 65'535};
  manual_heap heap;
  census c;
  std::vector<gc_ptr<hub<Bytes>>> kept;
  int garbage = 0;
  for (int round = 0; round != 3; ++round) {
    for (std::size_t const n : sizes) {
      auto h = make_hub<Bytes>(c, n, kept.empty() ? nullptr : kept.back());
      if ((n + static_cast<std::size_t>(round)) % 2 == 0) {
        kept.push_back(std::move(h));
      } else {
        ++garbage;
      }
    }
  }
  auto const check_counts = [&] {
    for (std::size_t i = 0; i != kept.size(); ++i) {
      std::size_t const from_next = i + 1 != kept.size() ? 1 : 0;
      CHECK(kept[i].use_count() == kept[i]->spokes.size() + 1 + from_next);
    }
  };
  CHECK(ouro::gc::collect() == static_cast<std::size_t>(garbage));
  check_counts();
  CHECK(ouro::gc::collect() == 0);
  check_counts();
  std::size_t const rest = kept.size();
  kept.erase(kept.begin(), kept.end() - 1);
  CHECK(ouro::gc::collect() == 0);
  kept.clear();
  CHECK(ouro::gc::collect() == rest);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
  heap.verify();
}

}  // namespace

TEST_CASE("tens of thousands of handles to one object: garbage goes, and what lives has its count right") {
  check_hubs<1>();
}

TEST_CASE("tens of thousands of handles to one large object: garbage goes, and what lives has its count right") {
  check_hubs<2000>();
}

TEST_CASE("an object with tens of thousands of handles is the same in garbage() as before") {
  manual_heap heap;
  census c;
  auto const alive = make_hub<1>(c, 30'000);
  make_hub<1>(c, 50'000, make_hub<1>(c, 5)).reset();
  ouro::gc::set_debug(ouro::gc::debug_flags::saveall);
  CHECK(ouro::gc::collect() == 2);
  ouro::gc::set_debug(ouro::gc::debug_flags::none);
  REQUIRE(ouro::gc::garbage().size() == 2);
  for (auto const& saved : ouro::gc::garbage()) {
    auto const h = ouro::static_pointer_cast<hub<1>>(saved);
    bool const is_big = h->spokes.size() == 50'000;
    CHECK(h.use_count() == h->spokes.size() + (is_big ? 2u : 3u));
  }
  ouro::gc::garbage().clear();
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 1);
  CHECK(alive.use_count() == 30'001);
}

namespace {

struct growing_hub {
  tally t;
  std::vector<gc_ptr<growing_hub>>* outside;
  std::size_t grow_to;
  std::vector<gc_ptr<growing_hub>> spokes{};
  gc_ptr<growing_hub> self{};
  void gc_finalize() {
    spokes.resize(grow_to, self);
    if (outside != nullptr) outside->push_back(self);
  }
};

}  // namespace

TEST_CASE("finalizers may make and drop tens of thousands of handles to their objects") {
  manual_heap heap;
  census c;
  std::vector<gc_ptr<growing_hub>> saved;
  for (auto const& [from, to] :
       {std::pair<std::size_t, std::size_t>{3, 50'000}, {50'000, 3}, {16'380, 16'385}, {40'000, 20'000}}) {
    for (auto* outside : {&saved, static_cast<decltype(&saved)>(nullptr)}) {
      auto const h = make_gc<growing_hub>(tally{c}, outside, to);
      h->spokes.assign(from, h);
      h->self = h;
    }
  }
  CHECK(ouro::gc::collect() == 4);
  REQUIRE(saved.size() == 4);
  for (auto const& h : saved) CHECK(h.use_count() == h->spokes.size() + 2);
  saved.clear();
  CHECK(ouro::gc::collect() == 4);
  CHECK(c.alive == 0);
  heap.verify();
}

TEST_CASE("an object whose two members both point to it dies once") {
  manual_heap heap;
  census c;
  auto p = make_gc<node>(tally{c});
  p->next = p;
  p->other = p;
  CHECK(p.use_count() == 3);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(c.died == 1);
  CHECK(heap.objects() == 0);
}

// ---- moves leave no candidates ----------------------------------------------------------------------------------

TEST_CASE("a handle moved into its own object makes garbage that every explicit collection finds") {
  for (int generation = 0; generation < 3; ++generation) {
    manual_heap heap;
    census c;
    auto a = make_gc<node>(tally{c});
    a->next = std::move(a);
    CHECK(a == nullptr);
    CHECK(c.alive == 1);
    CHECK(ouro::gc::collect(generation) == 1);
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
  }
}

TEST_CASE("a handle swapped with its object's member: what is cut off is collected") {
  for (int generation = 0; generation < 3; ++generation) {
    manual_heap heap;
    census c;
    auto p = make_gc<node>(tally{c}, nullptr, nullptr, 1);
    p->next = make_gc<node>(tally{c}, nullptr, nullptr, 2);
    swap(p, p->next);  // the first object now holds itself, the handle holds the second
    CHECK(p->value == 2);
    CHECK(p.use_count() == 1);
    CHECK(c.alive == 2);
    CHECK(ouro::gc::collect(generation) == 1);
    CHECK(c.alive == 1);
    CHECK(p->value == 2);
    p.reset();
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
  }
}

TEST_CASE("a ring made by moves alone, its last handle moved in, is collected") {
  for (int generation = 0; generation < 3; ++generation) {
    manual_heap heap;
    census c;
    constexpr int length = 10;
    gc_ptr<node> first = make_gc<node>(tally{c});
    node* last = first.get();
    for (int i = 1; i < length; ++i) {
      auto fresh = make_gc<node>(tally{c});
      last->next = std::move(fresh);
      last = last->next.get();
    }
    last->next = std::move(first);
    CHECK(c.alive == length);
    CHECK(ouro::gc::collect(generation) == length);
    CHECK(c.alive == 0);
    CHECK(heap.objects() == 0);
  }
}

TEST_CASE("moves keep what can still be reached") {
  manual_heap heap;
  census c;
  auto p = make_ring(c, 5);
  for (int i = 0; i < 20; ++i) {
    auto q = std::move(p->next);
    auto r = std::move(q->next);
    q->next = std::move(r);
    p->next = std::move(q);
    p = p->next;
    CHECK(ouro::gc::collect(i % 3) == 0);
  }
  CHECK(c.alive == 5);
  p.reset();
  CHECK(ouro::gc::collect() == 5);
}

// ---- again and again --------------------------------------------------------------------------------------------

TEST_CASE("repeated collections free nothing twice") {
  manual_heap heap;
  census c;
  auto const kept = make_ring(c, 3);
  for (int round = 0; round < 20; ++round) {
    make_ring(c, 7);
    CHECK(ouro::gc::collect(round % 3) == 7);
    for (int generation = 0; generation < 3; ++generation) CHECK(ouro::gc::collect(generation) == 0);
    CHECK(c.alive == 3);
    CHECK(c.died == 7 * (round + 1));
    CHECK(kept->next->next->next == kept);
  }
  CHECK(heap.objects() == 3);
  heap.verify();
}

TEST_CASE("garbage older than the generation collected waits for its own") {
  manual_heap heap;
  census c;
  auto p = make_ring(c, 4);
  ouro::gc::collect(1);  // the ring is old now
  p.reset();
  CHECK(ouro::gc::collect(0) == 0);
  CHECK(ouro::gc::collect(1) == 0);
  CHECK(c.alive == 4);
  CHECK(ouro::gc::collect(2) == 4);
  CHECK(c.alive == 0);
}

TEST_CASE("a cycle of objects of three generations is collected with the oldest") {
  manual_heap heap;
  census c;
  auto old = make_gc<node>(tally{c});
  ouro::gc::collect(1);
  old->next = make_gc<node>(tally{c});
  ouro::gc::collect(0);
  old->next->next = make_gc<node>(tally{c}, old);
  old.reset();
  CHECK(ouro::gc::collect(0) == 0);
  CHECK(ouro::gc::collect(1) == 0);
  CHECK(c.alive == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(c.alive == 0);
}

TEST_CASE("cycles are collected without being asked for") {
  fresh_heap heap;
  census c;
  int most = 0;
  for (int i = 0; i < 200'000; ++i) {
    make_ring(c, 2);
    most = c.alive > most ? c.alive : most;
  }
  CHECK(most < 100'000);
  std::size_t collections = 0;
  for (auto const& s : ouro::gc::get_stats()) collections += s.collections;
  CHECK(collections > 0);
  ouro::gc::collect();
  CHECK(c.alive == 0);
  CHECK(c.died == 400'000);
}

TEST_CASE("few fat cycles are collected without being asked for") {
  fresh_heap heap;
  census c;
  struct fat {
    tally t;
    gc_ptr<fat> self{};
    gc_ptr<char[]> bytes{};
  };
  int most = 0;
  for (int i = 0; i < 500; ++i) {
    auto const p = make_gc<fat>(tally{c}, nullptr, make_gc<char[]>(1024 * 1024));
    p->self = p;
    most = c.alive > most ? c.alive : most;
  }
  CHECK(most < 250);  // MiB
}

namespace {

struct untouched {  // its bytes are never written, so that memory is reserved and not used
  explicit untouched(census& c) : t(c) {}
  tally t;
  gc_ptr<untouched> self;
  std::array<char, 16 * 1024> bytes;
  static constexpr auto gc_members = ouro::members(&untouched::self);
};

}  // namespace

TEST_CASE("cycles made by moves alone cannot grow a heap without end") {
  fresh_heap heap;
  census c;
  int most = 0;
  for (int i = 0; i < 40'000; ++i) {
    auto p = make_gc<untouched>(c);
    p->self = std::move(p);
    most = c.alive > most ? c.alive : most;
  }
  CHECK(most < 20'000);  // of 640 MB less than half at any time
}

// ---- random graphs ----------------------------------------------------------------------------------------------

namespace {

constexpr int vertices = 16;
using vertex_set = std::uint32_t;

struct graph_leaf {
  int* deaths;
  ~graph_leaf() { ++*deaths; }
};
struct graph_node {
  int* deaths;
  std::vector<gc_ptr<graph_node>> nodes{};
  std::vector<gc_ptr<graph_leaf>> leaves{};
  ~graph_node() { ++*deaths; }
};

/// Which vertices can be reached from `roots`, by the adjacency the test has kept itself.
vertex_set closure(std::array<vertex_set, vertices> const& edges, vertex_set roots) {
  for (vertex_set before = 0; before != roots;) {
    before = roots;
    for (int v = 0; v < vertices; ++v)
      if ((before >> v & 1u) != 0) roots |= edges[static_cast<std::size_t>(v)];
  }
  return roots;
}

struct random_graph {
  std::array<int, vertices> deaths{};
  std::array<vertex_set, vertices> edges{};
  std::array<gc_ptr<graph_node>, vertices> nodes;
  std::array<gc_ptr<graph_leaf>, vertices> leaves;
  vertex_set roots = (1u << vertices) - 1;

  random_graph(std::mt19937& random, unsigned leaf_mask, int edge_percent) {
    for (std::size_t v = 0; v < vertices; ++v) {
      if ((leaf_mask >> v & 1u) != 0) {
        leaves[v] = make_gc<graph_leaf>(&deaths[v]);
      } else {
        nodes[v] = make_gc<graph_node>(&deaths[v]);
      }
    }
    std::uniform_int_distribution<int> percent(0, 99);
    for (std::size_t from = 0; from < vertices; ++from) {
      if (!nodes[from]) continue;
      for (std::size_t to = 0; to < vertices; ++to) {
        for (int copies = 0; copies < 2; ++copies) {  // parallel edges are edges too
          if (percent(random) >= edge_percent) continue;
          edges[from] |= 1u << to;
          if (nodes[to]) {
            nodes[from]->nodes.push_back(nodes[to]);
          } else {
            nodes[from]->leaves.push_back(leaves[to]);
          }
        }
      }
    }
  }

  void drop(std::size_t v) {
    roots &= ~(1u << v);
    nodes[v].reset();
    leaves[v].reset();
  }

  /// Nothing reachable has died, nothing has died twice.
  bool sound() const {
    vertex_set const reachable = closure(edges, roots);
    for (std::size_t v = 0; v < vertices; ++v) {
      if (deaths[v] > 1) return false;
      if ((reachable >> v & 1u) != 0 && deaths[v] != 0) return false;
    }
    return true;
  }
  /// Exactly what cannot be reached has died.
  bool exact() const {
    vertex_set const reachable = closure(edges, roots);
    for (std::size_t v = 0; v < vertices; ++v)
      if (deaths[v] != ((reachable >> v & 1u) != 0 ? 0 : 1)) return false;
    return true;
  }
};

}  // namespace

TEST_CASE("16 vertices, random edges, random leaves, random collections: each is destroyed exactly once") {
  manual_heap heap;
  for (std::uint32_t seed = 1; seed <= 2'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    random_graph graph(random, static_cast<unsigned>(random() & random()), static_cast<int>(random() % 16));
    std::array<std::size_t, vertices> order;
    for (std::size_t v = 0; v < vertices; ++v) order[v] = v;
    for (std::size_t v = vertices; v-- > 1;) std::swap(order[v], order[random() % (v + 1)]);
    bool sound = true;
    bool exact = true;
    for (std::size_t const v : order) {
      graph.drop(v);
      sound = sound && graph.sound();
      switch (random() % 6) {
        case 0:
        case 1:
          ouro::gc::collect(static_cast<int>(random() % 2));
          break;
        case 2:
          ouro::gc::collect();
          exact = exact && graph.exact();
          break;
        default:
          break;
      }
      sound = sound && graph.sound();
    }
    ouro::gc::collect();
    REQUIRE(sound);
    REQUIRE(exact);
    REQUIRE(graph.exact());
    REQUIRE(heap.objects() == 0);
  }
  heap.verify();
}
