// What the comparison measures with: a clock, and a count of the bytes that operator new handed out.
#ifndef OURO_EXAMPLES_PKGGRAPH_MEASURE_HPP
#define OURO_EXAMPLES_PKGGRAPH_MEASURE_HPP

#include <chrono>
#include <cstddef>

namespace pkggraph {

/// The bytes taken through operator new since the program began, what the system allocator adds to each block included
/// where it tells (glibc). Only ever grows: differences are good for steps that free nothing.
std::size_t allocated_bytes() noexcept;

/// Seconds since it was made or last asked.
class stopwatch {
 public:
  double lap() {
    auto const now = std::chrono::steady_clock::now();
    std::chrono::duration<double> const passed = now - start_;
    start_ = now;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What building and dropping one graph cost.
struct graph_figures {
  std::size_t freed_by_counting = 0;
  std::size_t freed_by_collector = 0;
  std::size_t alive = 0;  // in the end
  std::size_t bytes = 0;  // of the objects and their lists of handles
  double build_seconds = 0;
  double count_down_seconds = 0;
  double collect_seconds = 0;
};

}  // namespace pkggraph

#endif
