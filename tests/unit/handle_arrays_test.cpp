// Long contiguous arrays of handles, which collections take as a whole.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <random>
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
  std::vector<gc_ptr<node>> to{};
};
gc_ptr<node> make_node(census& c) { return make_gc<node>(tally{c}); }

}  // namespace

TEST_CASE("an array of handles may hold null ones, repeated ones and ones to itself, in any order and number") {
  manual_heap const heap;
  std::mt19937 random(11);
  for (std::size_t const length : {0u, 1u, 31u, 32u, 33u, 48u, 49u, 100u, 1'000u}) {
    for (unsigned const different : {1u, 2u, 5u, 500u}) {
      census c;
      auto held = make_node(c);
      std::vector<gc_ptr<node>> targets{held};
      while (targets.size() < different) targets.push_back(make_node(c));
      std::vector<std::size_t> handles(targets.size(), 1);
      for (std::size_t i = 0; i != length; ++i) {
        auto const k = random() % targets.size();
        held->to.push_back(random() % 7 == 0 ? nullptr : targets[k]);
        handles[k] += held->to.back() != nullptr;
      }
      handles[0] += 1;  // `held` itself
      CHECK(ouro::gc::collect() == 0);
      std::size_t right = 0;
      for (std::size_t k = 0; k != targets.size(); ++k) right += targets[k].use_count() == handles[k];
      CHECK(right == targets.size());
      targets.clear();  // what no handle of the array leads to dies now, the rest is alive
      CHECK(ouro::gc::collect() == 0);
      std::size_t living = 1;
      for (std::size_t k = 1; k != handles.size(); ++k) living += handles[k] > 1;
      CHECK(static_cast<std::size_t>(c.alive) == living);
      held->to.push_back(held);
      held.reset();
      CHECK(ouro::gc::collect() == living);
      CHECK(c.alive == 0);
      heap.verify();
    }
  }
}

TEST_CASE("garbage with arrays is torn down, and what its arrays hold beside garbage loses no handle too many") {
  manual_heap const heap;
  census c;
  auto kept = make_node(c);
  struct dying {
    tally t;
    std::vector<gc_ptr<node>> kept{};
    std::vector<gc_ptr<dying>> others{};
  };
  std::vector<gc_ptr<dying>> all;
  for (int i = 0; i != 40; ++i) all.push_back(make_gc<dying>(tally{c}));
  for (auto const& p : all) {
    p->others = all;
    p->kept.assign(50, kept);
  }
  CHECK(kept.use_count() == 40 * 50 + 1);
  all.clear();
  CHECK(ouro::gc::collect() == 40);
  CHECK(c.alive == 1);
  CHECK(kept.use_count() == 1);
  heap.verify();
}

namespace {

struct first_base {
  using gc_leaf = first_base;
  virtual ~first_base() = default;
  int filler = 0;
};
struct second_base {
  using gc_leaf = second_base;
  virtual ~second_base() = default;
  int more = 0;
};
struct derived : first_base, second_base {
  explicit derived(census& c) : t(c) {}
  tally t;
  std::vector<gc_ptr<second_base>> to;
  static constexpr auto gc_members = ouro::members(&derived::to);
};

}  // namespace

TEST_CASE("an array of handles to bases in the middle of objects is taken as well") {
  manual_heap const heap;
  census c;
  std::vector<gc_ptr<derived>> all;
  for (int i = 0; i != 60; ++i) all.push_back(make_gc<derived>(c));
  for (auto const& p : all) {
    for (auto const& q : all) p->to.push_back(q);
  }
  CHECK(ouro::gc::collect() == 0);
  CHECK(all[7].use_count() == 61);
  all.resize(1);
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 60);
  all.clear();
  CHECK(ouro::gc::collect() == 60);
  CHECK(c.alive == 0);
}

TEST_CASE("arrays of handles lead to leaves, into other heaps and to old objects like single ones") {
  census c;
  struct leaf {
    tally t;
  };
  struct holder {
    tally t;
    std::array<gc_ptr<leaf>, 40> leaves{};
    std::vector<gc_ptr<node>> abroad{};
    std::vector<gc_ptr<void>> anything{};
    gc_ptr<holder> self{};
  };
  manual_heap const heap;
  gc_ptr<node> far;
  {
    manual_heap const other;
    far = make_node(c);
  }
  auto p = make_gc<holder>(tally{c});
  for (auto& slot : p->leaves) slot = make_gc<leaf>(tally{c});
  p->abroad.assign(40, far);
  p->anything.assign(40, p);
  p->anything.insert(p->anything.end(), 40, far);
  p->self = p;
  for (int generation : {0, 1, 2}) CHECK(ouro::gc::collect(generation) == 0);
  CHECK(c.alive == 42);
  CHECK((p.use_count() == 42 && far.use_count() == 81));
  CHECK(ouro::gc::get_referents(p).size() == 40u + 40 + 80 + 1);
  CHECK(ouro::gc::get_referrers(far).size() == 1);
  p.reset();
  CHECK(ouro::gc::collect(0) == 0);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 1);
  CHECK(far.use_count() == 1);
}

namespace {

/// Its data() is where the elements are stored, not where they begin, and its size() is no std::size_t.
template <class T>
class ring_buffer {
 public:
  using value_type = T;

  void push(T value) { storage_[static_cast<std::size_t>(first_ + size_++) % storage_.size()] = std::move(value); }
  T const* data() const { return storage_.data(); }
  int size() const { return size_; }

  struct iterator {
    ring_buffer const* in;
    int at;
    T const& operator*() const { return in->storage_[static_cast<std::size_t>(at) % in->storage_.size()]; }
    iterator& operator++() { return ++at, *this; }
    bool operator==(iterator const& other) const { return at == other.at; }
  };
  iterator begin() const { return {this, first_}; }
  iterator end() const { return {this, first_ + size_}; }

 private:
  std::array<T, 64> storage_{};
  int first_ = 44;
  int size_ = 0;
};

}  // namespace

template <class T>
inline constexpr bool ouro::is_container<ring_buffer<T>> = true;

TEST_CASE("a container of users is taken element by element, whatever its data() and size() are") {
  manual_heap const heap;
  census c;
  struct owner {
    ring_buffer<gc_ptr<node>> ring{};
    gc_ptr<owner> self{};
  };
  auto p = make_gc<owner>();
  p->self = p;
  for (int i = 0; i != 40; ++i) {
    auto element = make_node(c);
    element->to.assign(1, element);
    p->ring.push(std::move(element));
  }
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.died == 0);
  for (auto const& element : p->ring) CHECK(element.use_count() == 2);
  p.reset();
  CHECK(ouro::gc::collect() == 41);
  CHECK(c.alive == 0);
}
