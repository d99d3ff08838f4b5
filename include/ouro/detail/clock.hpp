// Seconds for the statistics. <chrono> would cost every program more to compile than the collector itself.
#ifndef OURO_DETAIL_CLOCK_HPP
#define OURO_DETAIL_CLOCK_HPP

#include <ouro/fwd.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <time.h>
#elif defined(_WIN32)
extern "C" {
__declspec(dllimport) int __stdcall QueryPerformanceCounter(long long*);
__declspec(dllimport) int __stdcall QueryPerformanceFrequency(long long*);
}
#else
#include <ctime>
#endif

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Since some moment of the past; never goes back where the system has such a clock.
inline double seconds_now() noexcept {
#if defined(_WIN32)
  long long count = 0, frequency = 1;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&frequency);
  return static_cast<double>(count) / static_cast<double>(frequency);
#else
  timespec now{};
#if defined(__unix__) || defined(__APPLE__)
  ::clock_gettime(CLOCK_MONOTONIC, &now);
#else
  std::timespec_get(&now, TIME_UTC);
#endif
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
#endif
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
