// Handles without cycles: W15 copies and drops of shared objects, W20 single operations.
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

template <class P>
struct shared_item {
  handle<P, shared_item> related = {};
  std::int64_t value;
};

/// 1,024 objects with one owner each, and 2,048 more handles: each object has three on average.
template <class P>
void shared_objects(benchmark::State& state, std::size_t steps) {
  using item = shared_item<P>;
  constexpr std::size_t objects = 1'024;
  vector<P, handle<P, item>> owners;
  for (std::size_t i = 0; i < objects; ++i) {
    owners.push_back(P::template make<item>(handle<P, item>(), static_cast<std::int64_t>(i)));
  }
  vector<P, handle<P, item>> holders(2 * objects);
  for (std::size_t i = 0; i < holders.size(); ++i) holders[i] = owners[i % objects];
  for ([[maybe_unused]] auto _ : state) {
    lcg random(12345);
    for (std::size_t i = 0; i < steps; ++i) {
      std::size_t const draw = random.below(std::size_t{1} << 31);
      holders[draw % (2 * objects)] = owners[(draw >> 11) % objects];  // constants: a division would be most of it
    }
    benchmark::ClobberMemory();
  }
}

template <class P, std::size_t Bytes>
struct sized {
  handle<P, sized> next;
  char rest[Bytes - sizeof(handle<P, sized>)];
};

template <class P>
struct sized<P, sizeof(handle<P, sized<P, 0>>)> {
  handle<P, sized> next;
};

template <class P, std::size_t Bytes>
void make_drop(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    auto fresh = P::template make<sized<P, Bytes>>();
    benchmark::DoNotOptimize(fresh);
  }
}

template <class P>
void copy_drop(benchmark::State& state) {
  auto const from = P::template make<shared_item<P>>();
  for ([[maybe_unused]] auto _ : state) {
    auto copy = from;
    benchmark::DoNotOptimize(copy);
  }
}

/// There and back: two moves.
template <class P>
void move_twice(benchmark::State& state) {
  auto first = P::template make<shared_item<P>>();
  for ([[maybe_unused]] auto _ : state) {
    auto second = std::move(first);
    benchmark::DoNotOptimize(second);
    first = std::move(second);
    benchmark::DoNotOptimize(first);
  }
}

template <class P>
struct shape {
  static constexpr std::size_t gc_fields = 1;
  virtual ~shape() = default;
  handle<P, shape> next;
};

template <class P>
struct circle : shape<P> {
  static constexpr auto gc_members = ouro::members<circle>(ouro::bases<shape<P>>);
  double radius = 0;
};

/// A copy as a handle to the base class, and its drop.
template <class P>
void to_base(benchmark::State& state) {
  auto const from = P::template make<circle<P>>();
  for ([[maybe_unused]] auto _ : state) {
    handle<P, shape<P>> copy = from;
    benchmark::DoNotOptimize(copy);
  }
}

template <class P>
void lock_weak(benchmark::State& state) {
  auto const object = P::template make<shared_item<P>>();
  typename P::template weak<shared_item<P>> const weak = object;
  for ([[maybe_unused]] auto _ : state) {
    auto locked = weak.lock();
    benchmark::DoNotOptimize(locked);
  }
}

/// One weak handle more than the one that is there.
template <class P>
void make_weak(benchmark::State& state) {
  auto const object = P::template make<shared_item<P>>();
  typename P::template weak<shared_item<P>> const other = object;
  for ([[maybe_unused]] auto _ : state) {
    typename P::template weak<shared_item<P>> fresh = object;
    benchmark::DoNotOptimize(fresh);
  }
}

template <class P>
concept has_weak = requires { typename P::template weak<shared_item<P>>; };

template <class P>
concept converts_to_base = std::is_convertible_v<handle<P, circle<P>>, handle<P, shape<P>>>;

template <class P>
void add_all() {
  if constexpr (P::shares && !std::is_same_v<P, arena_policy>) {
    for (std::size_t const steps : {10'000'000u, 100'000'000u}) {
      add_loop<P>("W15", std::to_string(steps), [steps](benchmark::State& state) { shared_objects<P>(state, steps); })
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    }
    add_loop<P>("W20", "copy_drop", &copy_drop<P>);
    if constexpr (converts_to_base<P>) add_loop<P>("W20", "to_base", &to_base<P>);
    if constexpr (has_weak<P>) {
      add_loop<P>("W20", "lock", &lock_weak<P>);
      add_loop<P>("W20", "make_weak", &make_weak<P>);
    }
  }
  if constexpr (!std::is_same_v<P, arena_policy>) {
    add_loop<P>("W20", "move_twice", &move_twice<P>);
    add_loop<P>("W20", "make_drop_16", &make_drop<P, 16>);
    add_loop<P>("W20", "make_drop_32", &make_drop<P, 32>);
    add_loop<P>("W20", "make_drop_64", &make_drop<P, 64>);
    add_loop<P>("W20", "make_drop_512", &make_drop<P, 512>);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for_all_peers([]<class P>() { add_all<P>(); });
  return run(argc, argv);
}
