// Registration of workloads under "<workload>/<peer>/<parameter>", and the counters every one of them reports.
#ifndef OURO_BENCH_HARNESS_HPP
#define OURO_BENCH_HARNESS_HPP

#include <benchmark/benchmark.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <type_traits>

#include "policies.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif
#ifdef OURO_BENCH_BOOST
#include <boost/version.hpp>
#endif

namespace ouro_bench {

/// A generator every peer language can repeat bit by bit.
class lcg {
 public:
  explicit lcg(std::uint64_t seed) noexcept : state_(seed) {}
  /// A number below `bound`, which must be below 2^31.
  std::size_t below(std::size_t bound) noexcept {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state_ >> 33) % bound;
  }

 private:
  std::uint64_t state_;
};

/// Peak resident memory of this process in MiB; of one workload only if the process ran no other.
inline double peak_rss_mib() {
  // What getrusage says is at least what the parent had resident when it forked, so it comes second.
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib / 1024.0;
  }
#if __has_include(<sys/resource.h>)
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return static_cast<double>(usage.ru_maxrss) / (1024.0 * 1024.0);
#else
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
#endif
#else
  return 0;
#endif
}

inline void report(benchmark::State& state, figures const& before, figures const& after) {
  auto const difference = [](std::size_t from, std::size_t to) {
    return static_cast<double>(to) - static_cast<double>(from);
  };
  state.counters["gen0"] = difference(before.collections[0], after.collections[0]);
  state.counters["gen1"] = difference(before.collections[1], after.collections[1]);
  state.counters["gen2"] = difference(before.collections[2], after.collections[2]);
  state.counters["visited"] = difference(before.visited, after.visited);
  state.counters["freed"] = difference(before.freed, after.freed);
  state.counters["gc_ms"] = (after.collector_seconds - before.collector_seconds) * 1e3;
  state.counters["pause_ms"] = after.longest_pause_seconds * 1e3;
  state.counters["young_pause_ms"] = after.longest_young_pause_seconds * 1e3;
  state.counters["left"] = difference(before.left, after.left);
  state.counters["rss_mib"] = peak_rss_mib();
#if __has_include(<sys/single_threaded.h>)
  // The driver checks it: what the figures of shared_ptr mean depends on it.
  state.counters["single_threaded"] = __libc_single_threaded != 0 ? 1 : 0;
#endif
}

/// Registers a body that has its own loop over the state.
template <class P, class Body>
auto* add_loop(std::string const& workload, std::string const& parameter, Body body) {
  auto const name = workload + "/" + P::name + "/" + parameter;
  auto const run = [body](benchmark::State& state) {
    P::prepare();
    figures const before = P::observe();
    body(state);
    figures const after = P::observe();
    report(state, before, after);
    if (P::frees_all && after.left != before.left) state.SkipWithError("objects are left behind");
  };
  return benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->MeasureProcessCPUTime();
}

/// Runs a program that returns whether its own check of the result held.
template <class Program>
void loop(benchmark::State& state, Program program) {
  for ([[maybe_unused]] auto _ : state) {
    if (!program()) {
      state.SkipWithError("wrong result");
      break;
    }
  }
}

/// Registers a program: it runs once, whole, and returns whether its own check of the result held.
template <class P, class Program>
void add(std::string const& workload, std::string const& parameter, Program program) {
  auto const body = [program](benchmark::State& state) {
    if constexpr (std::is_base_of_v<arena_policy, P>) {
      // Its memory is resident then: page faults are no part of the limit that it stands for.
      program();
      P::rewind();
    }
    loop(state, program);
  };
  add_loop<P>(workload, parameter, body)->Iterations(1)->Unit(benchmark::kMillisecond);
}

/// Registers `body(state, n)`, which returns how many objects a turn of its loop has made, for n from 10^4 to 10^7 as
/// "<n>-objects". Of collectors alone.
template <class P, class Body>
void add_scales(std::string const& workload, Body body) {
  if constexpr (P::collects_cycles) {
    constexpr std::size_t smallest = 10'000, largest = 10'000'000, at_least = 1'000'000;
    for (std::size_t n = smallest; n <= largest; n *= 10) {
      auto const run = [body, n](benchmark::State& state) {
        state.counters["objects"] = static_cast<double>(body(state, n));
      };
      add_loop<P>(workload, std::to_string(n) + "-objects", run)
          ->Iterations(n < at_least ? static_cast<benchmark::IterationCount>(at_least / n) : 1)
          ->Unit(benchmark::kMillisecond);
    }
  }
}

template <class... P>
struct peers {};

template <class F, class... P>
void for_each_peer(peers<P...>, F const& f) {
  (f.template operator()<P>(), ...);
}

/// Calls `f.operator()<P>()` for each peer this program was built with.
///
/// Those that start threads come last, since in one process they slow down shared_ptr for good.
template <class F>
void for_all_peers(F const& f) {
  for_each_peer(peers<ouro_policy, arena_policy, unique_policy, shared_policy>{}, f);
#ifdef OURO_BENCH_BOOST
  for_each_peer(peers<intrusive_policy>{}, f);
#endif
#ifdef OURO_BENCH_BOEHM
  for_each_peer(peers<boehm_policy>{}, f);
#endif
  for_each_peer(peers<shared_mt_policy>{}, f);
}

/// The rest of main() once everything is registered.
inline int run(int argc, char** argv) {
  benchmark::AddCustomContext("ouro", std::to_string(OURO_VERSION));
#ifdef __clang__
  benchmark::AddCustomContext("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
  benchmark::AddCustomContext("compiler", "g++ " __VERSION__);
#endif
#ifdef __OPTIMIZE__
  benchmark::AddCustomContext("optimised", "yes");
#else
  benchmark::AddCustomContext("optimised", "no");
#endif
#ifdef NDEBUG
  benchmark::AddCustomContext("assertions", "off");
#else
  benchmark::AddCustomContext("assertions", "on");
#endif
#ifdef OURO_BENCH_BOOST
  benchmark::AddCustomContext("boost", BOOST_LIB_VERSION);
#endif
#ifdef OURO_BENCH_BOEHM
  auto const version = GC_get_version();
  benchmark::AddCustomContext("boehm", std::to_string(version >> 16) + "." + std::to_string((version >> 8) & 0xff) +
                                           "." + std::to_string(version & 0xff));
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace ouro_bench

#endif
