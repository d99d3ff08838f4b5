// The time of collect() alone: W6 over garbage rings, W7 over a live graph with many edges.
#include <cstddef>
#include <string>
#include <utility>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

template <class P>
struct ring_link {
  handle<P, ring_link> next, previous;
};

template <class P>
void make_ring(std::size_t length) {
  auto const head = P::template make<ring_link<P>>();
  auto last = head;
  for (std::size_t i = 1; i < length; ++i) {
    auto fresh = P::template make<ring_link<P>>();
    fresh->previous = last;
    last->next = fresh;
    last = std::move(fresh);
  }
  last->next = head;
  head->previous = last;
}

template <class P>
void collect_rings(benchmark::State& state, std::size_t number, std::size_t length) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    P::pause();
    for (std::size_t i = 0; i < number; ++i) make_ring<P>(length);
    P::resume();
    state.ResumeTiming();
    P::collect();
  }
}

template <class P>
struct level {
  vector<P, handle<P, level>> below;
};

template <class P>
void traverse(benchmark::State& state, std::size_t levels) {
  auto top = P::template make<level<P>>();
  std::size_t edges = 0;
  for (std::size_t k = 1; k < levels; ++k) {
    auto next = P::template make<level<P>>();
    next->below.assign(k, top);
    edges += k;
    top = std::move(next);
  }
  if (edges != 499'500) state.SkipWithError("wrong result");
  for ([[maybe_unused]] auto _ : state) P::collect();
  benchmark::DoNotOptimize(top);
}

template <class P>
void add_all() {
  if constexpr (P::collects_cycles) {
    add_scales<P>("W6", [](benchmark::State& state, std::size_t n) {
      collect_rings<P>(state, n / 41, 41);
      return n / 41 * 41;
    });
    add_loop<P>("W6", "100x21", [](benchmark::State& state) { collect_rings<P>(state, 100, 21); })
        ->Iterations(200)
        ->Unit(benchmark::kMillisecond);
    add_loop<P>("W6", "100000x41", [](benchmark::State& state) { collect_rings<P>(state, 100'000, 41); })
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    add_loop<P>("W7", "1000", [](benchmark::State& state) { traverse<P>(state, 1'000); })
        ->Iterations(20)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for_all_peers([]<class P>() { add_all<P>(); });
  return run(argc, argv);
}
