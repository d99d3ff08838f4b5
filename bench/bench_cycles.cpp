// Garbage cycles: W9 rings, W10 churn beside a large live graph, W12 retained pairs, W13 fat cycles, W14 a hot root.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

/// With a collector, one kind of edge makes the ring.
template <class P, bool = P::collects_cycles>
struct ring_node {
  std::int64_t value;
  handle<P, ring_node> next = {};
};

/// Without one, the edge that closes the ring must not own.
template <class P>
struct ring_node<P, false> {
  std::int64_t value;
  handle<P, ring_node> next = {};
  back<P, ring_node> first = {};
};

template <class P>
bool make_ring(std::int64_t length) {
  using node = ring_node<P>;
  auto head = P::template make<node>(0);
  node* last = &*head;
  for (std::int64_t i = 1; i < length; ++i) {
    last->next = P::template make<node>(i);
    last = &*last->next;
  }
  if constexpr (P::collects_cycles) {
    last->next = head;
    return &*last->next == &*head && last->value == length - 1;
  } else {
    last->first = P::as_back(head);
    return P::template raw<node>(last->first) == &*head && last->value == length - 1;
  }
}

template <class P>
bool rings(std::size_t number, std::int64_t length) {
  bool right = true;
  for (std::size_t i = 0; i < number; ++i) right = make_ring<P>(length) && right;
  P::collect();
  return right;
}

/// Both edges are such as a graph without an order has: where nothing collects cycles, a table owns the nodes.
template <class P>
struct graph_node {
  back<P, graph_node> edges[2];
  std::int64_t value;
};

template <class P>
void churn(benchmark::State& state, std::size_t live, std::size_t steps) {
  using node = graph_node<P>;
  double live_seconds = 0;
  for ([[maybe_unused]] auto _ : state) {
    lcg random(12345);
    vector<P, handle<P, node>> nodes;
    nodes.reserve(live);
    for (std::size_t i = 0; i < live; ++i) {
      nodes.push_back(P::template make<node>());
      nodes.back()->value = static_cast<std::int64_t>(i);
    }
    for (std::size_t i = 0; i < live; ++i) {
      for (auto& edge : nodes[i]->edges) edge = P::as_back(nodes[random.below(live)]);
    }
    for (std::size_t i = 0; i < steps; ++i) {
      {
        auto const one = P::template make<node>();
        auto const other = P::template make<node>();
        one->edges[0] = P::as_back(other);
        other->edges[0] = P::as_back(one);
      }
      auto& source = nodes[random.below(live)];
      source->edges[random.below(2)] = P::as_back(nodes[random.below(live)]);
    }
    auto const start = std::chrono::steady_clock::now();
    P::collect();
    live_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    std::size_t sum = 0;
    for (auto const& n : nodes) {
      sum += static_cast<std::size_t>(n->value);
      for (auto const& edge : n->edges) {
        if (P::template raw<node>(edge)->value < 0) sum = 0;
      }
    }
    if (sum != live * (live - 1) / 2) {
      state.SkipWithError("wrong result");
      break;
    }
    nodes.clear();
    P::collect();
  }
  if (P::collects_cycles) state.counters["live_collect_ms"] = live_seconds * 1e3;
}

template <class P>
struct pair_node {
  handle<P, pair_node> next = {};
  back<P, pair_node> previous = {};
};

/// A cycle of two objects, reached by the handle returned.
template <class P>
handle<P, pair_node<P>> make_pair() {
  auto one = P::template make<pair_node<P>>();
  one->next = P::template make<pair_node<P>>();
  one->next->previous = P::as_back(one);
  return one;
}

template <class P>
bool retained_pairs(std::size_t number) {
  bool right = true;
  for (int round = 0; round < 3; ++round) {
    vector<P, handle<P, pair_node<P>>> kept;
    for (std::size_t i = 0; i < number; ++i) kept.push_back(make_pair<P>());
    for (auto const& pair : kept) {
      right = right && P::template raw<pair_node<P>>(pair->next->previous) == &*pair;
    }
    kept.clear();
    P::collect();
  }
  return right;
}

template <class P>
struct fat_node {
  handle<P, fat_node> next = {};
  back<P, fat_node> previous = {};
  typename P::template payload<512 * 1024> payload = {};
};

template <class P>
bool fat_cycles(std::size_t number) {
  auto const make = [] {
    auto fat = P::template make<fat_node<P>>(handle<P, fat_node<P>>());
    // Memory that is never written would not be resident, and cost nothing.
    for (std::size_t at = 0; at < 512 * 1024; at += 4096) fat->payload.data()[at] = 1;
    return fat;
  };
  bool right = true;
  for (std::size_t i = 0; i < number; ++i) {
    auto const one = make();
    one->next = make();
    one->next->previous = P::as_back(one);
    right = right && one->payload.data()[4096] == 1;
  }
  P::collect();
  return right;
}

template <class P>
struct hot_node {
  handle<P, hot_node> left = {}, right = {};
  back<P, hot_node> other = {};
};

/// A balanced tree, every node with one more edge to any node of it.
template <class P>
handle<P, hot_node<P>> hot_graph(std::size_t size, vector<P, back<P, hot_node<P>>>& all) {
  if (size == 0) return handle<P, hot_node<P>>();
  auto node = P::template make<hot_node<P>>();
  all.push_back(P::as_back(node));
  node->left = hot_graph<P>((size - 1) / 2, all);
  node->right = hot_graph<P>(size - 1 - (size - 1) / 2, all);
  return node;
}

template <class P>
void hot_root(benchmark::State& state, std::size_t live, std::size_t steps) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    handle<P, hot_node<P>> root;
    {
      vector<P, back<P, hot_node<P>>> all;
      all.reserve(live);
      root = hot_graph<P>(live, all);
      lcg random(12345);
      for (auto const& node : all) P::template raw<hot_node<P>>(node)->other = all[random.below(live)];
    }
    state.ResumeTiming();
    for (std::size_t i = 0; i < steps; ++i) {
      {
        auto const copy = root;
        benchmark::DoNotOptimize(copy);
      }
      for (int cycle = 0; cycle < 10; ++cycle) benchmark::DoNotOptimize(make_pair<P>());
    }
    state.PauseTiming();
    root = nullptr;
    P::collect();
    state.ResumeTiming();
  }
}

template <class P>
void add_all() {
  constexpr bool frees = !std::is_same_v<P, arena_policy>;
  add_scales<P>("W9", [](benchmark::State& state, std::size_t n) {
    loop(state, [n] { return rings<P>(n / 3, 3); });
    return n / 3 * 3;
  });
  add_scales<P>("W10", [](benchmark::State& state, std::size_t n) {
    churn<P>(state, n / 3, n / 3);
    return n / 3 * 3;
  });
  add_scales<P>("W12", [](benchmark::State& state, std::size_t n) {
    loop(state, [n] { return retained_pairs<P>(n / 2); });
    return 3 * (n / 2 * 2);
  });
  add_scales<P>("W14", [](benchmark::State& state, std::size_t n) {
    constexpr std::size_t steps = 100'000;
    if constexpr (P::shares) hot_root<P>(state, n, steps);
    return 20 * steps;
  });
  add<P>("W9", "1000000x3", [] { return rings<P>(1'000'000, 3); });
  add<P>("W9", "100000x30", [] { return rings<P>(100'000, 30); });
  for (std::size_t const live : {100'000u, 1'000'000u}) {
    add_loop<P>("W10", std::to_string(live), [live](benchmark::State& state) { churn<P>(state, live, live); })
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  add<P>("W12", "1000000", [] { return retained_pairs<P>(1'000'000); });
  if constexpr (frees) {
    add<P>("W13", "10000", [] { return fat_cycles<P>(10'000); });
    add<P>("W13", "100000", [] { return fat_cycles<P>(100'000); });
    if constexpr (P::shares) {
      for (std::size_t const live : {1'000'000u, 10'000'000u}) {
        add_loop<P>("W14", std::to_string(live), [live](benchmark::State& state) { hot_root<P>(state, live, 100'000); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for_all_peers([]<class P>() { add_all<P>(); });
  return run(argc, argv);
}
