// How the library speaks of what nobody can catch: exceptions of finalizers and callbacks, and misuse it has found.
#ifndef OURO_DETAIL_REPORT_HPP
#define OURO_DETAIL_REPORT_HPP

#include <ouro/detail/heap_core.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Forbids collections on this thread while it lives: around finalizers, callbacks, hooks and traces.
class no_collection_scope {
 public:
  no_collection_scope() noexcept { ++this_thread_state().no_collection; }
  no_collection_scope(no_collection_scope const&) = delete;
  no_collection_scope& operator=(no_collection_scope const&) = delete;
  ~no_collection_scope() { --this_thread_state().no_collection; }
};

inline void print_report(std::string_view what, std::string_view where, std::string_view type) noexcept {
  std::fprintf(stderr, "ouro: %.*s: %.*s", static_cast<int>(where.size()), where.data(), static_cast<int>(what.size()),
               what.data());
  if (!type.empty()) std::fprintf(stderr, " [type: %.*s]", static_cast<int>(type.size()), type.data());
  std::fputc('\n', stderr);
}

inline void report_exception(heap_core& heap, std::exception_ptr error, std::string_view where,
                             std::string_view type) noexcept {
  no_collection_scope scope;
  if (heap.hook != nullptr) {
    OURO_DETAIL_TRY { return heap.hook(error, where, type); }
    OURO_DETAIL_CATCH_ALL { print_report("the unraisable hook threw, told of what follows", where, type); }
  }
#if OURO_DETAIL_EXCEPTIONS
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& e) {
    print_report(e.what(), where, type);
  } catch (...) {
    print_report("an exception that is no std::exception", where, type);
  }
#endif
}

/// Reports misuse. Goes through the hook as a std::logic_error.
OURO_DETAIL_NOINLINE inline void report(heap_core& heap, char const* message, std::string_view where,
                                        std::string_view type) noexcept {
  if (heap.hook == nullptr) return print_report(message, where, type);
  OURO_DETAIL_TRY { report_exception(heap, std::make_exception_ptr(std::logic_error(message)), where, type); }
  OURO_DETAIL_CATCH_ALL { print_report(message, where, type); }
}

/// Ends a hardened program that went on after misuse.
[[noreturn]] OURO_DETAIL_NOINLINE inline void fail(char const* message, std::string_view where,
                                                   std::string_view type) noexcept {
  print_report(message, where, type);
  std::abort();
}

[[noreturn]] inline void throw_bad_alloc() {
#if OURO_DETAIL_EXCEPTIONS
  throw std::bad_alloc();
#else
  fail("out of memory", "make_gc", {});
#endif
}

template <class Error>
[[noreturn]] void throw_error(Error const& error) {
#if OURO_DETAIL_EXCEPTIONS
  throw error;
#else
  fail(error.what(), "ouro", {});
#endif
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
