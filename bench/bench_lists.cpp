// W5 doubly linked lists and W18 deep frees on a small stack.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

template <class P>
struct link {
  std::int64_t value;
  handle<P, link> next = {};
  back<P, link> previous = {};
};

/// Appends `length` links with the values 0, 1, ... in a row.
template <class P>
handle<P, link<P>> build(std::int64_t length) {
  auto head = P::template make<link<P>>(0);
  if constexpr (P::shares) {
    auto tail = head;
    for (std::int64_t i = 1; i < length; ++i) {
      auto fresh = P::template make<link<P>>(i);
      fresh->previous = P::as_back(tail);
      tail->next = fresh;
      tail = std::move(fresh);
    }
  } else {
    auto* tail = head.get();
    for (std::int64_t i = 1; i < length; ++i) {
      auto fresh = P::template make<link<P>>(i);
      fresh->previous = tail;
      auto* const last = fresh.get();
      tail->next = std::move(fresh);
      tail = last;
    }
  }
  return head;
}

/// Drops a list; where destructors would nest as deep as the list is long, link by link.
template <class Head>
void drop(Head& head, bool deep) {
  if (!deep) {
    while (head) head = std::move(head->next);
  }
  head = nullptr;
}

template <class P>
bool lists(std::size_t repetitions, std::int64_t length) {
  bool right = true;
  for (std::size_t i = 0; i < repetitions; ++i) {
    auto head = build<P>(length);
    std::int64_t sum = 0;
    for (link<P> const* at = &*head; at != nullptr; at = at->next ? &*at->next : nullptr) sum += at->value;
    right = right && sum == length * (length - 1) / 2 && P::template raw<link<P>>(head->next->previous) == &*head;
    drop(head, P::frees_deep);
  }
  P::collect();
  return right;
}

template <class P>
struct chain {
  std::int64_t value;
  handle<P, chain> next = {};
};

/// Limits the stack of the main thread for a while, as far as the system lets a process do that to itself.
class small_stack {
 public:
#if __has_include(<sys/resource.h>)
  small_stack() {
    ::getrlimit(RLIMIT_STACK, &before_);
    ::rlimit small = before_;
    small.rlim_cur = 256 * 1024;
    ::setrlimit(RLIMIT_STACK, &small);
  }
  ~small_stack() { ::setrlimit(RLIMIT_STACK, &before_); }

 private:
  ::rlimit before_{};

 public:
#else
  small_stack() = default;
#endif
  small_stack(small_stack const&) = delete;
  small_stack& operator=(small_stack const&) = delete;
};

/// Only the drop is timed. `ring`: the last link leads back to the first, so that counting alone frees nothing.
template <class P>
void deep_free(benchmark::State& state, std::int64_t length, bool ring) {
  small_stack const limit;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto head = P::template make<chain<P>>(0);
    auto* const first = &*head;
    for (std::int64_t i = 1; i < length; ++i) {
      auto fresh = P::template make<chain<P>>(i);
      fresh->next = std::move(head);
      head = std::move(fresh);
    }
    if constexpr (P::collects_cycles) {
      if (ring) first->next = head;
    }
    benchmark::DoNotOptimize(first);
    state.ResumeTiming();
    drop(head, P::frees_deep);
    P::collect();
  }
}

template <class P>
void add_all() {
  add_scales<P>("W5", [](benchmark::State& state, std::size_t n) {
    loop(state, [n] { return lists<P>(1, static_cast<std::int64_t>(n)); });
    return n;
  });
  add<P>("W5", "30x4096", [] { return lists<P>(30, 4'096); });
  add<P>("W5", "1x2000000", [] { return lists<P>(1, 2'000'000); });
  add_scales<P>("W18", [](benchmark::State& state, std::size_t n) {
    deep_free<P>(state, static_cast<std::int64_t>(n), false);
    return n;
  });
  for (std::int64_t const length : {1'000'000, 10'000'000}) {
    auto const parameter = std::to_string(length);
    auto const add_free = [length](std::string const& name, bool ring) {
      add_loop<P>("W18", name, [length, ring](benchmark::State& state) { deep_free<P>(state, length, ring); })
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    };
    if constexpr (!std::is_same_v<P, arena_policy>) add_free(parameter, false);
    if constexpr (P::collects_cycles) add_free(parameter + "-ring", true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for_all_peers([]<class P>() { add_all<P>(); });
  return run(argc, argv);
}
