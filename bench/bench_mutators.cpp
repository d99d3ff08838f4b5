// W1 random mutator and W2 random graph that is dropped piece by piece; peers that only count leak in both.
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

template <class P>
struct mutated {
  vector<P, handle<P, mutated>> references;
};

template <class Vector>
void swap_remove(Vector& from, std::size_t at) {
  using std::swap;
  swap(from[at], from.back());
  from.pop_back();
}

template <class P>
bool random_mutator(std::size_t steps) {
  using node = mutated<P>;
  lcg random(12345);
  {
    vector<P, handle<P, node>> roots;
    for (int i = 0; i < 50; ++i) roots.push_back(P::template make<node>());
    for (std::size_t i = 0; i < steps; ++i) {
      auto const operation = random.below(4);
      if (operation == 0 || roots.empty()) {
        roots.push_back(P::template make<node>());
      } else if (operation == 1) {
        auto& into = roots[random.below(roots.size())]->references;
        into.push_back(roots[random.below(roots.size())]);
      } else if (operation == 2) {
        swap_remove(roots, random.below(roots.size()));
      } else {
        auto& references = roots[random.below(roots.size())]->references;
        if (!references.empty()) swap_remove(references, random.below(references.size()));
      }
    }
    benchmark::DoNotOptimize(roots.data());
  }
  P::collect();
  return true;
}

template <class P>
struct named {
  typename P::string name;
  vector<P, handle<P, named>> edges;
};

template <class P>
bool stress() {
  using node = named<P>;
  constexpr std::size_t size = 32'769, rounds = 32, per_round = 1'024;
  lcg random(0xCAFE);
  vector<P, handle<P, node>> roots;
  for (std::size_t i = 0; i < size; ++i) {
    auto fresh = P::template make<node>();
    fresh->name = "node ";
    for (std::size_t rest = i; rest != 0; rest /= 10) fresh->name += static_cast<char>('0' + rest % 10);
    roots.push_back(std::move(fresh));
  }
  for (std::size_t i = 0; i < size; ++i) {
    auto& from = roots[random.below(size)];
    from->edges.push_back(roots[random.below(size)]);
  }
  for (std::size_t i = 0; i < rounds; ++i) {
    roots.resize(roots.size() - per_round);
    P::collect();
  }
  bool const right = roots.size() == 1 && roots[0]->name == "node ";
  roots.clear();
  P::collect();
  return right;
}

template <class P>
void add_all() {
  if constexpr (P::shares && !std::is_same_v<P, arena_policy>) {
    add_scales<P>("W1", [](benchmark::State& state, std::size_t n) {
      loop(state, [n] { return random_mutator<P>(4 * n); });
      return n;
    });
    add<P>("W1", "1000000", [] { return random_mutator<P>(1'000'000); });
    add<P>("W2", "32769", &stress<P>);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for_all_peers([]<class P>() { add_all<P>(); });
  return run(argc, argv);
}
