// Collections of whole generations, whose members are remembered page by page: pages in which some live and some do not,
// dense and sparse ones, counts of any size, and destructors and finalizers that work on the page they lie in.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <random>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

struct node {
  tally t;
  gc_ptr<node> next{};
};
gc_ptr<node> make_node(census& c) { return make_gc<node>(tally{c}); }
void make_ring(gc_ptr<node> const& p) { p->next = p; }

/// Frees three of four nodes by counting, so that pages are sparse.
std::vector<gc_ptr<node>> make_sparse(census& c, std::size_t n) {
  std::vector<gc_ptr<node>> all;
  for (std::size_t i = 0; i != 4 * n; ++i) all.push_back(make_node(c));
  std::vector<gc_ptr<node>> some;
  for (std::size_t i = 0; i != n; ++i) some.push_back(all[4 * i]);
  return some;
}

}  // namespace

TEST_CASE("what lives and what does not may alternate in a page in any way") {
  manual_heap const heap;
  std::mt19937 random(5);
  for (bool const sparse : {false, true}) {
    for (unsigned const percent : {0u, 1u, 50u, 99u, 100u}) {
      census c;
      constexpr std::size_t n = 7'000;  // several pages, and more than is handed out at once of each
      std::vector<gc_ptr<node>> nodes = sparse ? make_sparse(c, n) : std::vector<gc_ptr<node>>();
      while (nodes.size() != n) nodes.push_back(make_node(c));
      std::vector<gc_ptr<node>> kept;
      for (auto const& p : nodes) {
        make_ring(p);
        if (random() % 100 < percent) kept.push_back(p);
      }
      nodes.clear();
      CHECK(ouro::gc::collect() == n - kept.size());
      CHECK(static_cast<std::size_t>(c.alive) == kept.size());
      std::size_t right = 0;
      for (auto const& p : kept) right += p->next == p && p.use_count() == 2;
      CHECK(right == kept.size());
      heap.verify();
      kept.clear();
      CHECK((ouro::gc::collect(), c.alive == 0));
      heap.verify();
    }
  }
}

TEST_CASE("collections restore counts of any size, in dense and in sparse pages, and find garbage with such counts") {
  manual_heap const heap;
  for (bool const sparse : {false, true}) {
    for (std::size_t const count : {253u, 254u, 255u, 256u, 257u, 16'382u, 16'383u, 16'384u, 70'000u}) {
      census c;
      auto nodes = sparse ? make_sparse(c, 200) : std::vector<gc_ptr<node>>();
      while (nodes.size() < 200) nodes.push_back(make_node(c));
      // One in three is led to by very many of its own, so that counts of both kinds alternate.
      struct hub {
        std::vector<gc_ptr<node>> spokes;
        gc_ptr<hub> self{};
      };
      auto held = make_gc<hub>();
      auto dropped = make_gc<hub>();
      dropped->self = dropped;
      for (std::size_t i = 0; i < nodes.size(); i += 3) {
        held->spokes.assign(held->spokes.size() + 1, nodes[i]);
        if (i < 30) dropped->spokes.insert(dropped->spokes.end(), count, nodes[i]);
      }
      std::vector<std::size_t> before;
      for (auto const& p : nodes) before.push_back(p.use_count());
      for (int round = 0; round != 2; ++round) {
        CHECK(ouro::gc::collect() == 0);
        std::size_t right = 0;
        for (std::size_t i = 0; i != nodes.size(); ++i) right += nodes[i].use_count() == before[i];
        CHECK(right == nodes.size());
      }
      // Now all but the last of them are garbage, and hang on a cycle of another type.
      held.reset();
      nodes.erase(nodes.begin(), nodes.end() - 1);
      dropped.reset();
      ouro::gc::collect();
      CHECK(c.alive == 1);
      CHECK(nodes[0].use_count() == 1);
      heap.verify();
    }
  }
}

namespace {

/// Its destructor makes and drops objects of its own type, on the page that is being torn down.
struct maker {
  tally t;
  bool makes = false;
  gc_ptr<maker> next{};

  maker(tally made, bool m) : t(std::move(made)), makes(m) {}
  ~maker() {
    if (!makes) return;
    auto kept = make_gc<maker>(tally{t.where()}, false);
    make_gc<maker>(tally{t.where()}, false);
    kept->next = kept;
  }
  static constexpr std::size_t gc_fields = 3;
};

}  // namespace

TEST_CASE("destructors of garbage may make objects on the pages that are being freed") {
  manual_heap const heap;
  census c;
  constexpr int n = 4'000;
  std::vector<gc_ptr<maker>> kept;
  for (int i = 0; i != n; ++i) {
    auto p = make_gc<maker>(tally{c}, true);
    p->next = p;
    if (i % 16 == 0) kept.push_back(p);
  }
  int const alive = static_cast<int>(kept.size());
  CHECK(ouro::gc::collect() == static_cast<std::size_t>(n - alive));
  CHECK(c.alive == alive + (n - alive));  // each destructor has left a ring
  heap.verify();
  CHECK(ouro::gc::collect() == static_cast<std::size_t>(n - alive));
  CHECK(c.alive == alive);
  for (auto const& p : kept) {
    CHECK(p.use_count() == 2);
    p->makes = false;
  }
  kept.clear();
  ouro::gc::collect();
  CHECK(c.alive == 0);
}

namespace {

struct phoenix {
  tally t;
  std::vector<gc_ptr<phoenix>>* saved = nullptr;
  gc_ptr<phoenix> next{};
  std::vector<gc_ptr<node>> others{};

  void gc_finalize() {
    if (saved != nullptr) saved->push_back(ouro::gc_from_this(this));
  }
};

}  // namespace

TEST_CASE("finalizers may save some objects of a page, whose counts are right, whatever their size") {
  manual_heap const heap;
  for (std::size_t const count : {1u, 300u, 20'000u}) {
    census c;
    std::vector<gc_ptr<phoenix>> saved;
    constexpr std::size_t n = 900;
    for (std::size_t i = 0; i != n; ++i) {
      auto p = make_gc<phoenix>(tally{c}, i % 3 == 0 ? &saved : nullptr);
      p->next = p;
      p->others.assign(i < 9 ? count : 1, make_node(c));
    }
    CHECK(ouro::gc::collect() == n / 3 * 2 * 2);
    REQUIRE(saved.size() == n / 3);
    for (auto const& p : saved) {
      CHECK(p.use_count() == 2);
      CHECK(p->others[0].use_count() == p->others.size());
    }
    CHECK(static_cast<std::size_t>(c.alive) == n / 3 * 2);
    heap.verify();
    saved.clear();
    ouro::gc::collect();
    CHECK(c.alive == 0);
    heap.verify();
  }
}

TEST_CASE("debug_flags::saveall saves what whole pages hold") {
  manual_heap const heap;
  census c;
  constexpr std::size_t n = 3'000;
  for (std::size_t i = 0; i != n; ++i) make_ring(make_node(c));
  ouro::gc::set_debug(ouro::gc::debug_flags::saveall);
  CHECK(ouro::gc::collect() == n);
  ouro::gc::set_debug(ouro::gc::debug_flags::none);
  CHECK(ouro::gc::garbage().size() == n);
  CHECK(static_cast<std::size_t>(c.alive) == n);
  ouro::gc::garbage().clear();
  CHECK(ouro::gc::collect() == n);
  CHECK(c.alive == 0);
}
