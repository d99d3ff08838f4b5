// What weak references take of ouro: ephemerons against the same graph without a map, and memory of weak handles.
//
//   weak/graph     collect() over keys that hold their values, which refer back
//   weak/map       the same keys and values, held together by a weak_key_map
//   weak/memory    bytes for each object with one weak handle, beside the object and the place of the handle
#include <cstddef>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace {

constexpr std::size_t number = 1'000'000;

struct key;
struct value {
  ouro::gc_ptr<key> back;
};
struct key {
  ouro::gc_ptr<value> held;
};

/// Collects what `attach(key, value)` has held together.
template <class Attach>
void collect_pairs(benchmark::State& state, Attach attach) {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  ouro::gc::disable();
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    std::vector<ouro::gc_ptr<key>> keys(number);
    for (auto& k : keys) {
      k = ouro::make_gc<key>();
      attach(k, ouro::make_gc<value>(k));
    }
    keys.clear();
    state.ResumeTiming();
    if (ouro::gc::collect() != 2 * number) state.SkipWithError("wrong result");
  }
}

void graph(benchmark::State& state) {
  collect_pairs(state, [](ouro::gc_ptr<key> const& k, ouro::gc_ptr<value> v) { k->held = std::move(v); });
}

void map(benchmark::State& state) {
  ouro::weak_key_map<key, ouro::gc_ptr<value>> values;
  collect_pairs(state, [&](ouro::gc_ptr<key> const& k, ouro::gc_ptr<value> v) { values.try_emplace(k, std::move(v)); });
  if (!values.empty()) state.SkipWithError("wrong result");
}

void memory(benchmark::State& state) {
  std::vector<ouro::gc_ptr<key>> objects(number);
  for (auto& p : objects) p = ouro::make_gc<key>();
  std::vector<ouro::weak_gc_ptr<key>> weak(number);
  double const before = ouro_bench::peak_rss_mib();
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t i = 0; i != number; ++i) weak[i] = objects[i];
  }
  double const more = (ouro_bench::peak_rss_mib() - before) * 1024 * 1024;
  state.counters["bytes_per_object"] = more / static_cast<double>(number);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("weak/graph", graph)->Iterations(10)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("weak/map", map)->Iterations(10)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("weak/memory", memory)->Iterations(1)->Unit(benchmark::kMillisecond);
  return ouro_bench::run(argc, argv);
}
