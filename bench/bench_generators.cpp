// W17 generators: a sum over iota, one element and out, a walk of a tree of 100,000 nodes, delegation 20 deep, and a
// ring of suspended generators that is collected.
//
// The peer is the fastest generator that we know to write by hand: what C++23's std::generator is, without its
// allocator. A unique handle, symmetric transfer, one step for each element at any depth.
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

class unique_generator {
 public:
  struct promise_type;
  using handle = std::coroutine_handle<promise_type>;

  struct transfer {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle h) const noexcept {
      promise_type& ended = h.promise();
      if (ended.parent == nullptr) return std::noop_coroutine();
      ended.root->leaf = ended.parent;
      return ended.parent;
    }
    void await_resume() const noexcept {}
  };

  struct delegation {
    handle child;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle parent) const noexcept {
      promise_type& inner = child.promise();
      inner.root = parent.promise().root;
      inner.parent = parent;
      inner.root->leaf = child;
      return child;
    }
    void await_resume() const {
      if (child.promise().error) std::rethrow_exception(child.promise().error);
    }
  };

  struct promise_type {
    promise_type* root = this;
    handle leaf = handle::from_promise(*this);
    handle parent = nullptr;
    int const* value = nullptr;
    std::exception_ptr error;

    unique_generator get_return_object() noexcept {
      void* address = handle::from_promise(*this).address();
      benchmark::DoNotOptimize(address);  // else Clang elides the generator altogether
      return unique_generator(handle::from_address(address));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    transfer final_suspend() const noexcept { return {}; }
    void unhandled_exception() {
      if (parent == nullptr) throw;
      error = std::current_exception();
    }
    void return_void() const noexcept {}
    std::suspend_always yield_value(int const& x) noexcept {
      root->value = std::addressof(x);
      return {};
    }
    delegation yield_value(unique_generator&& child) noexcept { return {child.coroutine_}; }
  };

  struct iterator {
    handle coroutine;
    int const& operator*() const noexcept { return *coroutine.promise().value; }
    iterator& operator++() {
      coroutine.promise().leaf.resume();
      return *this;
    }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return i.coroutine.done(); }
  };

  explicit unique_generator(handle h) noexcept : coroutine_(h) {}
  unique_generator(unique_generator&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  unique_generator& operator=(unique_generator&&) = delete;
  ~unique_generator() {
    if (coroutine_) coroutine_.destroy();
  }

  iterator begin() const { return ++iterator{coroutine_}; }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  handle coroutine_;
};

struct ouro_generators : ouro_policy {
  using generator = ouro::gc_generator<int const&>;
  static auto delegate(generator& g) { return ouro::elements_of(std::move(g)); }
};

struct unique_generators : plain_policy {
  static constexpr char const* name = "unique_generator";
  using generator = unique_generator;
  static generator&& delegate(generator& g) { return std::move(g); }
};

struct tree {
  int value = 0;
  std::unique_ptr<tree> left = nullptr, right = nullptr;
};

std::unique_ptr<tree> grow(int first, int last) {
  if (first == last) return nullptr;
  int const middle = first + (last - first) / 2;
  return std::make_unique<tree>(tree{middle, grow(first, middle), grow(middle + 1, last)});
}

// Not inlined, so that no compiler sees through a generator.

template <class P>
[[gnu::noinline]] typename P::generator iota(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
}

template <class P>
[[gnu::noinline]] typename P::generator walk(tree const* node) {
  if (node->left) {
    auto left = walk<P>(node->left.get());
    co_yield P::delegate(left);
  }
  co_yield node->value;
  if (node->right) {
    auto right = walk<P>(node->right.get());
    co_yield P::delegate(right);
  }
}

template <class P>
[[gnu::noinline]] typename P::generator nested(int depth, int n) {
  auto inner = depth == 0 ? iota<P>(n) : nested<P>(depth - 1, n);
  co_yield P::delegate(inner);
}

template <class G>
std::int64_t sum(G const& generator) {
  std::int64_t total = 0;
  for (int const x : generator) total += x;
  return total;
}

constexpr std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

/// A loop whose every turn must give the same sum.
template <class P, class Turn>
void add_sum(std::string const& parameter, std::int64_t expected, Turn turn) {
  add_loop<P>("W17", parameter, [=](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
      if (turn() != expected) state.SkipWithError("wrong result");
    }
  });
}

struct ring {
  ouro::gc_generator<int const&> last{};
};

[[gnu::noinline]] ouro::gc_generator<int const&> first_of(ouro::gc_ptr<ring> r) { co_yield r->last.started(); }
[[gnu::noinline]] ouro::gc_generator<int const&> after(ouro::gc_generator<int const&> g) { co_yield g.started(); }

/// Suspended generators that hold one another, made and collected.
void collect_ring(benchmark::State& state) {
  constexpr std::size_t length = 1'000'000;
  for ([[maybe_unused]] auto _ : state) {
    auto const before = ouro::heap::current().stats();
    auto r = ouro::make_gc<ring>();
    auto g = first_of(r);
    g.next();
    for (std::size_t i = 1; i != length; ++i) {
      g = after(std::move(g));
      g.next();
    }
    auto const bytes = ouro::heap::current().stats().bytes_in_use - before.bytes_in_use;
    state.counters["bytes_each"] = static_cast<double>(bytes) / static_cast<double>(length);
    r->last = std::move(g);
    r.reset();
    ouro::gc::collect();
  }
}

constexpr int elements = 1'000'000;
constexpr int nodes = 100'000;
constexpr int depth = 20;

template <class P>
void add_all(tree const* root) {
  add_sum<P>("iota", sum_below(elements), [] { return sum(iota<P>(elements)); });
  add_sum<P>("first-of-two", 0, [] {
    auto const generator = iota<P>(2);
    return std::int64_t{*generator.begin()};
  });
  add_sum<P>("walk", sum_below(nodes), [root] { return sum(walk<P>(root)); });
  add_sum<P>("delegate-20", sum_below(elements), [] { return sum(nested<P>(depth, elements)); });
}

}  // namespace

int main(int argc, char** argv) {
  auto const root = grow(0, nodes);
  add_all<ouro_generators>(root.get());
  add_all<unique_generators>(root.get());
  add_loop<ouro_generators>("W17", "ring-1000000", &collect_ring)->Iterations(1)->Unit(benchmark::kMillisecond);
  return run(argc, argv);
}
