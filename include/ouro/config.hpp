// What the compiler and the user ask for: checks, visibility, attributes and the tag that keeps configurations apart.
//
// A user may define, before the first include and alike in every translation unit:
//   OURO_HARDENED      check owner threads, destroyed objects, underflows and repeated edges
//   OURO_SYSTEM_ALLOC  take every object from operator new (for valgrind, heaptrack)
//   OURO_ASSERT(x)     what internal invariants are checked with (default: assert in hardened builds, else nothing)
#ifndef OURO_CONFIG_HPP
#define OURO_CONFIG_HPP

#include <ouro/version.hpp>

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "ouro: C++20 is needed: compile with -std=c++20 (or /std:c++20 /Zc:__cplusplus) or later"
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define OURO_DETAIL_EXCEPTIONS 1
#define OURO_DETAIL_TRY try
#define OURO_DETAIL_CATCH_ALL catch (...)
#define OURO_DETAIL_RETHROW throw
#else
#define OURO_DETAIL_EXCEPTIONS 0
#define OURO_DETAIL_TRY if constexpr (true)
#define OURO_DETAIL_CATCH_ALL else
#define OURO_DETAIL_RETHROW ((void)0)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define OURO_DETAIL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OURO_DETAIL_ASAN 1
#endif
#endif
#ifndef OURO_DETAIL_ASAN
#define OURO_DETAIL_ASAN 0
#endif

// State must be one per process: see "Shared libraries" in docs/design.
#if defined(__GNUC__)
#if defined(_WIN32)
#define OURO_VISIBLE
#define OURO_DETAIL_HIDDEN
#else
#define OURO_VISIBLE __attribute__((visibility("default")))
#define OURO_DETAIL_HIDDEN __attribute__((visibility("hidden")))
#endif
#define OURO_DETAIL_NOINLINE __attribute__((noinline))
#define OURO_DETAIL_INLINE __attribute__((always_inline)) inline
#define OURO_DETAIL_INLINE_LAMBDA __attribute__((always_inline))
#define OURO_DETAIL_PREFETCH(p) __builtin_prefetch(p)
#elif defined(_MSC_VER)
#define OURO_VISIBLE
#define OURO_DETAIL_HIDDEN
#define OURO_DETAIL_NOINLINE __declspec(noinline)
#define OURO_DETAIL_INLINE __forceinline
#define OURO_DETAIL_INLINE_LAMBDA
#define OURO_DETAIL_PREFETCH(p) ((void)(p))
#else
#define OURO_VISIBLE
#define OURO_DETAIL_HIDDEN
#define OURO_DETAIL_NOINLINE
#define OURO_DETAIL_INLINE inline
#define OURO_DETAIL_INLINE_LAMBDA
#define OURO_DETAIL_PREFETCH(p) ((void)(p))
#endif

#if defined(__clang__)
#define OURO_DETAIL_NO_SANITIZE __attribute__((no_sanitize("address", "vptr", "alignment")))
#elif defined(__GNUC__)
#define OURO_DETAIL_NO_SANITIZE __attribute__((no_sanitize("address,vptr,alignment")))
#else
#define OURO_DETAIL_NO_SANITIZE
#endif

// Initialised before, and destroyed after, all statics without a priority of their own.
#if defined(__has_attribute)
#if __has_attribute(init_priority)
#define OURO_DETAIL_INIT_FIRST __attribute__((init_priority(101)))
#endif
#endif
#ifndef OURO_DETAIL_INIT_FIRST
#define OURO_DETAIL_INIT_FIRST
#endif

#if defined(OURO_HARDENED)
#define OURO_DETAIL_HARDENED 1
#else
#define OURO_DETAIL_HARDENED 0
#endif
#if defined(OURO_SYSTEM_ALLOC)
#define OURO_DETAIL_SYSTEM_ALLOC 1
#else
#define OURO_DETAIL_SYSTEM_ALLOC 0
#endif

#ifndef OURO_ASSERT
#if OURO_DETAIL_HARDENED
#include <cassert>
#define OURO_ASSERT(x) assert(x)
#else
#define OURO_ASSERT(x) ((void)0)
#endif
#endif

// Objects built with different checks must not meet: their inline namespaces differ, and the
// configuration is registered at start-up (detail/runtime.hpp), where a mismatch ends the program.
#if OURO_DETAIL_HARDENED && OURO_DETAIL_SYSTEM_ALLOC
#define OURO_DETAIL_ABI v0_hardened_system
#define OURO_DETAIL_ABI_NAME "v0, OURO_HARDENED, OURO_SYSTEM_ALLOC"
#elif OURO_DETAIL_HARDENED
#define OURO_DETAIL_ABI v0_hardened
#define OURO_DETAIL_ABI_NAME "v0, OURO_HARDENED"
#elif OURO_DETAIL_SYSTEM_ALLOC
#define OURO_DETAIL_ABI v0_system
#define OURO_DETAIL_ABI_NAME "v0, OURO_SYSTEM_ALLOC"
#else
#define OURO_DETAIL_ABI v0
#define OURO_DETAIL_ABI_NAME "v0"
#endif

#endif
