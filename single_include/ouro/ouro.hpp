// ouro 0.1.0 in one header. Made by tools/amalgamate.py from include/; change those, not this.
//
// MIT License
//
// Copyright (c) 2026 the ouro authors
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.

// Everything: reference counting with a cycle collector for C++20.
#ifndef OURO_OURO_HPP
#define OURO_OURO_HPP

// The version of the library: the only place where it is written.
#ifndef OURO_VERSION_HPP
#define OURO_VERSION_HPP

#define OURO_VERSION_MAJOR 0
#define OURO_VERSION_MINOR 1
#define OURO_VERSION_PATCH 0

/// One comparable number: 10000 * major + 100 * minor + patch.
#define OURO_VERSION (OURO_VERSION_MAJOR * 10000 + OURO_VERSION_MINOR * 100 + OURO_VERSION_PATCH)

#endif  // OURO_VERSION_HPP

// What the compiler and the user ask for: checks, visibility, attributes and the tag that keeps configurations apart.
//
// A user may define, before the first include and alike in every translation unit:
//   OURO_HARDENED      check owner threads, destroyed objects, underflows and repeated edges
//   OURO_SYSTEM_ALLOC  take every object from operator new (for valgrind, heaptrack)
//   OURO_ASSERT(x)     what internal invariants are checked with (default: assert in hardened builds, else nothing)
#ifndef OURO_CONFIG_HPP
#define OURO_CONFIG_HPP

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

#endif  // OURO_CONFIG_HPP

#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <version>

// Forward declarations: enough to name every public type, and the customisation points a foreign header may specialise.
#ifndef OURO_FWD_HPP
#define OURO_FWD_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

template <class T>
class gc_ptr;
template <class U>
class gc_interior_ptr;
template <class T>
class weak_gc_ptr;
template <class Sig>
class gc_function;
template <class Ref, class Val = void, class Ret = void, class Send = void>
class gc_generator;
template <class Ref, class Val = void, class Ret = void, class Send = void>
class weak_gc_generator;
template <class T>
class gc_local;
template <class V>
class gc_local_value;
template <class T>
class weak_set;
template <class T, class V>
class weak_key_map;

class heap;
class tracer;
struct access;

template <class T>
struct trace_traits;

namespace detail {
struct object_header;
struct type_descriptor;
struct heap_core;
struct page;
class weak_table;
struct handle_access;
struct weak_access;
struct heap_access;
}  // namespace detail

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_FWD_HPP

// Seconds for the statistics. <chrono> would cost every program more to compile than the collector itself.
#ifndef OURO_DETAIL_CLOCK_HPP
#define OURO_DETAIL_CLOCK_HPP

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

#endif  // OURO_DETAIL_CLOCK_HPP

// What <algorithm> and <utility> have as well, but at many times the cost to whoever compiles a program.
#ifndef OURO_DETAIL_VALUES_HPP
#define OURO_DETAIL_VALUES_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class T>
struct same_type {
  using type = T;
};

/// `std::max` and `std::min`, of values. The first argument says of which type.
template <class T>
constexpr T larger(T a, typename same_type<T>::type b) noexcept {
  return a < b ? b : a;
}
template <class T>
constexpr T smaller(T a, typename same_type<T>::type b) noexcept {
  return b < a ? b : a;
}

/// `std::exchange`, which costs the compiler thirty times as much for every type.
template <class T>
constexpr T replace(T& place, typename same_type<T>::type value) noexcept {
  T before = static_cast<T&&>(place);
  place = static_cast<T&&>(value);
  return before;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_VALUES_HPP

// The eight bytes in front of every object: its count, its place in the collector's books, its state.
//
//   | word: 32 | slot: 16 | weak: 8 | flags: 8 | object ...
//
// `word` counts the handles, and says whether dropping one that is not the last takes the slow path:
//
//   0, 1, 2 ..                   1, 2, 3 .. handles; none: 0xffffffff
//   0xc0000000, 0xc0000001 ..    1, 2, 3 .. handles, and slow, as bit 15 of the slot says, too; none: 0xbfffffff
//   0x40000000                   none, while it waits for its destructor and `slot` is a link
//   anything                     immortal: `slot` is `slot_slow`, and every drop sets the word to `sticky_word`
//
// So a copy is one change of memory and a branch for what is no count any more, zero; and a drop is one change of memory
// and a branch for what is negative as a signed number: the last handle is gone, or the object is slow.
//
// `slot` says what the collector knows of a tracked object:
//   0x0000..0x1fff   its index in the candidate buffer (the buffer keeps the birth epoch)
//   0x7ffe           a leaf: never tracked
//   0x7fff           generation 2, and its count fell since the last full collection
//   0x8000           free, dying or immortal
//   0x8001..0xffef   0x8000 + birth epoch: tracked, no candidate
//   0xfff0..         a member of the set that a running collection looks at
// With bit 15 set, dropping a handle that is not the last one makes a candidate of the object, tells a running trace
// that a handle was dropped under its feet, or finds that the object is immortal or dead.
// While an object is queued for its destructor `slot` links it to the next one of its page.
#ifndef OURO_DETAIL_OBJECT_HEADER_HPP
#define OURO_DETAIL_OBJECT_HEADER_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

enum class object_state : std::uint8_t {
  free,          // the block is on a free list
  constructing,  // the constructor has not returned: never collected
  live,
  queued,      // its count is zero, its destructor waits
  destroying,  // its destructor runs, or its collection has decided to run it
  zombie,      // handles escaped from a constructor that threw, or from a destructor: the block is never reused
  dead         // destroyed; weak handles keep the block, so that its address stays their own
};

struct object_header {
  std::uint32_t word;
  std::uint16_t slot;
  std::uint8_t weak;
  std::uint8_t flags;
};
static_assert(sizeof(object_header) == 8);

inline constexpr std::uint8_t state_mask = 0x07;
inline constexpr std::uint8_t flag_finalized = 0x08;
inline constexpr std::uint8_t flag_large = 0x10;
inline constexpr std::uint8_t flag_side = 0x20;  // the heap's side table has a record of the object

inline constexpr std::uint16_t slot_candidate_limit = 0x2000;
inline constexpr std::uint16_t slot_leaf = 0x7ffe;
inline constexpr std::uint16_t slot_old = 0x7fff;
inline constexpr std::uint16_t slot_slow = 0x8000;
inline constexpr std::uint16_t slot_oldest = 0x8001;
inline constexpr std::uint16_t slot_epoch_limit = 0xffef;
inline constexpr std::uint16_t slot_in_set = 0xfff0;     // in S, not known to be alive
inline constexpr std::uint16_t slot_root = 0xfff1;       // in S, alive whatever its count says
inline constexpr std::uint16_t slot_reached = 0xfff2;    // in S, alive
inline constexpr std::uint16_t slot_traced = 0xfff3;     // in S, alive, and so is all it leads to
inline constexpr std::uint16_t slot_condemned = 0xfff4;  // about to be destroyed

inline constexpr std::uint32_t slow_word = 0xc0000000u;
inline constexpr std::uint32_t slow_none = slow_word - 1;   // slow, and no handles
inline constexpr std::uint32_t below_zero = slow_none - 1;  // one more was dropped than made
inline constexpr std::uint32_t queued_word = 0x40000000u;  // far from zero on both sides, so that misuse leaves a trace
inline constexpr std::uint32_t sticky_word = 0x90000000u;
/// No collection looks at objects with as many handles, and if they are slow, a drop makes them immortal.
inline constexpr std::uint32_t sticky_count = 0x20000000u;

constexpr bool is_slow(std::uint16_t slot) noexcept { return (slot & slot_slow) != 0; }
constexpr std::uint32_t make_word(std::uint32_t count, std::uint16_t slot) noexcept {
  return (is_slow(slot) ? slow_none : std::uint32_t{0} - 1) + count;
}
constexpr object_header make_header(std::uint32_t count, std::uint16_t slot, std::uint8_t weak,
                                    std::uint8_t flags) noexcept {
  return {make_word(count, slot), slot, weak, flags};
}
constexpr object_header make_header(std::uint32_t count, std::uint16_t slot, object_state s) noexcept {
  return make_header(count, slot, 0, static_cast<std::uint8_t>(s));
}
/// The number of handles.
constexpr std::uint32_t count_of(object_header const& h) noexcept { return h.word - make_word(0, h.slot); }
constexpr void set_count(object_header& h, std::uint32_t count) noexcept { h.word = make_word(count, h.slot); }
/// These keep the count. Preconditions: the object was slow and will be quick, or the other way around.
constexpr void set_quick_slot(object_header& h, std::uint16_t slot) noexcept {
  h.slot = slot;
  h.word -= slow_word;
}
constexpr void set_slow_slot(object_header& h, std::uint16_t slot) noexcept {
  h.slot = slot;
  h.word += slow_word;
}

inline constexpr object_header header_of_free_block = make_header(0, slot_slow, object_state::free);
/// Slot, weak count and flags as one number. Weak handles are counted in it, and the state of a new object changes in it:
/// some processors wait for a store of a byte to reach the cache before a load of more than that byte.
inline constexpr int weak_shift = std::endian::native == std::endian::big ? 8 : 16;
inline constexpr int flags_shift = std::endian::native == std::endian::big ? 0 : 24;
constexpr std::uint32_t second_word(object_header h) noexcept {
  auto const word = std::bit_cast<std::uint64_t>(h);
  return static_cast<std::uint32_t>(std::endian::native == std::endian::big ? word : word >> 32);
}
inline std::uint32_t load_second_word(object_header const* h) noexcept {
  std::uint32_t word;
  std::memcpy(&word, reinterpret_cast<char const*>(h) + 4, sizeof word);
  return word;
}
inline void store_second_word(object_header* h, std::uint32_t word) noexcept {
  std::memcpy(reinterpret_cast<char*>(h) + 4, &word, sizeof word);
}

inline object_state state_of(object_header const& h) noexcept {
  return static_cast<object_state>(h.flags & state_mask);
}
inline std::uint8_t with_state(object_header const& h, object_state s) noexcept {
  return static_cast<std::uint8_t>((h.flags & ~state_mask) | static_cast<std::uint8_t>(s));
}
inline void set_state(object_header& h, object_state s) noexcept { h.flags = with_state(h, s); }
/// Objects that are free or die have that slot, too.
inline bool is_immortal(object_header const& h) noexcept {
  return h.slot == slot_slow && (state_of(h) == object_state::live || state_of(h) == object_state::zombie);
}
inline bool is_sticky(object_header const& h) noexcept { return is_immortal(h) || count_of(h) >= sticky_count; }
/// One instruction. Precondition: the state is `constructing`.
inline void become_live(object_header& h) noexcept {
  constexpr std::uint32_t change =
      static_cast<std::uint32_t>(object_state::constructing) ^ static_cast<std::uint32_t>(object_state::live);
  store_second_word(&h, load_second_word(&h) ^ change << flags_shift);
}
inline bool is_large(object_header const& h) noexcept { return (h.flags & flag_large) != 0; }
inline bool is_live_in_page(object_header const& h) noexcept {
  return (h.flags & (state_mask | flag_large)) == static_cast<std::uint8_t>(object_state::live);
}
inline bool is_candidate(object_header const& h) noexcept { return h.slot < slot_candidate_limit; }

inline void* object_of(object_header* h) noexcept { return h + 1; }
inline object_header* header_of(void const* object) noexcept {
  return static_cast<object_header*>(const_cast<void*>(object)) - 1;
}

/// An object that a collection looks at, and its count before: one word, since there may be millions of them.
///
///   | address / 8: 48 | large: 1 | opaque: 1 | count: 14 |
///
/// Addresses have no more than 51 bits: the registry takes no others. Counts that do not fit are kept elsewhere.
class work_entry {
 public:
  static constexpr std::uint32_t big_count = 0x3fff;

  work_entry() noexcept = default;
  /// `count`: what the entry is to keep, for those who need it.
  explicit work_entry(object_header* h, std::uint32_t count = 0) noexcept
      : work_entry(small(), h, smaller(count, big_count)) {
    if ((h->flags & flag_large) != 0) bits_ |= large_bit;
  }
  /// Faster. Preconditions: the object lies in a page, and the count is less than `big_count`.
  static work_entry of_small(object_header* h, std::uint32_t count) noexcept { return {small(), h, count}; }

  object_header* header() const noexcept {
    return reinterpret_cast<object_header*>(static_cast<std::uintptr_t>(bits_ >> 16 << 3));
  }
  bool is_large() const noexcept { return (bits_ & large_bit) != 0; }
  /// Do both lie in one block of 2^`log` bytes that is aligned to them?
  bool is_near(work_entry other, int log) const noexcept { return (bits_ ^ other.bits_) >> (13 + log) == 0; }
  /// The count that was given, or `big_count` for that and all above.
  std::uint32_t count() const noexcept { return bits_ & big_count; }

  /// An object is opaque if its trace cannot be trusted: it is alive, and so is all it leads to.
  bool is_opaque() const noexcept { return (bits_ & opaque_bit) != 0; }
  void make_opaque() noexcept { bits_ |= opaque_bit; }

 private:
  struct small {};
  work_entry(small, object_header* h, std::uint32_t count) noexcept
      : bits_(std::uint64_t{reinterpret_cast<std::uintptr_t>(h)} << 13 | count) {}

  static constexpr std::uint64_t opaque_bit = 0x4000, large_bit = 0x8000;
  std::uint64_t bits_;
};
static_assert(sizeof(work_entry) == 8);

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_OBJECT_HEADER_HPP

// Memory from the operating system in chunks, aligned to their size, from which heaps cut their pages.
#ifndef OURO_DETAIL_OS_MEMORY_HPP
#define OURO_DETAIL_OS_MEMORY_HPP

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#define OURO_DETAIL_MMAP 1
#elif defined(_WIN32)
// Declared here, not included: <windows.h> would bring its macros into every program.
extern "C" {
__declspec(dllimport) void* __stdcall VirtualAlloc(void*, decltype(sizeof(0)), unsigned long, unsigned long);
__declspec(dllimport) int __stdcall VirtualFree(void*, decltype(sizeof(0)), unsigned long);
}
#endif
#ifndef OURO_DETAIL_MMAP
#define OURO_DETAIL_MMAP 0
#endif

#if OURO_DETAIL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

inline constexpr std::size_t page_bytes = 64 * 1024;
#if OURO_DETAIL_MMAP || defined(_WIN32)
inline constexpr std::size_t chunk_pages = 64;
#else
inline constexpr std::size_t chunk_pages = 8;
#endif
inline constexpr std::size_t chunk_bytes = chunk_pages * page_bytes;

/// Reserves a zeroed chunk aligned to `chunk_bytes`, or returns null.
inline void* os_reserve_chunk() noexcept {
#if OURO_DETAIL_MMAP
  void* raw = ::mmap(nullptr, 2 * chunk_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (raw == MAP_FAILED) {
    return nullptr;
  }
  auto const begin = reinterpret_cast<std::uintptr_t>(raw);
  auto const aligned = (begin + chunk_bytes - 1) & ~(chunk_bytes - 1);
  if (aligned != begin) ::munmap(raw, aligned - begin);
  if (auto const tail = begin + chunk_bytes - aligned; tail != 0) {
    ::munmap(reinterpret_cast<void*>(aligned + chunk_bytes), tail);
  }
  void* chunk = reinterpret_cast<void*>(aligned);
#elif defined(_WIN32)
  constexpr unsigned long reserve = 0x2000, commit = 0x1000, read_write = 0x04, release = 0x8000;
  void* chunk = nullptr;
  for (int attempt = 0; attempt < 8 && chunk == nullptr; ++attempt) {
    void* raw = VirtualAlloc(nullptr, 2 * chunk_bytes, reserve, read_write);
    if (raw == nullptr) return nullptr;
    auto const aligned = (reinterpret_cast<std::uintptr_t>(raw) + chunk_bytes - 1) & ~(chunk_bytes - 1);
    VirtualFree(raw, 0, release);  // another thread may take the place in between, hence the attempts
    chunk = VirtualAlloc(reinterpret_cast<void*>(aligned), chunk_bytes, reserve | commit, read_write);
  }
  if (chunk == nullptr) return nullptr;
#else
  void* chunk = ::operator new(chunk_bytes, std::align_val_t{chunk_bytes}, std::nothrow);
  if (chunk == nullptr) return nullptr;
  __builtin_memset(chunk, 0, chunk_bytes);
#endif
#if OURO_DETAIL_ASAN
  __lsan_register_root_region(chunk, chunk_bytes);  // handles in objects keep what they own alive
#endif
  return chunk;
}

/// Fewer page faults and misses of the address cache, where the system has huge pages to give.
inline void os_prefer_huge_pages([[maybe_unused]] void* chunk) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  ::madvise(chunk, chunk_bytes, MADV_HUGEPAGE);
#endif
}

/// Takes all page faults of the memory in one call, where the system can.
inline void os_populate([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_POPULATE_WRITE)
  ::madvise(begin, bytes, MADV_POPULATE_WRITE);
#endif
}

inline void os_release_chunk(void* chunk) noexcept {
#if OURO_DETAIL_ASAN
  ASAN_UNPOISON_MEMORY_REGION(chunk, chunk_bytes);
  __lsan_unregister_root_region(chunk, chunk_bytes);
#endif
#if OURO_DETAIL_MMAP
  ::munmap(chunk, chunk_bytes);
#elif defined(_WIN32)
  VirtualFree(chunk, 0, 0x8000);
#else
  ::operator delete(chunk, std::align_val_t{chunk_bytes});
#endif
}

/// Gives the memory of `bytes` at `begin` back and keeps the addresses; it reads as zero afterwards.
inline void os_decommit(void* begin, std::size_t bytes) noexcept {
#if OURO_DETAIL_ASAN
  ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
#endif
#if defined(__linux__)
  ::madvise(begin, bytes, MADV_DONTNEED);
#elif OURO_DETAIL_MMAP
  ::mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0);
#elif defined(_WIN32)
  VirtualFree(begin, bytes, 0x4000);
  VirtualAlloc(begin, bytes, 0x1000, 0x04);
#else
  __builtin_memset(begin, 0, bytes);
#endif
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_OS_MEMORY_HPP

// The visitor that every trace function feeds: it only records which handle lies where and what it points to.
//
//   trace function --> report(slot, target) --> [ edge | edge | edge ... ] --> flush: one pass of the collector
//
// Recording first and looking at the targets later gives the memory system time: the target's header is
// prefetched when the edge is recorded and read some dozens of edges later.
#ifndef OURO_DETAIL_TRACER_HPP
#define OURO_DETAIL_TRACER_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// One handle that lies inside a traced object.
struct edge {
  void** slot;            // the word of the handle; nulled when garbage is torn down
  std::uintptr_t target;  // the complete object's header, or (lowest bit set) a polymorphic subobject
};

/// What the trace functions run for. Only keyed containers (whose order or hash depends on handles) look at it.
enum class trace_pass : unsigned char {
  visit,        // report every edge
  clear,        // report edges that are to be nulled: skip keyed containers
  clear_keyed,  // empty keyed containers, report nothing
  find_watches  // weak handles with callbacks: their own are not called
};

/// Specialised by every handle type: `is_handle`, `is_traced`, `is_hand_traced`, `trace(handle, tracer)`.
template <class T>
struct handle_traits {
  static constexpr bool is_handle = false;
};

template <class T>
void trace_value(T const& value, tracer& t) noexcept;

struct tracer_access;

}  // namespace detail

/// What a hand-written `gc_trace` calls with each traced member, once: `t(children_, parent_)`.
///
/// Precondition: called with members of the object being traced, not with copies. A member named twice, or a copy of a
/// handle, is reported and makes the object count as alive. Complexity: linear in the number of handles.
/// CPython's counterpart is `tp_traverse` with `Py_VISIT`.
class tracer {
 public:
  tracer(tracer const&) = delete;
  tracer& operator=(tracer const&) = delete;

  /// Visits these members. Compiles only for types that are `traceable`.
  template <class... M>
  void operator()(M const&... member) noexcept {
    (detail::trace_value(member, *this), ...);
  }

 protected:
  friend struct detail::tracer_access;
  using flush_function = void (*)(tracer&) noexcept;

  // Puts a part aside until the trace has come back; false when there is no memory to remember it.
  using part_function = void (*)(void const* part, tracer&) noexcept;
  using defer_function = bool (*)(tracer&, void const* part, part_function) noexcept;
  // Takes a weak container; what its entries hold is traced when their objects are alive, too.
  using table_function = void (*)(tracer&, detail::weak_table&) noexcept;

  // Takes `n` handles in a row, null ones too; null where each of them is to be reported.
  using array_function = void (*)(tracer&, void** first, std::size_t n, bool polymorphic) noexcept;

  tracer(detail::edge* first, detail::edge* last, flush_function flush, defer_function defer, detail::trace_pass pass,
         table_function meet_table = nullptr, array_function take_array = nullptr) noexcept
      : next_(first),
        first_(first),
        last_(last),
        flush_(flush),
        defer_(defer),
        meet_table_(meet_table),
        take_array_(take_array),
        pass_(pass) {}
  ~tracer() = default;

  detail::edge* next_;
  detail::edge* first_;
  detail::edge* last_;
  flush_function flush_;
  defer_function defer_;
  table_function meet_table_;
  array_function take_array_;
  unsigned nesting_ = 0;
  detail::trace_pass pass_;
  bool met_destroyed_ = false;
  bool in_use_ = false;
};

namespace detail {

/// The side of a tracer that handles and containers talk to.
struct tracer_access {
  /// Records an edge; `target` as in `edge`, never null.
  static void report(tracer& t, void** slot, std::uintptr_t target) noexcept {
    OURO_DETAIL_PREFETCH(reinterpret_cast<void const*>(target));
    *t.next_++ = edge{slot, target};
    if (t.next_ == t.last_) t.flush_(t);
  }

  /// Records the edges of many handles at once, `polymorphic` as above. False when it does not.
  static bool report_array(tracer& t, void** first, std::size_t n, bool polymorphic) noexcept {
    if (t.take_array_ == nullptr) return false;
    t.take_array_(t, first, n, polymorphic);
    return true;
  }

  /// Traces a part that lies on the free store, as an element of a chain of them may: deep ones wait in a list.
  static void descend(tracer& t, void const* part, tracer::part_function trace) noexcept {
    constexpr unsigned deepest = 32;
    if (t.nesting_ >= deepest && t.defer_(t, part, trace)) return;
    ++t.nesting_;
    trace(part, t);
    --t.nesting_;
  }

  static void report_table(tracer& t, weak_table& table) noexcept {
    if (t.meet_table_ != nullptr) t.meet_table_(t, table);
  }

  /// A handle that has been destroyed is still reachable (hardened builds see it).
  static void report_destroyed(tracer& t) noexcept { t.met_destroyed_ = true; }

  static bool take_destroyed(tracer& t) noexcept { return replace(t.met_destroyed_, false); }

  /// The object counts as alive: somebody uses it without a handle. Only types with `hand_traced` may say so.
  static void report_in_use(tracer& t) noexcept { t.in_use_ = true; }

  static bool take_in_use(tracer& t) noexcept { return replace(t.in_use_, false); }

  static trace_pass pass(tracer const& t) noexcept { return t.pass_; }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_TRACER_HPP

// The untyped part of weak containers: entries that belong to an object and to a table, and die with either.
//
// An entry is an ephemeron: what it holds is alive if both its object and its table are. The collector therefore meets it
// on two ways, from the object (see detail/side_slots.hpp) and from the table, counts its handles once, and takes them
// for alive when it has reached both.
//
// B. Hayes, "Ephemerons: a New Finalization Mechanism" (OOPSLA 1997) has the idea.
#ifndef OURO_DETAIL_WEAK_TABLE_HPP
#define OURO_DETAIL_WEAK_TABLE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// A place in a list whose head is a plain pointer, and which a node can leave without knowing the head.
template <class Node>
struct list_hook {
  Node* next = nullptr;
  Node** link = nullptr;  // the pointer that points to this node; null outside of lists
};
template <class Node>
void link_front(Node*& first, Node* node) noexcept {
  node->next = first;
  node->link = &first;
  if (first != nullptr) first->link = &node->next;
  first = node;
}
template <class Node>
void unlink(Node* node) noexcept {
  *node->link = node->next;
  if (node->next != nullptr) node->next->link = node->link;
  node->link = nullptr;
}

/// One entry. The hook is its place in its object's list.
struct weak_entry : list_hook<weak_entry> {
  weak_entry() = default;
  weak_entry(weak_entry const&) = delete;
  weak_entry& operator=(weak_entry const&) = delete;
  virtual ~weak_entry() = default;

  /// Reports the handles in its key and value.
  virtual void trace(tracer&) const noexcept {}
  /// Gives the memory back without a destructor. Precondition: `plain`.
  virtual void forget() noexcept {}

  object_header* object = nullptr;
  std::uint32_t round = 0;  // the trial that has counted it
  bool traced = false;      // it may hold handles
  bool hand_traced = false;
  bool keyed = false;
  bool plain = false;                   // its destructor does nothing but drop the handles that `trace` reports
  weak_table* table = nullptr;          // null once it has left
  weak_entry* next_in_table = nullptr;  // in the order of insertion
  weak_entry* previous_in_table = nullptr;
  weak_entry* next_in_bucket = nullptr;
  std::size_t hash = 0;
};

/// Hashes of objects keep neighbours together, since garbage is torn down page by page. Different pages are kept apart.
inline std::size_t hash_of(object_header const* h) noexcept {
  auto const address = reinterpret_cast<std::uintptr_t>(h);
  return static_cast<std::size_t>(address / 16 + (std::uint64_t{address} >> 16) * 0x9e3779b97f4a7c15u);
}
/// For hashes of unknown quality: the upper half of the product depends on all bits (Knuth, TAOCP volume 3, 6.4).
inline std::size_t mixed_hash(std::size_t hash) noexcept {
  return static_cast<std::size_t>(std::uint64_t{hash} * 0x9e3779b97f4a7c15u >> 32);
}

/// Entries in the order of insertion, found by the lower bits of a hash. Leaving is O(1), and runs no code of the user.
class weak_table {
 public:
  weak_table() = default;
  weak_table(weak_table const&) = delete;
  weak_table& operator=(weak_table const&) = delete;
  virtual ~weak_table() { delete[] buckets_; }

  std::size_t size() const noexcept { return size_; }
  weak_entry* first() const noexcept { return first_; }

  template <class Equal>
  weak_entry* find(std::size_t hash, Equal equal) const {
    if (size_ == 0) return nullptr;
    for (weak_entry* e = *bucket(hash); e != nullptr; e = e->next_in_bucket) {
      if (e->hash == hash && equal(*e)) return e;
    }
    return nullptr;
  }

  /// Makes room for one more entry. Throws std::bad_alloc.
  void reserve_one() {
    if (size_ < bucket_count_) return;
    std::size_t const count = bucket_count_ == 0 ? 8 : bucket_count_ * 2;
    auto* const buckets = new weak_entry*[count]();
    delete[] buckets_;
    buckets_ = buckets;
    bucket_count_ = count;
    for (weak_entry* e = first_; e != nullptr; e = e->next_in_table) put_in_bucket(*e);
  }

  /// Precondition: there is room.
  void link(weak_entry& e) noexcept {
    e.table = this;
    e.previous_in_table = last_;
    e.next_in_table = nullptr;
    (last_ != nullptr ? last_->next_in_table : first_) = &e;
    last_ = &e;
    put_in_bucket(e);
    ++size_;
  }

  void unlink(weak_entry& e) noexcept {
    weak_entry** place = bucket(e.hash);
    while (*place != &e) place = &(*place)->next_in_bucket;
    *place = e.next_in_bucket;
    (e.previous_in_table != nullptr ? e.previous_in_table->next_in_table : first_) = e.next_in_table;
    (e.next_in_table != nullptr ? e.next_in_table->previous_in_table : last_) = e.previous_in_table;
    e.table = nullptr;
    --size_;
  }

  /// The object of an entry dies. The entry stays on the object's list, and is deleted after the object.
  virtual void lose(weak_entry& e) noexcept { unlink(e); }

  std::uint32_t counted_round = 0;  // the trial that has met it inside S,
  std::uint32_t reached_round = 0;  // and the one that has found it alive there

 private:
  weak_entry** bucket(std::size_t hash) const noexcept { return &buckets_[hash & (bucket_count_ - 1)]; }
  void put_in_bucket(weak_entry& e) noexcept {
    weak_entry** const place = bucket(e.hash);
    e.next_in_bucket = *place;
    *place = &e;
  }

  weak_entry* first_ = nullptr;
  weak_entry* last_ = nullptr;
  std::size_t size_ = 0;
  weak_entry** buckets_ = nullptr;
  std::size_t bucket_count_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_WEAK_TABLE_HPP

// What only few objects need, and their headers have no room for.
//
//   object --> side_slot --> entries       of weak containers
//                        --> side_record --> views     what weak handles share that an address is not enough for
//                                        --> watches   weak handles with callbacks, newest first
//
// Slots lie beside the page, or in the prefix of a large block. The header's `flag_side` tells whether there is something
// in the object's.
#ifndef OURO_DETAIL_SIDE_RECORD_HPP
#define OURO_DETAIL_SIDE_RECORD_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

struct side_record;

/// Shared by weak handles to a large object, whose block is not kept for them, or to one with more of them than the
/// header can count.
struct weak_view : list_hook<weak_view> {
  object_header* header = nullptr;  // null once a large object has died
  void* pointer = nullptr;
  std::uintptr_t identity = 0;
  std::size_t handles = 0;
  side_record* side = nullptr;
};

/// A callback, with the type of its argument forgotten.
struct weak_callback {
  weak_callback() = default;
  weak_callback(weak_callback const&) = delete;
  weak_callback& operator=(weak_callback const&) = delete;
  virtual ~weak_callback() = default;
  /// `word`: of a weak handle, which is taken over.
  virtual void call(std::uintptr_t word) = 0;
  virtual void trace(tracer&) const noexcept {}
};

/// A weak handle with a callback, and once it is dead its copies.
struct weak_watch : list_hook<weak_watch> {
  std::uintptr_t plain = 0;           // the word of a copy
  weak_callback* callback = nullptr;  // null once it has been called
  side_record* side = nullptr;        // null once the handle is dead
  std::uint64_t serial = 0;           // the newest has the greatest
  std::size_t handles = 1;
};

/// The hook is its place among the records of tracked leaves.
struct side_record : list_hook<side_record> {
  object_header* header = nullptr;
  weak_view* views = nullptr;
  weak_watch* watches = nullptr;
  std::uintptr_t identity = 0;  // what weak handles compare: of a large object's block there may be another one later

  /// Of a leaf that the collector looks at, since handles hang on it.
  bool tracked_leaf() const noexcept { return link != nullptr; }
  bool empty() const noexcept { return views == nullptr && watches == nullptr && !tracked_leaf(); }
};

struct side_slot {
  weak_entry* entries = nullptr;
  side_record* record = nullptr;

  void move_to(side_slot& other) noexcept {
    other = *this;
    if (entries != nullptr) entries->link = &other.entries;
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_SIDE_RECORD_HPP

// What the untyped parts know of a type: how to destroy, trace and finalize it, and where its pages are.
#ifndef OURO_DETAIL_TYPE_DESCRIPTOR_HPP
#define OURO_DETAIL_TYPE_DESCRIPTOR_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Objects of at most this many bytes come from pages, larger ones from operator new.
inline constexpr std::size_t largest_pooled_object = 512;
/// With the header, and the length of an array.
inline constexpr std::size_t largest_pooled_block = largest_pooled_object + 16;
/// Array blocks are rounded up to size classes of this many bytes.
inline constexpr std::size_t array_class_bytes = 16;
inline constexpr std::uint32_t array_classes = largest_pooled_block / array_class_bytes + 1;
inline constexpr std::uint32_t no_bin = 0x80000000u;  // with a size class added it is none either

/// What the collector has to know before it takes a short cut.
using type_traits_set = std::uint8_t;
inline constexpr type_traits_set has_finalize = 1;
inline constexpr type_traits_set is_hand_written = 2;  // users wrote the trace of some part: its reports are checked
inline constexpr type_traits_set has_keyed_parts = 4;  // a container whose order or hash depends on handles
inline constexpr type_traits_set has_destructor = 8;   // that does more than to drop handles

struct object_header;
class work_entry;

struct type_descriptor {
  void (*destroy)(work_entry const* first, work_entry const* last) noexcept;         // null: nothing to do
  void (*trace)(work_entry const* first, work_entry const* last, tracer&) noexcept;  // null: a leaf
  void (*die)(object_header*) noexcept;  // what dropping the last handle does, see `drop_slow`
  void (*finalize)(void* object);        // null: none
  std::string_view (*name)() noexcept;
  void (*throw_pointer)(void* object);  // hardened: throws a pointer to the object, of its type; else null
  std::uint32_t alignment;
  bool is_array;
  type_traits_set traits;
  bool (*defer_death)(object_header*) noexcept = nullptr;  // of a generator: is it in use, and dies later?

  // Index of the type's bin in every heap's table (for arrays: of the first of `array_classes` bins).
  mutable std::atomic<std::uint32_t> bin{no_bin};

  bool tracked() const noexcept { return trace != nullptr; }
  bool hand_traced() const noexcept { return (traits & is_hand_written) != 0; }
  bool keyed() const noexcept { return (traits & has_keyed_parts) != 0; }
  // The `destroy` of a generator does what its `finalize` does, which only collections call.
  bool is_generator() const noexcept { return defer_death != nullptr; }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_TYPE_DESCRIPTOR_HPP

// Pages of blocks of one type, and the prefix of blocks too large for a page.
//
//   page, 64 KiB, aligned:   | page header | pad | h object | h object | h object | ...      h: object_header
//   large block:             | large_prefix .. length | h object ...
//   array block:             | length | h element element ...
//
// A free block has the state `free` in its header and the next free block in its first body word. Blocks are carved
// a few at a time, so that a type with one object touches one page of the operating system.
#ifndef OURO_DETAIL_PAGE_HPP
#define OURO_DETAIL_PAGE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Book-keeping of one chunk of pages, kept outside of the chunk so that free pages hold no memory.
struct chunk {
  void* memory;
  chunk* next;
  std::uint64_t in_use;  // bit i: page i holds blocks of a type, or entries
  std::uint64_t dirty;   // bit i: page i is free but its memory has not been given back
};
static_assert(chunk_pages <= 64);

/// What freeing a block of the page takes.
enum class page_mode : std::uint8_t {
  plain,    // it has free blocks and is on its bin's list: the block joins the free ones
  current,  // a bin allocates from it: the block goes to the bin
  full,     // it has no free blocks: it joins its bin's list first
  counted   // the heap keeps exact figures, or is closed
};

/// `used` of a current page starts here, so that frees, which count it down, leave it alone; the bin knows better.
inline constexpr std::uint32_t current_used = 0x40000000u;

struct page {
  heap_core* heap;
  type_descriptor const* type;
  void (*die)(object_header*) noexcept;  // the type's
  object_header** free_into;  // the list that freed blocks join: the page's or the bin's; null: it takes more
  object_header* free_list;   // of a current page empty: the bin has it
  std::uint32_t used;         // blocks that are not on `free_list`
  page_mode mode;
  bool partial;  // it is on its bin's list of pages with free blocks
  bool tracked;
  std::uint32_t bin;
  std::uint32_t block_bytes;
  std::uint32_t per_block;    // more than 2^32 / block_bytes, by at most 1: it numbers blocks without a division
  std::uint32_t capacity;     // blocks that fit
  std::uint32_t carved;       // blocks that have been made
  std::uint32_t charged;      // blocks that are part of the heap's `bytes`
  std::uint32_t condemned;    // objects that a running collection is about to free
  std::uint16_t last_birth;   // no younger object is in it (unless it is current)
  std::uint16_t queue;        // first block that waits for its destructor, in 8-byte units; 0: none
  std::uint16_t first_block;  // offset of the first block's header
  std::uint16_t side_count;   // blocks that `sides` has room for
  side_slot* sides;
  page* next;  // all pages of the heap with this trackedness
  page* previous;
  page* next_partial;
  page* previous_partial;
  page* next_queued;
  chunk* owner;

  object_header* block(std::size_t index) noexcept {
    return reinterpret_cast<object_header*>(reinterpret_cast<char*>(this) + first_block + index * block_bytes);
  }
};
inline constexpr std::size_t page_header_bytes = 144;
static_assert(sizeof(page) <= page_header_bytes);

/// Calls `f(header)` for the blocks that the page has now, free ones too.
template <class F>
void for_each_block(page& p, F f) {
  std::size_t const step = p.block_bytes;
  char* const end = reinterpret_cast<char*>(p.block(p.carved));
  for (char* block = reinterpret_cast<char*>(p.block(0)); block != end; block += step) {
    f(reinterpret_cast<object_header*>(block));
  }
}

inline page* page_of(object_header const* h) noexcept {
  return reinterpret_cast<page*>(reinterpret_cast<std::uintptr_t>(h) & ~(page_bytes - 1));
}

/// Precedes the header of a large object.
struct large_prefix {
  large_prefix* next;
  large_prefix* previous;
  heap_core* heap;
  type_descriptor const* type;
  object_header* next_queued;
  void* allocation;  // what operator new returned
  std::size_t bytes;
  large_prefix* lower;  // in the registry's tree
  large_prefix* higher;
  side_slot side;
  std::size_t length;  // of an array; where array blocks keep it too

  object_header* header() noexcept { return reinterpret_cast<object_header*>(this + 1); }
};

inline large_prefix* prefix_of(object_header const* h) noexcept {
  return reinterpret_cast<large_prefix*>(const_cast<object_header*>(h)) - 1;
}

inline std::uint32_t block_index(page const& p, void const* inside) noexcept {
  std::uint64_t const offset = reinterpret_cast<std::uintptr_t>(inside) % page_bytes - p.first_block;
  return static_cast<std::uint32_t>(offset * p.per_block >> 32);  // exact, since offset * block_bytes < 2^32
}

inline heap_core& heap_of(object_header const* h) noexcept {
  return is_large(*h) ? *prefix_of(h)->heap : *page_of(h)->heap;
}
inline type_descriptor const& type_of(object_header const* h) noexcept {
  return is_large(*h) ? *prefix_of(h)->type : *page_of(h)->type;
}
inline std::size_t bytes_of(object_header const* h) noexcept {
  return is_large(*h) ? prefix_of(h)->bytes : page_of(h)->block_bytes;
}
/// Elements of an array block.
inline std::size_t& length_of(object_header const* h) noexcept {
  return *(reinterpret_cast<std::size_t*>(const_cast<object_header*>(h)) - 8 / sizeof(std::size_t));
}

/// The next free block is stored in the block's body, which AddressSanitizer takes for dead.
OURO_DETAIL_NO_SANITIZE inline object_header* next_free(object_header const* h) noexcept {
  return *reinterpret_cast<object_header* const*>(h + 1);
}
OURO_DETAIL_NO_SANITIZE inline void set_next_free(object_header* h, object_header* next) noexcept {
  *reinterpret_cast<object_header**>(h + 1) = next;
}

/// Bytes that an object of a block may use; an array's length word lies in front of its header.
inline std::size_t body_bytes(page const& p) noexcept {
  return p.block_bytes - sizeof(object_header) - (p.type->is_array ? 8 : 0);
}
inline void poison_body([[maybe_unused]] page const& p, [[maybe_unused]] object_header* h) noexcept {
#if OURO_DETAIL_ASAN
  ASAN_POISON_MEMORY_REGION(h + 1, body_bytes(p));
#endif
}
inline void unpoison_body([[maybe_unused]] page const& p, [[maybe_unused]] object_header* h) noexcept {
#if OURO_DETAIL_ASAN
  ASAN_UNPOISON_MEMORY_REGION(h + 1, body_bytes(p));
#endif
}

/// The header of the complete object that a handle's word points into. A handle to a polymorphic type may point to a
/// base in the middle of the object; its vptr, wherever it is, leads to the beginning.
OURO_DETAIL_NO_SANITIZE inline object_header* header_of_polymorphic(void const* subobject) noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  struct any_polymorphic {
    virtual ~any_polymorphic() = default;
  };
  return header_of(dynamic_cast<void const*>(static_cast<any_polymorphic const*>(subobject)));
#else
  // Itanium C++ ABI 2.5.2: the offset to the top lies two words before the address point of the vtable.
  auto const* vtable = *static_cast<std::ptrdiff_t const* const*>(subobject);
  return header_of(static_cast<char const*>(subobject) + vtable[-2]);
#endif
}

/// An edge's target as traces record it: a header, or with the lowest bit set a polymorphic subobject.
inline std::uintptr_t edge_target(object_header const* h) noexcept { return reinterpret_cast<std::uintptr_t>(h); }
inline std::uintptr_t edge_target_polymorphic(void const* subobject) noexcept {
  return reinterpret_cast<std::uintptr_t>(subobject) | 1;
}
inline object_header* resolve(std::uintptr_t target) noexcept {
  if ((target & 1) != 0) return header_of_polymorphic(reinterpret_cast<void const*>(target & ~std::uintptr_t{1}));
  return reinterpret_cast<object_header*>(target);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_PAGE_HPP

// Which addresses belong to ouro: asked by gc_from_this and by nothing that is hot.
#ifndef OURO_DETAIL_REGISTRY_HPP
#define OURO_DETAIL_REGISTRY_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Not a std::mutex: that one may have a destructor, and what this guards outlives them all.
class flag_lock {
 public:
  explicit flag_lock(std::atomic_flag& flag) noexcept : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true, std::memory_order_relaxed);
  }
  flag_lock(flag_lock const&) = delete;
  flag_lock& operator=(flag_lock const&) = delete;
  ~flag_lock() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag& flag_;
};

/// Large blocks sorted by address, as a treap: a search tree by address in which no block ranks above its parent. The
/// ranks are scrambled addresses, so the depth is logarithmic whatever order blocks come and go in, and the links lie in
/// the blocks themselves, so nothing can fail. (A std::map took 6 % of the time to compile it all.)
class large_tree {
 public:
  void add(large_prefix* l) noexcept {
    std::uint64_t const rank = rank_of(l);
    large_prefix** place = &root_;
    while (*place != nullptr && rank_of(*place) > rank)
      place = before(*place, l) ? &(*place)->higher : &(*place)->lower;
    large_prefix* rest = *place;  // is split: what lies below `l`, and what lies above
    *place = l;
    large_prefix** lower = &l->lower;
    large_prefix** higher = &l->higher;
    while (rest != nullptr) {
      if (before(rest, l)) {
        *lower = rest;
        lower = &rest->higher;
        rest = *lower;
      } else {
        *higher = rest;
        higher = &rest->lower;
        rest = *higher;
      }
    }
    *lower = *higher = nullptr;
  }

  void remove(large_prefix* l) noexcept {
    large_prefix** place = &root_;
    while (*place != l) place = before(*place, l) ? &(*place)->higher : &(*place)->lower;
    large_prefix* lower = l->lower;
    large_prefix* higher = l->higher;
    while (lower != nullptr && higher != nullptr) {
      if (rank_of(lower) > rank_of(higher)) {
        *place = lower;
        place = &lower->higher;
        lower = *place;
      } else {
        *place = higher;
        place = &higher->lower;
        higher = *place;
      }
    }
    *place = lower != nullptr ? lower : higher;
  }

  /// The block that begins at or before `address`, or null.
  large_prefix* find(void const* address) const noexcept {
    large_prefix* found = nullptr;
    for (large_prefix* l = root_; l != nullptr;) {
      bool const above = before(address, l);
      if (!above) found = l;
      l = above ? l->lower : l->higher;
    }
    return found;
  }

 private:
  static bool before(void const* a, void const* b) noexcept {
    return reinterpret_cast<std::uintptr_t>(a) < reinterpret_cast<std::uintptr_t>(b);
  }
  /// A bijection, so no two ranks are equal. One multiplication would not do: for blocks at some distances it counts up.
  static std::uint64_t rank_of(large_prefix const* l) noexcept {
    std::uint64_t rank = reinterpret_cast<std::uintptr_t>(l) * std::uint64_t{0x9e3779b97f4a7c15};
    rank = (rank ^ (rank >> 32)) * std::uint64_t{0xd6e8feb86659fd93};
    return rank ^ (rank >> 32);
  }

  large_prefix* root_ = nullptr;
};

/// A process-wide set of chunks (read without locks) and of large blocks (under a lock). It is never destroyed:
/// handles in statics may ask it after every other destructor has run.
class registry {
 public:
  /// False when there is no memory to remember the chunk, or its address is out of range (`work_entry` relies on that).
  bool add_chunk(void* chunk) noexcept {
    if (!in_range(chunk)) return false;
    auto const index = index_of(chunk);
    std::atomic<leaf*>& place = top_[index / leaf_bits];
    leaf* bits = place.load(std::memory_order_acquire);
    if (bits == nullptr) {
      leaf* fresh = new (std::nothrow) leaf{};
      if (fresh == nullptr) return false;
      if (place.compare_exchange_strong(bits, fresh, std::memory_order_acq_rel)) {
        bits = fresh;
      } else {
        delete fresh;
      }
    }
    word(*bits, index).fetch_or(mask(index), std::memory_order_release);
    return true;
  }

  void remove_chunk(void* chunk) noexcept {
    auto const index = index_of(chunk);
    leaf* bits = top_[index / leaf_bits].load(std::memory_order_acquire);
    word(*bits, index).fetch_and(~mask(index), std::memory_order_release);
  }

  bool in_chunk(void const* address) const noexcept {
    if (!in_range(address)) return false;
    auto const index = index_of(address);
    leaf* bits = top_[index / leaf_bits].load(std::memory_order_acquire);
    return bits != nullptr && (word(*bits, index).load(std::memory_order_acquire) & mask(index)) != 0;
  }

  /// False when the address is out of range.
  bool add_large(large_prefix* l) noexcept {
    if (!in_range(l)) return false;
    flag_lock lock(locked_);
    large_.add(l);
    return true;
  }

  void remove_large(large_prefix* l) noexcept {
    flag_lock lock(locked_);
    large_.remove(l);
  }

  /// The large block that begins at or before `address`; the caller checks its end.
  large_prefix* find_large(void const* address) noexcept {
    flag_lock lock(locked_);
    return large_.find(address);
  }

 private:
  static constexpr std::size_t leaf_bits = 32 * 1024;
  static constexpr std::size_t address_bits = sizeof(void*) == 8 ? 48 : 32;
  static constexpr std::size_t leaves =
      static_cast<std::size_t>((((std::uint64_t{1} << address_bits) / chunk_bytes) + leaf_bits - 1) / leaf_bits);
  struct leaf {
    std::atomic<std::uint64_t> words[leaf_bits / 64];
  };

  static std::size_t index_of(void const* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) / chunk_bytes;
  }
  static bool in_range(void const* address) noexcept { return index_of(address) / leaf_bits < leaves; }

  static std::atomic<std::uint64_t>& word(leaf& bits, std::size_t index) noexcept {
    return bits.words[index % leaf_bits / 64];
  }
  static std::uint64_t mask(std::size_t index) noexcept { return std::uint64_t{1} << (index % 64); }

  std::atomic<leaf*> top_[leaves]{};
  std::atomic_flag locked_;
  large_tree large_;
};

OURO_VISIBLE inline registry& the_registry() noexcept {
  static constinit registry instance;
  return instance;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_REGISTRY_HPP

// The collector's lists: they grow chunk by chunk, never move what they hold, and never throw.
#ifndef OURO_DETAIL_WORK_LIST_HPP
#define OURO_DETAIL_WORK_LIST_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

inline constexpr std::size_t work_chunk_bytes = 32 * 1024;
/// Lists of so many chunks go on in large ones from the system, for which it may have huge pages.
inline constexpr std::size_t most_small_work_chunks = 128;

/// Keeps some small chunks from one collection to the next.
class chunk_pool {
 public:
  chunk_pool() = default;
  chunk_pool(chunk_pool const&) = delete;
  chunk_pool& operator=(chunk_pool const&) = delete;
  ~chunk_pool() {
    while (first_ != nullptr) ::operator delete(take_kept());
  }

  /// Null when there is no memory.
  void* take() noexcept { return first_ != nullptr ? take_kept() : ::operator new(work_chunk_bytes, std::nothrow); }

  void give(void* chunk) noexcept {
    if (kept_ == most_kept) return ::operator delete(chunk);
    first_ = ::new (chunk) link{first_};
    ++kept_;
  }

 private:
  static constexpr std::size_t most_kept = 32;  // 1 MiB: what collections of some 60,000 objects need
  struct link {
    link* next;
  };

  void* take_kept() noexcept {
    --kept_;
    return replace(first_, first_->next);
  }

  link* first_ = nullptr;
  std::size_t kept_ = 0;
};

/// A list that is appended to, read in order, and cut at its end. It holds `most` items at most.
template <class T>
class chunk_list {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(void*));
  struct chunk_node {
    chunk_node* next;
    chunk_node* previous;
    std::size_t length;  // in items
    std::size_t before;  // items of the chunks before

    T* items() noexcept { return reinterpret_cast<T*>(this + 1); }
    T* end() noexcept { return items() + length; }
  };
  static constexpr std::size_t length_of(std::size_t bytes) noexcept {
    return (bytes - sizeof(chunk_node)) / sizeof(T);
  }

 public:
  explicit chunk_list(chunk_pool& pool, std::size_t most = static_cast<std::size_t>(-1)) noexcept
      : pool_(pool), most_(most) {}
  chunk_list(chunk_list const&) = delete;
  chunk_list& operator=(chunk_list const&) = delete;
  ~chunk_list() {
    for (chunk_node* c = first_; c != nullptr;) {
      chunk_node* next = c->next;
      if (c->length == length_of(work_chunk_bytes)) {
        pool_.give(c);
      } else {
        os_release_chunk(c);
      }
      c = next;
    }
  }

  /// False when there is no memory, or the list is full; it is unchanged then.
  bool push(T const& item) noexcept {
    if (end_ == limit_ && !extend()) [[unlikely]]
      return false;
    *end_++ = item;
    return true;
  }

  /// Precondition: not empty.
  T pop() noexcept {
    if (end_ == last_->items()) select(last_->previous, last_->previous->length);
    return *--end_;
  }

  /// Precondition: not empty, and the last change was a `push`.
  T& last() noexcept { return end_[-1]; }

  std::size_t size() const noexcept {
    return last_ != nullptr ? last_->before + static_cast<std::size_t>(end_ - last_->items()) : 0;
  }
  bool empty() const noexcept { return end_ == begin_; }

  /// The items of one chunk.
  struct span {
    T* first = nullptr;
    T* last = nullptr;
    T* begin() const noexcept { return first; }
    T* end() const noexcept { return last; }
    bool empty() const noexcept { return first == last; }
  };

  /// A position that stays valid while the list grows.
  class cursor {
    friend class chunk_list;
    chunk_node* chunk = nullptr;
    T* item = nullptr;
  };

  /// The items of one chunk that lie behind the cursor, which moves behind them; none when it is at the end.
  span next_span(cursor& at) noexcept {
    step(at);
    if (at.chunk == nullptr) return {};
    span const items{at.item, at.chunk == last_ ? end_ : at.chunk->end()};
    at.item = items.last;
    return items;
  }

  /// The place of the next item of a list that is being written anew from its beginning; see `cut`.
  T& overwrite(cursor& at) noexcept {
    step(at);
    return *at.item++;
  }

  /// Drops everything from the cursor on.
  void cut(cursor const& at) noexcept {
    if (at.chunk == nullptr) {
      if (first_ != nullptr) select(first_, 0);
      return;
    }
    select(at.chunk, static_cast<std::size_t>(at.item - at.chunk->items()));
  }

  template <class F>
  void for_each(F f) {
    cursor at;
    for (span items = next_span(at); !items.empty(); items = next_span(at)) {
      for (T& item : items) f(item);
    }
  }

 private:
  void step(cursor& at) noexcept {
    if (at.chunk == nullptr) {
      at.chunk = first_;
      at.item = begin_;
    } else if (at.chunk != last_ && at.item == at.chunk->end()) {
      at.chunk = at.chunk->next;
      at.item = at.chunk->items();
    }
  }

  void select(chunk_node* chunk, std::size_t used) noexcept {
    last_ = chunk;
    end_ = chunk->items() + used;
    limit_ = chunk->items() + smaller(most_ - chunk->before, chunk->length);
  }

  OURO_DETAIL_NOINLINE bool extend() noexcept {
    std::size_t const before = size();
    if (before == most_) return false;
    chunk_node* next = last_ != nullptr ? last_->next : first_;
    if (next == nullptr) {
      bool const large = before >= most_small_work_chunks * length_of(work_chunk_bytes);
      void* memory = large ? os_reserve_chunk() : pool_.take();
      if (memory == nullptr) return false;
      if (large) os_prefer_huge_pages(memory);
      next = ::new (memory) chunk_node{nullptr, last_, length_of(large ? chunk_bytes : work_chunk_bytes), before};
      (last_ != nullptr ? last_->next : first_) = next;
    }
    if (last_ == nullptr) begin_ = next->items();
    select(next, 0);
    return true;
  }

  chunk_pool& pool_;
  std::size_t const most_;
  T* end_ = nullptr;    // behind the last item
  T* limit_ = nullptr;  // where the chunk, or the list, is full
  T* begin_ = nullptr;
  chunk_node* first_ = nullptr;
  chunk_node* last_ = nullptr;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_WORK_LIST_HPP

// The state of a heap: pages, large blocks, candidates, generations, policy and statistics, and the thread's current heap.
#ifndef OURO_DETAIL_HEAP_CORE_HPP
#define OURO_DETAIL_HEAP_CORE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

namespace gc {

/// What one generation's collections did so far.
struct generation_stats {
  std::size_t collections = 0;    // collections of this generation
  std::size_t collected = 0;      // objects found unreachable
  std::size_t uncollectable = 0;  // always 0, as in CPython since finalizers run on cycles
  std::size_t candidates = 0;     // candidates that collections started from
  std::size_t visited = 0;        // objects traced, each time counted
  double seconds = 0;             // time spent
  double longest_pause = 0;       // seconds of the longest collection
};

/// Where a collection is when it calls a callback.
enum class phase { start, stop };

/// What a callback learns about the collection that starts or has stopped.
struct info {
  int generation;             // that is collected
  std::size_t collected;      // objects found unreachable; 0 at the start
  std::size_t uncollectable;  // always 0
};

/// Called with what nobody can catch: the exception of a finalizer or callback, or a std::logic_error that describes
/// misuse found by the library; where it happened; and the type of the object concerned.
using unraisable_hook = void (*)(std::exception_ptr, std::string_view where, std::string_view type);

}  // namespace gc

namespace detail {

struct bin {
  object_header* free = nullptr;  // blocks ready to be handed out
  page* current = nullptr;        // where they lie
  page* partial = nullptr;        // other pages with free blocks
  page* idle = nullptr;           // pages without objects that keep their free blocks
};

/// Size classes of large blocks, up to 2 GiB; see `large_class`.
inline constexpr std::size_t smallest_large_class = 1024;
inline constexpr std::size_t large_classes = 8 * 23;

/// Sizes of entries of weak containers that have pages of their own.
inline constexpr std::size_t entry_unit = 16;
inline constexpr std::size_t entry_classes = 32;

/// An object whose count fell, and the slot that it had: its birth. One word, as a `work_entry` is.
class candidate {
 public:
  candidate() = default;
  candidate(object_header* h, std::uint16_t birth) noexcept
      : bits_(std::uint64_t{reinterpret_cast<std::uintptr_t>(h)} << 13 | birth) {}

  object_header* header() const noexcept {
    return reinterpret_cast<object_header*>(static_cast<std::uintptr_t>(bits_ >> 16 << 3));
  }
  std::uint16_t birth() const noexcept { return static_cast<std::uint16_t>(bits_); }

 private:
  std::uint64_t bits_;
};

struct thread_state;

/// Generations are intervals of birth epochs. An epoch ends with every collection; an object carries the epoch of its
/// birth, so that promoting and freezing cost nothing:
///
///   frozen | generation 2 | generation 1 | generation 0
///          ^ frozen       ^ old          ^ middle       ^ now
struct epochs {
  std::uint16_t now = 4;
  std::uint16_t middle = 3;
  std::uint16_t old = 2;
  std::uint16_t frozen = 0;

  int generation_of(std::uint16_t birth) const noexcept { return birth > middle ? 0 : birth > old ? 1 : 2; }
};
inline constexpr std::uint16_t last_epoch = slot_epoch_limit - slot_slow;

/// The functions of layers above that a heap calls.
struct heap_hooks {
  void (*callbacks)(heap_core&, gc::phase, gc::info const&) = nullptr;
  void (*save_garbage)(heap_core&, object_header*) = nullptr;  // adopts one count of the object
  void (*drop_all)(heap_core&) = nullptr;                      // lets go of handles held for the user
  void (*destroy)(void* module) = nullptr;
  void* module = nullptr;
};

/// Something that runs when a heap closes. It leaves the list first.
struct exit_record : list_hook<exit_record> {
  virtual void heap_closes() noexcept = 0;

 protected:
  ~exit_record() = default;
};

struct heap_core {
  heap_core() = default;
  heap_core(heap_core const&) = delete;
  heap_core& operator=(heap_core const&) = delete;

  // Allocation.
  bin* bins = nullptr;
  std::uint32_t bin_count = 0;
  page* pages[2] = {};  // leaf, tracked
  large_prefix* large[2] = {};
  chunk* chunks = nullptr;
  std::size_t chunk_count = 0;
  std::size_t dirty_pages = 0;
  std::size_t idle_pages = 0;
  std::size_t used_pages = 0;
  std::size_t large_objects[2] = {};
  std::size_t large_bytes = 0;
  large_prefix* kept_large[large_classes] = {};  // free blocks by size class
  std::size_t kept_large_bytes = 0;
  std::size_t limit = static_cast<std::size_t>(-1);
  std::size_t bytes = 0;        // of blocks in pages; deaths are noticed when a page is used again, empty, or recounted
  bool counting = false;        // `bytes` and `objects` are exact, and every allocation takes the slow path
  std::size_t objects[2] = {};  // dead ones that weak handles keep are counted, too
  std::size_t dead[2] = {};

  // Weak references.
  side_record* tracked_leaves = nullptr;
  std::size_t watches = 0;  // handles with callbacks whose objects live
  std::uint64_t watches_made = 0;
  page* entry_pages[entry_classes] = {};  // with room for more entries of weak containers
  std::size_t entry_page_count = 0;
  std::uint32_t trace_round = 0;        // the trials so far
  exit_record* exit_records = nullptr;  // newest first

  // Candidates and generations.
  candidate* candidates = nullptr;
  std::uint32_t candidate_count = 0;
  std::uint32_t candidate_capacity = 0;
  std::uint32_t aged_candidates = 0;  // those that the last collection left to one of generation 1
  bool overflowed = false;            // some candidate was not recorded since the last collection
  bool lost = false;                  // some garbage may not have been looked at: a full collection is due
  bool old_fell = false;              // the count of some object of generation 2 fell since the last full collection
  epochs epoch;

  // Policy.
  bool enabled = true;
  std::size_t paused = 0;
  std::array<std::size_t, 3> threshold{700, 10, 10};
  std::size_t count0_base = 0;  // tracked objects when counting began anew
  std::size_t count1 = 0;       // collections of generation 0 since the last one of generation 1
  std::size_t count2 = 0;
  std::size_t allocated = 0;        // bytes handed out since the last look, leaves included: they hang on cycles
  std::size_t young_limit = 0;      // look again after so many
  std::size_t live_after_full = 0;  // bytes
  std::size_t unsuspicious = 0;     // bytes when there was last no sign of any garbage
  std::size_t objects_after_full = 0;
  std::size_t growth_percent = 100;
  std::size_t middle_interval = 10;  // young collections between two of generation 1

  // The running collection.
  bool collecting = false;
  chunk_pool work_chunks;

  // Reporting.
  std::array<gc::generation_stats, 3> stats{};
  unsigned debug = 0;
  gc::unraisable_hook hook = nullptr;
  heap_hooks hooks;

  // Life: a heap lives until it has been closed and its last object is gone.
  bool closed = false;
  bool adopted = false;       // by a thread that touched it after its own had ended
  bool collect_late = false;  // closed where collections are forbidden: it still has to collect
  std::size_t users = 0;      // destructors and collections under way that still need this object
  heap_core* next_heap = nullptr;
  heap_core* previous_heap = nullptr;
  std::atomic<thread_state*> owner{nullptr};
  heap* handle = nullptr;       // the public object that speaks for this heap
  heap* home_handle = nullptr;  // the one that heap::current() made for a thread's own heap
  void (*delete_handle)(heap*) = nullptr;
};

/// What a thread needs at hand. Its fast path reads `bins`, `bin_count` and `fresh`.
struct thread_state {
  bin* bins = nullptr;
  std::uint32_t bin_count = 0;
  alignas(8) object_header fresh{};  // the header of a new tracked object; must not straddle cache lines
  heap_core* current = nullptr;      // where allocations go
  heap_core* home = nullptr;         // the thread's default heap
  page* queued_pages = nullptr;      // with objects whose destructors wait
  object_header* queued_large = nullptr;
  std::uint32_t depth = 0;                                 // nested destructors of counted deaths
  bool has_waiting = false;                                // something in the queues, or `collect_late`
  bool dropped_in_trace = false;                           // a handle was dropped while the thread traced
  void (*collect_late)(thread_state&) noexcept = nullptr;  // set while some closed heap of this thread has to collect
  std::uint32_t no_collection = 0;                         // > 0 in finalizers, callbacks, traces and collections
  heap_core* collecting = nullptr;                         // whose collection runs
};

OURO_VISIBLE OURO_DETAIL_INLINE thread_state& this_thread_state() noexcept {
  static constinit thread_local thread_state state;
  return state;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_HEAP_CORE_HPP

// How the library speaks of what nobody can catch: exceptions of finalizers and callbacks, and misuse it has found.
#ifndef OURO_DETAIL_REPORT_HPP
#define OURO_DETAIL_REPORT_HPP

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

#endif  // OURO_DETAIL_REPORT_HPP

// Blocks too large for a page: from operator new, and kept for reuse after their objects' death.
//
// A block taken from the system is made of untouched memory, whose first use costs a page fault for each 4 KiB: more
// than all else that happens to it. So a heap keeps as many bytes of freed blocks as it has in use, sorted by size class.
#ifndef OURO_DETAIL_LARGE_BLOCKS_HPP
#define OURO_DETAIL_LARGE_BLOCKS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Free blocks of less than this many bytes together are always kept.
inline constexpr std::size_t least_kept_large = 8 * 1024 * 1024;

/// Would the heap's limit allow so many bytes more?
inline bool within_limit(heap_core const& heap, std::size_t more) noexcept {
  std::size_t const reserved = heap.used_pages * page_bytes + heap.large_bytes;
  return reserved <= heap.limit && more <= heap.limit - reserved;
}

/// Sixteen classes up to `smallest_large_class`, then eight for each doubling: at most a ninth of a block is lost.
struct large_class {
  std::size_t index;
  std::size_t bytes;

  explicit large_class(std::size_t wanted) noexcept {
    auto const doubling = static_cast<std::size_t>(std::bit_width((wanted - 1) / smallest_large_class));
    std::size_t const step = (smallest_large_class << doubling) / 16;
    std::size_t const steps = (wanted + step - 1) / step;
    bytes = steps * step;
    index = doubling * 8 + steps - 1;
  }
};

inline bool is_kept_after_death(type_descriptor const& type, std::size_t index) noexcept {
  return !OURO_DETAIL_SYSTEM_ALLOC && index < large_classes && type.alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
}

inline void* allocate_raw(std::size_t bytes, std::size_t alignment) noexcept {
  return alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? ::operator new(bytes, std::align_val_t{alignment}, std::nothrow)
                                                      : ::operator new(bytes, std::nothrow);
}
inline void deallocate_raw(void* memory, std::size_t alignment) noexcept {
  if (alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
    ::operator delete(memory, std::align_val_t{alignment});
  } else {
    ::operator delete(memory);
  }
}

inline void poison_large([[maybe_unused]] large_prefix* l) noexcept {
#if OURO_DETAIL_ASAN
  char* const end = static_cast<char*>(l->allocation) + l->bytes;
  char* const begin = reinterpret_cast<char*>(l->header() + 1);
  ASAN_POISON_MEMORY_REGION(begin, static_cast<std::size_t>(end - begin));
#endif
}
inline void unpoison_large([[maybe_unused]] large_prefix* l) noexcept {
#if OURO_DETAIL_ASAN
  ASAN_UNPOISON_MEMORY_REGION(l->allocation, l->bytes);
#endif
}

/// Gives free blocks back to the system, the largest first, until at most `keep` bytes are kept.
inline void trim_large(heap_core& heap, std::size_t keep) noexcept {
  for (std::size_t i = large_classes; i-- != 0 && heap.kept_large_bytes > keep;) {
    while (heap.kept_large[i] != nullptr && heap.kept_large_bytes > keep) {
      large_prefix* l = heap.kept_large[i];
      heap.kept_large[i] = l->next;
      heap.kept_large_bytes -= l->bytes;
      unpoison_large(l);
      the_registry().remove_large(l);
      deallocate_raw(l->allocation, 0);
    }
  }
}

/// Memory for a block that is not part of the heap yet; its prefix is filled but for the links. Null when memory is short.
inline large_prefix* take_large_memory(heap_core& heap, type_descriptor const& type, std::size_t bytes) noexcept {
  std::size_t const alignment = larger<std::size_t>(type.alignment, 16);
  std::size_t const lead = (sizeof(large_prefix) + sizeof(object_header) + alignment - 1) / alignment * alignment;
  std::size_t const wanted = lead + larger<std::size_t>(bytes, 8);
  if (wanted < bytes || wanted > static_cast<std::size_t>(-1) / 2) return nullptr;
  large_class const size(wanted);
  bool const kept = is_kept_after_death(type, size.index);
  std::size_t const total = kept ? size.bytes : wanted;
  if (!within_limit(heap, total)) return nullptr;
  if (kept && heap.kept_large[size.index] != nullptr) {
    large_prefix* l = heap.kept_large[size.index];
    heap.kept_large[size.index] = l->next;
    heap.kept_large_bytes -= l->bytes;
    unpoison_large(l);
    l->type = &type;
    return l;
  }
  void* allocation = allocate_raw(total, type.alignment);
  if (allocation == nullptr) return nullptr;
  auto* l = reinterpret_cast<large_prefix*>(static_cast<char*>(allocation) + lead - sizeof(object_header)) - 1;
  ::new (l) large_prefix{nullptr, nullptr, &heap, &type, nullptr, allocation, total, nullptr, nullptr, {}, 0};
  ::new (l->header()) object_header(header_of_free_block);
  if (!the_registry().add_large(l)) {
    deallocate_raw(allocation, type.alignment);
    return nullptr;
  }
  return l;
}

/// A block for an object of `bytes`; null when memory is short.
inline object_header* take_large(heap_core& heap, type_descriptor const& type, std::size_t bytes) noexcept {
  large_prefix* l = take_large_memory(heap, type, bytes);
  if (l == nullptr) return nullptr;
  bool const tracked = type.tracked();
  l->previous = nullptr;
  l->next = heap.large[tracked];
  if (l->next != nullptr) l->next->previous = l;
  heap.large[tracked] = l;
  ++heap.large_objects[tracked];
  heap.large_bytes += l->bytes;
  heap.allocated += l->bytes;
  return l->header();
}

/// Deletes a closed heap when nothing is left in it and nobody works on it.
void delete_heap_if_unused(heap_core& heap) noexcept;

inline void free_large(object_header* h) noexcept {
  large_prefix* l = prefix_of(h);
  heap_core& heap = *l->heap;
  type_descriptor const& type = *l->type;
  bool const tracked = type.tracked();
  (l->previous != nullptr ? l->previous->next : heap.large[tracked]) = l->next;
  if (l->next != nullptr) l->next->previous = l->previous;
  --heap.large_objects[tracked];
  heap.large_bytes -= l->bytes;
  *h = header_of_free_block;
  std::size_t const index = large_class(l->bytes).index;
  if (is_kept_after_death(type, index)) {
    l->next = replace(heap.kept_large[index], l);
    heap.kept_large_bytes += l->bytes;
    poison_large(l);
    std::size_t const most = heap.closed ? 0 : larger(least_kept_large, heap.large_bytes);
    if (heap.kept_large_bytes > most) trim_large(heap, most / 2);
  } else {
    the_registry().remove_large(l);
    deallocate_raw(l->allocation, type.alignment);
  }
  if (heap.closed) delete_heap_if_unused(heap);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_LARGE_BLOCKS_HPP

// A heap's pages: where they come from, and where they go when their last object has died.
//
//   system --> chunk of 64 pages --> page --> bin (one for each type and size class)
//
// A page whose last object dies is idle: it stays with its bin, its free blocks linked as they are. Before the heap takes
// a page that was never used, all idle ones become dirty: free for any type.
#ifndef OURO_DETAIL_HEAP_PAGES_HPP
#define OURO_DETAIL_HEAP_PAGES_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

inline constexpr std::uint64_t all_pages = ~std::uint64_t{0} >> (64 - chunk_pages);

inline std::uint64_t page_bit(page const* p) noexcept {
  return std::uint64_t{1} << (reinterpret_cast<std::uintptr_t>(p) % chunk_bytes / page_bytes);
}

/// Heaps of more bytes than this, most of them in use, ask for huge pages. Many types with few objects each are better
/// off without.
inline constexpr std::size_t smallest_dense_heap = 32 * 1024 * 1024;
/// Heaps of more bytes than this will use new pages up, and take them from the system as a whole.
inline constexpr std::size_t smallest_populated_heap = 4 * 1024 * 1024;

inline chunk* add_chunk(heap_core& heap) noexcept {
  void* memory = os_reserve_chunk();
  if (memory == nullptr) return nullptr;
  chunk* c = new (std::nothrow) chunk{memory, heap.chunks, 0, 0};
  if (c == nullptr || !the_registry().add_chunk(memory)) {
    delete c;
    os_release_chunk(memory);
    return nullptr;
  }
  heap.chunks = c;
  ++heap.chunk_count;
  std::size_t const bytes = heap.bytes + heap.entry_page_count * page_bytes;
  if (bytes >= smallest_dense_heap && bytes > heap.chunk_count * chunk_bytes / 2) os_prefer_huge_pages(memory);
  return c;
}

/// Gives free pages back to the system until at most `keep` are held, and chunks without any page in use.
inline void trim_pages(heap_core& heap, std::size_t keep) noexcept {
  for (chunk** link = &heap.chunks; *link != nullptr && heap.dirty_pages > keep;) {
    chunk* c = *link;
    heap.dirty_pages -= static_cast<std::size_t>(std::popcount(c->dirty));
    if (c->in_use == 0) {
      *link = c->next;
      the_registry().remove_chunk(c->memory);
      os_release_chunk(c->memory);
      delete c;
      --heap.chunk_count;
      continue;
    }
    for (std::uint64_t dirty = c->dirty; dirty != 0;) {  // one call for each run of free pages
      int const begin = std::countr_zero(dirty);
      int const length = std::countr_one(dirty >> begin);
      os_decommit(static_cast<char*>(c->memory) + static_cast<std::size_t>(begin) * page_bytes,
                  static_cast<std::size_t>(length) * page_bytes);
      dirty &= dirty + (std::uint64_t{1} << begin);  // the carry takes the run with it
    }
    c->dirty = 0;
    link = &c->next;
  }
}

/// From now on the page is free for any type.
inline void make_dirty(heap_core& heap, page* p) noexcept {
  p->type = nullptr;
  p->owner->in_use &= ~page_bit(p);
  p->owner->dirty |= page_bit(p);
  ++heap.dirty_pages;
}

inline void make_idle_pages_dirty(heap_core& heap) noexcept {
  for (std::uint32_t i = 0; heap.idle_pages != 0; ++i) {
    for (page* p = replace(heap.bins[i].idle, nullptr); p != nullptr; --heap.idle_pages) {
      make_dirty(heap, replace(p, p->next));
    }
  }
}

/// Gives all that is not in use back to the system.
inline void trim_all_pages(heap_core& heap) noexcept {
  make_idle_pages_dirty(heap);
  trim_pages(heap, 0);
}

/// As many pages as are in use are kept: programs that free much often allocate it again.
inline void trim_surplus_pages(heap_core& heap) noexcept {
  std::size_t const most = larger<std::size_t>(128, heap.used_pages);
  if (heap.dirty_pages + heap.idle_pages <= most) return;
  make_idle_pages_dirty(heap);
  trim_pages(heap, most / 2);
}

/// An unused page, or null when the system has none.
inline page* acquire_page_beyond_limit(heap_core& heap) noexcept {
  if (heap.dirty_pages == 0) make_idle_pages_dirty(heap);
  chunk* c = heap.chunks;
  bool const reuse = heap.dirty_pages != 0;
  while (c != nullptr && (reuse ? c->dirty == 0 : c->in_use == all_pages)) c = c->next;
  if (c == nullptr) c = add_chunk(heap);
  if (c == nullptr) return nullptr;
  std::uint64_t const candidates = c->dirty != 0 ? c->dirty : all_pages & ~c->in_use;
  int const index = std::countr_zero(candidates);
  std::uint64_t const bit = std::uint64_t{1} << index;
  void* const memory = static_cast<char*>(c->memory) + static_cast<std::size_t>(index) * page_bytes;
  if ((c->dirty & bit) != 0) {
    --heap.dirty_pages;
  } else if (heap.bytes >= smallest_populated_heap) {
    os_populate(memory, page_bytes);
  }
  c->dirty &= ~bit;
  c->in_use |= bit;
  ++heap.used_pages;
  auto* p = ::new (memory) page{};
  p->heap = &heap;
  p->owner = c;
#if OURO_DETAIL_ASAN
  ASAN_POISON_MEMORY_REGION(reinterpret_cast<char*>(p) + page_header_bytes, page_bytes - page_header_bytes);
#endif
  return p;
}

/// The same, or null when the heap's limit allows none.
inline page* acquire_page(heap_core& heap) noexcept {
  return within_limit(heap, page_bytes) ? acquire_page_beyond_limit(heap) : nullptr;
}

inline void give_page_back(heap_core& heap, page* p) noexcept {
  make_dirty(heap, p);
  --heap.used_pages;
  trim_surplus_pages(heap);
}

inline void link_page(page*& first, page* p) noexcept {
  p->previous = nullptr;
  p->next = first;
  if (first != nullptr) first->previous = p;
  first = p;
}
inline void unlink_page(page*& first, page* p) noexcept {
  (p->previous != nullptr ? p->previous->next : first) = p->next;
  if (p->next != nullptr) p->next->previous = p->previous;
}

inline void leave_heap(heap_core& heap, page* p) noexcept {
  unlink_page(heap.pages[p->tracked], p);
  heap.bytes -= std::size_t{replace(p->charged, 0)} * p->block_bytes;
  delete[] replace(p->sides, nullptr);
  p->side_count = 0;
}

inline void release_page(heap_core& heap, page* p) noexcept {
  leave_heap(heap, p);
  give_page_back(heap, p);
}

/// Precondition: all blocks of the page are on its own list.
inline void make_idle(heap_core& heap, page* p) noexcept {
  leave_heap(heap, p);
  p->next = replace(heap.bins[p->bin].idle, p);
  ++heap.idle_pages;
  --heap.used_pages;
  trim_surplus_pages(heap);
}

/// An idle page of the bin, in use again; null when there is none, or when the heap's limit does not allow it.
inline page* take_idle_page(heap_core& heap, bin& b) noexcept {
  page* const p = b.idle;
  if (p == nullptr || !within_limit(heap, page_bytes)) return nullptr;
  b.idle = p->next;
  --heap.idle_pages;
  ++heap.used_pages;
  link_page(heap.pages[p->tracked], p);
  return p;
}

inline void set_mode(heap_core& heap, page& p, page_mode mode) noexcept {
  p.mode = mode;
  p.free_into = mode == page_mode::plain ? &p.free_list : mode == page_mode::current ? &heap.bins[p.bin].free : nullptr;
}

inline void link_partial(bin& b, page* p) noexcept {
  p->partial = true;
  p->previous_partial = nullptr;
  p->next_partial = b.partial;
  if (b.partial != nullptr) b.partial->previous_partial = p;
  b.partial = p;
}
inline void unlink_partial(bin& b, page* p) noexcept {
  p->partial = false;
  if (p->previous_partial != nullptr) {
    p->previous_partial->next_partial = p->next_partial;
  } else {
    b.partial = p->next_partial;
  }
  if (p->next_partial != nullptr) p->next_partial->previous_partial = p->previous_partial;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_HEAP_PAGES_HPP

// A heap's blocks: where they come from, where freed ones go, what is known of their number, and the walk over all objects.
//
//   page --> bin (one for each type and size class) --> block
//
// A bin owns all free blocks of its current page, so handing one out touches nothing but the bin and the block. Those
// blocks count as in use; a block freed on another page goes to that page's own list.
#ifndef OURO_DETAIL_HEAP_BLOCKS_HPP
#define OURO_DETAIL_HEAP_BLOCKS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- taking ---------------------------------------------------------------------------------------------------------

inline constexpr std::size_t carve_bytes = 4096;

/// The size of a block for an object of `bytes`, array length word included.
constexpr std::size_t block_size(std::size_t alignment, bool is_array, std::size_t bytes) noexcept {
  std::size_t const unit = larger<std::size_t>(alignment, is_array ? array_class_bytes : 8);
  std::size_t const raw = sizeof(object_header) + larger<std::size_t>(bytes, 8) + (is_array ? 8 : 0);
  return (raw + unit - 1) / unit * unit;
}
inline std::size_t block_size(type_descriptor const& type, std::size_t bytes) noexcept {
  return block_size(type.alignment, type.is_array, bytes);
}

/// `bytes`: of the object; `block`: its `block_size`.
inline bool is_pooled(type_descriptor const& type, std::size_t bytes, std::size_t block) noexcept {
  return !OURO_DETAIL_SYSTEM_ALLOC && bytes <= largest_pooled_object && block <= largest_pooled_block &&
         type.alignment <= largest_pooled_object;
}

inline page* make_page(heap_core& heap, type_descriptor const& type, std::uint32_t bin_index,
                       std::size_t block) noexcept {
  page* p = acquire_page(heap);
  if (p == nullptr) return nullptr;
  std::size_t const unit = larger<std::size_t>(type.alignment, 16);
  std::size_t const lead = sizeof(object_header) + (type.is_array ? 8 : 0);
  std::size_t const first_object = (page_header_bytes + lead + unit - 1) / unit * unit;
  p->type = &type;
  p->bin = bin_index;
  p->block_bytes = static_cast<std::uint32_t>(block);
  p->per_block = static_cast<std::uint32_t>((std::uint64_t{1} << 32) / block + 1);
  p->first_block = static_cast<std::uint16_t>(first_object - sizeof(object_header));
  p->capacity = static_cast<std::uint32_t>((page_bytes - first_object - block + lead) / block + 1);
  p->tracked = type.tracked();
  p->die = type.die;
  link_page(heap.pages[p->tracked], p);
  return p;
}

/// Makes some more blocks at the end of the page's list of free ones.
inline void carve(page& p) noexcept {
  std::size_t const wanted =
      larger<std::size_t>(1, (carve_bytes - (p.carved == 0 ? page_header_bytes : 0)) / p.block_bytes);
  std::size_t const end = smaller<std::size_t>(p.capacity, p.carved + wanted);
  std::size_t const step = p.block_bytes;
  auto* const first = reinterpret_cast<char*>(p.block(p.carved));
  object_header* next = p.free_list;
  for (auto* block = reinterpret_cast<char*>(p.block(end)); block != first;) {
    block -= step;
    auto* const h = reinterpret_cast<object_header*>(block);
#if OURO_DETAIL_ASAN
    ASAN_UNPOISON_MEMORY_REGION(h, sizeof *h);
    if (p.type->is_array) ASAN_UNPOISON_MEMORY_REGION(h - 1, 8);
#endif
    ::new (h) object_header(header_of_free_block);
    set_next_free(h, next);
    next = h;
  }
  p.free_list = next;
  p.carved = static_cast<std::uint32_t>(end);
}

/// Blocks of the page have been taken, and `used` are in use now.
inline void charge(heap_core& heap, page& p, std::uint32_t taken, std::uint32_t used) noexcept {
  heap.allocated += std::size_t{taken} * p.block_bytes;
  heap.bytes += std::size_t{used} * p.block_bytes - std::size_t{p.charged} * p.block_bytes;
  p.charged = used;
}

/// A page of the bin with at least one free block that is not the bin's current one; null when memory is short.
inline page* page_with_space(heap_core& heap, type_descriptor const& type, std::uint32_t bin_index,
                             std::size_t block) noexcept {
  bin& b = heap.bins[bin_index];
  page* p = b.partial;
  if (p == nullptr) {
    p = take_idle_page(heap, b);
    if (p == nullptr) p = make_page(heap, type, bin_index, block);
    if (p == nullptr) return nullptr;
    set_mode(heap, *p, heap.counting ? page_mode::counted : page_mode::plain);
    link_partial(b, p);
  }
  if (p->free_list == nullptr) carve(*p);
  return p;
}

/// Fills the bin and takes one block; null when memory is short.
inline object_header* take_from_bin(heap_core& heap, type_descriptor const& type, std::uint32_t bin_index,
                                    std::size_t block) noexcept {
  bin& b = heap.bins[bin_index];
  if (b.free == nullptr) {
    page* p = b.current;
    std::uint32_t in_use = 0;
    if (p != nullptr && p->carved < p->capacity) {
      in_use = p->carved;
      carve(*p);
    } else {
      if (p != nullptr) {
        p->used = p->carved;
        p->last_birth = heap.epoch.now;
        set_mode(heap, *p, page_mode::full);
        b.current = nullptr;
      }
      p = page_with_space(heap, type, bin_index, block);
      if (p == nullptr) return nullptr;
      unlink_partial(b, p);
      in_use = p->used;
      p->used = current_used;
      set_mode(heap, *p, page_mode::current);
      b.current = p;
    }
    b.free = p->free_list;
    p->free_list = nullptr;
    charge(heap, *p, p->carved - in_use, p->carved);
  }
  object_header* h = b.free;
  b.free = next_free(h);
  return h;
}

/// Takes one block without filling the bin, so that figures are exact; null when memory is short.
inline object_header* take_one(heap_core& heap, type_descriptor const& type, std::uint32_t bin_index,
                               std::size_t block) noexcept {
  page* p = page_with_space(heap, type, bin_index, block);
  if (p == nullptr) return nullptr;
  object_header* h = p->free_list;
  p->free_list = next_free(h);
  charge(heap, *p, 1, ++p->used);
  ++heap.objects[p->tracked];
  p->last_birth = heap.epoch.now;
  if (p->free_list == nullptr && p->carved == p->capacity) unlink_partial(heap.bins[bin_index], p);
  return h;
}

/// Puts the blocks that bins hold back on their pages' lists.
inline void flush_bins(heap_core& heap) noexcept {
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) {
    bin& b = heap.bins[i];
    page* p = b.current;
    if (p == nullptr) continue;
    std::uint32_t held = 0;
    for (object_header* h = b.free; h != nullptr; h = next_free(h)) ++held;
    p->free_list = b.free;
    b.free = nullptr;
    b.current = nullptr;
    p->used = p->carved - held;
    p->last_birth = heap.epoch.now;
    bool const has_space = held != 0 || p->carved < p->capacity;
    set_mode(heap, *p, has_space ? page_mode::plain : page_mode::full);
    if (p->used == 0) {
      release_page(heap, p);
    } else if (has_space) {
      link_partial(b, p);
    }
  }
}

// --- figures --------------------------------------------------------------------------------------------------------

struct block_totals {
  std::size_t objects[2] = {};
  std::size_t bytes = 0;
};

/// Exact figures, free blocks that bins hold left out. Dead blocks count as bytes, not as objects. O(pages).
inline block_totals count_blocks(heap_core const& heap) noexcept {
  block_totals totals;
  for (bool const tracked : {false, true}) {
    totals.objects[tracked] = heap.large_objects[tracked] - heap.dead[tracked];
    for (page const* p = heap.pages[tracked]; p != nullptr; p = p->next) {
      std::size_t used = p->used;
      if (p->mode == page_mode::current) {
        used = p->carved;
        for (object_header* h = heap.bins[p->bin].free; h != nullptr; h = next_free(h)) --used;
      }
      totals.objects[tracked] += used;
      totals.bytes += used * p->block_bytes;
    }
  }
  totals.bytes += heap.large_bytes;
  return totals;
}

/// What automatic collections go by.
inline std::size_t bytes_held(heap_core const& heap) noexcept { return heap.bytes + heap.large_bytes; }

/// Notices deaths in pages that have not been used since. O(pages).
inline void recount_bytes(heap_core& heap) noexcept {
  heap.bytes = 0;
  for (page* first : heap.pages) {
    for (page* p = first; p != nullptr; p = p->next) {
      p->charged = p->mode == page_mode::current ? p->carved : p->used;
      heap.bytes += std::size_t{p->charged} * p->block_bytes;
    }
  }
}

/// From now on figures are exact at any time, and blocks are handed out one by one.
inline void start_counting(heap_core& heap) noexcept {
  if (heap.counting) return;
  flush_bins(heap);
  recount_bytes(heap);
  heap.counting = true;
  for (bool const tracked : {false, true}) {
    heap.objects[tracked] = 0;
    for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) {
      set_mode(heap, *p, page_mode::counted);
      heap.objects[tracked] += p->used;
    }
  }
}

// --- freeing --------------------------------------------------------------------------------------------------------

/// The last object of the page has been freed.
OURO_DETAIL_NOINLINE inline void release_empty_page(page& p) noexcept {
  if (p.mode == page_mode::current) {
    p.used = current_used;
    return;
  }
  heap_core& heap = *p.heap;
  unlink_partial(heap.bins[p.bin], &p);
  heap.counting ? release_page(heap, &p) : make_idle(heap, &p);
}

/// Everything in the page is free from now on, without a look at its blocks. Precondition: no bin allocates from it.
inline void release_whole_page(page& p) noexcept {
  heap_core& heap = *p.heap;
  if (p.partial) unlink_partial(heap.bins[p.bin], &p);
  release_page(heap, &p);
}

/// Frees a block of a page that has no list to put it on.
OURO_DETAIL_NOINLINE inline void free_specially(page& p, object_header* h) noexcept {
  heap_core& heap = *p.heap;
  set_next_free(h, p.free_list);
  p.free_list = h;
  --p.used;
  if (!p.partial) link_partial(heap.bins[p.bin], &p);
  if (p.mode == page_mode::full) {
    set_mode(heap, p, page_mode::plain);
  } else {
    --heap.objects[p.tracked];
    heap.bytes -= p.block_bytes;
    p.charged = p.used;
  }
  if (p.used == 0) release_empty_page(p);
  if (heap.closed) delete_heap_if_unused(heap);
}

OURO_DETAIL_INLINE void free_in_page(page& p, object_header* h) noexcept {
  *h = header_of_free_block;
  poison_body(p, h);
  object_header** const list = p.free_into;
  if (list == nullptr) [[unlikely]]
    return free_specially(p, h);
  set_next_free(h, *list);
  *list = h;
  if (--p.used == 0) [[unlikely]]
    release_empty_page(p);
}

/// Gives the block of a destroyed object back.
inline void free_block(object_header* h) noexcept {
  if (is_large(*h)) return free_large(h);
  free_in_page(*page_of(h), h);
}

// --- the walk -------------------------------------------------------------------------------------------------------

/// Calls `f(header)` for every block that is not free, of leaf or of tracked types.
template <class F>
void walk_pages(heap_core& heap, bool tracked, F f) {
  for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) {
    for_each_block(*p, [&](object_header* h) {
      if (state_of(*h) != object_state::free) f(h);
    });
  }
  for (large_prefix* l = heap.large[tracked]; l != nullptr; l = l->next) f(l->header());
}

/// The header of the object whose block contains `address`, or null.
inline object_header* find_block(void const* address) noexcept {
  if (the_registry().in_chunk(address)) {
    auto* p = reinterpret_cast<page*>(reinterpret_cast<std::uintptr_t>(address) & ~(page_bytes - 1));
    std::size_t const offset = reinterpret_cast<std::uintptr_t>(address) % page_bytes;
    if ((p->owner == nullptr) || p->type == nullptr || offset < p->first_block + sizeof(object_header)) return nullptr;
    std::uint32_t const index = block_index(*p, address);
    if (index >= p->carved) return nullptr;
    object_header* const h = p->block(index);
    return state_of(*h) == object_state::free || state_of(*h) == object_state::dead ? nullptr : h;
  }
  large_prefix* l = the_registry().find_large(address);
  if (l == nullptr || state_of(*l->header()) == object_state::free) return nullptr;
  auto const end = reinterpret_cast<std::uintptr_t>(l->allocation) + l->bytes;
  return reinterpret_cast<std::uintptr_t>(address) < end ? l->header() : nullptr;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_HEAP_BLOCKS_HPP

// Where the side slot of an object is: beside its page, or in the prefix of its large block.
#ifndef OURO_DETAIL_SIDE_SLOTS_HPP
#define OURO_DETAIL_SIDE_SLOTS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Precondition: there is a slot, as `flag_side` tells.
inline side_slot& slot_of(object_header* h) noexcept {
  if (is_large(*h)) return prefix_of(h)->side;
  page& p = *page_of(h);
  return p.sides[block_index(p, h)];
}

/// False when neither the object nor any other of its page has a slot in use.
inline bool may_have_sides(object_header* h) noexcept {
  return is_large(*h) ? (h->flags & flag_side) != 0 : page_of(h)->sides != nullptr;
}

/// Null when there is none.
inline side_record* side_of(object_header* h) noexcept {
  return (h->flags & flag_side) != 0 ? slot_of(h).record : nullptr;
}
inline weak_entry* entries_of(object_header* h) noexcept {
  return (h->flags & flag_side) != 0 ? slot_of(h).entries : nullptr;
}

/// Slots for all blocks that the page has now; null when there is no memory.
inline side_slot* make_slot(object_header* h) noexcept {
  if (is_large(*h)) return &prefix_of(h)->side;
  page& p = *page_of(h);
  std::uint32_t const index = block_index(p, h);
  if (index >= p.side_count) {
    auto* const bigger = new (std::nothrow) side_slot[p.carved];
    if (bigger == nullptr) return nullptr;
    for (std::uint32_t i = 0; i != p.side_count; ++i) p.sides[i].move_to(bigger[i]);
    delete[] p.sides;
    p.sides = bigger;
    p.side_count = static_cast<std::uint16_t>(p.carved);
  }
  return &p.sides[index];
}

/// Large objects are told apart by numbers, since their memory is reused after their death.
OURO_VISIBLE inline std::uintptr_t next_identity() noexcept {
  static constinit std::atomic<std::uintptr_t> last{1};
  return last.fetch_add(2, std::memory_order_relaxed);
}

/// Null when there is no memory.
inline side_record* make_side(object_header* h) noexcept {
  if (side_record* const side = side_of(h); side != nullptr) return side;
  side_slot* const slot = make_slot(h);
  auto* const side = slot != nullptr ? new (std::nothrow) side_record : nullptr;
  if (side == nullptr) return nullptr;
  side->header = h;
  side->identity = is_large(*h) ? next_identity() : reinterpret_cast<std::uintptr_t>(h);
  slot->record = side;
  h->flags |= flag_side;
  return side;
}

inline void drop_empty_slot(object_header* h) noexcept {
  side_slot const& slot = slot_of(h);
  if (slot.entries == nullptr && slot.record == nullptr) h->flags = static_cast<std::uint8_t>(h->flags & ~flag_side);
}

inline void drop_side_if_empty(side_record& side) noexcept {
  if (!side.empty()) return;
  object_header* const h = side.header;
  slot_of(h).record = nullptr;
  delete &side;
  drop_empty_slot(h);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_SIDE_SLOTS_HPP

// Weak handles without their types: what their word means, what keeps them valid, and what the death of an object does.
//
//   word & 3   the rest of the word is
//   0          the object, which begins there: its header, right in front, counts the handle
//   1          a weak_view: of a large object, or of one with many weak handles
//   2          a base inside a pooled object: the header is found by the page's arithmetic
//   3          a weak_watch: the handle has a callback
//
// Nothing here reads a vptr: it lies once the destructor of the most derived class has run. An object whose header counts
// weak handles leaves its block behind (`object_state::dead`), so that no other object takes its address: a weak handle is
// valid if the header says so, and compares as it always did.
#ifndef OURO_DETAIL_WEAK_REFERENCE_HPP
#define OURO_DETAIL_WEAK_REFERENCE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

using weak_word = std::uintptr_t;

inline constexpr weak_word weak_kind_mask = 3;
inline constexpr weak_word weak_plain = 0;
inline constexpr weak_word weak_shared = 1;
inline constexpr weak_word weak_inside = 2;
inline constexpr weak_word weak_watched = 3;

/// An object with so many weak handles has further ones share a view, which is counted once.
inline constexpr std::uint8_t many_weak_handles = 64;
/// A weak count that never changes again: its block is never reused. Only a shortage of memory leads here.
inline constexpr std::uint8_t sticky_weak_count = 129;

inline constexpr std::uint32_t one_weak_handle = std::uint32_t{1} << weak_shift;
/// In a header's second word: there may be weak handles, or entries of weak containers.
inline constexpr std::uint32_t weakly_referenced =
    (std::uint32_t{0xff} << weak_shift) | (std::uint32_t{flag_side} << flags_shift);

inline weak_word weak_kind(weak_word w) noexcept { return w & weak_kind_mask; }
inline object_header* header_of_plain(weak_word w) noexcept { return reinterpret_cast<object_header*>(w) - 1; }
inline void* weak_pointer(weak_word w) noexcept { return reinterpret_cast<void*>(w & ~weak_kind_mask); }
inline weak_view* view_of(weak_word w) noexcept { return static_cast<weak_view*>(weak_pointer(w)); }
inline weak_watch* watch_of(weak_word w) noexcept { return static_cast<weak_watch*>(weak_pointer(w)); }
inline weak_word word_of(weak_view const* v) noexcept { return reinterpret_cast<weak_word>(v) | weak_shared; }
inline weak_word word_of(weak_watch const* w) noexcept { return reinterpret_cast<weak_word>(w) | weak_watched; }

/// From its constructor to its finalizer an object can be locked.
OURO_DETAIL_INLINE bool is_lockable(object_header const& h) noexcept {
  static_assert(static_cast<int>(object_state::constructing) == 1 && static_cast<int>(object_state::live) == 2);
  return static_cast<unsigned>(h.flags & state_mask) - 1 <= 1;
}

/// The header of the pooled object, dead or alive, that the address lies in.
inline object_header* pooled_header(void const* inside) noexcept {
  page* const p = page_of(static_cast<object_header const*>(inside));
  return p->block(block_index(*p, inside));
}
// --- blocks that weak handles keep ----------------------------------------------------------------------------------

/// Gives back the block of a destroyed object, now or when the last weak handle goes.
inline void release_block(object_header* h) noexcept {
  if (h->weak == 0) return free_block(h);
  page& p = *page_of(h);
  set_state(*h, object_state::dead);
  h->slot = slot_slow;
  h->word = slow_none;
  ++p.heap->dead[p.tracked];
  poison_body(p, h);
}

/// The header counts one weak handle less, and the next one is none or cannot be counted.
OURO_DETAIL_NOINLINE inline void drop_last_weak(object_header* h) noexcept {
  if (h->weak == sticky_weak_count) return;
  h->weak = 0;
  if (state_of(*h) != object_state::dead) return;
  page& p = *page_of(h);
  --p.heap->dead[p.tracked];
  free_block(h);
}

OURO_DETAIL_INLINE void drop_weak_count(object_header* h) noexcept {
  constexpr std::uint32_t none_or_sticky = std::uint32_t{0x7f} << weak_shift;
  static_assert(((sticky_weak_count - 1) & 0x7f) == 0);
  std::uint32_t const left = load_second_word(h) - one_weak_handle;
  if ((left & none_or_sticky) == 0) [[unlikely]]
    return drop_last_weak(h);
  store_second_word(h, left);
}

/// False for objects whose weak handles share views.
OURO_DETAIL_INLINE bool add_weak_count(object_header* h) noexcept {
  static_assert(many_weak_handles == 0x40);
  constexpr std::uint32_t shares = (std::uint32_t{flag_large} << flags_shift) | (std::uint32_t{0xc0} << weak_shift);
  std::uint32_t const word = load_second_word(h);
  if ((word & shares) != 0) [[unlikely]]
    return false;
  store_second_word(h, word + one_weak_handle);
  return true;
}

// --- views ----------------------------------------------------------------------------------------------------------

/// A view of the object by which `pointer` is reached; null when there is no memory. The caller counts its handle.
inline weak_view* view_through(object_header* h, void* pointer) noexcept {
  side_record* const side = make_side(h);
  if (side == nullptr) return nullptr;
  for (weak_view* v = side->views; v != nullptr; v = v->next) {
    if (v->pointer == pointer) return v;
  }
  bool const can_count = is_large(*h) || h->weak < sticky_weak_count - 1;
  auto* const view = can_count ? new (std::nothrow) weak_view : nullptr;
  if (view == nullptr) {
    drop_side_if_empty(*side);
    return nullptr;
  }
  view->header = h;
  view->pointer = pointer;
  view->identity = side->identity;
  view->side = side;
  link_front(side->views, view);
  if (!is_large(*h)) ++h->weak;
  return view;
}

inline void leave_side(weak_view& view) noexcept {
  unlink(&view);
  drop_side_if_empty(*replace(view.side, nullptr));
}

inline void drop_view(weak_view* view) noexcept {
  if (--view->handles != 0) return;
  object_header* const h = view->header;
  if (view->side != nullptr) leave_side(*view);
  delete view;
  if (h != nullptr && !is_large(*h)) drop_weak_count(h);
}

// --- words ----------------------------------------------------------------------------------------------------------

/// The object of a handle without a callback: null if it was large and has died.
inline object_header* weak_header(weak_word w) noexcept {
  switch (weak_kind(w)) {
    case weak_plain:
      return header_of_plain(w);
    case weak_inside:
      return pooled_header(weak_pointer(w));
    case weak_shared:
      return view_of(w)->header;
    default:
      return weak_header(watch_of(w)->plain);
  }
}

/// What weak handles compare, order and hash by: one number for each object, and 0 for empty handles.
inline std::uintptr_t weak_identity(weak_word w) noexcept {
  if (w == 0) return 0;
  if (weak_kind(w) == weak_watched) w = watch_of(w)->plain;
  return weak_kind(w) == weak_shared ? view_of(w)->identity : reinterpret_cast<std::uintptr_t>(weak_header(w));
}

/// The address that a handle has led to, be its object dead or alive.
inline void* pointer_of(weak_word w) noexcept {
  if (weak_kind(w) == weak_watched) w = watch_of(w)->plain;
  return weak_kind(w) == weak_shared ? view_of(w)->pointer : weak_pointer(w);
}

/// Where `lock` leads: the object, which can be locked, and the pointer of the handle; a null header if it is dead.
struct weak_target {
  object_header* header;
  void* pointer;
};
inline weak_target target_of(weak_word w) noexcept {
  if (weak_kind(w) == weak_watched) {
    if (watch_of(w)->side == nullptr) return {nullptr, nullptr};
    w = watch_of(w)->plain;
  }
  object_header* const h = w != 0 ? weak_header(w) : nullptr;
  if (h == nullptr || !is_lockable(*h)) return {nullptr, nullptr};
  return {h, pointer_of(w)};
}

inline weak_word plain_word(object_header* h, void* pointer) noexcept {
  return reinterpret_cast<weak_word>(pointer) | (pointer == object_of(h) ? weak_plain : weak_inside);
}

/// 0 when there is no memory.
OURO_DETAIL_NOINLINE inline weak_word make_shared_weak(object_header* h, void* pointer) noexcept {
  weak_view* const view = view_through(h, pointer);
  if (view == nullptr) return 0;
  ++view->handles;
  return word_of(view);
}

/// A weak handle to an object that lives. Throws std::bad_alloc, but not for a pooled object with few weak handles.
OURO_DETAIL_INLINE weak_word make_weak(object_header* h, void* pointer) {
  if (add_weak_count(h)) [[likely]]
    return plain_word(h, pointer);
  weak_word const w = make_shared_weak(h, pointer);
  if (w == 0) throw_bad_alloc();
  return w;
}

OURO_DETAIL_INLINE weak_word copy_weak(weak_word w) noexcept;

OURO_DETAIL_NOINLINE inline weak_word copy_weak_slow(weak_word w) noexcept {
  if (weak_kind(w) == weak_watched) {
    if (watch_of(w)->side == nullptr) {  // dead: so is the copy, even if the object is resurrected
      ++watch_of(w)->handles;
      return w;
    }
    return copy_weak(watch_of(w)->plain);
  }
  if (weak_kind(w) == weak_shared) {
    ++view_of(w)->handles;
    return w;
  }
  object_header* const h = weak_header(w);
  if (add_weak_count(h) || h->weak == sticky_weak_count) return w;
  if (weak_word const shared = make_shared_weak(h, weak_pointer(w)); shared != 0) return shared;
  h->weak = sticky_weak_count;
  return w;
}

/// The word of a copy, which has no callback.
OURO_DETAIL_INLINE weak_word copy_weak(weak_word w) noexcept {
  if (w == 0) return 0;
  if (weak_kind(w) == weak_plain && add_weak_count(header_of_plain(w))) [[likely]]
    return w;
  return copy_weak_slow(w);
}

inline void drop_watch(weak_watch* watch) noexcept;

OURO_DETAIL_NOINLINE inline void drop_weak_slow(weak_word w) noexcept {
  switch (weak_kind(w)) {
    case weak_shared:
      return drop_view(view_of(w));
    case weak_watched:
      return drop_watch(watch_of(w));
    default:
      return drop_weak_count(weak_header(w));
  }
}

OURO_DETAIL_INLINE void drop_weak(weak_word w) noexcept {
  if (w == 0) return;
  if (weak_kind(w) != weak_plain) [[unlikely]]
    return drop_weak_slow(w);
  drop_weak_count(header_of_plain(w));
}

/// The handle leads to another base of its object, or to the whole of it. Throws std::bad_alloc as `make_weak`.
inline weak_word copy_weak_to(weak_word w, void* pointer) {
  if (weak_kind(w) == weak_watched) {
    weak_word const plain = copy_weak_to(watch_of(w)->plain, pointer);
    if (watch_of(w)->side != nullptr) return plain;
    auto* const dead = new (std::nothrow) weak_watch;  // so is the copy, even if the object is resurrected
    if (dead == nullptr) {
      drop_weak(plain);
      throw_bad_alloc();
    }
    dead->plain = plain;
    return word_of(dead);
  }
  object_header* const h = weak_header(w);
  if (h != nullptr && !is_large(*h)) {
    weak_word const copy = copy_weak(w);
    if (weak_kind(copy) != weak_shared) return plain_word(h, pointer);
    drop_weak(copy);
  }
  weak_view* view = view_of(w);
  if (h != nullptr) {
    view = view_through(h, pointer);
  } else if (view->pointer != pointer) {  // nobody will follow it any more; it only has to compare equal
    std::uintptr_t const identity = view->identity;
    view = new (std::nothrow) weak_view;
    if (view != nullptr) {
      view->pointer = pointer;
      view->identity = identity;
    }
  }
  if (view == nullptr) throw_bad_alloc();
  ++view->handles;
  return word_of(view);
}

// --- callbacks ------------------------------------------------------------------------------------------------------

/// Takes over the callback. Throws std::bad_alloc.
inline weak_word make_watch(object_header* h, void* pointer, weak_callback* callback) {
  struct cleanup {
    weak_callback* callback;
    weak_watch* watch = nullptr;
    weak_word plain = 0;
    ~cleanup() {
      delete callback;
      delete watch;
      drop_weak(plain);
    }
  } undo{callback};
  undo.watch = new (std::nothrow) weak_watch;
  if (undo.watch == nullptr) throw_bad_alloc();
  undo.plain = make_weak(h, pointer);
  side_record* const side = make_side(h);
  if (side == nullptr) throw_bad_alloc();
  weak_watch* const watch = replace(undo.watch, nullptr);
  watch->callback = replace(undo.callback, nullptr);
  watch->plain = replace(undo.plain, weak_word{0});
  watch->side = side;
  watch->serial = ++heap_of(h).watches_made;
  ++heap_of(h).watches;
  link_front(side->watches, watch);
  return word_of(watch);
}

inline void drop_watch(weak_watch* watch) noexcept {
  if (--watch->handles != 0) return;
  if (watch->link != nullptr) unlink(watch);
  if (watch->side != nullptr) {
    --heap_of(watch->side->header).watches;
    drop_side_if_empty(*watch->side);
  }
  weak_callback* const callback = watch->callback;
  weak_word const plain = watch->plain;
  delete watch;
  drop_weak(plain);
  delete callback;
}

/// A callback is part of what holds its handle.
inline void trace_weak(weak_word w, tracer& t) noexcept {
  if (weak_kind(w) != weak_watched) return;
  weak_watch* const watch = watch_of(w);
  if (watch->callback == nullptr || watch->handles != 1) return;  // of copies none owns the callback
  bool const is_pending = watch->side == nullptr && watch->link != nullptr;
  if (is_pending && tracer_access::pass(t) == trace_pass::find_watches) unlink(watch);
  watch->callback->trace(t);
}
}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_WEAK_REFERENCE_HPP

// What the death of an object means for all that leads to it weakly, or hangs on it: handles, callbacks, entries.
#ifndef OURO_DETAIL_WEAK_DEATH_HPP
#define OURO_DETAIL_WEAK_DEATH_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- callbacks ------------------------------------------------------------------------------------------------------

/// The callbacks of an object join a list of those that are to be called; their handles are dead from now on.
inline void take_watches(side_record& side, weak_watch*& pending) noexcept {
  while (weak_watch* const watch = side.watches) {
    unlink(watch);
    watch->side = nullptr;
    link_front(pending, watch);
    --heap_of(side.header).watches;
  }
}

/// Merge sort, newest first. Links backwards are not kept up.
inline weak_watch* sort_watches(weak_watch* first) noexcept {
  if (first == nullptr || first->next == nullptr) return first;
  weak_watch* middle = first;
  for (weak_watch* end = first->next; end != nullptr && end->next != nullptr; end = end->next->next)
    middle = middle->next;
  weak_watch* b = sort_watches(replace(middle->next, nullptr));
  weak_watch* a = sort_watches(first);
  weak_watch* sorted = nullptr;
  weak_watch** last = &sorted;
  while (a != nullptr && b != nullptr) {
    weak_watch*& newer = a->serial > b->serial ? a : b;
    *last = newer;
    last = &newer->next;
    newer = newer->next;
  }
  *last = a != nullptr ? a : b;
  return sorted;
}

inline void sort_pending(weak_watch*& pending) noexcept {
  pending = sort_watches(pending);
  for (weak_watch** link = &pending; *link != nullptr; link = &(*link)->next) (*link)->link = link;
}

/// Calls them, newest first. They may drop any weak handle, their own and waiting ones included.
inline void call_watches(heap_core& heap, weak_watch*& pending) noexcept {
  sort_pending(pending);
  no_collection_scope scope;
  while (weak_watch* const watch = pending) {
    unlink(watch);
    weak_callback* const callback = replace(watch->callback, nullptr);
    OURO_DETAIL_TRY { callback->call(copy_weak(word_of(watch))); }
    OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "weak_gc_ptr callback", {}); }
    delete callback;
  }
}

// --- entries of weak containers -------------------------------------------------------------------------------------

/// Puts an entry into its table and onto its object, which lives. Throws std::bad_alloc; nothing has changed then.
inline void attach(object_header* h, weak_table& table, weak_entry& e) {
  table.reserve_one();
  bool const becomes_tracked = e.traced && h->slot == slot_leaf;
  side_slot* const slot = make_slot(h);
  side_record* const side = slot != nullptr && becomes_tracked ? make_side(h) : nullptr;
  if (slot == nullptr || (becomes_tracked && side == nullptr)) throw_bad_alloc();
  e.object = h;
  table.link(e);
  link_front(slot->entries, &e);
  h->flags |= flag_side;
  if (becomes_tracked) {
    heap_core& heap = heap_of(h);
    link_front(heap.tracked_leaves, side);
    set_slow_slot(*h, static_cast<std::uint16_t>(slot_slow | heap.epoch.now));
  }
}

/// Takes an entry out of both.
inline void detach(weak_entry& e) noexcept {
  e.table->unlink(e);
  unlink(&e);
  drop_empty_slot(e.object);
}

// --- death ----------------------------------------------------------------------------------------------------------

/// All that leads weakly to the object is cleared; no code of the user runs. Callbacks join `pending`.
inline void clear_weak(object_header* h, weak_watch*& pending) noexcept {
  if (side_record* const side = side_of(h); side != nullptr) {
    if (is_large(*h)) {
      while (weak_view* const view = side->views) {
        unlink(view);
        view->header = nullptr;
        view->side = nullptr;
      }
    }
    take_watches(*side, pending);
  }
  for (weak_entry *e = entries_of(h), *next = nullptr; e != nullptr; e = next) {
    next = e->next;
    if (e->table != nullptr) e->table->lose(*e);
  }
}

/// The destructor of the object has run: what hung on it goes, too.
OURO_DETAIL_NOINLINE inline void drop_entries(object_header* h) noexcept {
  side_slot& slot = slot_of(h);
  weak_entry* entries = replace(slot.entries, nullptr);
  if (entries != nullptr) entries->link = &entries;
  if (side_record* const side = slot.record; side != nullptr) {
    if (side->tracked_leaf()) unlink(side);
    drop_side_if_empty(*side);
  } else {
    drop_empty_slot(h);
  }
  while (weak_entry* const e = entries) {
    unlink(e);
    delete e;
  }
}

/// Is there nothing but entries that need no destructor?
inline bool has_plain_side(side_slot const& slot) noexcept {
  weak_entry const* e = slot.entries;
  while (e != nullptr && e->plain) e = e->next;
  return e == nullptr && slot.record == nullptr;
}

/// What `clear_weak` and `drop_entries` do, for an object with a plain side.
OURO_DETAIL_NOINLINE inline void forget_entries(object_header* h) noexcept {
  weak_entry* e = replace(slot_of(h).entries, nullptr);
  h->flags = static_cast<std::uint8_t>(h->flags & ~flag_side);
  while (e != nullptr) {
    weak_entry& gone = *replace(e, e->next);
    if (gone.table != nullptr) gone.table->lose(gone);
    gone.forget();
  }
}

/// Before the destructor of an object that dies by counting, or whose constructor threw.
OURO_DETAIL_NOINLINE inline void clear_and_call(heap_core& heap, object_header* h) noexcept {
  weak_watch* pending = nullptr;
  clear_weak(h, pending);
  call_watches(heap, pending);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_WEAK_DEATH_HPP

// What happens when a handle is dropped: a candidate is recorded, or the object dies, with bounded recursion.
#ifndef OURO_DETAIL_DESTRUCTION_HPP
#define OURO_DETAIL_DESTRUCTION_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Destructors nest this deep; what is below waits in a queue.
inline constexpr std::uint32_t deepest_nesting = 32;
/// Added to a thread's depth while it traces: counts are the collector's then, and nothing may die or become a candidate.
inline constexpr std::uint32_t tracing_depth = 0x80000000u;

/// Collects in heaps that were closed inside a destructor or finalizer of this thread. Through a pointer, so that code
/// that only drops handles is compiled without the collector.
inline void collect_late_heaps(thread_state& thread) noexcept {
  if (thread.collect_late != nullptr) thread.collect_late(thread);
}

/// Keeps a heap's state in place while it is worked on: user code that runs meanwhile may close the heap.
class heap_user {
 public:
  explicit heap_user(heap_core& heap) noexcept : heap_(heap) { ++heap_.users; }
  heap_user(heap_user const&) = delete;
  heap_user& operator=(heap_user const&) = delete;
  ~heap_user() {
    --heap_.users;
    if (heap_.closed) delete_heap_if_unused(heap_);
  }

 private:
  heap_core& heap_;
};

// --- candidates -----------------------------------------------------------------------------------------------------

OURO_DETAIL_NOINLINE inline bool grow_candidates(heap_core& heap) noexcept {
  if (heap.candidate_capacity >= slot_candidate_limit) return false;
  std::uint32_t const capacity = smaller(larger(heap.candidate_capacity * 4, 256), slot_candidate_limit);
  auto* bigger = new (std::nothrow) candidate[capacity];
  if (bigger == nullptr) return false;
  for (std::uint32_t i = 0; i != heap.candidate_count; ++i) bigger[i] = heap.candidates[i];
  delete[] heap.candidates;
  heap.candidates = bigger;
  heap.candidate_capacity = capacity;
  return true;
}

/// The last candidate takes the place of the one that leaves.
inline void remove_candidate(heap_core& heap, object_header* h) noexcept {
  candidate& place = heap.candidates[h->slot];
  candidate const last = heap.candidates[--heap.candidate_count];
  std::uint16_t const index = h->slot;
  set_slow_slot(*h, place.birth());
  if (last.header() != h) {
    place = last;
    last.header()->slot = index;
  }
}

/// The count will not change any more. The slot makes every further drop take the slow path, which sees to that.
OURO_DETAIL_NOINLINE inline void make_immortal(object_header* h) noexcept {
  if (is_candidate(*h)) remove_candidate(heap_of(h), h);
  h->slot = slot_slow;
  h->word = sticky_word;
}

/// A copy has brought the word to zero: there are as many handles as it can count, or, when a trace that a user wrote has
/// dropped the last handle and makes another one, one.
OURO_DETAIL_NOINLINE inline void count_anew(object_header* h) noexcept {
  if (is_slow(h->slot) || this_thread_state().depth < tracing_depth) make_immortal(h);
}

/// Only young candidates are kept in the buffer: generation 2 is collected page by page, so that one bit is enough.
OURO_DETAIL_INLINE void record_candidate(heap_core& heap, object_header* h) noexcept {
  if (h->slot <= (slot_slow | heap.epoch.old) && heap.epoch.frozen == 0) {
    set_quick_slot(*h, slot_old);
    heap.old_fell = true;
    return;
  }
  heap.candidates[heap.candidate_count] = {h, h->slot};
  set_quick_slot(*h, static_cast<std::uint16_t>(heap.candidate_count++));
}

/// What `add_candidate` does not handle itself.
OURO_DETAIL_NOINLINE inline void add_candidate_slow(object_header* h) noexcept {
  thread_state& thread = this_thread_state();
  if (h->slot > slot_epoch_limit || thread.depth >= tracing_depth) {
    thread.dropped_in_trace = true;
    if (h->word == below_zero) h->word = slow_none;
    if (is_sticky(*h)) h->word = sticky_word;
  } else if (h->word == below_zero) {
    report(heap_of(h),
           "more handles were dropped than made; the object is kept. Was a handle copied bytewise, or destroyed twice?",
           "gc_ptr", type_of(h).name());
    make_immortal(h);
  } else if (is_sticky(*h)) {
    make_immortal(h);
  } else if (state_of(*h) == object_state::live) {
    heap_core& heap = heap_of(h);
    if (heap.candidate_count != heap.candidate_capacity || grow_candidates(heap)) {
      record_candidate(heap, h);
    } else {
      heap.overflowed = heap.lost = true;
    }
  }
}

/// Records that the count of a slow object fell to something above zero: it may be part of a cycle that is now garbage.
OURO_DETAIL_NOINLINE inline void add_candidate(object_header* h) noexcept {
  bool const has_birth = h->slot >= slot_oldest && h->slot <= slot_epoch_limit;
  if (!has_birth || this_thread_state().depth >= tracing_depth || !is_live_in_page(*h) || h->word < slow_word) {
    return add_candidate_slow(h);
  }
  heap_core& heap = *page_of(h)->heap;
  if (heap.candidate_count == heap.candidate_capacity) {
    if (!heap.overflowed) add_candidate_slow(h);
    return;
  }
  record_candidate(heap, h);
}

/// The slot that tells when a tracked object was born, be it a candidate or not.
inline std::uint16_t birth_slot(heap_core const& heap, object_header const& h) noexcept {
  return is_candidate(h) ? heap.candidates[h.slot].birth() : larger(h.slot, slot_oldest);
}
inline std::uint16_t birth_of(heap_core const& heap, object_header const& h) noexcept {
  return static_cast<std::uint16_t>(birth_slot(heap, h) & ~slot_slow);
}
inline std::uint16_t slot_of_newborn(heap_core const& heap, type_descriptor const& type) noexcept {
  return type.tracked() ? static_cast<std::uint16_t>(slot_slow | heap.epoch.now) : slot_leaf;
}

// --- the queue of objects whose destructors wait --------------------------------------------------------------------

inline void enqueue(thread_state& thread, object_header* h) noexcept {
  thread.has_waiting = true;
  set_state(*h, object_state::queued);
  if (is_large(*h)) {
    prefix_of(h)->next_queued = thread.queued_large;
    thread.queued_large = h;
    return;
  }
  page* p = page_of(h);
  if (p->queue == 0) {
    p->next_queued = thread.queued_pages;
    thread.queued_pages = p;
  }
  h->slot = p->queue;
  h->word = queued_word;
  p->queue = static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(h) % page_bytes / 8);
}

inline object_header* dequeue(thread_state& thread) noexcept {
  object_header* h = thread.queued_large;
  if (h != nullptr) {
    thread.queued_large = prefix_of(h)->next_queued;
  } else if (page* p = thread.queued_pages; p != nullptr) {
    h = reinterpret_cast<object_header*>(reinterpret_cast<char*>(p) + std::size_t{p->queue} * 8);
    p->queue = h->slot;
    if (p->queue == 0) thread.queued_pages = p->next_queued;
  } else {
    return nullptr;
  }
  std::uint32_t const count = is_large(*h) ? count_of(*h) : h->word - queued_word;
  h->slot = slot_of_newborn(heap_of(h), type_of(h));
  set_count(*h, count);
  set_state(*h, object_state::live);
  return h;
}

// --- death ----------------------------------------------------------------------------------------------------------

/// Runs `gc_finalize` of an object, which must not die meanwhile; reports what it throws.
inline void call_finalizer(heap_core& heap, type_descriptor const& type, object_header* h) noexcept {
  h->flags |= flag_finalized;
  no_collection_scope scope;
  OURO_DETAIL_TRY { type.finalize(object_of(h)); }
  OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "gc_finalize", type.name()); }
}

/// True when the finalizer left the object without handles.
inline bool still_dead_after_finalizer(heap_core& heap, type_descriptor const& type, object_header* h) noexcept {
  set_count(*h, 1);
  call_finalizer(heap, type, h);
  if (is_sticky(*h)) return false;
  --h->word;
  if (count_of(*h) != 0) {
    if (is_slow(h->slot)) add_candidate(h);
    return false;
  }
  if (is_candidate(*h)) remove_candidate(heap, h);
  return true;
}

/// An object whose destructor has run but to which handles exist, which would dangle, keeps its block for good.
OURO_DETAIL_NOINLINE inline void keep_zombie(heap_core& heap, type_descriptor const& type, object_header* h) noexcept {
  set_state(*h, object_state::zombie);
  make_immortal(h);
  report(heap, "a destructor kept a handle to its own object; its memory is never reused. Use gc_finalize to resurrect",
         "destructor", type.name());
}

/// Runs finalizer and destructor, and gives the block back.
inline void destroy_now(thread_state& thread, object_header* h) noexcept {
  heap_core& heap = heap_of(h);
  type_descriptor const& type = type_of(h);
  ++thread.depth;
  bool const finalized = type.finalize == nullptr || type.is_generator() || (h->flags & flag_finalized) != 0;
  if (finalized || still_dead_after_finalizer(heap, type, h)) {
    set_state(*h, object_state::destroying);
    std::uint32_t const count = count_of(*h);  // not zero if there was a handle too few or too many while it waited
    h->slot = slot_slow;
    set_count(*h, count);
    if ((h->flags & flag_side) != 0) clear_and_call(heap, h);
    if (type.destroy != nullptr) {
      work_entry const entry(h);
      type.destroy(&entry, &entry + 1);
    }
    if ((h->flags & flag_side) != 0) drop_entries(h);
    h->word == slow_none ? release_block(h) : keep_zombie(heap, type, h);
  }
  --thread.depth;
}

OURO_DETAIL_NOINLINE inline void do_what_waits(thread_state& thread) noexcept {
  while (object_header* h = dequeue(thread)) destroy_now(thread, h);
  collect_late_heaps(thread);
  thread.has_waiting =
      thread.queued_pages != nullptr || thread.queued_large != nullptr || thread.collect_late != nullptr;
}

/// What could not be done inside destructors.
OURO_DETAIL_INLINE void drain_queue(thread_state& thread) noexcept {
  if (thread.has_waiting) [[unlikely]]
    do_what_waits(thread);
}

/// Any death that `die` does not handle itself: during a trace, of large objects, of candidates, with a
/// finalizer, with weak handles, deep inside other destructors.
OURO_DETAIL_NOINLINE inline void die_slowly(thread_state& thread, object_header* h) noexcept {
  if (thread.depth >= tracing_depth) {
    thread.dropped_in_trace = true;
    return;
  }
  if (state_of(*h) == object_state::destroying) return;  // a handle that its destructor made and dropped
  type_descriptor const& type = type_of(h);
  if (type.is_generator() && type.defer_death(h)) return;
  if (is_candidate(*h)) remove_candidate(heap_of(h), h);
  if (thread.depth >= deepest_nesting) return enqueue(thread, h);
  destroy_now(thread, h);
  if (thread.depth == 0) drain_queue(thread);
}

inline void die_slowly(object_header* h) noexcept { die_slowly(this_thread_state(), h); }

/// Is there nothing to be looked at before its destructor? Large objects have a flag.
OURO_DETAIL_INLINE bool is_ordinary(object_header const* h) noexcept {
  return h->flags == static_cast<std::uint8_t>(object_state::live) && h->weak == 0;
}
/// The same, and it is slow but not immortal: one load and one branch.
OURO_DETAIL_INLINE bool is_ordinary_and_slow(object_header const* h) noexcept {
  if constexpr (std::endian::native == std::endian::big) return is_ordinary(h) && h->slot >= slot_oldest;
  constexpr std::uint32_t first = second_word(make_header(0, slot_oldest, object_state::live));
  constexpr std::uint32_t last = second_word(make_header(0, 0xffff, object_state::live));
  return load_second_word(h) - first <= last - first;
}

/// A handle has been dropped. If it was the last one the object dies, at once or, deep inside other destructors, soon.
OURO_DETAIL_NOINLINE inline void drop_slow(object_header* h) noexcept {
  if (is_slow(h->slot)) [[likely]] {
    if (h->word != slow_none || h->slot == slot_slow) return add_candidate(h);
  } else {
    if (count_of(*h) != 0) return make_immortal(h);
    if (is_candidate(*h)) return die_slowly(h);  // it is to leave the buffer
  }
  if (!is_ordinary(h)) return die_slowly(h);
  page_of(h)->die(h);
}

/// The same inside of `depth` destructors.
OURO_DETAIL_NOINLINE inline void drop_inside(object_header* h, std::uint32_t depth) noexcept {
  this_thread_state().depth = depth;
  drop_slow(h);
}

template <class Operations>
void die(object_header* h) noexcept;

/// `destroy_here` for the objects of a chain: the function that calls itself.
template <class Operations>
void destroy_ordinary(object_header* h, std::uint32_t depth) noexcept;

/// An ordinary object has lost its last handle, inside of `depth` destructors.
template <class Operations>
OURO_DETAIL_INLINE void destroy_here(object_header* h, std::uint32_t depth) noexcept {
  *h = make_header(0, slot_slow, object_state::destroying);
  ++depth;
  if constexpr (Operations::is_plain) {
    // Objects of one type are often made of one another: those die without a detour. No code of users runs meanwhile, so
    // the thread learns how deep it is only where some may.
    Operations::for_each_target(h, [depth](object_header* target) OURO_DETAIL_INLINE_LAMBDA {
      if (target->word == slow_word && is_ordinary_and_slow(target) && page_of(target)->die == &die<Operations> &&
          depth < deepest_nesting) [[likely]] {
        destroy_ordinary<Operations>(target, depth);
      } else if (static_cast<std::int32_t>(--target->word) < 0) {
        drop_inside(target, depth);
      }
    });
  } else {
    this_thread_state().depth = depth;
    Operations::destroy(h);
  }
  if (h->word == slow_none) [[likely]] {
    free_in_page(*page_of(h), h);
  } else {
    this_thread_state().depth = depth;
    keep_zombie(*page_of(h)->heap, *page_of(h)->type, h);
  }
}

template <class Operations>
void destroy_ordinary(object_header* h, std::uint32_t depth) noexcept {
  destroy_here<Operations>(h, depth);
}

/// The last handle to an ordinary object of the type `Operations` speaks for has been dropped, and it has no finalizer.
/// One function for each type, so that its destructor is part of it.
template <class Operations>
void die(object_header* h) noexcept {
  thread_state& thread = this_thread_state();
  std::uint32_t const depth = thread.depth;
  if (depth >= deepest_nesting) [[unlikely]]
    return die_slowly(thread, h);
  destroy_here<Operations>(h, depth);
  thread.depth = depth;
  if (depth == 0) drain_queue(thread);
}

OURO_DETAIL_INLINE void add_reference(object_header* h) noexcept {
  if (++h->word == 0) [[unlikely]]
    count_anew(h);
}

/// Immortal, free and dying objects are slow, but for those that wait for their destructor.
OURO_DETAIL_INLINE void drop_reference(object_header* h) noexcept {
  if (static_cast<std::int32_t>(--h->word) < 0) [[unlikely]]
    drop_slow(h);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_DESTRUCTION_HPP

// Runs trace functions and hands what they report to a pass of the collector, some edges later.
//
// Ordinary objects are traced by code that the library generated from the type: each handle is reported once, so its
// edges go straight to the pass. Code that users wrote is checked first (see `checked_trace`): an edge that is counted
// twice would free a live object, and the counts cannot always tell.
#ifndef OURO_DETAIL_EDGE_STREAM_HPP
#define OURO_DETAIL_EDGE_STREAM_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// While it lives, the thread's drops neither free nor record anything.
class tracing_scope {
 public:
  tracing_scope() noexcept { this_thread_state().depth += tracing_depth; }
  tracing_scope(tracing_scope const&) = delete;
  tracing_scope& operator=(tracing_scope const&) = delete;
  ~tracing_scope() { this_thread_state().depth -= tracing_depth; }
};

/// What was wrong with the edges that an object's trace reported.
enum class trace_fault : std::uint8_t {
  none,
  repeated,
  on_stack,
  temporary,
  no_memory,
  destroyed_handle,
  too_many,
  unbalanced,
  in_use
};

/// Parts of an object that wait for being traced, so that long chains of parts need no stack.
class deferred_parts {
 public:
  using part_function = void (*)(void const*, tracer&) noexcept;

  explicit deferred_parts(chunk_pool& pool) noexcept : parts_(pool) {}
  bool add(void const* part, part_function trace) noexcept { return parts_.push({part, trace}); }
  bool empty() const noexcept { return parts_.empty(); }
  void trace_all(tracer& t) noexcept {
    while (!parts_.empty()) {
      deferred const d = parts_.pop();
      d.trace(d.part, t);
    }
  }

 private:
  struct deferred {
    void const* part;
    part_function trace;
  };
  chunk_list<deferred> parts_;
};

inline void trace_object(type_descriptor const& type, object_header* h, tracer& t) noexcept {
  work_entry const entry(h);
  type.trace(&entry, &entry + 1, t);
}

/// Buffers edges so that their targets are in the cache when the pass looks at them.
template <class Pass>
class edge_stream : public tracer {
 public:
  edge_stream(Pass const& pass, trace_pass kind, heap_core& heap) noexcept
      : tracer(buffer_, buffer_ + capacity, &edge_stream::flush, &edge_stream::defer, kind, &edge_stream::meet_table,
               &edge_stream::take_array),
        pass_of_edges_(pass),
        deferred_(heap.work_chunks) {}

  void trace(type_descriptor const& type, object_header* h) noexcept {
    if ((h->flags & flag_side) != 0) [[unlikely]]
      return trace_with_entries(type, h);
    trace_object(type, h, *this);
  }

  /// Objects of one page, or a large one.
  void trace(type_descriptor const& type, work_entry* first, work_entry* last) noexcept {
    if (type.tracked()) type.trace(first, last, *this);
    if (!may_have_sides(first->header())) return;
    for (; first != last; ++first) trace_entries(first->header());
  }

  /// What hangs on an object as entry of a weak container.
  void trace_entries(object_header* h) noexcept {
    if ((h->flags & flag_side) == 0) return;
    if constexpr (chooses_entries) pass_of_edges_.meet(*h);
    for (weak_entry* e = entries_of(h); e != nullptr; e = e->next) trace_entry(*e);
  }

  /// The weak containers that a checked trace has reported.
  template <class Checked>
  void trace_tables(Checked& checked) noexcept {
    while (weak_table* const table = checked.take_table()) meet_table(*this, *table);
  }

  void drain() noexcept {
    process();
    deferred_.trace_all(*this);
    process();
  }

  bool empty() const noexcept { return next_ == first_ && deferred_.empty(); }
  /// Edges that have been handed to the pass.
  std::size_t edges() const noexcept { return edges_; }

 private:
  static constexpr std::size_t capacity = 128;

  static void flush(tracer& t) noexcept { static_cast<edge_stream&>(t).process(); }
  static bool defer(tracer& t, void const* part, part_function trace) noexcept {
    return static_cast<edge_stream&>(t).deferred_.add(part, trace);
  }

  /// Many handles need no buffer: which ones come next is known. Those to one object are often neighbours.
  static void take_array(tracer& t, void** first, std::size_t n, bool polymorphic) noexcept {
    constexpr std::ptrdiff_t ahead = 16;
    auto& self = static_cast<edge_stream&>(t);
    Pass pass = self.pass_of_edges_;
    for (void **const last = first + n, **next = first; first != last; first = next) {
      void* const word = *first;
      do ++next;
      while (next != last && *next == word);
      if (last - next > ahead) {
        auto const later = reinterpret_cast<std::uintptr_t>(next[ahead]) - sizeof(object_header);  // may be null
        OURO_DETAIL_PREFETCH(reinterpret_cast<void const*>(later));
      }
      if (word == nullptr) continue;
      self.edges_ += static_cast<std::size_t>(next - first);
      std::uintptr_t const target = polymorphic ? edge_target_polymorphic(word) : edge_target(header_of(word));
      if constexpr (requires { pass.on_edges(target, std::uint32_t{}); }) {
        pass.on_edges(target, static_cast<std::uint32_t>(next - first));
      } else {
        for (; first != next; ++first) pass.on_edge({first, target});
      }
    }
  }

  // Entries are met from their objects and from their tables. Passes of the collector say when they want them.
  static constexpr bool chooses_entries = requires(Pass const& pass, weak_entry& e) { pass.wants(e); };

  static void meet_table(tracer& t, weak_table& table) noexcept {
    auto& self = static_cast<edge_stream&>(t);
    if constexpr (chooses_entries) self.pass_of_edges_.meet(table);
    for (weak_entry* e = table.first(); e != nullptr; e = e->next_in_table) self.trace_entry(*e);
  }

  void trace_entry(weak_entry& e) noexcept {
    if (!e.traced) return;
    if constexpr (chooses_entries) {
      if (!pass_of_edges_.wants(e)) return;
    }
    e.trace(*this);
  }

  OURO_DETAIL_NOINLINE void trace_with_entries(type_descriptor const& type, object_header* h) noexcept {
    trace_entries(h);
    if (type.tracked()) trace_object(type, h, *this);
  }

  OURO_DETAIL_INLINE void process() noexcept {
    edge* const end = replace(next_, first_);
    edges_ += static_cast<std::size_t>(end - first_);
    Pass pass = pass_of_edges_;  // a copy that the compiler can keep in registers
    for (edge* e = first_; e != end; ++e) pass.on_edge(*e);
  }

  Pass const pass_of_edges_;
  std::size_t edges_ = 0;
  deferred_parts deferred_;
  edge buffer_[capacity];
};

/// Quicksort of our own: std::sort took 5 % of the time to compile it all, and std::qsort sorts half as fast. The
/// pivot's place is arbitrary, so no order that programs make is a bad one.
inline void sort_by_slot(edge* first, edge* last) noexcept {
  auto const key = [](edge const& e) { return reinterpret_cast<std::uintptr_t>(e.slot); };
  while (last - first > 16) {
    auto const n = static_cast<std::uint64_t>(last - first);
    std::uintptr_t const pivot = key(first[(n * 0x9e3779b97f4a7c15u >> 32) % n]);
    edge* low = first;
    edge* high = last;
    while (low < high) {
      while (key(*low) < pivot) ++low;
      while (key(high[-1]) > pivot) --high;
      if (low >= high) break;
      edge const e = *low;
      *low++ = *--high;
      *high = e;
    }
    if (high - first < last - low) {  // the smaller part is left to the recursion, which stays shallow
      sort_by_slot(first, high);
      first = low;
    } else {
      sort_by_slot(low, last);
      last = high;
    }
  }
  for (edge* end = first; end != last; ++end) {
    edge const e = *end;
    edge* place = end;
    for (; place != first && key(place[-1]) > key(e); --place) *place = place[-1];
    *place = e;
  }
}

/// Runs a trace function that users wrote, keeps all its edges and judges them.
class checked_trace : public tracer {
 public:
  explicit checked_trace(heap_core& heap) noexcept
      : tracer(&last_edge_, &last_edge_ + 1, &checked_trace::flush, &checked_trace::defer, trace_pass::visit,
               &checked_trace::meet_table),
        deferred_(heap.work_chunks),
        tables_(heap.work_chunks) {}
  ~checked_trace() { delete[] edges_; }

  trace_fault run(type_descriptor const& type, object_header* h) noexcept {
    return judge([&] { trace_object(type, h, *this); }, [&] { return reports_outside(h); });
  }

  trace_fault run(weak_entry const& e) noexcept {
    return judge([&] { e.trace(*this); }, [] { return true; });
  }

  edge const* begin() const noexcept { return edges_; }
  edge const* end() const noexcept { return edges_ + count_; }

  /// One of the weak containers that were reported, in reverse order; null when there are none left.
  weak_table* take_table() noexcept { return tables_.empty() ? nullptr : tables_.pop(); }

 private:
  template <class Trace, class ReportsOutside>
  trace_fault judge(Trace trace, ReportsOutside reports_outside_of_it) noexcept {
    std::size_t const tables_before = tables_.size();
    trace_fault const fault = find_fault(trace, reports_outside_of_it);
    while (fault != trace_fault::none && tables_.size() != tables_before) tables_.pop();
    return fault;
  }

  template <class Trace, class ReportsOutside>
  trace_fault find_fault(Trace trace, ReportsOutside reports_outside_of_it) noexcept {
    count_ = 0;
    fault_ = trace_fault::none;
    char here = 0;
    stack_top_ = reinterpret_cast<std::uintptr_t>(&here);
    thread_state& thread = this_thread_state();
    thread.dropped_in_trace = false;
    trace();
    deferred_.trace_all(*this);
    if (fault_ != trace_fault::none) return fault_;
    if (tracer_access::take_in_use(*this)) return trace_fault::in_use;
    if (thread.dropped_in_trace && reports_outside_of_it()) return trace_fault::temporary;
    sort_by_slot(edges_, edges_ + count_);
    for (std::size_t i = 1; i < count_; ++i) {
      if (edges_[i].slot == edges_[i - 1].slot) return trace_fault::repeated;
    }
    return trace_fault::none;
  }

  // Called with every edge, while the reporting frame is on the stack: a slot that lies between it and our own
  // frame is a local variable, a copy of some handle.
  OURO_DETAIL_NOINLINE static void flush(tracer& t) noexcept {
    auto& self = static_cast<checked_trace&>(t);
    char here = 0;
    auto const bottom = reinterpret_cast<std::uintptr_t>(&here);
    auto const slot = reinterpret_cast<std::uintptr_t>(self.last_edge_.slot);
    self.next_ = self.first_;
    if ((slot > bottom && slot < self.stack_top_) || (slot < bottom && slot > self.stack_top_) || in_fake_stack(slot)) {
      self.fault_ = trace_fault::on_stack;
    }
    if (self.count_ == self.capacity_ && !self.grow()) {
      self.fault_ = trace_fault::no_memory;
      return;
    }
    self.edges_[self.count_++] = self.last_edge_;
  }

  static bool defer(tracer& t, void const* part, part_function trace) noexcept {
    return static_cast<checked_trace&>(t).deferred_.add(part, trace);
  }

  static void meet_table(tracer& t, weak_table& table) noexcept {
    auto& self = static_cast<checked_trace&>(t);
    if (!self.tables_.push(&table)) self.fault_ = trace_fault::no_memory;
  }

  // AddressSanitizer moves locals to a stack of its own to find uses after return.
  static bool in_fake_stack([[maybe_unused]] std::uintptr_t slot) noexcept {
#if OURO_DETAIL_ASAN
    void* fake = __asan_get_current_fake_stack();
    return fake != nullptr && __asan_addr_is_in_fake_stack(fake, reinterpret_cast<void*>(slot), nullptr, nullptr);
#else
    return false;
#endif
  }

  bool reports_outside(object_header* h) const noexcept {
    auto const begin_of_block = reinterpret_cast<std::uintptr_t>(h);
    auto const end_of_block = begin_of_block + bytes_of(h);
    for (edge const& e : *this) {
      auto const slot = reinterpret_cast<std::uintptr_t>(e.slot);
      if (slot < begin_of_block || slot >= end_of_block) return true;
    }
    return false;
  }

  bool grow() noexcept {
    std::size_t const capacity = larger<std::size_t>(64, capacity_ * 2);
    auto* bigger = new (std::nothrow) edge[capacity];
    if (bigger == nullptr) return false;
    for (std::size_t i = 0; i != count_; ++i) bigger[i] = edges_[i];
    delete[] edges_;
    edges_ = bigger;
    capacity_ = capacity;
    return true;
  }

  deferred_parts deferred_;
  chunk_list<weak_table*> tables_;
  edge last_edge_{};
  edge* edges_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::uintptr_t stack_top_ = 0;
  trace_fault fault_ = trace_fault::none;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_EDGE_STREAM_HPP

// What a collection tells of traces that users wrote.
#ifndef OURO_DETAIL_FAULT_LIST_HPP
#define OURO_DETAIL_FAULT_LIST_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Misuse found while user code must not run; told when the trial is over.
class fault_list {
 public:
  void add(trace_fault fault, type_descriptor const& type) noexcept {
    for (std::size_t i = 0; i != size_; ++i) {
      if (faults_[i].type == &type && faults_[i].fault == fault) return;
    }
    if (size_ != faults_.size()) faults_[size_++] = {fault, &type};
  }

  void deliver(heap_core& heap) noexcept {
    for (std::size_t i = 0; i != size_; ++i) report(heap, text(faults_[i].fault), "gc_trace", faults_[i].type->name());
    size_ = 0;
  }

 private:
  struct entry {
    trace_fault fault;
    type_descriptor const* type;
  };

  static char const* text(trace_fault fault) noexcept {
    switch (fault) {
      case trace_fault::repeated:
        return "a handle was reported twice by the trace of one object, which is kept alive. Name each member once";
      case trace_fault::on_stack:
        return "a copy of a handle was reported (a local variable); the object is kept alive. Pass the members "
               "themselves to the tracer";
      case trace_fault::temporary:
        return "handles were copied and dropped during a trace that reports handles outside of its object, which is "
               "kept alive. Pass the members themselves to the tracer";
      case trace_fault::too_many:
        return "more edges lead to an object than it has handles; it is kept alive. Does some gc_trace report a handle "
               "that belongs to another object, or is shared?";
      case trace_fault::unbalanced:
        return "handles were made or dropped by a trace, so this collection frees nothing. A gc_trace may only pass "
               "members to the tracer";
      case trace_fault::destroyed_handle:
        return "the trace met a handle that has been destroyed";
      default:
        return "the trace could not be recorded";
    }
  }

  std::array<entry, 16> faults_{};
  std::size_t size_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_FAULT_LIST_HPP

// The set S of a collection: its members, and the count that each of them had when it joined.
//
//   pages   | page, 3 members | page, 2 members | ..      counts  | 1 | 2 | 1 | 1 | 1 | ..
//   list    | entry | entry | ..                          counts  | 1 | 4 | ..
//
// A full collection takes its members page by page: one byte each. Which blocks of a page they are, their slots tell: no
// block has the slot of a member without being one. What does not lie in such pages, and all that collections of younger
// generations look at, is in the list.
#ifndef OURO_DETAIL_MEMBER_SET_HPP
#define OURO_DETAIL_MEMBER_SET_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Entries that hold a count each; counts that do not fit are in a list of their own. It is read, and written anew, in the
/// order in which it was written.
template <class Entry>
class counted_list {
 public:
  explicit counted_list(chunk_pool& pool, std::size_t most = static_cast<std::size_t>(-1)) noexcept
      : entries_(pool, most), big_(pool) {}

  std::size_t size() const noexcept { return entries_.size(); }

  /// `count`: the entry's. False when there is no memory, or the list is full; it is unchanged then.
  OURO_DETAIL_INLINE bool push(Entry entry, std::uint32_t count) noexcept {
    if (!entries_.push(entry)) [[unlikely]]
      return false;
    if (count < Entry::big_count || big_.push(count)) [[likely]]
      return true;
    entries_.pop();
    return false;
  }

  chunk_list<Entry>& entries() noexcept { return entries_; }

  struct position {
    typename chunk_list<Entry>::cursor entry;
    chunk_list<std::uint32_t>::cursor big;
  };

  /// What was pushed, in order.
  class reader {
   public:
    explicit reader(counted_list& list) noexcept : list_(list) {}
    std::uint32_t count_of(Entry entry) noexcept {
      if (entry.count() != Entry::big_count) [[likely]]
        return entry.count();
      if (big_.empty()) big_ = list_.big_.next_span(at_);
      return *big_.first++;
    }

   private:
    counted_list& list_;
    chunk_list<std::uint32_t>::cursor at_;
    chunk_list<std::uint32_t>::span big_;
  };

  void overwrite(position& at, Entry entry, std::uint32_t count) noexcept {
    entries_.overwrite(at.entry) = entry;
    if (count >= Entry::big_count) big_.overwrite(at.big) = count;
  }
  void cut(position const& at) noexcept {
    entries_.cut(at.entry);
    big_.cut(at.big);
  }
  /// For entries that are to be written anew with other counts: those from `big_count` on have to be pushed then.
  bool push_big(std::uint32_t count) noexcept { return count < Entry::big_count || big_.push(count); }
  void drop_big() noexcept { big_.cut({}); }

 private:
  chunk_list<Entry> entries_;
  chunk_list<std::uint32_t> big_;
};

/// The count of a member whose page and slot say all else.
struct byte_count {
  static constexpr std::uint32_t big_count = 0xff;
  std::uint8_t value;

  static byte_count of(std::uint32_t count) noexcept { return {static_cast<std::uint8_t>(smaller(count, big_count))}; }
  std::uint32_t count() const noexcept { return value; }
};

/// Neighbours in a list are often neighbours in memory: what lies in one page has one type, and is handed to it together.
/// Large objects are on their own: what looks like a page of theirs is shared by any types.
inline work_entry* end_of_run(work_entry* first, work_entry* last) noexcept {
  if (first->is_large()) return first + 1;
  work_entry const start = *first;
  do {
    ++first;
  } while (first != last && first->is_near(start, std::countr_zero(page_bytes)));
  return first;
}

/// The members, and the count of each.
class member_set {
 public:
  using cursor = chunk_list<work_entry>::cursor;

  /// The list takes `most` members at most.
  member_set(chunk_pool& pool, std::size_t most) noexcept : pages_(pool), counts_(pool), list_(pool, most) {}

  std::size_t size() const noexcept { return in_pages_ + list_.size(); }

  /// To the list. `count`: the object's. False when there is no memory, or it is full; it is unchanged then.
  OURO_DETAIL_INLINE bool add(work_entry entry, std::uint32_t count) noexcept { return list_.push(entry, count); }

  /// Calls `join(header, count)` for the objects of the page that are `eligible(header)`; it makes their slot one of a
  /// member. False when there is no memory: the objects that are left are not asked.
  template <class Eligible, class Join>
  bool add_page(page& p, Eligible eligible, Join join) noexcept {
    if (!pages_.push({&p, 0})) return false;
    std::uint32_t number = 0;
    bool room = true;
    for_each_block(p, [&](object_header* h) {
      if (!room || !eligible(*h)) return;
      std::uint32_t const count = count_of(*h);
      room = counts_.push(byte_count::of(count), count);
      if (!room) return;
      join(*h, count);
      ++number;
    });
    in_pages_ += number;
    pages_.last().number = number;
    if (number == 0) pages_.pop();
    return room;
  }

  /// Calls `f(page, members)` for the pages.
  template <class F>
  void for_each_page(F f) {
    pages_.for_each([&](members_of_page& p) { f(*p.where, p.number); });
  }

  /// Calls `f(first, last)` for members of one type, of one page or large, that follow one another.
  template <class F>
  void for_each_run(F f) {
    for_each_run_in_pages(f);
    for_each_run_in_list(f);
  }
  template <class F>
  void for_each_run_in_pages(F f) {
    for_each_page([&](page& p, std::uint32_t members) { for_each_run_in_page(p, members, f); });
  }
  /// `f` may free them, and with the last one the page.
  template <class F>
  static void for_each_run_in_page(page& p, std::uint32_t members, F f) {
    work_entry run[run_length];
    std::uint32_t length = 0;
    std::size_t const step = p.block_bytes;
    char* const end = reinterpret_cast<char*>(p.block(p.carved));
    for (char* block = reinterpret_cast<char*>(p.block(0)); members != 0 && block != end; block += step) {
      auto* const h = reinterpret_cast<object_header*>(block);
      std::uint32_t const is_member = h->slot >= slot_in_set ? 1 : 0;  // no branch: nobody can foretell it
      run[length] = work_entry::of_small(h, 0);
      length += is_member;
      members -= is_member;
      if (length == run_length) f(run, run + replace(length, 0u));
    }
    if (length != 0) f(run, run + length);
  }
  template <class F>
  void for_each_run_in_list(F f) {
    cursor at;
    for_each_run_in_list(at, f);
  }
  /// The same for what lies behind the cursor, which moves to the end. The list may grow meanwhile.
  template <class F>
  void for_each_run_in_list(cursor& at, F f) {
    chunk_list<work_entry>& list = list_.entries();
    for (auto entries = list.next_span(at); !entries.empty(); entries = list.next_span(at)) {
      for (work_entry *first = entries.first, *last; first != entries.last; first = last) {
        last = end_of_run(first, entries.last);
        f(first, last);
      }
    }
  }

  template <class F>
  void for_each(F f) {
    for_each_run_in_pages([&](work_entry* first, work_entry* last) {
      for (; first != last; ++first) f(first->header());
    });
    list_.entries().for_each([&](work_entry entry) { f(entry.header()); });
  }

  /// The members for which `keep(header, count)` is false leave.
  template <class Keep>
  void keep_if(Keep keep) {
    keep_in_pages(keep);
    counted_list<work_entry>::position end;
    counted_list<work_entry>::reader counts(list_);
    list_.entries().for_each([&](work_entry entry) {
      std::uint32_t const count = counts.count_of(entry);
      if (keep(*entry.header(), count)) list_.overwrite(end, entry, count);
    });
    list_.cut(end);
  }

  /// All members are in the list from now on, so that their slots may say what they like. False if some had to leave for want
  /// of memory: `leave(header, count)`.
  template <class Leave>
  bool move_to_list(Leave leave) {
    bool all = true;
    keep_in_pages([&](object_header& h, std::uint32_t count) {
      if (!add(work_entry(&h, count), count)) {
        leave(h, count);
        all = false;
      }
      return false;
    });
    return all;
  }

  /// Calls `f(header, count)`. Precondition: all members are in the list.
  template <class F>
  void for_each_count(F f) {
    counted_list<work_entry>::reader counts(list_);
    list_.entries().for_each([&](work_entry entry) { f(*entry.header(), counts.count_of(entry)); });
  }

  /// Members join anew, with the counts that they have now: `join(header, count)`. Precondition: all are in the list. False
  /// if some had to leave for want of memory.
  template <class Join>
  bool readmit(Join join) {
    bool all = true;
    cursor end;
    list_.drop_big();
    list_.entries().for_each([&](work_entry entry) {
      object_header& h = *entry.header();
      std::uint32_t const count = count_of(h);
      if (!list_.push_big(count)) {
        all = false;
        return;
      }
      list_.entries().overwrite(end) = work_entry(&h, count);
      join(h, count);
    });
    list_.entries().cut(end);
    return all;
  }

  void clear() noexcept {
    in_pages_ = 0;
    pages_.cut({});
    counts_.cut({});
    list_.cut({});
  }

 private:
  static constexpr std::uint32_t run_length = 256;

  struct members_of_page {
    page* where;
    std::uint32_t number;
  };

  template <class Keep>
  void keep_in_pages(Keep keep) {
    chunk_list<members_of_page>::cursor end;
    counted_list<byte_count>::position counts_end;
    counted_list<byte_count>::reader big(counts_);
    chunk_list<byte_count>::cursor at;
    chunk_list<byte_count>::span counts;
    in_pages_ = 0;
    for_each_page([&](page& p, std::uint32_t members) {
      std::uint32_t kept = 0;
      for_each_run_in_page(p, members, [&](work_entry* first, work_entry* last) {
        for (; first != last; ++first) {
          if (counts.empty()) counts = counts_.entries().next_span(at);
          byte_count const entry = *counts.first++;
          std::uint32_t const count = big.count_of(entry);
          if (!keep(*first->header(), count)) continue;
          counts_.overwrite(counts_end, entry, count);
          ++kept;
        }
      });
      if (kept != 0) pages_.overwrite(end) = {&p, kept};
      in_pages_ += kept;
    });
    pages_.cut(end);
    counts_.cut(counts_end);
  }

  chunk_list<members_of_page> pages_;
  counted_list<byte_count> counts_;
  counted_list<work_entry> list_;
  std::size_t in_pages_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_MEMBER_SET_HPP

// Trial deletion: which objects of a set S are kept alive by nothing but one another.
//
//   insert   S grows; each object's count is saved
//   count    trace S, subtract every edge that stays inside: what is left are references from outside
//   mark     what has some, and all it leads to, is alive
//   split    the rest of S is garbage; counts are restored
//
// Any S will do: references from objects outside it count as external. So an age limit, a budget, a shortage of memory
// and a type that cannot be traced are one operation, and all err on the side of life.
//
// D. F. Bacon, V. T. Rajan, "Concurrent Cycle Collection in Reference Counted Systems" (ECOOP 2001) names the idea;
// subtracting inside a set that is tested as a whole is what CPython's collector does.
#ifndef OURO_DETAIL_TRIAL_DELETION_HPP
#define OURO_DETAIL_TRIAL_DELETION_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

class trial {
 public:
  /// Objects born in an epoch up to `oldest` stay outside.
  trial(heap_core& heap, fault_list& faults, std::uint16_t oldest, std::size_t budget) noexcept
      : heap_(heap),
        faults_(faults),
        first_birth_(oldest == 0 ? slot_old : static_cast<std::uint16_t>((slot_slow | oldest) + 1)),
        birth_(static_cast<std::uint16_t>(slot_slow | heap.epoch.now)),
        checked_(heap),
        set_(heap.work_chunks, budget),
        stack_(heap.work_chunks),
        seen_(heap.work_chunks) {}

  /// Candidates are not: those that may join have left their buffer, the others are too old.
  bool eligible(object_header const& h) const noexcept {
    return h.slot >= first_birth_ && h.slot < slot_in_set && state_of(h) == object_state::live && !is_sticky(h);
  }

  /// False when S is full, or the object is immortal: it stays outside, and what it leads to is alive.
  OURO_DETAIL_INLINE bool insert(object_header* h) noexcept {
    std::uint32_t const count = count_of(*h);
    if (is_large(*h) || count >= work_entry::big_count) [[unlikely]]
      return insert_unusual(h, count);
    if (!set_.add(work_entry::of_small(h, count), count)) [[unlikely]]
      return stay_outside();
    join(*h, count);
    return true;
  }

  /// The same for all objects of a page that may be members. In full collections those of a page that is three quarters in
  /// use stay there: walking others again and again would take longer than the list. What users trace may become opaque,
  /// which only the list can say.
  void insert_page(page& p, bool full) noexcept {
    if (!full || p.type->hand_traced() || p.used < p.carved / 4 * 3) {
      for_each_block(p, [this](object_header* h) {
        if (eligible(*h)) insert(h);
      });
    } else if (!set_.add_page(
                   p, [this](object_header const& h) { return eligible(h); },
                   [this](object_header& h, std::uint32_t count) { join(h, count); })) {
      cut_ = true;
    }
  }

  /// Leaves in S what is garbage.
  void run(bool closure) noexcept {
    count(closure);
    mark();
    if ((traits_ & is_hand_written) != 0 && !counts_agree()) return abandon();
    split();
  }

 private:
  /// Subtracts internal edges. With `closure`, S first grows by all that its members lead to.
  void count(bool closure) noexcept {
    tracing_scope scope;
    first_joining_ = closure ? first_birth_ : slot_in_set;
    heap_.trace_round += 2;
    counting pass{*this};
    edge_stream<counting> stream(pass, trace_pass::visit, heap_);
    auto const count_run = [&](work_entry* first, work_entry* last) { count_from(first, last, pass, stream); };
    set_.for_each_run_in_pages(count_run);
    member_set::cursor at;
    while (true) {
      set_.for_each_run_in_list(at, count_run);
      stream.trace_tables(checked_);
      if (stream.empty()) break;
      stream.drain();  // S may have grown
    }
    found_ += stream.edges();
    visited_ += set_.size();
    check_repeats();
  }

  /// True when nothing in S is alive: every handle to it lies inside it.
  bool all_garbage() const noexcept { return handles_ == edges_ && !rooted_; }

  /// Finds what is alive.
  void mark() noexcept {
    if (all_garbage()) return;
    tracing_scope scope;
    marking pass{*this, (traits_ & is_hand_written) != 0};
    edge_stream<marking> stream(pass, trace_pass::visit, heap_);
    set_.for_each([&](object_header* h) {
      if (h->slot == slot_root || (h->slot == slot_in_set && h->word != slow_none)) trace_reached(stream, h);
    });
    propagate(stream);
    while (missed_) {  // the stack could not grow: start again from what was reached but not traced
      missed_ = false;
      set_.for_each([&](object_header* h) {
        if (h->slot == slot_reached) trace_reached(stream, h);
      });
      propagate(stream);
    }
    found_ -= stream.edges();  // what is left are the handles inside garbage
  }

  /// Restores what is alive, and keeps the rest.
  void split() noexcept {
    if (all_garbage()) return;
    edges_ = 0;
    rooted_ = false;
    weak_handles_ = 0;
    set_.keep_if([&](object_header& h, std::uint32_t count) {
      if (h.slot == slot_in_set) {
        edges_ += count;
        weak_handles_ |= h.weak;
        return true;
      }
      leave(h, count);
      return false;
    });
    handles_ = edges_;
  }

 public:
  member_set& set() noexcept { return set_; }

  /// Makes a member an ordinary object again. It need not be known when it was born: all that a collection looks at is of
  /// one generation afterwards.
  void leave(object_header& h, std::uint32_t count) const noexcept {
    h.slot = birth_;
    h.word = slow_none + count;
  }

  /// To be called before `restore`. False if some members have left S for want of memory, and with them perhaps the reason
  /// why others are garbage.
  bool prepare_restore() noexcept {
    bool const all = set_.move_to_list([this](object_header& h, std::uint32_t count) { leave(h, count); });
    if (!all) cut_ = true;
    return all;
  }
  /// The members become ordinary objects, with `pins` handles more than they have, and stay in S.
  void restore(std::uint32_t pins) noexcept {
    set_.for_each_count([&](object_header& h, std::uint32_t count) { leave(h, count + pins); });
  }

  std::size_t size() const noexcept { return set_.size(); }
  std::size_t visited() const noexcept { return visited_; }
  bool was_cut() const noexcept { return cut_; }
  bool has_sides() const noexcept { return has_sides_; }
  /// Does the header of some member count weak handles?
  bool has_weak_handles() const noexcept { return weak_handles_ != 0; }
  /// True when all that hangs on members of S can go without a destructor.
  bool has_plain_sides() const noexcept { return has_plain_sides_; }
  bool has_finalizers() const noexcept { return (traits_ & has_finalize) != 0; }
  bool has_destructors() const noexcept { return (traits_ & has_destructor) != 0; }
  bool has_keyed_containers() const noexcept { return (traits_ & has_keyed_parts) != 0; }
  /// True when no handle leads from S to an object outside.
  bool is_closed() const noexcept { return found_ == edges_ && (traits_ & is_hand_written) == 0; }
  checked_trace& checked() noexcept { return checked_; }

  /// Puts the objects, whose counts may have changed since, to the test once more. They had left S with one and the same
  /// birth; finalizers may have had the epochs renumbered, or have frozen all that there was.
  void rearm() noexcept {
    birth_ = slot_oldest;
    handles_ = edges_ = found_ = 0;
    weak_handles_ = 0;
    bool const all = set_.readmit([&](object_header& h, std::uint32_t count) {
      birth_ = larger(birth_, h.slot);
      join(h, count);
    });
    if (!all) cut_ = true;
  }

 private:
  struct counting {
    trial& self;

    OURO_DETAIL_INLINE void on_edge(edge const& e) const noexcept {
      if (on_edges(e.target, 1) && OURO_DETAIL_HARDENED) self.seen_.push({e.slot, edge_target(resolve(e.target))});
    }
    /// `number` edges to one object. False if it is outside.
    OURO_DETAIL_INLINE bool on_edges(std::uintptr_t target, std::uint32_t number) const noexcept {
      object_header* h = resolve(target);
      if (h->slot != slot_in_set && !self.joins(h)) return false;
      if (h->word - slow_none < number) [[unlikely]] {
        self.make_root(h, trace_fault::too_many);
      } else {
        h->word -= number;
        self.edges_ += number;
      }
      return true;
    }

    // Once, be it met from its object or from its table.
    bool wants(weak_entry& e) const noexcept {
      if (replace(e.round, self.heap_.trace_round) == self.heap_.trace_round) return false;
      if (e.keyed) self.traits_ |= has_keyed_parts;
      if (!e.hand_traced) return true;
      self.count_checked(*this, e);
      return false;
    }
    void meet(object_header& h) const noexcept {
      self.has_sides_ = true;
      if (!has_plain_side(slot_of(&h))) self.has_plain_sides_ = false;
    }
    void meet(weak_table& table) const noexcept { table.counted_round = self.heap_.trace_round; }
  };

  struct adding {
    std::uint32_t round;

    void on_edge(edge const& e) const noexcept {
      object_header* h = resolve(e.target);
      if (h->slot >= slot_in_set) ++h->word;
    }
    bool wants(weak_entry& e) const noexcept {
      bool const counted = (e.round | 1) == (round | 1);
      if (counted) e.round = 0;
      return counted;
    }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  struct marking {
    trial& self;
    bool by_hand;  // some trace was written by users

    // What has handles from outside is found without our help, but those may be a trace's own, which users wrote.
    void on_edge(edge const& e) const noexcept { on_edges(e.target, 1); }
    void on_edges(std::uintptr_t target, std::uint32_t) const noexcept {
      object_header* h = resolve(target);
      if (h->slot != slot_in_set || (h->word != slow_none && !by_hand)) return;
      h->slot = slot_reached;
      if (!self.stack_.push(h)) self.missed_ = true;
    }

    // An ephemeron: alive if both its object and its table are. Whichever is reached last finds the other one alive. Those
    // that were not counted need no help.
    bool wants(weak_entry& e) const noexcept {
      std::uint32_t const round = self.heap_.trace_round;
      bool const alive = e.object->slot != slot_in_set &&
                         (e.table == nullptr || e.table->counted_round != round || e.table->reached_round == round);
      if (e.round != round || !alive) return false;
      e.round = round | 1;  // only once: `found_` is exact
      return true;
    }
    void meet(object_header&) const noexcept {}
    void meet(weak_table& table) const noexcept { table.reached_round = self.heap_.trace_round; }
  };

  /// False when a trace that users wrote has made handles that still exist, or has dropped some.
  bool counts_agree() noexcept {
    std::size_t external = 0;
    set_.for_each([&](object_header* h) { external += count_of(*h); });
    return external == handles_ - edges_;
  }

  /// Lets everything live, with the counts that it has now: the saved ones are no longer true.
  void abandon() noexcept {
    tracing_scope scope;
    adding pass{heap_.trace_round};
    edge_stream<adding> stream(pass, trace_pass::visit, heap_);
    set_.for_each_run([&](work_entry* first, work_entry* last) {
      type_descriptor const& type = type_of(first->header());
      for (; first != last; ++first) {
        if (type.hand_traced()) faults_.add(trace_fault::unbalanced, type);
        first->is_opaque() ? stream.trace_entries(first->header()) : stream.trace(type, first->header());
      }
    });
    stream.drain();
    set_.for_each([&](object_header* h) { leave(*h, count_of(*h)); });
    set_.clear();
    cut_ = true;
  }

  OURO_DETAIL_NOINLINE bool insert_unusual(object_header* h, std::uint32_t count) noexcept {
    if (is_sticky(*h)) return false;
    if (!set_.add(work_entry(h, count), count)) return stay_outside();
    join(*h, count);
    return true;
  }
  bool stay_outside() noexcept {
    cut_ = true;
    return false;
  }

  void join(object_header& h, std::uint32_t count) noexcept {
    handles_ += count;
    weak_handles_ |= h.weak;
    h.slot = slot_in_set;
    h.word = slow_none + count;
  }

  /// True when the target of an edge becomes a member of S.
  OURO_DETAIL_INLINE bool joins(object_header* h) noexcept {
    if (h->slot < first_joining_ || h->slot >= slot_in_set) return false;
    if (!is_live_in_page(*h)) [[unlikely]]
      return joins_large(h);
    return page_of(h)->heap == &heap_ && insert(h);
  }
  OURO_DETAIL_NOINLINE bool joins_large(object_header* h) noexcept {
    return is_large(*h) && prefix_of(h)->heap == &heap_ && eligible(*h) && insert(h);
  }

  OURO_DETAIL_NOINLINE void make_root(object_header* h, trace_fault fault) noexcept {
    h->slot = slot_root;
    rooted_ = true;
    faults_.add(fault, type_of(h));
  }

  void count_from(work_entry* first, work_entry* last, counting& pass, edge_stream<counting>& stream) noexcept {
    type_descriptor const& type = type_of(first->header());
    traits_ |= type.traits;
    if (type.hand_traced()) [[unlikely]] {
      for (; first != last; ++first) count_checked(pass, type, *first, stream);
      return;
    }
    stream.trace(type, first, last);
    if constexpr (OURO_DETAIL_HARDENED) {
      stream.drain();
      if (tracer_access::take_destroyed(stream)) faults_.add(trace_fault::destroyed_handle, type);
    }
  }

  void count_checked(counting const& pass, type_descriptor const& type, work_entry& entry,
                     edge_stream<counting>& stream) noexcept {
    stream.trace_entries(entry.header());
    trace_fault const fault = checked_.run(type, entry.header());
    if (tracer_access::take_destroyed(checked_)) faults_.add(trace_fault::destroyed_handle, type);
    if (fault == trace_fault::none) {
      for (edge const& e : checked_) pass.on_edge(e);
      found_ += static_cast<std::size_t>(checked_.end() - checked_.begin());
      return;
    }
    entry.make_opaque();
    entry.header()->slot = slot_root;
    rooted_ = true;
    if (fault == trace_fault::no_memory || fault == trace_fault::in_use) {
      cut_ = true;  // what it keeps alive is no candidate any more
    } else {
      faults_.add(fault, type);
    }
  }

  /// Handles of an entry that are not counted are external: they keep alive what they lead to.
  void count_checked(counting const& pass, weak_entry& e) noexcept {
    traits_ |= is_hand_written;
    trace_fault const fault = checked_.run(e);
    if (fault == trace_fault::none) {
      for (edge const& inner : checked_) pass.on_edge(inner);
      found_ += static_cast<std::size_t>(checked_.end() - checked_.begin());
      return;
    }
    e.round = 0;
    if (fault == trace_fault::no_memory) {
      cut_ = true;
    } else {
      faults_.add(fault, type_of(e.object));
    }
  }

  template <class Stream>
  void trace_reached(Stream& stream, object_header* h) noexcept {
    h->slot = slot_traced;
    stream.trace(type_of(h), h);
  }

  template <class Stream>
  void propagate(Stream& stream) noexcept {
    while (true) {
      while (!stack_.empty()) trace_reached(stream, stack_.pop());
      if (stream.empty()) return;
      stream.drain();
    }
  }

  // Hardened: one handle reported by two objects, which the counts alone need not show.
  void check_repeats() noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      std::size_t const n = seen_.size();
      auto* sorted = new (std::nothrow) edge[n == 0 ? 1 : n];
      if (sorted != nullptr) {
        std::size_t i = 0;
        seen_.for_each([&](edge const& e) { sorted[i++] = e; });
        sort_by_slot(sorted, sorted + n);
        for (i = 1; i < n; ++i) {
          if (sorted[i].slot == sorted[i - 1].slot) make_root(resolve(sorted[i].target), trace_fault::too_many);
        }
        delete[] sorted;
      }
      while (!seen_.empty()) seen_.pop();
    }
  }

  heap_core& heap_;
  fault_list& faults_;
  std::uint16_t const first_birth_;            // of objects that may be members
  std::uint16_t birth_;                        // of members that leave S
  std::uint16_t first_joining_ = slot_in_set;  // of those that may become one because an edge leads to them
  checked_trace checked_;
  member_set set_;
  chunk_list<object_header*> stack_;
  chunk_list<edge> seen_;
  std::size_t handles_ = 0;  // to members of S, wherever they are
  std::size_t edges_ = 0;    // those of them that were found inside S
  std::size_t found_ = 0;    // handles found inside S, wherever they lead
  std::size_t visited_ = 0;
  bool rooted_ = false;  // some member is alive whatever its count
  bool cut_ = false;
  type_traits_set traits_ = 0;  // of all members
  bool has_sides_ = false;      // some member has a side slot
  bool has_plain_sides_ = true;
  unsigned weak_handles_ = 0;  // not 0: the header of some member counts some
  bool missed_ = false;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_TRIAL_DELETION_HPP

// One collection from start to stop: seeds, trial, weak references, finalizers, second trial, destruction, figures.
#ifndef OURO_DETAIL_COLLECTOR_HPP
#define OURO_DETAIL_COLLECTOR_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Counts of garbage that is being torn down start here, so that no drop brings them to zero.
inline constexpr std::uint32_t condemned_count = 0x10000000u;

inline constexpr unsigned debug_stats = 1, debug_collectable = 2, debug_saveall = 32;

/// Where a collection starts from.
enum class seeds : std::uint8_t {
  candidates,  // objects whose count fell: finds all garbage but what moves have made
  pages        // every tracked object of the generation
};

inline void set_epoch(heap_core& heap, std::uint16_t epoch) noexcept {
  heap.epoch.now = epoch;
  thread_state& thread = this_thread_state();
  if (thread.current == &heap) thread.fresh.slot = static_cast<std::uint16_t>(slot_slow | epoch);
}

/// Epochs have 15 bits: when they run out, ages are folded to the generation they stand for.
inline void renumber_epochs(heap_core& heap) noexcept {
  epochs const before = heap.epoch;
  auto const fold = [&](std::uint16_t slot) {
    auto const birth = static_cast<std::uint16_t>(slot & ~slot_slow);
    int const age = birth <= before.frozen ? 1 : 4 - before.generation_of(birth);
    return static_cast<std::uint16_t>(slot_slow | age);
  };
  for (page* p = heap.pages[true]; p != nullptr; p = p->next) p->last_birth = 4;
  walk_pages(heap, true, [&](object_header* h) {
    if (state_of(*h) != object_state::queued && h->slot >= slot_oldest && h->slot < slot_in_set)
      h->slot = fold(h->slot);
  });
  for (side_record* side = heap.tracked_leaves; side != nullptr; side = side->next) {
    std::uint16_t& slot = side->header->slot;
    if (slot >= slot_oldest && slot < slot_in_set) slot = fold(slot);
  }
  for (std::uint32_t i = 0; i != heap.candidate_count; ++i) {
    candidate& c = heap.candidates[i];
    c = {c.header(), fold(c.birth())};
  }
  heap.epoch = {4, 3, 2, static_cast<std::uint16_t>(before.frozen != 0 ? 1 : 0)};
  set_epoch(heap, 4);
}

inline void next_epoch(heap_core& heap) noexcept {
  if (heap.epoch.now == last_epoch) renumber_epochs(heap);
  set_epoch(heap, static_cast<std::uint16_t>(heap.epoch.now + 1));
}

class collection {
 public:
  collection(heap_core& heap, int generation, seeds from, std::size_t budget) noexcept
      : heap_(heap),
        generation_(generation),
        from_(from),
        oldest_(generation == 0   ? heap.epoch.middle
                : generation == 1 ? heap.epoch.old
                                  : heap.epoch.frozen),
        trial_(heap, faults_, oldest_, budget) {}

  /// The number of objects found unreachable.
  std::size_t run() noexcept {
    double const begin = seconds_now();
    seed();
    trial_.run(from_ == seeds::candidates);
    if (generation_ == 2) heap_.lost = false;
    if (trial_.size() != 0) reclaim();
    if (trial_.was_cut()) heap_.lost = true;
    promote();
    account(seconds_now() - begin);
    faults_.deliver(heap_);
    return collected_;
  }

 private:
  // Candidates leave the buffer before any user code runs. Those that are too old for this collection stay, but for
  // those of generation 2, which full collections find without it.
  void seed() noexcept {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i != heap_.candidate_count; ++i) {
      candidate const c = heap_.candidates[i];
      auto const birth = static_cast<std::uint16_t>(c.birth() & ~slot_slow);
      if (birth <= oldest_ && heap_.epoch.generation_of(birth) == 1) {
        c.header()->slot = static_cast<std::uint16_t>(kept);
        heap_.candidates[kept++] = c;
        continue;
      }
      bool const is_old = birth <= oldest_;
      heap_.old_fell |= is_old;
      candidates_ += !is_old;
      bool const joins = !is_old && from_ == seeds::candidates && trial_.insert(c.header());
      if (!joins) set_slow_slot(*c.header(), c.birth());
    }
    heap_.candidate_count = heap_.aged_candidates = kept;
    heap_.overflowed = false;
    if (generation_ == 2) heap_.old_fell = false;
    if (from_ == seeds::pages) {
      for (page* p = heap_.pages[true]; p != nullptr && !trial_.was_cut(); p = p->next) {
        if (p->mode == page_mode::current || p->last_birth > oldest_) trial_.insert_page(*p, generation_ == 2);
      }
      for (large_prefix* l = heap_.large[true]; l != nullptr; l = l->next) {
        if (trial_.eligible(*l->header())) trial_.insert(l->header());
      }
      for (side_record const* side = heap_.tracked_leaves; side != nullptr; side = side->next) {
        if (trial_.eligible(*side->header)) trial_.insert(side->header);
      }
    }
  }

  void reclaim() noexcept {
    if (tell_of_death()) trial_.run(false);
    collected_ = trial_.size();
    if (collected_ == 0) return;
    if ((heap_.debug & debug_collectable) != 0) print_collectable();
    if ((heap_.debug & debug_saveall) != 0 && heap_.hooks.save_garbage != nullptr) {
      save_all();
    } else {
      destroy_all();
    }
  }

  /// Calls weak callbacks and the finalizers that have not run, on the intact graph. False when there were none.
  bool tell_of_death() noexcept {
    weak_watch* watches = nullptr;
    bool const watched = is_watched();
    if (!watched && !trial_.has_finalizers()) return false;
    if (!trial_.prepare_restore()) {
      trial_.restore(0);
      trial_.rearm();
      trial_.run(false);
    }
    if (watched) take_callbacks(watches);
    trial_.restore(1);
    call_watches(heap_, watches);
    trial_.set().for_each([&](object_header* h) {
      type_descriptor const& type = type_of(h);
      if (type.finalize != nullptr && (h->flags & flag_finalized) == 0) call_finalizer(heap_, type, h);
    });
    trial_.set().for_each([&](object_header* h) {
      if (is_candidate(*h)) remove_candidate(heap_, h);
      if (!is_sticky(*h)) --h->word;
    });
    trial_.rearm();
    return true;
  }

  struct finding_watches {
    void on_edge(edge const&) const noexcept {}
    bool wants(weak_entry&) const noexcept { return true; }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  /// Do weak handles with callbacks lead to garbage?
  bool is_watched() noexcept {
    bool watched = false;
    if (trial_.has_sides() && heap_.watches != 0) {
      trial_.set().for_each([&](object_header* h) {
        side_record const* const side = side_of(h);
        watched |= side != nullptr && side->watches != nullptr;
      });
    }
    return watched;
  }

  /// Clears the weak handles with callbacks that lead to garbage. Those that are garbage themselves are not called.
  void take_callbacks(weak_watch*& pending) noexcept {
    trial_.set().for_each([&](object_header* h) {
      if (side_record* const side = side_of(h); side != nullptr) take_watches(*side, pending);
    });
    if (pending == nullptr) return;
    tracing_scope scope;
    edge_stream<finding_watches> stream({}, trace_pass::find_watches, heap_);
    trial_.set().for_each([&](object_header* h) { stream.trace(type_of(h), h); });
    stream.drain();
  }

  void save_all() noexcept {
    trial_.prepare_restore();
    collected_ = trial_.size();
    trial_.restore(1);
    trial_.set().for_each([&](object_header* h) { heap_.hooks.save_garbage(heap_, h); });
  }

  // Every handle found leads to garbage.
  struct clearing_all {
    checked_trace* checked;

    void on_edge(edge const& e) const noexcept { *e.slot = nullptr; }
    bool wants(weak_entry&) const noexcept { return true; }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };
  struct clearing {
    checked_trace* checked;

    // Garbage has this slot before and after it has been condemned; nothing else has while no user code runs.
    void on_edge(edge const& e) const noexcept {
      if (resolve(e.target)->slot >= slot_in_set) *e.slot = nullptr;
    }
    bool wants(weak_entry& e) const noexcept {
      if (!e.hand_traced || checked == nullptr) return true;
      if (checked->run(e) == trace_fault::none) {
        for (edge const& inner : *checked) on_edge(inner);
      }
      return false;
    }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  void destroy_all() noexcept {
    if (trial_.is_closed()) {
      if (!trial_.has_destructors() && trial_.has_plain_sides()) return free_all<false>();
      clear_references<clearing_all>();
    } else {
      clear_references<clearing>();
    }
    if (trial_.has_keyed_containers()) empty_keyed_containers();
    for_each_run([](type_descriptor const& type, work_entry* first, work_entry* last) {
      if (type.destroy != nullptr) type.destroy(first, last);
      for_each_with_side(first, last, drop_entries);
    });
    free_all<true>();
  }

  /// Calls `f(header)` for those of a run that something hangs on.
  template <class F>
  static void for_each_with_side(work_entry const* first, work_entry const* last, F f) {
    if (!may_have_sides(first->header())) return;
    for (; first != last; ++first) {
      if ((first->header()->flags & flag_side) != 0) f(first->header());
    }
  }

  static void condemn_in_page(work_entry const* first, work_entry const* last) noexcept {
    if (!first->is_large()) page_of(first->header())->condemned += static_cast<std::uint32_t>(last - first);
  }

  /// Calls `f(type, first, last)` for objects of one type that follow one another.
  template <class F>
  void for_each_run(F f) {
    trial_.set().for_each_run([&](work_entry* first, work_entry* last) { f(type_of(first->header()), first, last); });
  }

  /// Condemns the garbage: weak handles to it are dead, and its references to garbage are null. Callbacks that were made
  /// meanwhile are not called.
  template <class Pass>
  void clear_references() noexcept {
    weak_watch* uncalled = nullptr;
    tracing_scope scope;
    Pass pass{&trial_.checked()};
    edge_stream<Pass> stream(pass, trace_pass::clear, heap_);
    for_each_run([&](type_descriptor const& type, work_entry* first, work_entry* last) {
      for (work_entry* entry = first; entry != last; ++entry) {
        object_header& h = *entry->header();
        if ((load_second_word(&h) & weakly_referenced) != 0) [[unlikely]]
          clear_weak_handles(&h, uncalled);
        h = make_header(condemned_count, slot_condemned, h.weak, with_state(h, object_state::destroying));
      }
      if (!type.hand_traced()) return stream.trace(type, first, last);
      for (; first != last; ++first) clear_checked(pass, stream, type, first->header());
    });
    stream.drain();
    stream.trace_tables(trial_.checked());
    stream.drain();
    while (uncalled != nullptr) unlink(uncalled);
  }

  OURO_DETAIL_NOINLINE void clear_weak_handles(object_header* h, weak_watch*& uncalled) noexcept {
    condemned_weak_handles_ |= h->weak;
    clear_weak(h, uncalled);
  }

  template <class Pass>
  OURO_DETAIL_NOINLINE void clear_checked(Pass const& pass, edge_stream<Pass>& stream, type_descriptor const& type,
                                          object_header* h) noexcept {
    if (trial_.checked().run(type, h) == trace_fault::none) {
      for (edge const& e : trial_.checked()) pass.on_edge(e);
    }
    stream.trace_entries(h);
    stream.trace_tables(trial_.checked());
  }

  /// `p`: its page, or null if it is large.
  template <bool Condemned>
  void free_one(type_descriptor const& type, page* p, object_header* h) noexcept {
    if (Condemned && count_of(*h) != condemned_count) {
      keep_zombie(heap_, type, h);
    } else if (p == nullptr || h->weak != 0) {
      release_block(h);
    } else {
      free_in_page(*p, h);
    }
  }

  /// Garbage often fills whole pages, which go back without a look at their blocks. Garbage that is not condemned is
  /// nothing but handles to other garbage, so that nobody notices if it is not torn down.
  template <bool Condemned>
  void free_all() noexcept {
    if (!Condemned && trial_.has_sides()) {
      for_each_run([](type_descriptor const&, work_entry* first, work_entry* last) {
        for_each_with_side(first, last, forget_entries);
      });
    }
    trial_.set().for_each_run_in_list(condemn_in_page);
    // Handles that destructors made to garbage can only come out of keyed containers; freed blocks are to be poisoned.
    bool const every_block = OURO_DETAIL_HARDENED || OURO_DETAIL_ASAN || trial_.has_keyed_containers() ||
                             (Condemned ? condemned_weak_handles_ != 0 : trial_.has_weak_handles());
    page* whole_pages = nullptr;
    auto const goes_whole = [&](page& p, std::uint32_t garbage) {
      if (garbage != p.used || p.mode == page_mode::current || every_block) return false;
      p.next_queued = replace(whole_pages, &p);
      return true;
    };
    trial_.set().for_each_page([&](page& p, std::uint32_t members) {
      if (goes_whole(p, members)) return;
      type_descriptor const& type = *p.type;
      member_set::for_each_run_in_page(p, members, [&](work_entry* first, work_entry* last) {
        for (; first != last; ++first) free_one<Condemned>(type, &p, first->header());
      });
    });
    constexpr std::uint32_t whole = 0xffffffffu;
    trial_.set().for_each_run_in_list([&](work_entry* first, work_entry* last) {
      type_descriptor const& type = type_of(first->header());
      page* const p = first->is_large() ? nullptr : page_of(first->header());
      if (p != nullptr) {
        if (p->condemned == whole) return;
        if (goes_whole(*p, p->condemned)) {
          p->condemned = whole;
          return;
        }
        p->condemned -= static_cast<std::uint32_t>(last - first);
      }
      for (; first != last; ++first) free_one<Condemned>(type, p, first->header());
    });
    while (whole_pages != nullptr) {
      page& p = *replace(whole_pages, whole_pages->next_queued);
      if (heap_.counting) heap_.objects[p.tracked] -= p.used;
      release_whole_page(p);
    }
  }

  struct raising {
    std::uint32_t round;

    void on_edge(edge const& e) const noexcept {
      object_header* h = resolve(e.target);
      if (h->slot >= slot_in_set) ++h->word;
    }
    bool wants(weak_entry& e) const noexcept { return replace(e.round, round) != round; }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  /// The containers drop their handles themselves. Those are counted first, so that the counts of garbage are what they
  /// were unless a destructor of an element has kept a handle.
  void empty_keyed_containers() noexcept {
    {
      tracing_scope scope;
      raising pass{heap_.trace_round += 2};
      edge_stream<raising> stream(pass, trace_pass::visit, heap_);
      trace_keyed(stream);
    }
    clearing pass{nullptr};
    edge_stream<clearing> stream(pass, trace_pass::clear_keyed, heap_);
    trace_keyed(stream);
  }

  template <class Stream>
  void trace_keyed(Stream& stream) noexcept {
    for_each_run([&](type_descriptor const& type, work_entry* first, work_entry* last) {
      if (type.keyed()) type.trace(first, last, stream);
      if (!may_have_sides(first->header())) return;
      for (; first != last; ++first) stream.trace_entries(first->header());
    });
    stream.drain();
  }

  void promote() noexcept {
    if (generation_ >= 1) heap_.epoch.old = heap_.epoch.now;
    heap_.epoch.middle = heap_.epoch.now;
    next_epoch(heap_);
  }

  void account(double seconds) noexcept {
    gc::generation_stats& s = heap_.stats[static_cast<std::size_t>(generation_)];
    ++s.collections;
    s.collected += collected_;
    s.candidates += candidates_;
    s.visited += trial_.visited();
    s.seconds += seconds;
    if (seconds > s.longest_pause) s.longest_pause = seconds;
    if ((heap_.debug & debug_stats) != 0) {
      std::fprintf(stderr, "ouro: collected generation %d: %zu objects visited, %zu unreachable, %.6f s\n", generation_,
                   trial_.visited(), collected_, seconds);
    }
  }

  void print_collectable() noexcept {
    trial_.set().for_each([&](object_header* h) {
      std::string_view const name = type_of(h).name();
      std::fprintf(stderr, "ouro: collectable %.*s at %p\n", static_cast<int>(name.size()), name.data(), object_of(h));
    });
  }

  heap_core& heap_;
  int generation_;
  seeds from_;
  std::uint16_t oldest_;
  fault_list faults_;
  trial trial_;
  std::size_t candidates_ = 0;
  std::size_t collected_ = 0;
  unsigned condemned_weak_handles_ = 0;  // not 0: the header of something condemned counts some
};

/// std::exit has interrupted a collection. What that has not brought to an end nobody looks at any more.
inline void abandon_collection(heap_core& heap) noexcept {
  heap.collecting = false;
  for (bool const tracked : {false, true}) {
    walk_pages(heap, tracked, [](object_header* h) {
      if (h->slot >= slot_in_set) make_immortal(h);
    });
    for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) p->condemned = 0;
  }
}

/// False inside destructors, finalizers, callbacks, traces and collections.
inline bool may_collect(heap_core const& heap) noexcept {
  thread_state const& thread = this_thread_state();
  return thread.depth == 0 && thread.no_collection == 0 && !heap.collecting;
}

/// In a heap that counts exactly.
inline std::size_t tracked_objects(heap_core const& heap) noexcept {
  return heap.objects[1] + heap.large_objects[1] - heap.dead[1];
}

/// Collects; 0 where that is not allowed. The caller keeps the heap in place with a `heap_user`.
OURO_DETAIL_NOINLINE inline std::size_t collect(heap_core& heap, int generation, seeds from,
                                                std::size_t budget = static_cast<std::size_t>(-1)) noexcept {
  if (!may_collect(heap)) return 0;
  thread_state& thread = this_thread_state();
  heap.collecting = true;
  thread.collecting = &heap;
  std::size_t found = 0;
  {
    no_collection_scope scope;
    auto const tell = [&](gc::phase phase) {
      if (heap.hooks.callbacks != nullptr) heap.hooks.callbacks(heap, phase, {generation, found, 0});
    };
    tell(gc::phase::start);
    found = collection(heap, generation, from, budget).run();
    tell(gc::phase::stop);
  }
  heap.collecting = false;
  thread.collecting = nullptr;
  collect_late_heaps(thread);
  if (heap.counting) heap.count0_base = tracked_objects(heap);
  heap.allocated = 0;
  heap.count1 = generation == 0 ? heap.count1 + 1 : 0;
  heap.count2 = generation == 0 ? heap.count2 : generation == 1 ? heap.count2 + 1 : 0;
  if (generation == 2) {
    recount_bytes(heap);
    heap.live_after_full = bytes_held(heap);
    heap.unsuspicious = 0;
    heap.objects_after_full = tracked_objects(heap);
  }
  return found;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_COLLECTOR_HPP

// The life of heaps: each thread's own, those that were closed while handles still point into them, and the last one.
//
//   open --close()--> closed, with objects --last object dies--> deleted
//
// A thread's heap closes after the thread's thread_locals, the main heap after all statics: every translation unit
// holds a counter object, as <iostream> does, and the last one that goes closes what is left.
#ifndef OURO_DETAIL_RUNTIME_HPP
#define OURO_DETAIL_RUNTIME_HPP

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define OURO_DETAIL_PTHREAD 1
#else
#define OURO_DETAIL_PTHREAD 0
#endif

namespace ouro {

// Not in the versioned namespace: translation units of different configurations must meet here.
namespace configuration {
OURO_VISIBLE inline std::atomic<char const*>& registered() noexcept {
  static constinit std::atomic<char const*> name{nullptr};
  return name;
}
}  // namespace configuration

inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- the process ----------------------------------------------------------------------------------------------------

struct process_state {
  std::atomic<std::size_t> units{0};  // translation units that are initialised and not yet torn down
  std::atomic<heap_core*> main_heap{nullptr};
  std::atomic<thread_state*> main_thread{nullptr};
  std::atomic<std::uint32_t> next_bin{0};  // types that have a place in the tables of bins
  std::atomic<std::size_t> makers{0};      // modules that have made a heap
  std::atomic_flag locked{};               // guards the list
  heap_core* closed_heaps = nullptr;
};

OURO_VISIBLE inline process_state& the_process() noexcept {
  static constinit process_state state;
  return state;
}

/// An executable or a library. The last one that has made a heap closes the process, through a pointer: so programs may
/// unload libraries, and code that makes nothing is compiled without the collector.
struct module_state {
  std::atomic<std::size_t> units{0};
  std::atomic<void (*)() noexcept> close{nullptr};  // if it has made a heap
};

OURO_DETAIL_HIDDEN inline constinit module_state this_module{};

struct closed_heaps_lock : flag_lock {
  closed_heaps_lock() noexcept : flag_lock(the_process().locked) {}
};

// --- making, closing, deleting --------------------------------------------------------------------------------------

inline void set_current(thread_state& thread, heap_core* heap) noexcept {
  thread.current = heap;
  bool const fast = heap != nullptr && !heap->counting;
  thread.bins = fast ? heap->bins : nullptr;
  thread.bin_count = fast ? heap->bin_count : 0;
  thread.fresh = make_header(1, static_cast<std::uint16_t>(slot_slow | (heap != nullptr ? heap->epoch.now : 0)),
                             object_state::constructing);
}

inline bool is_empty(heap_core const& heap) noexcept {
  return heap.used_pages == 0 && heap.large_objects[0] + heap.large_objects[1] == 0;
}

inline void delete_heap(heap_core& heap) noexcept {
  if (heap.hooks.destroy != nullptr) heap.hooks.destroy(heap.hooks.module);
  if (heap.home_handle != nullptr) heap.delete_handle(heap.home_handle);
  trim_all_pages(heap);
  trim_large(heap, 0);
  delete[] heap.bins;
  delete[] heap.candidates;
  delete &heap;
}

inline void delete_heap_if_unused(heap_core& heap) noexcept {
  if (!heap.closed || heap.users != 0 || !is_empty(heap)) return;
  {
    closed_heaps_lock lock;
    (heap.previous_heap != nullptr ? heap.previous_heap->next_heap : the_process().closed_heaps) = heap.next_heap;
    if (heap.next_heap != nullptr) heap.next_heap->previous_heap = heap.previous_heap;
  }
  delete_heap(heap);
}

/// Collects until nothing more is found: destructors may have made new garbage.
inline void collect_all(heap_core& heap) noexcept {
  constexpr int rounds = 100;
  for (int i = 0; i != rounds; ++i) {
    if (collect(heap, 2, seeds::pages) == 0) return;
  }
}

/// What `thread_state::collect_late` points to.
inline void collect_closed_heaps(thread_state& thread) noexcept {
  while (thread.collect_late != nullptr && thread.depth == 0 && thread.no_collection == 0) {
    heap_core* late = nullptr;
    {
      closed_heaps_lock lock;
      late = the_process().closed_heaps;
      while (late != nullptr && !(late->collect_late && late->owner.load() == &thread)) late = late->next_heap;
      if (late != nullptr) ++late->users;
    }
    if (late == nullptr) {
      thread.collect_late = nullptr;
      return;
    }
    late->collect_late = false;
    collect_all(*late);
    --late->users;
    delete_heap_if_unused(*late);
  }
}

/// Collects what is garbage. Objects that still have handles live on, and the heap with them.
inline void close_heap(heap_core& heap) noexcept {
  heap_user keep(heap);
  heap.owner.store(&this_thread_state(), std::memory_order_relaxed);
  heap.epoch.frozen = 0;
  thread_state& thread = this_thread_state();
  if (!may_collect(heap)) {
    heap.collect_late = true;
    thread.collect_late = &collect_closed_heaps;
    thread.has_waiting = true;
  }
  while (heap.exit_records != nullptr) heap.exit_records->heap_closes();
  if (heap.hooks.drop_all != nullptr) heap.hooks.drop_all(heap);
  collect_all(heap);
  if (heap.hooks.drop_all != nullptr) heap.hooks.drop_all(heap);
  if (thread.home == &heap) thread.home = nullptr;
  start_counting(heap);  // so that the death of the last object is noticed
  if (thread.current == &heap) set_current(thread, thread.home);
  heap.closed = true;
  {
    closed_heaps_lock lock;
    heap.previous_heap = nullptr;
    heap.next_heap = the_process().closed_heaps;
    if (heap.next_heap != nullptr) heap.next_heap->previous_heap = &heap;
    the_process().closed_heaps = &heap;
  }
}

/// Takes a thread's own heap away from it: it belongs to whoever moves its handle.
inline void detach_home_heap(heap_core& heap) noexcept {
  thread_state& thread = this_thread_state();
  if (thread.home != &heap) fail("only its own thread can move a thread's default heap", "ouro::heap", {});
  thread.home = nullptr;
  heap_core* main_heap = &heap;
  the_process().main_heap.compare_exchange_strong(main_heap, nullptr);
  if (thread.current == &heap) set_current(thread, nullptr);
}

void close_process() noexcept;

/// Throws std::bad_alloc.
inline heap_core& create_heap() {
  auto* heap = new (std::nothrow) heap_core;
  if (heap == nullptr) throw_bad_alloc();
  if (this_module.close.exchange(&close_process) == nullptr) ++the_process().makers;
  heap->owner.store(&this_thread_state(), std::memory_order_relaxed);
  return *heap;
}

// --- the end of a thread --------------------------------------------------------------------------------------------

inline void close_home_heap() noexcept {
  if (heap_core* home = this_thread_state().home) close_heap(*home);
}

/// Arranges that the thread's heap is closed after its thread_locals.
inline void close_at_thread_exit(heap_core& heap) noexcept {
#if OURO_DETAIL_PTHREAD
  struct pin {  // a library that this is part of stays loaded until the thread ends, since a thread_local needs it
    pin() noexcept {}
    ~pin() {}
  };
  static thread_local pin const library;
  (void)library;
  static pthread_key_t const key = [] {
    pthread_key_t k{};
    pthread_key_create(&k, [](void*) { close_home_heap(); });
    return k;
  }();
  pthread_setspecific(key, &heap);
#else
  struct closer {
    ~closer() { close_home_heap(); }
  };
  static thread_local closer at_exit;
  (void)at_exit;
  (void)heap;
#endif
}

/// The heap that allocations of this thread go to. Throws std::bad_alloc when the first one cannot be made.
OURO_DETAIL_NOINLINE inline heap_core& make_home_heap() {
  thread_state& thread = this_thread_state();
  if (thread.home == nullptr) {
    heap_core& heap = create_heap();
    process_state& process = the_process();
    heap_core* none = nullptr;
    bool const is_main =
        process.main_thread.load() == &thread && process.main_heap.compare_exchange_strong(none, &heap);
    thread.home = &heap;
    if (!is_main) close_at_thread_exit(heap);
  }
  set_current(thread, thread.home);
  return *thread.home;
}

inline heap_core& current_heap() {
  heap_core* heap = this_thread_state().current;
  return heap != nullptr ? *heap : make_home_heap();
}

// --- the end of the program -----------------------------------------------------------------------------------------

/// Closes the main heap, then collects what cycles are left in heaps of threads that have ended.
inline void close_process() noexcept {
  process_state& process = the_process();
  thread_state& thread =
      this_thread_state();  // std::exit may have been called inside a destructor, which never returns
  thread.depth = thread.no_collection = 0;
  if (heap_core* heap = replace(thread.collecting, nullptr)) abandon_collection(*heap);
  if (heap_core* heap = process.main_heap.exchange(nullptr)) close_heap(*heap);
  heap_core* first = nullptr;
  {
    closed_heaps_lock lock;
    first = process.closed_heaps;
    for (heap_core* h = first; h != nullptr; h = h->next_heap) ++h->users;  // none is deleted by another's destructors
  }
  for (heap_core *h = first, *next = nullptr; h != nullptr; h = next) {
    collect_all(*h);
    next = h->next_heap;
    --h->users;
    delete_heap_if_unused(*h);
  }
}

/// One in every translation unit that includes ouro.
class unit_counter {
 public:
  unit_counter() noexcept {
    char const* other = nullptr;
    if (!configuration::registered().compare_exchange_strong(other, OURO_DETAIL_ABI_NAME) &&
        std::strcmp(other, OURO_DETAIL_ABI_NAME) != 0) {
      std::fprintf(stderr,
                   "ouro: this program mixes translation units of different configurations: [%s] and [%s]. Define "
                   "OURO_HARDENED and OURO_SYSTEM_ALLOC alike everywhere\n",
                   other, OURO_DETAIL_ABI_NAME);
      std::abort();
    }
    ++this_module.units;
    if (the_process().units++ == 0) the_process().main_thread.store(&this_thread_state());
  }
  unit_counter(unit_counter const&) = delete;
  unit_counter& operator=(unit_counter const&) = delete;
  ~unit_counter() {
    --the_process().units;
    auto* const close = this_module.close.load();
    if (--this_module.units == 0 && close != nullptr && --the_process().makers == 0) close();
  }
};

static unit_counter const this_unit OURO_DETAIL_INIT_FIRST;

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_RUNTIME_HPP

// Where objects come from: the inline fast path, and the slow path that decides whether to collect first.
#ifndef OURO_DETAIL_ALLOCATION_HPP
#define OURO_DETAIL_ALLOCATION_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- when to collect ------------------------------------------------------------------------------------------------

/// Young collections wait for so many bytes of objects at least: about what fits a second-level cache.
inline constexpr std::size_t smallest_young_limit = 256 * 1024;
/// Heaps smaller than this are not worth a full collection of its own.
inline constexpr std::size_t smallest_full_heap = 32 * 1024 * 1024;
/// While no count falls to something above zero, garbage cycles can only be made by moves. Heaps are walked for them from
/// this size on, when they have grown so many times.
inline constexpr std::size_t smallest_walked_heap = 64 * 1024 * 1024;
inline constexpr std::size_t unsuspicious_growth = 4;
/// An automatic collection of a younger generation looks at no more objects than this: all candidates, and as many that
/// they lead to. More would take longer than a millisecond.
inline constexpr std::size_t young_budget = 2 * slot_candidate_limit;

/// How much of what a collection looked at was garbage.
enum class worth { little, some, much };

inline worth collect_and_judge(heap_core& heap, int generation, seeds from, std::size_t budget) noexcept {
  auto const& stats = heap.stats[static_cast<std::size_t>(generation)];
  std::size_t const visited = stats.visited;
  std::size_t const found = collect(heap, generation, from, budget);
  std::size_t const looked_at = stats.visited - visited;
  if (looked_at == 0) return worth::some;
  return found * 10 < looked_at ? worth::little : found * 2 < looked_at ? worth::some : worth::much;
}

inline void collect_full(heap_core& heap) noexcept {
  switch (collect_and_judge(heap, 2, seeds::pages, static_cast<std::size_t>(-1))) {
    case worth::little:
      heap.growth_percent = smaller<std::size_t>(heap.growth_percent * 2, 100);
      break;
    case worth::some:
      heap.growth_percent = 50;
      heap.young_limit = larger(heap.young_limit / 4, smallest_young_limit);
      break;
    case worth::much:
      heap.growth_percent = 25;
      heap.young_limit = smallest_young_limit;
      break;
  }
}

/// Collections that find little wait longer the next time, up to a doubling of the heap: so no object is looked at more
/// often than about twice while the heap doubles.
inline void collect_young(heap_core& heap) noexcept {
  // Candidates of generation 1 are not to fill the buffer.
  bool const middle = heap.count1 >= heap.middle_interval || heap.aged_candidates >= slot_candidate_limit / 2;
  // All that was allocated meanwhile can be looked at, while that is little.
  bool const all = heap.overflowed && heap.young_limit <= smallest_young_limit;
  worth const found = collect_and_judge(heap, middle ? 1 : 0, all ? seeds::pages : seeds::candidates, young_budget);
  if (middle) heap.middle_interval = found == worth::little ? smaller<std::size_t>(heap.middle_interval * 2, 1000) : 10;
  if (found == worth::little) {
    heap.young_limit = smaller(heap.young_limit * 4, larger(smallest_young_limit, bytes_held(heap)));
  } else if (found == worth::much) {
    heap.young_limit = larger(heap.young_limit / 2, smallest_young_limit);
  }
}

/// The policy while the user has set no thresholds: by bytes, adapting to what is found.
inline void collect_by_bytes(heap_core& heap) noexcept {
  heap.young_limit = larger(heap.young_limit, smallest_young_limit);
  // While young collections pay, they come before the buffer of candidates overflows.
  bool const crowded = heap.candidate_count >= slot_candidate_limit / 4 * 3 && heap.young_limit <= smallest_young_limit;
  if (heap.allocated < heap.young_limit && !crowded) return;
  std::size_t const held = bytes_held(heap);
  heap.allocated = 0;
  bool const suspicious = heap.candidate_count != 0 || heap.old_fell || heap.lost;
  if (!suspicious) {
    if (held >= smallest_walked_heap && held >= heap.live_after_full * unsuspicious_growth) return collect_full(heap);
    heap.unsuspicious = held;
    return;
  }
  std::size_t const live = larger(heap.live_after_full, heap.unsuspicious);
  if (held >= smallest_full_heap && held >= live + live / 100 * heap.growth_percent && (heap.old_fell || heap.lost)) {
    collect_full(heap);
  } else if (heap.candidate_count != 0) {
    collect_young(heap);
  }
}

/// CPython's policy, once `set_threshold` has been called: by the number of objects.
inline void collect_by_count(heap_core& heap) noexcept {
  std::size_t const first = heap.threshold[0];
  if (first == 0) return;
  std::size_t const tracked = tracked_objects(heap);
  heap.count0_base = smaller(heap.count0_base, tracked);
  if (tracked - heap.count0_base < first && first != 1) return;
  if (heap.count2 > heap.threshold[2] && tracked > heap.objects_after_full + heap.objects_after_full / 4) {
    collect(heap, 2, seeds::pages);
  } else {
    collect(heap, heap.count1 > heap.threshold[1] ? 1 : 0, heap.lost ? seeds::pages : seeds::candidates);
  }
}

inline void collect_if_due(heap_core& heap, type_descriptor const& type) noexcept {
  if (!heap.enabled || heap.paused != 0 || !may_collect(heap)) return;
  heap_user keep(heap);
  if (!heap.counting) {
    collect_by_bytes(heap);
  } else if (type.tracked()) {
    collect_by_count(heap);
  }
}

// --- allocation -----------------------------------------------------------------------------------------------------

/// Gives every type its place in the tables of bins.
inline std::uint32_t bin_of(type_descriptor const& type) noexcept {
  std::uint32_t bin = type.bin.load(std::memory_order_relaxed);
  if (bin != no_bin) return bin;
  std::uint32_t const fresh =
      the_process().next_bin.fetch_add(type.is_array ? array_classes : 1, std::memory_order_relaxed);
  return type.bin.compare_exchange_strong(bin, fresh, std::memory_order_relaxed) ? fresh : bin;
}

inline bool reserve_bins(heap_core& heap, std::uint32_t count) noexcept {
  if (count <= heap.bin_count) return true;
  std::uint32_t const size = larger(count, larger(heap.bin_count * 2, 32));
  bin* bins = new (std::nothrow) bin[size];
  if (bins == nullptr) return false;
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) bins[i] = heap.bins[i];
  delete[] heap.bins;
  heap.bins = bins;
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) {
    if (bins[i].current != nullptr) set_mode(heap, *bins[i].current, page_mode::current);
  }
  heap.bin_count = size;
  thread_state& thread = this_thread_state();
  if (thread.current == &heap) set_current(thread, &heap);
  return true;
}

inline object_header* try_allocate(heap_core& heap, type_descriptor const& type, std::size_t bytes) noexcept {
  std::size_t const block = block_size(type, bytes);
  if (!is_pooled(type, bytes, block)) {
    object_header* h = take_large(heap, type, bytes);
    if (h != nullptr) h->flags = flag_large;
    return h;
  }
  std::uint32_t const index = bin_of(type) + static_cast<std::uint32_t>(type.is_array ? block / array_class_bytes : 0);
  if (!reserve_bins(heap, index + 1)) return nullptr;
  object_header* h = heap.counting ? take_one(heap, type, index, block) : take_from_bin(heap, type, index, block);
  if (h != nullptr) h->flags = 0;
  return h;
}

/// Any allocation that the bin cannot serve. `bytes`: the object, or all elements. Throws std::bad_alloc after one full
/// collection that did not help, and with all free memory given back, since it may have been the wrong size.
OURO_DETAIL_NOINLINE inline object_header* allocate_slow(type_descriptor const& type, std::size_t bytes) {
  collect_if_due(current_heap(), type);
  object_header* h = try_allocate(current_heap(), type, bytes);
  if (h == nullptr) {
    heap_user keep(current_heap());
    collect(current_heap(), 2, seeds::pages);
    trim_all_pages(current_heap());
    trim_large(current_heap(), 0);
    h = try_allocate(current_heap(), type, bytes);
  }
  if (h == nullptr) throw_bad_alloc();
  auto const flags = static_cast<std::uint8_t>(h->flags | static_cast<std::uint8_t>(object_state::constructing));
  *h = make_header(1, slot_of_newborn(current_heap(), type), 0, flags);
  if (!is_large(*h)) unpoison_body(*page_of(h), h);
  return h;
}

/// A block for an object of the type, with a count of one, in the state `constructing`. `size_class`: of an array.
///
/// The fast path is about ten instructions: the bin's first block is taken and its header stored as one word.
template <bool Tracked>
OURO_DETAIL_INLINE object_header* allocate(type_descriptor const& type, std::size_t bytes,
                                           std::uint32_t size_class = 0) {
  thread_state& thread = this_thread_state();
  std::uint32_t const index = type.bin.load(std::memory_order_relaxed) + size_class;
  if (index < thread.bin_count) [[likely]] {
    bin& b = thread.bins[index];
    if (object_header* h = b.free; h != nullptr) [[likely]] {
      b.free = next_free(h);
      *h = Tracked ? thread.fresh : make_header(1, slot_leaf, object_state::constructing);
      unpoison_body(*page_of(h), h);
      return h;
    }
  }
  return allocate_slow(type, bytes);
}

/// A constructor threw: its block goes back, unless handles to the unfinished object have escaped.
inline void abandon(object_header* h) noexcept {
  heap_core& heap = heap_of(h);
  if ((h->flags & flag_side) != 0) {
    set_state(*h, object_state::destroying);
    clear_and_call(heap, h);
    drop_entries(h);
  }
  if (count_of(*h) == 1) {
    if (is_candidate(*h)) remove_candidate(heap, h);
    return release_block(h);
  }
  set_state(*h, object_state::zombie);
  make_immortal(h);
  report(heap, "a constructor threw after a handle to its object had escaped; the memory is never reused", "make_gc",
         type_of(h).name());
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_ALLOCATION_HPP

// Small compile-time tools that know nothing of garbage collection: lists of types, completeness, names of types.
#ifndef OURO_DETAIL_META_HPP
#define OURO_DETAIL_META_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
};

/// The answer depends on where it is first asked, so only what has to be complete by the user's own contract is asked.
template <class T>
concept complete = requires { sizeof(T); };

template <class T, class List>
inline constexpr bool contains = false;
template <class T, class... U>
inline constexpr bool contains<T, type_list<U...>> = (std::is_same_v<T, U> || ...);

/// The first list followed by those members of the second that it lacks.
template <class First, class Second>
struct merge;
template <class... T>
struct merge<type_list<T...>, type_list<>> {
  using type = type_list<T...>;
};
template <class... T, class U, class... Rest>
struct merge<type_list<T...>, type_list<U, Rest...>> {
  using next = std::conditional_t<contains<U, type_list<T...>>, type_list<T...>, type_list<T..., U>>;
  using type = typename merge<next, type_list<Rest...>>::type;
};

template <class... List>
struct joined;  // one after the other, repeats kept
template <class... T>
struct joined<type_list<T...>> {
  using type = type_list<T...>;
};
template <class... T, class... U, class... Rest>
struct joined<type_list<T...>, type_list<U...>, Rest...> : joined<type_list<T..., U...>, Rest...> {};

/// One address per type, as an identity that constant evaluation can compare.
template <class T>
inline constexpr char type_id{};

/// `std::remove_cvref_t` without a second instantiation.
template <class T>
struct bare {
  using type = std::remove_cv_t<T>;
};
template <class T>
struct bare<T&> {
  using type = std::remove_cv_t<T>;
};
template <class T>
struct bare<T&&> {
  using type = std::remove_cv_t<T>;
};
template <class T>
using bare_t = typename bare<T>::type;

// `auto` as return type keeps the alias of std::string_view out of what the compiler prints.
template <class T>
constexpr auto signature_of_type() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return std::string_view(__FUNCSIG__, sizeof(__FUNCSIG__) - 1);
#else
  return std::string_view(__PRETTY_FUNCTION__, sizeof(__PRETTY_FUNCTION__) - 1);
#endif
}

inline constexpr std::size_t signature_prefix = signature_of_type<double>().find("double");
inline constexpr std::size_t signature_suffix = signature_of_type<double>().size() - signature_prefix - 6;

/// The name of a type as the compiler writes it in its messages; needs no RTTI.
template <class T>
constexpr std::string_view type_name() noexcept {
  std::string_view name = signature_of_type<T>();
  name.remove_prefix(signature_prefix);
  name.remove_suffix(signature_suffix);
#if defined(_MSC_VER) && !defined(__clang__)
  for (std::string_view word : {"class ", "struct ", "union ", "enum "}) {
    if (name.substr(0, word.size()) == word) name.remove_prefix(word.size());
  }
#endif
  return name;
}

/// Equal for types of one name, and practically never else.
template <class T>
inline constexpr std::uint64_t type_hash = [] {
  std::uint64_t hash = 14695981039346656037u;
  for (char c : type_name<T>()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_META_HPP

// Looking at each member of a class by structured bindings, and at its initialiser lists, up to 64 members.
//
// Generated by tools/make_each_field.py; change that, not this. Explicit specialisations, because a chain of
// `if constexpr` costs the compiler three times as much. A structured binding is bound by the access rules of the place
// where it stands, so the rungs are members of the one class that users befriend.
#ifndef OURO_DETAIL_EACH_FIELD_HPP
#define OURO_DETAIL_EACH_FIELD_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// A declared, never defined source of values for initialiser lists that are only asked about.
template <class T>
T imagine() noexcept;

/// Bit-fields that are not const cannot be passed to it, everything else can.
template <class... T>
void by_reference(T&...) noexcept;

/// `types` are those that the members are declared with (a reference member gives a reference), `addressable` is false
/// if one of them is a bit-field.
template <bool Addressable, class... D>
struct member_facts {
  static constexpr bool addressable = Addressable;
  using types = type_list<D...>;
};
struct asks_for_facts {};

/// `initialiser_list<N>::fits<T>(type_list<P...>, type_list<Q...>)`: is `T{p..., {} N times, q...}` valid?
template <std::size_t N>
struct initialiser_list;

}  // namespace detail

/// The one class that looks into a type: a class with private members or declarations says `friend ouro::access;`.
struct access {
  template <class T>
  struct declared;
  template <class T>
  struct finalizer;

  /// `fields<N>` binds the N members of a class. `visit` hands all of them to `f`, or gives their `member_facts`. One
  /// function for both: binding takes the compiler's time, and does so in programs without a class to bind too.
  template <std::size_t N, class = void>
  struct fields;
};

// clang-format off
#if defined(__cpp_structured_bindings) && __cpp_structured_bindings >= 202411L
template <std::size_t N> struct access::fields<N, void> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    auto& [...m] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m...); }, decltype(m)...>{};
    else
      return f(m...);
  }
};
#else
template <> struct access::fields<1> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0); },
        decltype(m0)>{};
    else
      return f(m0);
  }
};
template <> struct access::fields<2> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1); },
        decltype(m0), decltype(m1)>{};
    else
      return f(m0, m1);
  }
};
template <> struct access::fields<3> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2); },
        decltype(m0), decltype(m1), decltype(m2)>{};
    else
      return f(m0, m1, m2);
  }
};
template <> struct access::fields<4> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3)>{};
    else
      return f(m0, m1, m2, m3);
  }
};
template <> struct access::fields<5> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4)>{};
    else
      return f(m0, m1, m2, m3, m4);
  }
};
template <> struct access::fields<6> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5)>{};
    else
      return f(m0, m1, m2, m3, m4, m5);
  }
};
template <> struct access::fields<7> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6);
  }
};
template <> struct access::fields<8> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7);
  }
};
template <> struct access::fields<9> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8);
  }
};
template <> struct access::fields<10> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9);
  }
};
template <> struct access::fields<11> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10);
  }
};
template <> struct access::fields<12> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10,
        m11); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11);
  }
};
template <> struct access::fields<13> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12);
  }
};
template <> struct access::fields<14> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13);
  }
};
template <> struct access::fields<15> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14);
  }
};
template <> struct access::fields<16> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15);
  }
};
template <> struct access::fields<17> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16);
  }
};
template <> struct access::fields<18> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17);
  }
};
template <> struct access::fields<19> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17,
      m18] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18);
  }
};
template <> struct access::fields<20> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19);
  }
};
template <> struct access::fields<21> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20);
  }
};
template <> struct access::fields<22> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21);
  }
};
template <> struct access::fields<23> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22);
  }
};
template <> struct access::fields<24> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23);
  }
};
template <> struct access::fields<25> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24);
  }
};
template <> struct access::fields<26> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25);
  }
};
template <> struct access::fields<27> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26);
  }
};
template <> struct access::fields<28> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27);
  }
};
template <> struct access::fields<29> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28);
  }
};
template <> struct access::fields<30> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29);
  }
};
template <> struct access::fields<31> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30);
  }
};
template <> struct access::fields<32> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31);
  }
};
template <> struct access::fields<33> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32);
  }
};
template <> struct access::fields<34> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33);
  }
};
template <> struct access::fields<35> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34);
  }
};
template <> struct access::fields<36> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35);
  }
};
template <> struct access::fields<37> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36);
  }
};
template <> struct access::fields<38> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37);
  }
};
template <> struct access::fields<39> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38);
  }
};
template <> struct access::fields<40> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39);
  }
};
template <> struct access::fields<41> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39,
      m40] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40);
  }
};
template <> struct access::fields<42> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41);
  }
};
template <> struct access::fields<43> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42);
  }
};
template <> struct access::fields<44> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43);
  }
};
template <> struct access::fields<45> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44);
  }
};
template <> struct access::fields<46> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45);
  }
};
template <> struct access::fields<47> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46);
  }
};
template <> struct access::fields<48> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47);
  }
};
template <> struct access::fields<49> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48);
  }
};
template <> struct access::fields<50> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49);
  }
};
template <> struct access::fields<51> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50);
  }
};
template <> struct access::fields<52> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51);
  }
};
template <> struct access::fields<53> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52);
  }
};
template <> struct access::fields<54> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53);
  }
};
template <> struct access::fields<55> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54);
  }
};
template <> struct access::fields<56> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55);
  }
};
template <> struct access::fields<57> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56);
  }
};
template <> struct access::fields<58> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57);
  }
};
template <> struct access::fields<59> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57, m58); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57), decltype(m58)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58);
  }
};
template <> struct access::fields<60> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57, m58, m59); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57), decltype(m58), decltype(m59)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59);
  }
};
template <> struct access::fields<61> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57, m58, m59, m60); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57), decltype(m58), decltype(m59), decltype(m60)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60);
  }
};
template <> struct access::fields<62> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57, m58, m59, m60, m61); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57), decltype(m58), decltype(m59), decltype(m60), decltype(m61)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61);
  }
};
template <> struct access::fields<63> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61,
      m62] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57, m58, m59, m60, m61, m62); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57), decltype(m58), decltype(m59), decltype(m60), decltype(m61), decltype(m62)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61, m62);
  }
};
template <> struct access::fields<64> {
  template <class T, class F> OURO_DETAIL_INLINE static constexpr auto visit(T& v, [[maybe_unused]] F&& f) {
    [[maybe_unused]] auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
      m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40,
      m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61, m62,
      m63] = v;
    if constexpr (std::is_same_v<F, detail::asks_for_facts>)
      return detail::member_facts<requires { detail::by_reference(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11,
        m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53,
        m54, m55, m56, m57, m58, m59, m60, m61, m62, m63); },
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
        decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), decltype(m13),
        decltype(m14), decltype(m15), decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20),
        decltype(m21), decltype(m22), decltype(m23), decltype(m24), decltype(m25), decltype(m26), decltype(m27),
        decltype(m28), decltype(m29), decltype(m30), decltype(m31), decltype(m32), decltype(m33), decltype(m34),
        decltype(m35), decltype(m36), decltype(m37), decltype(m38), decltype(m39), decltype(m40), decltype(m41),
        decltype(m42), decltype(m43), decltype(m44), decltype(m45), decltype(m46), decltype(m47), decltype(m48),
        decltype(m49), decltype(m50), decltype(m51), decltype(m52), decltype(m53), decltype(m54), decltype(m55),
        decltype(m56), decltype(m57), decltype(m58), decltype(m59), decltype(m60), decltype(m61), decltype(m62),
        decltype(m63)>{};
    else
      return f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
        m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42,
        m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61, m62, m63);
  }
};
#endif

namespace detail {

template <> struct initialiser_list<0> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<1> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<2> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<3> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<4> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<5> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<6> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<7> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<8> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<9> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<10> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<11> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<12> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<13> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<14> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<15> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<16> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<17> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<18> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<19> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<20> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<21> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<22> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<23> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<24> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<25> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<26> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<27> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<28> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<29> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<30> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<31> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<32> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<33> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<34> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<35> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<36> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<37> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<38> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<39> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<40> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<41> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<42> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<43> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<44> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<45> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<46> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<47> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<48> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<49> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<50> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<51> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<52> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<53> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<54> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<55> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<56> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<57> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<58> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<59> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<60> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<61> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<62> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<63> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<64> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, imagine<Q>()...}; };
  }
};
template <> struct initialiser_list<65> {
  template <class T, class... P, class... Q> static constexpr bool fits(type_list<P...>, type_list<Q...>) {
    return requires { T{imagine<P>()..., {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, imagine<Q>()...}; };
  }
};

}  // namespace detail

// clang-format on

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_EACH_FIELD_HPP

// How many members an aggregate has, found by asking which initialiser lists it accepts.
//
// First way, for almost every type: `T{{}, {}, ...}`. One `{}` stands for one member, arrays included, and if `T{}` is
// valid then so is every list up to the longest, which is found by doubling and bisection.
// Second way, for types with a member that cannot be made from `{}`: wildcards that convert to anything. Such a list
// is valid only between two bounds, and brace elision lets an array swallow one wildcard per element, so the arrays
// are found by putting braces around groups of wildcards.
#ifndef OURO_DETAIL_FIELD_COUNT_HPP
#define OURO_DETAIL_FIELD_COUNT_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// The answer when the members cannot be counted, or are more than the ladder is long.
inline constexpr std::size_t uncountable = static_cast<std::size_t>(-1);

/// The length of the ladder, and how many wildcards the second way tries.
inline constexpr std::size_t field_limit = 64;
inline constexpr std::size_t slot_limit = 96;

// Never defined: these conversions are asked about, never made. They are const so that a constructor template that
// takes anything (std::optional, std::any) is preferred to them instead of being as good.
struct any_value {
  template <class T>
  operator T() const;
};
struct any_lvalue {
  template <class T>
  operator T&() const;
};
/// Converts to the bases of `T`, and cannot be copied into what takes anything.
template <class T, bool EmptyOnly>
struct any_base {
  any_base(any_base const&) = delete;
  template <class B>
    requires(std::is_base_of_v<B, T> && !std::is_same_v<B, T> && (!EmptyOnly || std::is_empty_v<B>))
  operator B() const;
};
struct no_value {
  no_value(no_value const&) = delete;
};

template <class T, std::size_t N, class Before, class After>
inline constexpr bool fits = initialiser_list<N>::template fits<T>(Before{}, After{});

template <class Wild, class Sequence>
struct repeat_in;
template <class Wild, std::size_t... I>
struct repeat_in<Wild, std::index_sequence<I...>> {
  template <std::size_t>
  using same = Wild;
  using type = type_list<same<I>...>;
};
template <class Wild, std::size_t N>
using repeat = typename repeat_in<Wild, std::make_index_sequence<N>>::type;

template <class T, class Before, class Group, class After>
inline constexpr bool fits_group = false;
template <class T, class... B, class... G, class... A>
inline constexpr bool fits_group<T, type_list<B...>, type_list<G...>, type_list<A...>> =
    requires { T{imagine<B>()..., {imagine<G>()...}, imagine<A>()...}; };

/// The largest N with `T{before..., {} N times}`, where `Low` is known to be valid and `High` not to be.
template <class T, class Before, std::size_t Low, std::size_t High>
constexpr std::size_t bisect_braces() {
  if constexpr (High - Low == 1) {
    return Low;
  } else {
    constexpr std::size_t middle = Low + (High - Low) / 2;
    if constexpr (fits<T, middle, Before, type_list<>>) {
      return bisect_braces<T, Before, middle, High>();
    } else {
      return bisect_braces<T, Before, Low, middle>();
    }
  }
}

template <class T, class Before, std::size_t N = 1>
constexpr std::size_t longest_braces() {
  if constexpr (N > field_limit) {
    return fits<T, field_limit + 1, Before, type_list<>> ? field_limit + 1
                                                         : bisect_braces<T, Before, N / 2, field_limit + 1>();
  } else if constexpr (!fits<T, N, Before, type_list<>>) {
    return bisect_braces<T, Before, N / 2, N>();
  } else {
    return longest_braces<T, Before, N * 2>();
  }
}

/// Does a member follow that has a default member initialiser but cannot be made from `{}`?
template <class T, class Before, std::size_t N>
inline constexpr bool more_follow =
    fits<T, N, Before, type_list<any_value>> || fits<T, N, Before, type_list<any_lvalue>>;

/// The first number of wildcards from `N` on for which the list is valid (`Valid`) or no longer valid.
template <class T, class Wild, bool Valid, std::size_t N>
constexpr std::size_t first_wild() {
  if constexpr (N > slot_limit) {
    return uncountable;
  } else if constexpr (fits<T, 0, repeat<Wild, N>, type_list<>> == Valid) {
    return N;
  } else {
    return first_wild<T, Wild, Valid, N + 1>();
  }
}

/// Does one member take `{}` or `{wildcard}` in place of the wildcard at `From`, with `Rest` wildcards behind?
template <class T, class Wild, std::size_t From, std::size_t Rest>
inline constexpr bool fits_braced = fits_group<T, repeat<Wild, From>, type_list<>, repeat<Wild, Rest>> ||
                                    fits_group<T, repeat<Wild, From>, type_list<Wild>, repeat<Wild, Rest>>;

/// Does the member at `From` surely take one wildcard only? Behind an array too many would be left, which its
/// successors may swallow, but then they swallow one less as well; behind another member one less is too few.
template <class T, class Wild, std::size_t Slots, bool Last, std::size_t From>
constexpr bool is_single_slot() {
  if constexpr (From + 1 >= Slots) {
    return true;
  } else if constexpr (!fits_braced<T, Wild, From, Slots - From - 1>) {
    return false;
  } else {
    return Last || !fits_braced<T, Wild, From, Slots - From - 2>;
  }
}

/// How many of the wildcards from `From` on, of `Slots` in all, go to the member that starts there: the longest group
/// in braces after which the rest still reaches the end.
template <class T, class Wild, std::size_t Slots, bool Last, std::size_t From, std::size_t Size>
constexpr std::size_t slots_of_member() {
  if constexpr (Size < 2 || is_single_slot<T, Wild, Slots, Last, From>()) {
    return 1;
  } else if constexpr (fits_group<T, repeat<Wild, From>, repeat<Wild, Size>, repeat<Wild, Slots - From - Size>> &&
                       !(Last && fits_group<T, repeat<Wild, From>, repeat<Wild, Size>,
                                            repeat<Wild, Slots - From - Size + 1>>)) {
    return Size;
  } else {
    return slots_of_member<T, Wild, Slots, Last, From, Size - 1>();
  }
}

/// The number of members that take the first `Slots` wildcards. `Last`: no member follows them; otherwise the member
/// at the end of them cannot do without its wildcard, so a wrong guess always leaves it without.
template <class T, class Wild, std::size_t Slots, bool Last, std::size_t From = 0>
constexpr std::size_t members_in_slots() {
  if constexpr (From >= Slots) {
    return 0;
  } else {
    return 1 +
           members_in_slots<T, Wild, Slots, Last, From + slots_of_member<T, Wild, Slots, Last, From, Slots - From>()>();
  }
}

template <class T, class Wild>
constexpr std::size_t count_by_wildcards() {
  constexpr std::size_t low = first_wild<T, Wild, true, 0>();
  if constexpr (low == uncountable) {
    return uncountable;
  } else {
    constexpr std::size_t tail = longest_braces<T, repeat<Wild, low>>();
    if constexpr (tail <= field_limit && !more_follow<T, repeat<Wild, low>, tail>) {
      return members_in_slots<T, Wild, low, false>() + tail;
    } else {
      constexpr std::size_t end = first_wild<T, Wild, false, low + 1>();
      if constexpr (end == uncountable) {
        return uncountable;
      } else if constexpr (more_follow<T, repeat<Wild, end - 1>, 0>) {
        return uncountable;
      } else {
        return members_in_slots<T, Wild, end - 1, true>();
      }
    }
  }
}

template <class T>
constexpr std::size_t count_slots() {
  if constexpr (fits<T, 0, type_list<>, type_list<>>) {
    constexpr std::size_t count = longest_braces<T, type_list<>>();
    if constexpr (count > field_limit) {
      return count;
    } else if constexpr (!more_follow<T, type_list<>, count>) {
      return count;
    }
  }
  constexpr std::size_t by_value = count_by_wildcards<T, any_value>();
  if constexpr (by_value != uncountable) {
    return by_value;
  } else {
    return count_by_wildcards<T, any_lvalue>();
  }
}

/// What an aggregate is made of. `bases` counts the empty ones only.
struct aggregate_shape {
  std::size_t fields;
  std::size_t bases;
  bool base_with_data;
};

/// Base classes come first in an initialiser list; `T` accepts `Total` initialisers (members, not wildcards).
template <class T, class Wild, std::size_t Total, std::size_t Low, std::size_t I = 0>
constexpr aggregate_shape strip_bases() {
  if constexpr (I >= Total) {
    return {Total - I, I, false};
  } else {
    using before = repeat<Wild, I>;
    using after = repeat<Wild, (Low > I ? Low - I - 1 : 0)>;
    using all = typename joined<before, type_list<any_base<T, false>>, after>::type;
    if constexpr (!fits<T, 0, all, type_list<>>) {
      return {Total - I, I, false};
    } else if constexpr (fits<T, 0, typename joined<before, type_list<no_value>, after>::type, type_list<>>) {
      return {Total - I, I, false};
    } else if constexpr (fits<T, 0, typename joined<before, type_list<any_base<T, true>>, after>::type, type_list<>>) {
      return strip_bases<T, Wild, Total, Low, I + 1>();
    } else {
      return {Total - I, I, true};
    }
  }
}

template <class T>
constexpr aggregate_shape shape_of() {
  if constexpr (std::is_empty_v<T>) {
    return {0, 0, false};
  } else {
    constexpr std::size_t slots = count_slots<T>();
    if constexpr (slots == uncountable || slots == 0) {
      return {uncountable, 0, false};
    } else if constexpr (first_wild<T, any_value, true, 0>() != uncountable) {
      return strip_bases<T, any_value, slots, first_wild<T, any_value, true, 0>()>();
    } else {
      return strip_bases<T, any_lvalue, slots, first_wild<T, any_lvalue, true, 0>()>();
    }
  }
}

/// The shape of an aggregate; `fields` is `uncountable` if the members cannot be counted.
template <class T>
inline constexpr aggregate_shape shape = shape_of<T>();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_FIELD_COUNT_HPP

// What a class or a program declares about traced members: lists of members, marks for leaves and for containers.
#ifndef OURO_DETAIL_DECLARATIONS_HPP
#define OURO_DETAIL_DECLARATIONS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Specialise to `true` for a type that holds no traced handle, and that you cannot change:
/// `template <> inline constexpr bool ouro::is_leaf<X> = true;`.
///
/// Precondition: true of every object of exactly that type; a handle in it is never seen, so a cycle through it leaks.
/// Specialise before the first use in a traced class. In your own class write `using gc_leaf = X;` instead.
template <class T>
inline constexpr bool is_leaf = false;

/// Specialise to `true` for a container of your own: `template <class T> inline constexpr bool
/// ouro::is_container<my_vector<T>> = true;`.
///
/// Precondition: it owns its elements, alone; `begin()` and `end()` visit each once and yield references to
/// `value_type`; if it has a `key_type` with handles in it, `clear()` must not throw.
template <class C>
inline constexpr bool is_container = false;

/// Specialise for a foreign type with handles that no other way describes: `static void trace(T const& value,
/// ouro::tracer& t) noexcept` calls `t` with every part that may hold handles, each once.
///
/// Precondition, user's obligation: as for `tracer`. CPython's counterpart is a type's `tp_traverse`.
template <class T>
struct trace_traits;

namespace detail {

template <class... B>
struct base_list {};

template <class M>
struct member_class {
  using type = void;
};
template <class M, class C>
struct member_class<M C::*> {
  using type = C;
};

template <class M>
inline constexpr bool is_base_list = false;
template <class... B>
inline constexpr bool is_base_list<base_list<B...>> = true;

template <class M>
concept member_or_bases = std::is_member_object_pointer_v<M> || is_base_list<M>;

template <class... C>
struct first_class {
  using type = void;
};
template <class C, class... Rest>
struct first_class<C, Rest...> {
  using type = C;
};
template <class... Rest>
struct first_class<void, Rest...> : first_class<Rest...> {};

/// What `members` returns: the class it speaks of, and pointers to members and lists of bases in order.
template <class Self, class... M>
struct member_list {
  using self = Self;
  std::tuple<M...> members;
};

}  // namespace detail

/// The direct bases with traced members, for `members`: `ouro::members(ouro::bases<A, B>, &X::child_)`.
///
/// Virtual bases are detected, and visited once by the complete object, however often they are listed below it.
template <class... B>
inline constexpr detail::base_list<B...> bases{};

/// The traced members of a class whose bases have data: `static constexpr auto gc_members =
/// ouro::members(ouro::bases<Base>, &Derived::children_, &Derived::parent_);`.
///
/// Precondition: complete; the compiler checks for repeats and foreign classes, not for members that were left out
/// (`gc_fields` does). A member left out leaks when it is part of a cycle. Must be repeated in derived classes.
template <class... M>
  requires(detail::member_or_bases<M> && ...)
constexpr auto members(M... list) {
  using self = typename detail::first_class<typename detail::member_class<M>::type...>::type;
  static_assert(!std::is_void_v<self>,
                "ouro: members(...) cannot tell which class it speaks of, since it lists no member: write "
                "ouro::members<Self>(ouro::bases<Base>) with the name of the class for Self");
  return detail::member_list<self, M...>{{list...}};
}

/// The same with the class named, which is needed where only bases are listed: `ouro::members<X>(ouro::bases<B>)`.
template <class Self, class... M>
  requires(std::is_class_v<Self> && !detail::is_base_list<Self> && (detail::member_or_bases<M> && ...))
constexpr auto members(M... list) {
  return detail::member_list<Self, M...>{{list...}};
}

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_DECLARATIONS_HPP

// Reads what a class declares about its traced members, with the rights of a friend.
#ifndef OURO_DETAIL_READ_DECLARATIONS_HPP
#define OURO_DETAIL_READ_DECLARATIONS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// The class that a list of members speaks of; void for anything else.
template <class M>
struct self_of {
  using type = void;
};
template <class Self, class... M>
struct self_of<member_list<Self, M...>> {
  using type = Self;
};

/// The class in a pointer to one of its member functions.
template <class F>
struct function_class {
  using type = void;
};
template <class F, class C>
struct function_class<F C::*> {
  using type = C;
};

template <auto* Declaration>
constexpr auto signature_of_variable() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return std::string_view(__FUNCSIG__, sizeof(__FUNCSIG__) - 1);
#else
  return std::string_view(__PRETTY_FUNCTION__, sizeof(__PRETTY_FUNCTION__) - 1);
#endif
}

/// Do two names of classes agree, template arguments aside (compilers print them in more than one way)?
constexpr bool same_class_name(std::string_view a, std::string_view b) noexcept {
  auto skip_arguments = [](std::string_view& name) {
    if (name.empty() || name.front() != '<') return;
    int depth = 0;
    do {
      depth += name.front() == '<' ? 1 : name.front() == '>' ? -1 : 0;
      name.remove_prefix(1);
    } while (depth > 0 && !name.empty());
  };
  for (;;) {
    skip_arguments(a);
    skip_arguments(b);
    if (a.empty() || b.empty()) return a.empty() && b.empty();
    if (a.front() != b.front()) return false;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
}

/// Is the static member of that name, printed in `signature` as `&Class::name`, declared in the class `of`?
/// A signature that cannot be read says yes.
constexpr bool declared_in(std::string_view signature, std::string_view name, std::string_view of) noexcept {
  std::size_t const last = signature.rfind(name);
  std::size_t const first = signature.find('&');
  if (last == std::string_view::npos || first == std::string_view::npos || first + 3 > last) return true;
  std::string_view declaring = signature.substr(first + 1, last - first - 3);
  while (!declaring.empty() && declaring.front() == ' ') declaring.remove_prefix(1);
  return same_class_name(declaring, of);
}

// --- is a member function virtual? No trait says so; a pointer to it behaves differently in constant expressions. ---

#if defined(__clang__)
// [expr.eq]: the result of comparing pointers to virtual member functions is unspecified, hence no constant.
template <auto Function>
inline constexpr bool is_plain_function = requires { typename std::bool_constant<(Function == Function)>; };
#elif defined(__GNUC__)
// GCC converts pointers to member functions to ordinary ones: to an address, or for a virtual one to an offset in the
// vtable, which is no constant pointer.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wpmf-conversions"
template <class F>
struct free_function {
  using type = void;
};
template <class R, class C, class... A, bool N>
struct free_function<R (C::*)(A...) noexcept(N)> {
  using type = R (*)(C*, A...) noexcept(N);
};
template <class R, class C, class... A, bool N>
struct free_function<R (C::*)(A...) const noexcept(N)> {
  using type = R (*)(C const*, A...) noexcept(N);
};
template <class Free, class F>
constexpr Free as_free_function(F function) {
  return Free(function);
}
template <auto Function, class Free = typename free_function<decltype(Function)>::type>
inline constexpr bool is_plain_function =
    requires { typename std::bool_constant<(as_free_function<Free>(Function) == nullptr)>; };
#pragma GCC diagnostic pop
#else
template <auto Function>
inline constexpr bool is_plain_function = true;
#endif

struct function_samples {
  function_samples() = default;
  function_samples(function_samples const&) = delete;
  virtual ~function_samples() = default;
  virtual void of_vtable() const noexcept {}
  void plain() const noexcept {}
};
inline constexpr bool virtual_functions_are_seen =
    is_plain_function<&function_samples::plain> && !is_plain_function<&function_samples::of_vtable>;

/// Where the compiler does not tell, a polymorphic class is believed, since what is missed only leaks.
template <class T, auto Function>
inline constexpr bool may_be_virtual =
    std::is_polymorphic_v<T> && !(virtual_functions_are_seen && is_plain_function<Function>);

}  // namespace detail

/// Reads the declarations of `T` with the rights of a friend.
template <class T>
struct access::declared {
  static constexpr bool has_leaf = requires { typename T::gc_leaf; };
  static constexpr bool has_trace = requires(T& v, tracer& t) { v.gc_trace(t); };
  static constexpr bool has_members = requires { T::gc_members; };
  static constexpr bool has_fields = requires { T::gc_fields; };

  static constexpr bool own_leaf() {
    if constexpr (has_leaf) {
      return std::is_same_v<typename T::gc_leaf, T>;
    } else {
      return false;
    }
  }

  static constexpr bool own_trace() {
    if constexpr (!has_trace) {
      return false;
    } else if constexpr (requires { &T::gc_trace; }) {
      using owner = typename detail::function_class<decltype(&T::gc_trace)>::type;
      return std::is_same_v<owner, T> || std::is_void_v<owner>;
    } else {
      return true;  // overloaded or a template: written with care, and nothing more can be found out
    }
  }

  static constexpr bool virtual_trace() {
    if constexpr (has_trace && std::is_polymorphic_v<T> && requires { &T::gc_trace; }) {
      return detail::may_be_virtual<T, &T::gc_trace>;
    } else {
      return false;
    }
  }

  static constexpr auto members() {
    if constexpr (has_members) {
      return T::gc_members;
    } else {
      return 0;
    }
  }
  using members_of = typename detail::self_of<decltype(members())>::type;

  static constexpr std::size_t fields() {
    if constexpr (has_fields) {
      if constexpr (std::is_convertible_v<decltype(T::gc_fields), std::size_t>) {
        return static_cast<std::size_t>(T::gc_fields);
      }
    }
    return static_cast<std::size_t>(-1);
  }

  static constexpr bool own_fields() {
    if constexpr (has_fields && requires { detail::signature_of_variable<&T::gc_fields>(); }) {
      return detail::declared_in(detail::signature_of_variable<&T::gc_fields>(), "gc_fields", detail::type_name<T>());
    } else {
      return has_fields;
    }
  }

  // Qualified, so that a base visited as part of a derived object is not sent back to the derived class.
  static void trace(T const& v, tracer& t) noexcept {
    if constexpr (requires { v.T::gc_trace(t); }) {
      v.T::gc_trace(t);
    } else {
      const_cast<T&>(v).T::gc_trace(t);
    }
  }
  static void trace_virtually(T const& v, tracer& t) noexcept {
    if constexpr (requires { v.gc_trace(t); }) {
      v.gc_trace(t);
    } else {
      const_cast<T&>(v).gc_trace(t);
    }
  }

  template <class B>
  static constexpr bool has_base = requires(T const& v) { static_cast<B const&>(v); } && std::is_base_of_v<B, T>;
  template <class B>
  static constexpr bool has_virtual_base = has_base<B> && !requires(B const& b) { static_cast<T const&>(b); };
  template <class B>
  static constexpr B const& base(T const& v) noexcept {
    return v;
  }
};

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_READ_DECLARATIONS_HPP

// Recognises types of the standard library and of Boost by their names, so that none of their headers is included.
#ifndef OURO_DETAIL_STD_TYPES_HPP
#define OURO_DETAIL_STD_TYPES_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// What a library type is to its owner. Types that are not listed are `other`.
enum class library_role : unsigned char {
  none,     // not of a known library
  plain,    // of a library, no template
  other,    // of a library, judged by its template arguments
  view,     // owns nothing of what its arguments name, or hides it (std::function): never looked into
  range,    // owns its elements; begin() and end()
  adaptor,  // stack, queue, priority_queue
  unique,   // unique_ptr
  shared,   // shared_ptr
  optional,
  expected,
  variant,
  pair,
  tuple
};

struct library_entry {
  std::string_view name;
  library_role role;
};

// Names without namespaces; the interface is checked as well before a role is believed.
inline constexpr library_entry std_roles[] = {
    {"function", library_role::view},
    {"move_only_function", library_role::view},
    {"copyable_function", library_role::view},
    {"function_ref", library_role::view},
    {"weak_ptr", library_role::view},
    {"enable_shared_from_this", library_role::view},
    {"span", library_role::view},
    {"mdspan", library_role::view},
    {"basic_string_view", library_role::view},
    {"reference_wrapper", library_role::view},
    {"initializer_list", library_role::view},
    {"ref_view", library_role::view},
    {"vector", library_role::range},
    {"deque", library_role::range},
    {"list", library_role::range},
    {"forward_list", library_role::range},
    {"set", library_role::range},
    {"multiset", library_role::range},
    {"map", library_role::range},
    {"multimap", library_role::range},
    {"unordered_set", library_role::range},
    {"unordered_multiset", library_role::range},
    {"unordered_map", library_role::range},
    {"unordered_multimap", library_role::range},
    {"array", library_role::range},
    {"valarray", library_role::range},
    {"inplace_vector", library_role::range},
    {"hive", library_role::range},
    {"flat_set", library_role::range},
    {"flat_multiset", library_role::range},
    {"flat_map", library_role::range},
    {"flat_multimap", library_role::range},
    {"stack", library_role::adaptor},
    {"queue", library_role::adaptor},
    {"priority_queue", library_role::adaptor},
    {"unique_ptr", library_role::unique},
    {"shared_ptr", library_role::shared},
    {"optional", library_role::optional},
    {"expected", library_role::expected},
    {"variant", library_role::variant},
    {"pair", library_role::pair},
    {"tuple", library_role::tuple},
};

// Boost's containers are recognised by their interface; these are what else it has under names of its own.
inline constexpr library_entry boost_roles[] = {
    {"function", library_role::view},
    {"weak_ptr", library_role::view},
    {"enable_shared_from_this", library_role::view},
    {"span", library_role::view},
    {"basic_string_view", library_role::view},
    {"reference_wrapper", library_role::view},
    {"array", library_role::range},
    {"shared_ptr", library_role::shared},
    {"local_shared_ptr", library_role::shared},
    {"optional", library_role::optional},
};

template <std::size_t N>
constexpr library_role find_role(library_entry const (&entries)[N], std::string_view name) noexcept {
  for (library_entry const& entry : entries) {
    if (entry.name == name) return entry.role;
  }
  return library_role::other;
}

/// The length of the namespace in which a library's names begin, or 0. Debugging iterators have namespaces of their
/// own.
constexpr std::size_t library_prefix(std::string_view name) noexcept {
  for (std::string_view prefix : {"std::", "boost::", "__gnu_cxx::", "__gnu_debug::"}) {
    if (name.substr(0, prefix.size()) == prefix) return prefix.size();
  }
  return 0;
}

/// The role of the type with this full name. Inline namespaces of the implementation (`std::__1::`, `std::__cxx11::`)
/// are skipped; a name in another namespace of `std` (`std::chrono::`) is judged by its arguments.
constexpr library_role role_of_name(std::string_view name) noexcept {
  std::size_t const prefix = library_prefix(name);
  if (prefix == 0) return library_role::none;
  std::size_t const angle = name.find('<');
  if (angle == std::string_view::npos) return library_role::plain;
  std::string_view const path = name.substr(0, angle);
  std::size_t const last = path.rfind("::") + 2;
  if (name.front() == 'b') return find_role(boost_roles, path.substr(last));
  for (std::size_t at = prefix; at < last; at = path.find("::", at) + 2) {
    bool const known = path[at] == '_' || path.substr(at, 8) == "ranges::" || path.substr(at, 5) == "pmr::";
    if (!known) return library_role::other;
  }
  return find_role(std_roles, path.substr(last));
}

template <class T>
inline constexpr library_role role_of = role_of_name(type_name<T>());

/// Iterators own nothing of what their arguments name.
template <class T>
concept library_iterator = requires { typename T::iterator_category; } || requires { typename T::iterator_concept; };

/// Is this the library template of that name (`default_delete`)?
template <class T>
constexpr bool is_std_template(std::string_view name) noexcept {
  std::string_view const full = type_name<T>();
  std::string_view const path = full.substr(0, full.find('<'));
  return path.size() >= name.size() + 5 && path.substr(0, 5) == "std::" &&
         path.substr(path.size() - name.size()) == name && path[path.size() - name.size() - 1] == ':';
}

/// The type arguments of a library template; `known` is false for what is none, such as a class nested in one.
template <class T>
struct template_arguments {
  static constexpr bool known = false;
  using type = type_list<>;
};
template <template <class...> class C, class... A>
struct template_arguments<C<A...>> {
  static constexpr bool known = true;
  using type = type_list<A...>;
};
template <template <auto...> class C, auto... N>
  requires(sizeof...(N) > 0)
struct template_arguments<C<N...>> {
  static constexpr bool known = true;
  using type = type_list<>;
};
template <template <class, auto...> class C, class A, auto... N>
  requires(sizeof...(N) > 0)
struct template_arguments<C<A, N...>> {
  static constexpr bool known = true;
  using type = type_list<A>;
};
template <template <class, class, auto...> class C, class A, class B, auto... N>
  requires(sizeof...(N) > 0)
struct template_arguments<C<A, B, N...>> {
  static constexpr bool known = true;
  using type = type_list<A, B>;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_STD_TYPES_HPP

// Decides at compile time how a type is traced: reads its declarations, its shape and its name, never its parts' parts.
#ifndef OURO_DETAIL_CLASSIFY_HPP
#define OURO_DETAIL_CLASSIFY_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// How the values of a type are traced.
enum class kind : unsigned char {
  leaf,           // never: nothing in it is traced
  handle,         // handle_traits
  traits,         // trace_traits
  custom,         // gc_trace
  members,        // gc_members
  fields,         // gc_fields
  aggregate,      // its members, counted
  array,          // C array
  range,          // begin() to end()
  flat,           // keys() and values(): std::flat_map
  adaptor,        // the protected member c of std::stack and its like
  unique,         // the object of a unique_ptr
  unique_custom,  // the same by a virtual gc_trace
  optional,
  expected,
  variant,
  pair,
  tuple,
  opaque  // a leaf, provided that no guarded part is traced
};

/// Why a type is refused; explain() has the words.
enum class flaw : unsigned char {
  none,
  incomplete,
  foreign_leaf,
  inherited_trace,
  inherited_members,
  foreign_members,
  repeated_members,
  bad_base,
  nested_bases,
  inherited_fields,
  bad_fields,
  no_fields,
  too_many_fields,
  tuple_like,
  uncounted,
  base_with_data,
  is_union,
  undeclared,
  closure,
  polymorphic_pointee,
  incomplete_pointee,
  unreadable_library,
  proxy_range,
  // the following hold only if a guarded part is traced (for an aggregate: any part)
  bit_field_or_reference,
  shared,
  unique_array,
  unique_deleter,
  unknown_library
};

struct verdict {
  kind how = kind::leaf;
  flaw why_not = flaw::none;
};

// --- the verdict -------------------------------------------------------------------------------------------------

template <class T>
inline constexpr bool is_tuple_like = requires { std::tuple_size<T>::value; };

template <class C>
concept owns_range = requires(C const& c) {
  typename C::value_type;
  requires std::is_lvalue_reference_v<decltype(*c.begin())>;
  requires std::is_same_v<bare_t<decltype(*c.begin())>, std::remove_cv_t<typename C::value_type>>;
  requires requires { c.begin() != c.end(); };
};

template <class A, class B>
constexpr bool same_member(A const& a, B const& b) {
  if constexpr (std::is_same_v<A, B> && std::is_member_pointer_v<A>) {
    return a == b;
  } else {
    return false;
  }
}

/// Is a member listed twice?
template <class Self, class... M>
constexpr bool repeats(member_list<Self, M...> const& list) {
  bool found = false;
  auto check = [&](auto const& one) {
    int times = 0;
    std::apply([&](auto const&... other) { ((times += same_member(one, other) ? 1 : 0), ...); }, list.members);
    if (times > 1) found = true;
  };
  std::apply([&](auto const&... one) { (check(one), ...); }, list.members);
  return found;
}

/// Is `A` listed with a class derived from it? It would be visited twice, unless it is a virtual base.
template <class T, class A, class... B>
inline constexpr bool is_nested_base =
    (... || (!std::is_same_v<A, B> && std::is_base_of_v<A, B>)) && !access::declared<T>::template has_virtual_base<A>;

template <class T, class... B>
constexpr flaw judge_bases(base_list<B...>) {
  if constexpr (!(... && (access::declared<T>::template has_base<B> && !std::is_same_v<B, T>))) {
    return flaw::bad_base;
  } else {
    return (... || is_nested_base<T, B, B...>) ? flaw::nested_bases : flaw::none;
  }
}

template <class T, class M>
constexpr flaw judge_member() {
  if constexpr (is_base_list<M>) {
    return judge_bases<T>(M{});
  } else {
    return std::is_same_v<typename member_class<M>::type, T> ? flaw::none : flaw::foreign_members;
  }
}

template <class T, class Self, class... M>
constexpr flaw judge_members(member_list<Self, M...> const& list) {
  flaw result = flaw::none;
  ((result = result == flaw::none ? judge_member<T, M>() : result), ...);
  if (result == flaw::none && repeats(list)) result = flaw::repeated_members;
  return result;
}

/// Is this the name of a lambda's class: `f()::<lambda(int)>` or `(lambda at file.cpp:1:2)`?
constexpr bool is_closure(std::string_view name) noexcept {
  if (name.substr(0, 11) == "(lambda at ") return name.find(')') == name.size() - 1;
  std::size_t const at = name.rfind("<lambda(");
  if (at == std::string_view::npos) return false;
  int depth = 0;
  for (char c : name.substr(at, name.size() - at - 1)) {
    depth += c == '<' ? 1 : c == '>' ? -1 : 0;
    if (depth == 0) return false;
  }
  return true;
}

template <class T>
constexpr verdict judge_fields() {
  constexpr std::size_t count = access::declared<T>::fields();
  constexpr bool no_data = std::is_empty_v<T> || (std::is_polymorphic_v<T> && sizeof(T) == sizeof(void*));
  flaw why = flaw::none;
  if (count == uncountable) {
    why = flaw::bad_fields;
  } else if (count > field_limit) {
    why = flaw::too_many_fields;
  } else if (count == 0 && !no_data) {
    why = flaw::no_fields;
  } else if (is_tuple_like<T>) {
    why = flaw::tuple_like;
  }
  return {kind::fields, why};
}

template <class T>
constexpr verdict judge_aggregate() {
  if constexpr (is_tuple_like<T>) {
    return {kind::aggregate, flaw::tuple_like};
  } else if constexpr (shape<T>.base_with_data) {
    return {kind::aggregate, flaw::base_with_data};
  } else if constexpr (shape<T>.fields == uncountable) {
    return {kind::aggregate, flaw::uncounted};
  } else if constexpr (shape<T>.fields > field_limit) {
    return {kind::aggregate, flaw::too_many_fields};
  } else {
    return {shape<T>.fields == 0 ? kind::leaf : kind::aggregate};
  }
}

/// Declarations of the class itself come first, so that a derived class overrides what it inherits.
template <class T>
constexpr verdict judge_class() {
  using declared = access::declared<T>;
  if constexpr (declared::own_leaf()) {
    return {kind::leaf};
  } else if constexpr (declared::own_trace()) {
    return {kind::custom};
  } else if constexpr (std::is_same_v<typename declared::members_of, T>) {
    return {kind::members, judge_members<T>(declared::members())};
  } else if constexpr (declared::own_fields()) {
    return judge_fields<T>();
  } else if constexpr (declared::virtual_trace()) {
    return {kind::custom};
  } else if constexpr (declared::has_leaf) {
    return {kind::leaf, flaw::foreign_leaf};
  } else if constexpr (declared::has_trace) {
    return {kind::leaf, flaw::inherited_trace};
  } else if constexpr (declared::has_members) {
    return {kind::leaf,
            std::is_base_of_v<typename declared::members_of, T> ? flaw::inherited_members : flaw::foreign_members};
  } else if constexpr (declared::has_fields) {
    return {kind::leaf, flaw::inherited_fields};
  } else if constexpr (std::is_trivially_copyable_v<T> || (std::is_empty_v<T> && !std::is_polymorphic_v<T>)) {
    return {kind::leaf};
  } else if constexpr (std::is_union_v<T>) {
    return {kind::leaf, flaw::is_union};
  } else if constexpr (std::is_aggregate_v<T>) {
    return judge_aggregate<T>();
  } else {
    return {kind::leaf, is_closure(type_name<T>()) ? flaw::closure : flaw::undeclared};
  }
}

template <class T>
constexpr verdict judge();

template <class Arguments>
inline constexpr bool names_array = false;
template <class... A>
inline constexpr bool names_array<type_list<A...>> = (... || std::is_array_v<A>);

/// What a unique_ptr points to is owned, so it is part of the value.
template <class T>
constexpr verdict judge_unique() {
  using object = bare_t<typename T::element_type>;
  if constexpr (names_array<typename template_arguments<T>::type>) {
    return {kind::opaque, flaw::unique_array};
  } else if constexpr (!is_std_template<typename T::deleter_type>("default_delete")) {
    return {kind::opaque, flaw::unique_deleter};
  } else {
    constexpr verdict v = judge<object>();
    if constexpr (v.why_not == flaw::incomplete) {
      return {kind::unique, flaw::incomplete_pointee};
    } else if constexpr (v.how == kind::leaf && v.why_not == flaw::none) {
      return {kind::leaf};
    } else if constexpr (!std::is_polymorphic_v<object> || std::is_final_v<object> || v.how == kind::opaque) {
      return {kind::unique};
    } else if constexpr (v.how == kind::custom && access::declared<object>::virtual_trace()) {
      return {kind::unique_custom};
    } else {
      return {kind::unique, flaw::polymorphic_pointee};
    }
  }
}

/// Another library type holds what it holds: a leaf if no template argument of it is traced.
template <class T>
constexpr verdict judge_opaque() {
  if constexpr (template_arguments<T>::known) {
    return {kind::opaque, flaw::unknown_library};
  } else {
    return {kind::leaf, flaw::unreadable_library};
  }
}

template <class T>
constexpr verdict judge_range() {
  if constexpr (owns_range<T>) {
    return {kind::range};
  } else if constexpr (requires(T const& c) {
                         c.keys().begin();
                         c.values().begin();
                       }) {
    return {kind::flat};
  } else if constexpr (role_of<T> != library_role::none) {
    return judge_opaque<T>();
  } else {
    return {kind::leaf, flaw::proxy_range};
  }
}

template <class T>
constexpr verdict judge_library() {
  constexpr library_role role = role_of<T>;
  if constexpr (role == library_role::plain || role == library_role::view || std::is_trivially_copyable_v<T> ||
                std::is_empty_v<T> || library_iterator<T>) {
    return {kind::leaf};
  } else if constexpr (role == library_role::adaptor) {
    return {kind::adaptor};
  } else if constexpr (role == library_role::unique) {
    return judge_unique<T>();
  } else if constexpr (role == library_role::shared) {
    return {kind::opaque, flaw::shared};
  } else if constexpr (role == library_role::optional) {
    return {kind::optional};
  } else if constexpr (role == library_role::expected) {
    return {kind::expected};
  } else if constexpr (role == library_role::variant) {
    return {kind::variant};
  } else if constexpr (role == library_role::pair) {
    return {kind::pair};
  } else if constexpr (role == library_role::tuple) {
    return {kind::tuple};
  } else if constexpr (role == library_role::range || requires { typename T::allocator_type; }) {
    return judge_range<T>();
  } else {
    return judge_opaque<T>();
  }
}

template <class T>
constexpr verdict judge() {
  if constexpr (std::is_array_v<T>) {
    return {kind::array};
  } else if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
    return {kind::leaf};
  } else if constexpr (handle_traits<T>::is_handle) {
    return {kind::handle};
  } else if constexpr (is_leaf<T>) {
    return {kind::leaf};
  } else if constexpr (complete<trace_traits<T>>) {
    return {kind::traits};
  } else if constexpr (!complete<T>) {
    return {kind::leaf, flaw::incomplete};
  } else if constexpr (is_container<T>) {
    return judge_range<T>();
  } else if constexpr (role_of<T> != library_role::none) {
    return judge_library<T>();
  } else {
    return judge_class<T>();
  }
}

template <class T>
inline constexpr verdict verdict_of = judge<T>();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_CLASSIFY_HPP

// Finds and calls the optional member `void gc_finalize()`, inherited ones included.
#ifndef OURO_DETAIL_FINALIZER_HPP
#define OURO_DETAIL_FINALIZER_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class F>
inline constexpr bool is_finalizer = false;
template <class C>
inline constexpr bool is_finalizer<void (C::*)()> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() noexcept> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() const> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() const noexcept> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)()&> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() & noexcept> = true;

struct named_gc_finalize {
  int gc_finalize;
};
// The name is ambiguous in a class with both bases if `T` has it too, be it private, overloaded or anything else.
template <class T>
struct finalizer_probe : T, named_gc_finalize {};

template <class T>
constexpr bool names_finalizer() {
  if constexpr (std::is_class_v<T> && !std::is_final_v<T>) {
    return !requires { &finalizer_probe<T>::gc_finalize; };
  } else {
    return false;
  }
}

}  // namespace detail

template <class T>
struct access::finalizer {
  static constexpr bool good() {
    if constexpr (requires { &T::gc_finalize; }) {
      return detail::is_finalizer<decltype(&T::gc_finalize)>;
    } else {
      return false;
    }
  }
  static constexpr bool named() {
    if constexpr (requires { &T::gc_finalize; } || requires(T& v) { v.gc_finalize(); }) {
      return true;
    } else {
      return detail::names_finalizer<T>();
    }
  }
  static void run(T& v) { v.gc_finalize(); }
};

namespace detail {

template <class T>
constexpr bool find_finalizer() {
  if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
    return false;
  } else {
    constexpr bool good = access::finalizer<T>::good();
    static_assert(
        good || !access::finalizer<T>::named(),
        "ouro: gc_finalize of this class is ambiguous, out of reach, or not of the form `void gc_finalize()`: "
        "write `void gc_finalize();` in the class itself and, if it is private, `friend ouro::access;`");
    return good;
  }
}

/// Has the class, or a base of it, a finalizer? Ends the compilation with advice if there is one that cannot be called.
template <class T>
inline constexpr bool has_finalizer = find_finalizer<std::remove_cv_t<T>>();

/// Calls the finalizer: the most derived one, once. What it throws comes through.
template <class T>
void run_finalizer(T& object) {
  access::finalizer<T>::run(object);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_FINALIZER_HPP

// Follows a type through everything it owns by value: is anything traced, traced by hand, keyed or refused?
#ifndef OURO_DETAIL_SURVEY_HPP
#define OURO_DETAIL_SURVEY_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- parts: the types of what a value of T owns, one step down --------------------------------------------------

template <class T, kind K = verdict_of<T>.how>
struct parts {
  using type = type_list<>;
};
template <class T, std::size_t N>
using facts_of_members = decltype(access::fields<N>::visit(std::declval<T&>(), asks_for_facts()));

template <class T>
struct parts<T, kind::aggregate> {
  using type = typename facts_of_members<T, shape<T>.fields>::types;
};
template <class T>
  requires(access::declared<T>::fields() > 0)
struct parts<T, kind::fields> {
  using type = typename facts_of_members<T, access::declared<T>::fields()>::types;
};

template <class M>
struct listed {
  using type = type_list<>;
};
template <class M, class C>
struct listed<M C::*> {
  using type = type_list<M>;
};
template <class... B>
struct listed<base_list<B...>> {
  using type = type_list<B...>;
};
template <class List>
struct listed_parts;
template <class Self, class... M>
struct listed_parts<member_list<Self, M...>> : joined<type_list<>, typename listed<M>::type...> {};
template <class T>
struct parts<T, kind::members> : listed_parts<decltype(access::declared<T>::members())> {};

template <class T>
struct parts<T, kind::array> {
  using type = type_list<std::remove_all_extents_t<T>>;
};
template <class T>
struct parts<T, kind::range> {
  using type = type_list<typename T::value_type>;
};
template <class T>
struct parts<T, kind::flat> {
  using type =
      type_list<bare_t<decltype(std::declval<T const&>().keys())>, bare_t<decltype(std::declval<T const&>().values())>>;
};
template <class T>
struct parts<T, kind::adaptor> {
  using type = type_list<typename T::container_type>;
};
template <class T>
struct parts<T, kind::unique> {
  using type = type_list<typename T::element_type>;
};
template <class T>
struct parts<T, kind::optional> {
  using type = type_list<typename T::value_type>;
};
template <class T>
struct parts<T, kind::expected> {
  using type = type_list<typename T::value_type, typename T::error_type>;
};
template <class T>
struct parts<T, kind::variant> : template_arguments<T> {};
template <class T>
struct parts<T, kind::pair> : template_arguments<T> {};
template <class T>
struct parts<T, kind::tuple> : template_arguments<T> {};

/// What an opaque type may own; it is refused if one of these is traced.
template <class T, flaw F = verdict_of<T>.why_not>
struct guarded : template_arguments<T> {};
template <class T>
struct guarded<T, flaw::shared> {
  using type = type_list<std::remove_all_extents_t<typename T::element_type>>;
};
template <class T>
struct guarded<T, flaw::unique_array> {
  using type = type_list<std::remove_all_extents_t<typename T::element_type>>;
};
template <class T>
struct guarded<T, flaw::unique_deleter> : guarded<T, flaw::unique_array> {};

// --- the walk ----------------------------------------------------------------------------------------------------

/// What is known of a type and of everything it owns by value.
struct facts {
  bool traced = false;   // a handle, or user code that may report one
  bool hand = false;     // user code does the tracing somewhere
  bool keyed = false;    // an associative container with traced keys, or user code that may have one
  bool refused = false;  // some part cannot be traced
};

/// The types a walk has been to, in a search tree. Types refer to each other in cycles (`struct T { std::vector<T> v;
/// };`).
class visited_types {
 public:
  constexpr visited_types() = default;
  visited_types(visited_types const&) = delete;
  visited_types& operator=(visited_types const&) = delete;
  constexpr ~visited_types() { remove(root_); }

  template <class T>
  constexpr bool add() {
    node** place = &root_;
    while (*place != nullptr) {
      node& n = **place;
      // The hash first, since under -fsanitize=undefined g++ does not tell addresses apart in constants; the address
      // as well, since Clang gives local classes of different functions the same name.
      if (n.hash == type_hash<T> && n.id == &type_id<T>) return false;
      place = n.hash < type_hash<T> ? &n.greater : &n.others;
    }
    *place = new node{type_hash<T>, &type_id<T>, nullptr, nullptr};
    return true;
  }

 private:
  struct node {
    std::uint64_t hash;
    char const* id;
    node* greater;
    node* others;
  };
  static constexpr void remove(node* n) {
    if (n == nullptr) return;
    remove(n->greater);
    remove(n->others);
    delete n;
  }
  node* root_ = nullptr;
};

template <class T>
constexpr bool find_traced(visited_types& visited);

template <class... P>
constexpr bool find_traced_in(type_list<P...>, visited_types& visited) {
  return (... || find_traced<P>(visited));
}

template <class T>
constexpr bool find_traced(visited_types& visited) {
  if constexpr (std::is_reference_v<T>) {
    return false;
  } else if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
    return find_traced<std::remove_cv_t<T>>(visited);
  } else {
    constexpr kind how = verdict_of<T>.how;
    if constexpr (how == kind::handle) {
      return handle_traits<T>::is_traced;
    } else if constexpr (how == kind::traits || how == kind::custom || how == kind::unique_custom) {
      return true;
    } else if constexpr (how == kind::leaf || how == kind::opaque || verdict_of<T>.why_not != flaw::none) {
      return false;
    } else {
      return visited.template add<T>() && find_traced_in(typename parts<T>::type{}, visited);
    }
  }
}

template <class T>
constexpr bool has_traced_parts() {
  visited_types visited;
  return find_traced<T>(visited);
}
template <class T>
inline constexpr bool is_traced_v = has_traced_parts<T>();

template <class List>
inline constexpr bool any_traced = false;
template <class... P>
inline constexpr bool any_traced<type_list<P...>> = (... || is_traced_v<P>);
template <class List>
inline constexpr bool any_unjudged = false;
template <class... P>
inline constexpr bool any_unjudged<type_list<P...>> = (... || (verdict_of<std::remove_cv_t<P>>.how != kind::opaque &&
                                                               verdict_of<std::remove_cv_t<P>>.why_not != flaw::none));

template <class List>
inline constexpr bool any_reference = false;
template <class... P>
inline constexpr bool any_reference<type_list<P...>> = (... || std::is_reference_v<P>);

/// The flaw of a type itself, with the conditions of the verdict checked.
template <class T>
constexpr flaw find_flaw() {
  constexpr verdict v = verdict_of<T>;
  if constexpr (v.how == kind::opaque) {
    using owned = typename guarded<T>::type;
    constexpr bool owner = v.why_not == flaw::unique_array || v.why_not == flaw::unique_deleter;
    return any_traced<owned> || (owner && any_unjudged<owned>) ? v.why_not : flaw::none;
  } else if constexpr (v.how == kind::aggregate && v.why_not == flaw::none) {
    if constexpr (!any_traced<typename parts<T>::type>) {
      return flaw::none;
    } else if constexpr (any_reference<typename parts<T>::type>) {
      return flaw::bit_field_or_reference;
    } else {
      return facts_of_members<T, shape<T>.fields>::addressable ? flaw::none : flaw::bit_field_or_reference;
    }
  } else {
    return v.why_not;
  }
}
template <class T>
inline constexpr flaw flaw_of = find_flaw<T>();

/// A container whose order or hash depends on handles cannot have them nulled one by one.
template <class T>
inline constexpr bool is_keyed = false;
template <class T>
  requires requires { typename T::key_type; }
inline constexpr bool is_keyed<T> =
    (verdict_of<T>.how == kind::range || verdict_of<T>.how == kind::flat) && is_traced_v<typename T::key_type>;

/// A handle that owns values of unknown types (gc_function) says `has_keyed_container`.
template <class T>
inline constexpr bool handle_is_keyed = false;
template <class T>
  requires(handle_traits<T>::has_keyed_container)
inline constexpr bool handle_is_keyed<T> = true;

template <class T>
constexpr void survey(visited_types& visited, facts& found);

template <class... P>
constexpr void survey_all(type_list<P...>, visited_types& visited, facts& found) {
  (survey<P>(visited, found), ...);
}

template <class T>
constexpr void survey(visited_types& visited, facts& found) {
  if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
    survey<std::remove_cv_t<T>>(visited, found);
  } else if constexpr (!std::is_reference_v<T>) {
    constexpr kind how = verdict_of<T>.how;
    if constexpr (flaw_of<T> != flaw::none) {
      found.refused = true;
    } else if constexpr (how == kind::handle) {
      found.traced |= handle_traits<T>::is_traced;
      found.hand |= handle_traits<T>::is_hand_traced;
      found.keyed |= handle_is_keyed<T>;
    } else if constexpr (how == kind::traits || how == kind::custom || how == kind::unique_custom) {
      found.traced = found.hand = found.keyed = true;
    } else if constexpr (how != kind::leaf && how != kind::opaque) {
      if (visited.template add<T>()) {
        if constexpr (is_traced_v<T>) {
          found.hand |= is_container<T>;
          found.keyed |= is_keyed<T>;
        }
        survey_all(typename parts<T>::type{}, visited, found);
      }
    }
  }
}

template <class T>
constexpr facts collect_facts() {
  visited_types visited;
  facts found;
  survey<T>(visited, found);
  return found;
}
template <class T>
inline constexpr facts facts_of = collect_facts<std::remove_cv_t<T>>();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_SURVEY_HPP

// The words of the compile-time refusals: what is wrong with a type, and the line to write instead.
#ifndef OURO_DETAIL_REFUSAL_HPP
#define OURO_DETAIL_REFUSAL_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Instantiated for a type that cannot be traced: the compiler's notes name the type `T`.
template <class T>
constexpr void refuse() {
  constexpr flaw f = flaw_of<T>;
  static_assert(f != flaw::undeclared,
                "ouro: this class is no aggregate, so its members cannot be found: write in it `static constexpr "
                "std::size_t gc_fields = N; friend ouro::access;` with its number of data members for N (if it holds "
                "no handles: `using gc_leaf = ...;` naming the class, or, outside, `template <> inline constexpr bool "
                "ouro::is_leaf<...> = true;`)");
  static_assert(
      f != flaw::closure,
      "ouro: what a lambda captures cannot be traced: use ouro::gc_function<R(A...)>(lambda, captures...) with "
      "a lambda that captures nothing and takes the captures as its first parameters");
  static_assert(f != flaw::incomplete,
                "ouro: this class is incomplete here, so what it holds cannot be known: define it before the first "
                "make_gc, or, if it holds no handles, write `template <> inline constexpr bool ouro::is_leaf<...> = "
                "true;`");
  static_assert(f != flaw::foreign_leaf,
                "ouro: gc_leaf names another class, or is only inherited, and a derived class may have handles of its "
                "own: repeat it here, `using gc_leaf = ...;` naming this class, or declare gc_fields or gc_members");
  static_assert(f != flaw::inherited_trace,
                "ouro: gc_trace is only inherited and not virtual, so the members of this class would be missed: "
                "write a gc_trace here that also calls the one of the base, or make it virtual");
  static_assert(f != flaw::inherited_members,
                "ouro: gc_members is only inherited, so the members of this class would be missed: repeat it here, "
                "`static constexpr auto gc_members = ouro::members<Self>(ouro::bases<Base>, &Self::member_...);`");
  static_assert(f != flaw::foreign_members,
                "ouro: gc_members must list members of this very class: write `static constexpr auto gc_members = "
                "ouro::members<Self>(ouro::bases<Base>, &Self::member_...);`, and leave members of a base to "
                "ouro::bases<Base>");
  static_assert(f != flaw::repeated_members,
                "ouro: gc_members lists a member twice, and a handle visited twice would free a live object: list "
                "each traced member once");
  static_assert(f != flaw::bad_base,
                "ouro: a class in ouro::bases<...> is no base of this class, an ambiguous one, or out of reach: list "
                "direct bases, and write `friend ouro::access;` if they are private");
  static_assert(f != flaw::nested_bases,
                "ouro: ouro::bases<...> lists a base together with a base of that base, which would be visited twice: "
                "list direct bases only");
  static_assert(f != flaw::inherited_fields,
                "ouro: gc_fields is only inherited, so the members of this class would be missed: repeat it here with "
                "its own number, or list the members with gc_members and ouro::bases<Base>");
  static_assert(f != flaw::bad_fields,
                "ouro: gc_fields is no constant: write `static constexpr std::size_t gc_fields = N;`");
  static_assert(f != flaw::no_fields,
                "ouro: gc_fields is 0, but this class has data: give the number of its data members, or list them "
                "with gc_members if they are in a base");
  static_assert(f != flaw::too_many_fields,
                "ouro: this class has more than 64 members: write `static constexpr auto gc_members = "
                "ouro::members(&X::a, &X::b);` with the traced ones");
  static_assert(f != flaw::tuple_like,
                "ouro: std::tuple_size is specialised for this class, so its members cannot be bound: write `static "
                "constexpr auto gc_members = ouro::members(&X::a, &X::b);` with the traced ones");
  static_assert(f != flaw::uncounted,
                "ouro: the members of this aggregate cannot be counted: write in it `static constexpr std::size_t "
                "gc_fields = N;` with its number of data members for N");
  static_assert(f != flaw::base_with_data,
                "ouro: this aggregate has a base with data: write in it `static constexpr auto gc_members = "
                "ouro::members<Self>(ouro::bases<Base>, &Self::member_...);` with its traced members");
  static_assert(f != flaw::is_union,
                "ouro: nobody knows which member of a union is alive: use std::variant, or write `gc_trace`, or, if it "
                "holds no handles, `template <> inline constexpr bool ouro::is_leaf<...> = true;`");
  static_assert(f != flaw::polymorphic_pointee,
                "ouro: a unique_ptr to a polymorphic class may own an object of a derived one, whose members would be "
                "missed: give the class `virtual void gc_trace(ouro::tracer&) const noexcept;`, make it final, or use "
                "gc_ptr");
  static_assert(f != flaw::incomplete_pointee,
                "ouro: the class that this unique_ptr owns is incomplete here, so what it holds cannot be known: "
                "define it before the first make_gc, use gc_ptr, or, if it holds no handles, write `template <> inline "
                "constexpr bool ouro::is_leaf<...> = true;` for it");
  static_assert(f != flaw::unreadable_library,
                "ouro: a class inside a template of the standard library or of Boost is not known: write `template "
                "<> inline constexpr bool ouro::is_leaf<...> = true;` if it holds no handles, else specialise "
                "ouro::trace_traits");
  static_assert(f != flaw::proxy_range,
                "ouro: ouro::is_container needs value_type, and begin() and end() that yield references to it: "
                "specialise ouro::trace_traits instead");
  static_assert(f != flaw::bit_field_or_reference,
                "ouro: this aggregate has a bit-field or a reference beside traced members: write in it `static "
                "constexpr std::size_t gc_fields = N;` with its number of data members for N");
  static_assert(f != flaw::shared,
                "ouro: shared ownership is never traced, since nobody knows who else holds this shared_ptr: use "
                "ouro::gc_ptr instead, or std::weak_ptr if it does not own");
  static_assert(f != flaw::unique_array,
                "ouro: a unique_ptr to an array does not know its length, so its elements cannot be traced: use "
                "std::vector or ouro::gc_ptr<T[]>");
  static_assert(f != flaw::unique_deleter,
                "ouro: a unique_ptr with a deleter of its own may not own what it points to: use std::default_delete "
                "or ouro::gc_ptr, or, if it leads to no handles, write `template <> inline constexpr bool "
                "ouro::is_leaf<...> = true;`");
  static_assert(f != flaw::unknown_library,
                "ouro: a library type that ouro does not know has traced template arguments: specialise "
                "ouro::trace_traits for it, or, if it owns none of them, `template <> inline constexpr bool "
                "ouro::is_leaf<...> = true;`");
}

template <class T>
constexpr void explain();

template <class... P>
constexpr void explain_all(type_list<P...>) {
  (explain<P>(), ...);
}

/// Goes down to the types that are at fault. Ends on types that contain themselves, since a function is instantiated
/// once.
template <class T>
constexpr void explain() {
  if constexpr (!std::is_reference_v<T>) {
    using value = std::remove_cv_t<T>;
    if constexpr (flaw_of<value> != flaw::none) {
      refuse<value>();
    } else if constexpr (facts_of<value>.refused) {
      explain_all(typename parts<value>::type{});
    }
  }
}

/// Ends the compilation with advice unless `T`, which must be complete, can be traced.
template <class T>
constexpr void assert_traceable() {
  if constexpr (facts_of<T>.refused) explain<std::remove_cv_t<T>>();
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_REFUSAL_HPP

// How the handles inside a value are found: by its declarations, its shape or its name, decided at compile time.
#ifndef OURO_TRACE_HPP
#define OURO_TRACE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Does a value of type `T` hold traced handles (or user code that may report some)?
///
/// Precondition: `T` is complete, as is everything it owns by value. Evaluated at compile time.
template <class T>
inline constexpr bool is_traced = detail::is_traced_v<std::remove_cv_t<T>>;

/// Can `T` be an object of the collector: is it known for every part of it how it is traced, or that it is a leaf?
template <class T>
concept traceable = !detail::facts_of<T>.refused;

namespace detail {

template <class T>
inline constexpr bool is_hand_traced = facts_of<T>.hand;
template <class T>
inline constexpr bool has_keyed_container = facts_of<T>.keyed;

template <class T>
void trace_known(T const& value, tracer& t) noexcept;

/// Part of a value that was checked as a whole. In the pass that empties keyed containers, everything else is skipped.
template <class T, bool Checked>
void trace_part(T const& part, tracer& t) noexcept {
  if constexpr (is_traced_v<std::remove_cv_t<T>>) {
    if constexpr (Checked && !facts_of<T>.keyed) {
      if (tracer_access::pass(t) == trace_pass::clear_keyed) return;
    }
    trace_known<std::remove_cv_t<T>>(part, t);
  }
}

/// The same, unless it was declared as a reference (a structured binding does not tell), which owns nothing.
template <bool Checked, class Declared, class E>
void trace_element(E const& element, tracer& t) noexcept {
  if constexpr (!std::is_reference_v<Declared>) trace_part<E, Checked>(element, t);
}

/// Hands on the members of a class; `D` are their declared types.
template <bool Checked, class List>
struct field_visitor;
template <bool Checked, class... D>
struct field_visitor<Checked, type_list<D...>> {
  tracer& t;
  template <class... M>
  void operator()(M const&... member) const noexcept {
    (trace_element<Checked, D>(member, t), ...);
  }
};

/// Reaches the protected container of std::stack and its like.
template <class A>
struct adaptor_key : A {
  static auto const& container(A const& a) noexcept { return a.*&adaptor_key::c; }
};

// --- gc_members: bases, of which virtual ones are visited by the complete object only ----------------------------

template <class M>
struct bases_of_element {
  using type = type_list<>;
};
template <class... B>
struct bases_of_element<base_list<B...>> {
  using type = type_list<B...>;
};
template <class List>
struct bases_of_list {
  using type = type_list<>;
};
template <class Self, class... M>
struct bases_of_list<member_list<Self, M...>> : joined<type_list<>, typename bases_of_element<M>::type...> {};

/// The bases in the gc_members of `T`; none for a class that is traced in another way.
template <class T>
using listed_bases = typename bases_of_list<
    std::conditional_t<verdict_of<T>.how == kind::members, decltype(access::declared<T>::members()), void>>::type;

/// The virtual bases among these bases of `T` and of their listed bases, each once.
template <class T, class Bases = listed_bases<T>>
struct virtual_bases {
  using type = type_list<>;
};
template <class T, class B, class... Rest>
struct virtual_bases<T, type_list<B, Rest...>> {
  using above = typename virtual_bases<B>::type;
  using through = std::conditional_t<access::declared<T>::template has_virtual_base<B>,
                                     typename merge<type_list<B>, above>::type, above>;
  using type = typename merge<through, typename virtual_bases<T, type_list<Rest...>>::type>::type;
};

/// `V` as a virtual base of `v`, by way of the first of these bases that is `V` or has it.
template <class V, class T, class B, class... Rest>
V const& virtual_base(T const& v, type_list<B, Rest...>) noexcept {
  if constexpr (std::is_same_v<V, B> && access::declared<T>::template has_virtual_base<B>) {
    return access::declared<T>::template base<B>(v);
  } else if constexpr (contains<V, typename virtual_bases<B>::type>) {
    return virtual_base<V>(access::declared<T>::template base<B>(v), listed_bases<B>());
  } else {
    return virtual_base<V>(v, type_list<Rest...>());
  }
}

template <bool Checked, class T>
void trace_members(T const& v, tracer& t) noexcept;

/// A base as part of a derived object: without its virtual bases.
template <bool Checked, class B>
void trace_own_part(B const& base, tracer& t) noexcept {
  if constexpr (verdict_of<B>.how == kind::members) {
    trace_members<Checked>(base, t);
  } else {
    trace_part<B, Checked>(base, t);
  }
}

template <bool Checked, class T, class B>
void trace_base(T const& v, tracer& t) noexcept {
  if constexpr (!access::declared<T>::template has_virtual_base<B>) {
    trace_own_part<Checked, B>(access::declared<T>::template base<B>(v), t);
  }
}

template <bool Checked, class T, class... B>
void trace_listed(T const& v, base_list<B...>, tracer& t) noexcept {
  (trace_base<Checked, T, B>(v, t), ...);
}
template <bool Checked, class T, class M>
void trace_listed(T const& v, M T::* member, tracer& t) noexcept {
  trace_part<M, Checked>(v.*member, t);
}

template <bool Checked, class T>
void trace_members(T const& v, tracer& t) noexcept {
  constexpr auto list = access::declared<T>::members();
  std::apply([&](auto... member) { (trace_listed<Checked, T>(v, member, t), ...); }, list.members);
}

template <bool Checked, class T, class... V>
void trace_virtual_bases([[maybe_unused]] T const& v, type_list<V...>, [[maybe_unused]] tracer& t) noexcept {
  (trace_own_part<Checked, V>(virtual_base<V>(v, listed_bases<T>()), t), ...);
}

// --- the library ---------------------------------------------------------------------------------------------------

/// A handle whose destructor undoes what its trace reports, and nothing else.
template <class T>
inline constexpr bool is_one_edge = false;
template <class T>
  requires(handle_traits<T>::is_one_edge)
inline constexpr bool is_one_edge<T> = true;

/// A contiguous range of handles that are nothing but a word each. What `data()` of a user's container is, is not known.
template <class T>
concept is_handle_array =
    !OURO_DETAIL_HARDENED && !is_container<T> && is_one_edge<typename T::value_type> && requires(T const& c) {
      { c.data() } -> std::same_as<typename T::value_type const*>;
      { c.size() } -> std::same_as<std::size_t>;
    };

template <bool Checked, class T>
void trace_range(T const& c, tracer& t) noexcept {
  if constexpr (is_keyed<T>) {
    trace_pass const pass = tracer_access::pass(t);
    if (pass == trace_pass::clear) return;
    if (pass == trace_pass::clear_keyed) {
      const_cast<T&>(c).clear();
      return;
    }
  }
  if constexpr (verdict_of<T>.how == kind::flat) {
    trace_part<bare_t<decltype(c.keys())>, Checked>(c.keys(), t);
    trace_part<bare_t<decltype(c.values())>, Checked>(c.values(), t);
  } else if constexpr (is_traced_v<typename T::value_type>) {
    if constexpr (is_handle_array<T>) {
      constexpr std::size_t many = 32;
      if (c.size() >= many && handle_traits<typename T::value_type>::trace_array(c.data(), c.size(), t)) return;
    }
    for (auto const& element : c) trace_part<typename T::value_type, Checked>(element, t);
  }
}

template <bool Checked, class T, std::size_t... I>
void trace_variant(T const& v, std::index_sequence<I...>, tracer& t) noexcept {
  auto alternative = [&](auto const* part) { trace_part<bare_t<decltype(*part)>, Checked>(*part, t); };
  (void)(... || (v.index() == I && (alternative(get_if<I>(&v)), true)));
}

template <bool Checked, class T, class... D, std::size_t... I>
void trace_tuple(T const& v, type_list<D...>, std::index_sequence<I...>, tracer& t) noexcept {
  (trace_element<Checked, D>(std::get<I>(v), t), ...);
}

/// The value of a type that is known to be traceable and to have traced parts.
template <class T>
void trace_known(T const& v, tracer& t) noexcept {
  constexpr kind how = verdict_of<T>.how;
  constexpr bool checked = facts_of<T>.keyed;
  if constexpr (how == kind::handle) {
    handle_traits<T>::trace(v, t);
  } else if constexpr (how == kind::traits) {
    trace_traits<T>::trace(v, t);
  } else if constexpr (how == kind::custom) {
    access::declared<T>::trace(v, t);
  } else if constexpr (how == kind::members) {
    trace_members<checked>(v, t);
    trace_virtual_bases<checked>(v, typename virtual_bases<T>::type{}, t);
  } else if constexpr (how == kind::fields || how == kind::aggregate) {
    using types = typename parts<T>::type;
    access::fields<types::size>::visit(v, field_visitor<checked, types>{t});
  } else if constexpr (how == kind::array) {
    for (auto const& element : v) trace_part<std::remove_extent_t<T>, checked>(element, t);
  } else if constexpr (how == kind::range || how == kind::flat) {
    trace_range<checked>(v, t);
  } else if constexpr (how == kind::adaptor) {
    trace_part<typename T::container_type, checked>(adaptor_key<T>::container(v), t);
  } else if constexpr (how == kind::unique) {
    using element = typename T::element_type;
    if (v.get() == nullptr) return;
    tracer_access::descend(t, v.get(), [](void const* part, tracer& inner) noexcept {
      trace_part<element, checked>(*static_cast<element const*>(part), inner);
    });
  } else if constexpr (how == kind::unique_custom) {
    if (v.get() != nullptr) access::declared<bare_t<typename T::element_type>>::trace_virtually(*v, t);
  } else if constexpr (how == kind::optional) {
    if (v.has_value()) trace_part<typename T::value_type, checked>(*v, t);
  } else if constexpr (how == kind::expected) {
    if (!v.has_value()) {
      trace_part<typename T::error_type, checked>(v.error(), t);
    } else if constexpr (!std::is_void_v<typename T::value_type>) {
      trace_part<typename T::value_type, checked>(*v, t);
    }
  } else if constexpr (how == kind::variant) {
    trace_variant<checked>(v, std::make_index_sequence<parts<T>::type::size>{}, t);
  } else {
    static_assert(how == kind::pair || how == kind::tuple);
    using types = typename parts<T>::type;
    trace_tuple<checked>(v, types{}, std::make_index_sequence<types::size>{}, t);
  }
}

template <class T>
void trace_value(T const& value, tracer& t) noexcept {
  assert_traceable<T>();
  if constexpr (!facts_of<T>.refused) trace_part<T, true>(value, t);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_TRACE_HPP

// The descriptor of a C++ type, and the making of objects of it.
#ifndef OURO_DETAIL_DESCRIBE_HPP
#define OURO_DETAIL_DESCRIBE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// Deduced from a set of functions only if one of them fits, and if none is a template ([temp.deduct.call]/6).
template <class T, class Result>
void takes_move_assignment(Result (T::*)(T&&));

/// Has an aggregate without bases declared no destructor? It has no declared constructors either. If it can be moved, then by
/// an implicit constructor, which a declared move assignment would have deleted; so its move assignment is implicit, which a
/// declared destructor would have prevented. False also if there is none, as with const members.
template <class T>
concept has_implicit_destructor =
    std::is_aggregate_v<T> && std::is_move_constructible_v<T> && requires { takes_move_assignment<T>(&T::operator=); };

/// Does its destructor nothing but drop the handles that its trace reports? False where that cannot be told.
template <class T>
inline constexpr bool drops_only_handles = false;
template <class... M>
inline constexpr bool drops_only_handles<type_list<M...>> = (... && drops_only_handles<std::remove_cv_t<M>>);
template <class T, std::size_t N>
inline constexpr bool drops_only_handles<T[N]> = drops_only_handles<std::remove_cv_t<T>>;
template <class T, std::size_t N>
  requires(!std::is_trivially_destructible_v<T> && verdict_of<std::array<T, N>>.how == kind::range)
inline constexpr bool drops_only_handles<std::array<T, N>> = drops_only_handles<std::remove_cv_t<T>>;
template <class T>
  requires(std::is_trivially_destructible_v<T> || is_one_edge<T>)
inline constexpr bool drops_only_handles<T> = true;
// Empty bases are not among the parts, and may have destructors.
template <class T>
  requires(!std::is_trivially_destructible_v<T> && verdict_of<T>.how == kind::aggregate &&
           verdict_of<T>.why_not == flaw::none && shape<T>.bases == 0 && drops_only_handles<typename parts<T>::type> &&
           has_implicit_destructor<T>)
inline constexpr bool drops_only_handles<T> = true;

/// Calls `f(header)` for the object of each handle of a value that holds nothing but handles and trivial parts, null ones
/// left out; the last member first, as its destructor would drop them.
template <class T, class F>
OURO_DETAIL_INLINE void for_each_target(T const& value, F f) {
  if constexpr (is_one_edge<T>) {
    if (object_header* const h = handle_traits<T>::target(value)) f(h);
  } else if constexpr (!std::is_trivially_destructible_v<T>) {
    if constexpr (verdict_of<T>.how == kind::aggregate) {
      access::fields<parts<T>::type::size>::visit(value, [f](auto const&... member) OURO_DETAIL_INLINE_LAMBDA {
        int last = 0;  // the right side of an assignment comes first
        ((for_each_target(member, f), last) = ... = 0);
      });
    } else {
      for (auto at = std::rbegin(value); at != std::rend(value); ++at) for_each_target(*at, f);
    }
  }
}

template <class T>
struct object_operations {
  /// A few handles are dropped one by one, without a destructor. More of them would only be more code.
  static constexpr bool is_plain =
      std::is_trivially_destructible_v<T> || (drops_only_handles<T> && sizeof(T) <= 32 && !OURO_DETAIL_HARDENED);

  template <class F>
  OURO_DETAIL_INLINE static void for_each_target(object_header* h, F f) noexcept {
    detail::for_each_target(*static_cast<T const*>(object_of(h)), f);
  }
  static void destroy(object_header* h) noexcept { std::destroy_at(static_cast<T*>(object_of(h))); }
  static void trace(object_header* h, tracer& t) noexcept {
    trace_part<T, false>(*static_cast<T const*>(object_of(h)), t);
  }
  static void finalize(void* object) { run_finalizer(*static_cast<T*>(object)); }
  static std::string_view name() noexcept { return type_name<T>(); }
};

template <class T>
struct array_operations {
  static constexpr bool is_plain = false;

  static void destroy(object_header* h) noexcept {
    T* first = static_cast<T*>(object_of(h));
    for (std::size_t i = length_of(h); i-- != 0;) std::destroy_at(first + i);
  }
  static void trace(object_header* h, tracer& t) noexcept {
    T const* first = static_cast<T const*>(object_of(h));
    for (std::size_t i = 0, n = length_of(h); i != n; ++i) trace_part<T, false>(first[i], t);
  }
  static void finalize(void* object) {
    T* first = static_cast<T*>(object);
    for (std::size_t i = 0, n = length_of(header_of(object)); i != n; ++i) {
      OURO_DETAIL_TRY { run_finalizer(first[i]); }
      OURO_DETAIL_CATCH_ALL {
        report_exception(heap_of(header_of(object)), std::current_exception(), "gc_finalize", name());
      }
    }
  }
  static std::string_view name() noexcept { return type_name<T[]>(); }
};

template <class Operations>
void destroy_run(work_entry const* first, work_entry const* last) noexcept {
  for (; first != last; ++first) Operations::destroy(first->header());
}
template <class Operations>
void trace_run(work_entry const* first, work_entry const* last, tracer& t) noexcept {
  for (; first != last; ++first) Operations::trace(first->header(), t);
}

/// Types with finalizers are tracked even if they hold no handles: their finalizers may make some.
template <class T>
inline constexpr bool is_tracked_type = is_traced<T> || has_finalizer<T>;

template <class T, class Operations>
constexpr auto destroy_function() -> decltype(type_descriptor::destroy) {
  if constexpr (std::is_trivially_destructible_v<T>) {
    return nullptr;
  } else {
    return &destroy_run<Operations>;
  }
}
template <class T, class Operations>
constexpr auto die_function() -> void (*)(object_header*) noexcept {
  if constexpr (has_finalizer<T>) {
    return &die_slowly;
  } else {
    return &die<Operations>;
  }
}
template <class T, class Operations>
constexpr auto trace_function() -> decltype(type_descriptor::trace) {
  if constexpr (is_tracked_type<T>) {
    return &trace_run<Operations>;
  } else {
    return nullptr;
  }
}
template <class T, class Operations>
constexpr auto finalize_function() -> void (*)(void*) {
  if constexpr (has_finalizer<T>) {
    return &Operations::finalize;
  } else {
    return nullptr;
  }
}

template <class T>
constexpr auto throw_function() -> void (*)(void*) {
#if OURO_DETAIL_HARDENED && OURO_DETAIL_EXCEPTIONS
  return [](void* object) { throw static_cast<T*>(object); };
#else
  return nullptr;
#endif
}

template <class T>
constexpr type_traits_set traits_of() {
  unsigned traits = has_finalizer<T> ? has_finalize : 0u;
  if (!drops_only_handles<T>) traits |= has_destructor;
  if constexpr (is_traced<T>) {
    if (is_hand_traced<T>) traits |= is_hand_written;
    if (has_keyed_container<T>) traits |= has_keyed_parts;
  }
  return static_cast<type_traits_set>(traits);
}

template <class T, class Operations>
constexpr type_descriptor describe(bool is_array) {
  return {destroy_function<T, Operations>(),
          trace_function<T, Operations>(),
          die_function<T, Operations>(),
          finalize_function<T, Operations>(),
          &Operations::name,
          throw_function<T>(),
          alignof(T),
          is_array,
          traits_of<T>()};
}

/// Of objects of the type T, or with T = U[] of arrays of U.
template <class T>
inline constinit type_descriptor const descriptor_of = describe<T, object_operations<T>>(false);
template <class T>
inline constinit type_descriptor const descriptor_of<T[]> = describe<T, array_operations<T>>(true);

// Aggregates may be given fewer values than they have members, and conversions are the caller's affair: std::make_shared
// does not warn of either.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
/// An object with one handle's worth of count. Parentheses where the type allows them, else braces.
template <class T, class... A>
object_header* make_object(A&&... args) {
  assert_traceable<T>();
  object_header* h = allocate<is_tracked_type<T>>(descriptor_of<T>, sizeof(T));
  void* const place = object_of(h);
  OURO_DETAIL_TRY {
    if constexpr (std::is_constructible_v<T, A...>) {
      ::new (place) T(std::forward<A>(args)...);
    } else {
      ::new (place) T{std::forward<A>(args)...};
    }
  }
  OURO_DETAIL_CATCH_ALL {
    abandon(h);
    OURO_DETAIL_RETHROW;
  }
  become_live(*h);
  return h;
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

template <class T>
object_header* make_array(std::size_t n) {
  assert_traceable<T>();
  if (n > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw_error(std::bad_array_new_length());
  type_descriptor const& type = descriptor_of<T[]>;
  std::size_t const bytes = n * sizeof(T);
  std::size_t const block = block_size(type, bytes);
  object_header* h =
      is_pooled(type, bytes, block)
          ? allocate<is_tracked_type<T>>(type, bytes, static_cast<std::uint32_t>(block / array_class_bytes))
          : allocate_slow(type, bytes);
  T* const first = static_cast<T*>(object_of(h));
  length_of(h) = n;
  std::size_t made = 0;
  OURO_DETAIL_TRY {
    for (; made != n; ++made) ::new (static_cast<void*>(first + made)) T();
  }
  OURO_DETAIL_CATCH_ALL {
    while (made != 0) std::destroy_at(first + --made);
    abandon(h);
    OURO_DETAIL_RETHROW;
  }
  become_live(*h);
  return h;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_DESCRIBE_HPP

// What all handles share: the rules of conversion, and the way from a pointer to the object's header.
#ifndef OURO_DETAIL_HANDLE_HPP
#define OURO_DETAIL_HANDLE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Says that the count of an object is taken over, not raised.
struct adopt_t {};

template <class T, class = void>
inline constexpr bool is_complete = false;
template <class T>
inline constexpr bool is_complete<T, std::void_t<decltype(sizeof(T))>> = true;

/// Asked at the end of a translation unit, in the bodies of members, never in a constraint.
template <class T>
constexpr void assert_complete() {
  if constexpr (std::is_class_v<T> || std::is_union_v<T>) {
    static_assert(is_complete<T>,
                  "ouro: a gc_ptr<T> is copied, dropped or dereferenced where T is never completed; include the "
                  "definition of T in this translation unit");
  }
}

/// The pointee may be a base in the middle of an object: its vptr tells.
template <class T>
constexpr bool points_into_objects() {
  assert_complete<T>();
  return std::is_polymorphic_v<T> && !std::is_final_v<T>;
}

template <class T>
OURO_DETAIL_INLINE object_header* header_from(void const* word) noexcept {
  if constexpr (points_into_objects<T>()) {
    return header_of_polymorphic(word);
  } else {
    return header_of(word);
  }
}

// --- conversions ----------------------------------------------------------------------------------------------------

template <class From, class To>
inline constexpr bool keeps_cv =
    (std::is_const_v<To> || !std::is_const_v<From>) && (std::is_volatile_v<To> || !std::is_volatile_v<From>);

/// As for std::shared_ptr, but a pointer to an array converts only to one of more constant elements, or to void.
template <class From, class To>
constexpr bool is_handle_convertible() {
  if constexpr (std::is_same_v<From, To>) {
    return true;
  } else if constexpr (std::is_void_v<To>) {
    return keeps_cv<std::remove_extent_t<From>, To>;
  } else if constexpr (std::is_void_v<From>) {
    return false;
  } else if constexpr (std::is_array_v<From> || std::is_array_v<To>) {
    return std::is_array_v<From> && std::is_array_v<To> &&
           std::is_convertible_v<std::remove_extent_t<From>(*)[], std::remove_extent_t<To>(*)[]>;
  } else {
    return std::is_convertible_v<From*, To*>;
  }
}

template <class Derived, class Base, class = void>
inline constexpr bool is_virtual_base = true;
template <class Derived, class Base>
inline constexpr bool
    is_virtual_base<Derived, Base, std::void_t<decltype(static_cast<Derived*>(static_cast<Base*>(nullptr)))>> = false;

template <class Derived>
union unborn {
  char nothing;
  Derived object;
  constexpr unborn() : nothing() {}
  constexpr ~unborn() {}
};

template <class Derived, class Base>
constexpr bool base_at_offset_zero() {
  if constexpr (is_virtual_base<Derived, Base>) {
    return false;
  } else {
    unborn<Derived> place;
    return static_cast<void const*>(static_cast<Base const*>(std::addressof(place.object))) ==
           static_cast<void const*>(std::addressof(place.object));
  }
}

/// A handle to a non-polymorphic base finds the header only if the base begins where the object begins.
template <class From, class To>
constexpr void assert_base_reachable() {
  using derived = std::remove_cv_t<From>;
  using base = std::remove_cv_t<To>;
  if constexpr (std::is_class_v<base> && std::is_class_v<derived> && !std::is_same_v<base, derived>) {
    if constexpr (!std::is_polymorphic_v<base>) {
      static_assert(
          (!std::is_polymorphic_v<derived> || std::is_final_v<derived>) && base_at_offset_zero<derived, base>(),
          "ouro: no handle can point to this base: it does not begin where the object begins, and it is not "
          "polymorphic; give it a virtual destructor, make it the first base, or use "
          "gc_interior_ptr<Base>(owner, owner.get())");
    }
  }
}

// --- checks of hardened builds --------------------------------------------------------------------------------------

/// What the word of a destroyed handle holds.
inline constexpr std::uintptr_t destroyed_handle = static_cast<std::uintptr_t>(0xdead'0057'dead'0057ull);

OURO_DETAIL_NOINLINE inline void check_owner(object_header const* h) noexcept {
  heap_core& heap = heap_of(h);
  thread_state* const self = &this_thread_state();
  thread_state* owner = heap.owner.load(std::memory_order_relaxed);
  if (owner == self) return;
  if (heap.closed && !heap.adopted && heap.owner.compare_exchange_strong(owner, self)) {
    heap.adopted = true;  // its own thread has ended
    return;
  }
  fail(
      "a handle was used on a thread that does not own the object's heap. Give each thread objects of its own, or hand "
      "the whole heap over (move the ouro::heap and make it current with ouro::heap::scope there)",
      "gc_ptr", type_of(h).name());
}

inline void check_handle([[maybe_unused]] object_header const* h) noexcept {
  if constexpr (OURO_DETAIL_HARDENED) {
    if (find_block(h + 1) != h) {
      fail("a handle points to no object of a heap: it was used after its destruction, or overwritten", "gc_ptr", {});
    }
    check_owner(h);
  }
}

/// A handle may outlive its object (see `object_state::zombie`), but must not be followed then.
inline void check_alive([[maybe_unused]] object_header const* h) noexcept {
  if constexpr (OURO_DETAIL_HARDENED) {
    if (state_of(*h) == object_state::zombie) {
      fail(
          "a handle that outlived its object was followed: it escaped from a constructor that threw, or from a destructor",
          "gc_ptr", type_of(h).name());
    }
  }
}

template <class T>
void check_word([[maybe_unused]] void const* word) noexcept {
  if constexpr (OURO_DETAIL_HARDENED) {
    if (word == reinterpret_cast<void const*>(destroyed_handle)) {
      fail("a handle was used after its destruction", "gc_ptr", type_name<T>());
    }
    if (find_block(word) == nullptr) {
      fail(
          "a handle points to a destroyed object, or was overwritten. Does a raw pointer or a reference outlive the last "
          "handle?",
          "gc_ptr", type_name<T>());
    }
  }
}

/// A handle to void may be cast back to the object's type, or to a base that begins where the object begins. Which
/// bases those are the language tells only where it matches a thrown pointer with a handler.
template <class T>
void check_cast_from_void([[maybe_unused]] object_header* h) noexcept {
#if OURO_DETAIL_HARDENED && OURO_DETAIL_EXCEPTIONS
  using element = std::remove_cv_t<std::remove_extent_t<T>>;
  type_descriptor const& type = type_of(h);
  bool fits = false;
  if (type.is_array == std::is_array_v<T>) {
    try {
      type.throw_pointer(object_of(h));
    } catch (element const* pointer) {
      fits = pointer == object_of(h);
    } catch (...) {
    }
  }
  if (!fits) {
    fail(
        "static_pointer_cast from gc_ptr<void> to a type that the object does not have (or a base at another offset). "
        "Cast to the type given to make_gc first",
        "static_pointer_cast", type.name());
  }
#endif
}

/// Is it a gc_function, whose captures can be traced?
template <class F>
inline constexpr bool is_traced_closure = requires(F const& f) { handle_traits<F>::is_plain(f); };

// --- the library's side of gc_ptr -----------------------------------------------------------------------------------

struct handle_access {
  /// Takes over one count of the object.
  template <class T>
  static gc_ptr<T> adopt(object_header* h) noexcept {
    return gc_ptr<T>(adopt_t(), object_of(h));
  }
  template <class T>
  static gc_ptr<T> adopt_at(T* pointer) noexcept {
    return gc_ptr<T>(adopt_t(), const_cast<std::remove_cv_t<T>*>(pointer));
  }
  /// The same by the word of a handle.
  template <class T>
  static gc_ptr<T> adopt_word(void* word) noexcept {
    return gc_ptr<T>(adopt_t(), word);
  }
  /// One more handle to the object.
  template <class T>
  static gc_ptr<T> share(object_header* h) noexcept {
    add_reference(h);
    return adopt<T>(h);
  }

  template <class T>
  static void* const& word(gc_ptr<T> const& handle) noexcept {
    return handle.word_;
  }
  template <class T>
  static object_header* header(gc_ptr<T> const& handle) noexcept {
    return handle.word_ != nullptr ? handle.header() : nullptr;
  }

  /// Moves the count to a handle of another type; when the cast gives null, null, and `from` stays as it is.
  template <class T, class U, class Cast>
  static gc_ptr<T> cast(gc_ptr<U>&& from, Cast cast_pointer) noexcept {
    static_assert(
        std::is_void_v<T> || std::is_void_v<U> ||
            std::is_same_v<std::remove_cv_t<std::remove_extent_t<T>>, std::remove_cv_t<std::remove_extent_t<U>>> ||
            (!std::is_array_v<T> && !std::is_array_v<U>),
        "ouro: a handle to an array can only be cast to one of the same elements: indexing would go wrong");
    static_assert(std::is_void_v<T> || std::is_void_v<U> || std::is_array_v<T> == std::is_array_v<U>,
                  "ouro: a handle to an array cannot be cast to a handle to one object, nor the other way");
    auto* const pointer = cast_pointer(from.get());
    if (pointer == nullptr) return nullptr;
    if constexpr (std::is_void_v<U> && !std::is_void_v<T>) check_cast_from_void<T>(from.header());
    if constexpr (std::is_void_v<T>) {
      void* const whole = object_of(from.header());
      from.word_ = nullptr;
      return gc_ptr<T>(adopt_t(), whole);
    } else {
      if constexpr (std::is_base_of_v<T, U>) assert_base_reachable<U, T>();
      from.word_ = nullptr;
      return gc_ptr<T>(adopt_t(), const_cast<std::remove_cv_t<typename gc_ptr<T>::element_type>*>(pointer));
    }
  }
};

template <class T, class U>
constexpr bool are_comparable() {
  if constexpr (std::is_void_v<T> || std::is_void_v<U>) {
    return true;
  } else {
    return requires(std::remove_extent_t<T>* a, std::remove_extent_t<U>* b) { a == b; };
  }
}

struct address_pair {
  void const* first;
  void const* second;
};

/// The addresses by which handles are compared: those of the complete objects if one is a handle to void.
template <class T, class U>
address_pair identity(gc_ptr<T> const& a, gc_ptr<U> const& b) noexcept {
  if constexpr (std::is_void_v<T> != std::is_void_v<U>) {
    return {handle_access::header(a), handle_access::header(b)};
  } else if constexpr (std::is_void_v<T> || std::is_same_v<T, U>) {
    return {a.get(), b.get()};
  } else {
    using common = std::common_type_t<std::remove_extent_t<T>*, std::remove_extent_t<U>*>;
    return {static_cast<common>(a.get()), static_cast<common>(b.get())};
  }
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_HANDLE_HPP

// The handle: a counted reference to a garbage-collected object, one pointer wide.
#ifndef OURO_GC_PTR_HPP
#define OURO_GC_PTR_HPP

#if defined(__cpp_lib_format)
#include <format>
#endif

/// CPython's memory management for C++: handles that count, and a collector for what counting cannot free.
namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Thrown by `gc_from_this` for an address that is not the beginning of a complete garbage-collected object.
struct bad_gc_from_this : std::logic_error {
  bad_gc_from_this()
      : std::logic_error("ouro: gc_from_this: the address is not that of a complete object made by make_gc") {}
};

/// Thrown where a handle is made of a weak handle whose object has died.
struct bad_weak_gc_ptr : std::exception {
  /// What went wrong.
  char const* what() const noexcept override { return "ouro: bad_weak_gc_ptr: the object has died"; }
};

/// A shared, counted reference to an object made by `make_gc`. The object dies when its last handle goes, or when it is
/// only reachable from garbage and a collection finds it.
///
/// `T` may be an object type, const, incomplete where handles are only declared, `void` (any object) or `U[]`.
/// One pointer wide; never throws; moved-from handles are null. Copying and dropping are O(1), but dropping the last
/// handle runs the object's destructor. Thread rule: a handle belongs to the thread that owns the object's heap.
/// CPython's counterpart is `PyObject*` with `Py_INCREF` and `Py_DECREF`.
template <class T>
class gc_ptr {
 public:
  /// `T`, or the type of the elements of an array.
  using element_type = std::remove_extent_t<T>;

  /// Null.
  constexpr gc_ptr() noexcept = default;
  /// Null.
  constexpr gc_ptr(std::nullptr_t) noexcept {}

  /// One more handle to the same object. O(1).
  gc_ptr(gc_ptr const& other) noexcept : word_(other.word_) { retain(); }
  /// Takes the handle over; `other` is null afterwards, and no count changes.
  gc_ptr(gc_ptr&& other) noexcept : word_(detail::replace(other.word_, nullptr)) {}

  /// From a handle to a derived, less constant or (for `gc_ptr<void>`) any type.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  gc_ptr(gc_ptr<U> const& other) noexcept : word_(convert(other)) {
    retain();
  }
  /// The same; `other` is null afterwards.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  gc_ptr(gc_ptr<U>&& other) noexcept : word_(convert(other)) {
    other.word_ = nullptr;
  }

  /// Throws `bad_weak_gc_ptr` if the object has died, or the weak handle is empty; `lock()` gives null then.
  template <class U>
    requires(detail::is_handle_convertible<U, T>())
  explicit gc_ptr(weak_gc_ptr<U> const& weak) : gc_ptr(weak.lock()) {
    if (word_ == nullptr) detail::throw_error(bad_weak_gc_ptr());
  }

  /// Drops the handle. The last one runs the object's finalizer and destructor before it returns.
  // Not constexpr, and without a look at T: Clang evaluates a constexpr destructor before T is complete.
  OURO_DETAIL_INLINE ~gc_ptr() {
    if (word_ != nullptr) release(word_);
    if constexpr (OURO_DETAIL_HARDENED) {
      *const_cast<void* volatile*>(&word_) = reinterpret_cast<void*>(detail::destroyed_handle);
    }
  }

  /// The new value is in place before the old handle is dropped, here and below.
  gc_ptr& operator=(gc_ptr const& other) noexcept {
    gc_ptr(other).swap(*this);
    return *this;
  }
  /// Takes the handle over; `other` is null afterwards.
  gc_ptr& operator=(gc_ptr&& other) noexcept {
    gc_ptr(std::move(other)).swap(*this);
    return *this;
  }
  /// From a handle that converts.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  gc_ptr& operator=(gc_ptr<U> other) noexcept {
    gc_ptr(std::move(other)).swap(*this);
    return *this;
  }

  /// Drops the handle and is null. It is null already when a destructor that this starts looks at it.
  void reset() noexcept { gc_ptr().swap(*this); }
  /// Exchanges two handles; no count changes.
  void swap(gc_ptr& other) noexcept { std::swap(word_, other.word_); }
  friend void swap(gc_ptr& a, gc_ptr& b) noexcept { a.swap(b); }

  /// The object's address (of an array: its first element's), or null. Does not keep the object alive.
  element_type* get() const noexcept { return static_cast<element_type*>(word_); }

  /// The object. Precondition of `*`, `->` and `[]`: not null (hardened builds check).
  std::add_lvalue_reference_t<T> operator*() const noexcept
    requires(!std::is_void_v<T> && !std::is_array_v<T>)
  {
    check_access();
    return *get();
  }
  /// A member of the object.
  T* operator->() const noexcept
    requires(!std::is_void_v<T> && !std::is_array_v<T>)
  {
    check_access();
    return get();
  }
  /// An element. Precondition: `i < size()`.
  std::add_lvalue_reference_t<element_type> operator[](std::size_t i) const noexcept
    requires(std::is_array_v<T>)
  {
    check_access();
    if (OURO_DETAIL_HARDENED && i >= size()) {
      detail::fail("an index is not below the array's size()", "gc_ptr", detail::type_name<T>());
    }
    return get()[i];
  }

  /// Elements of the array; 0 for a null handle.
  std::size_t size() const noexcept
    requires(std::is_array_v<T>)
  {
    return word_ != nullptr ? detail::length_of(detail::header_of(word_)) : 0;
  }
  /// The first element; with `end()`, for loops over all of them. A null handle has none.
  element_type* begin() const noexcept
    requires(std::is_array_v<T>)
  {
    return get();
  }
  /// Behind the last element.
  element_type* end() const noexcept
    requires(std::is_array_v<T>)
  {
    return get() + size();
  }

  /// Is it not null?
  explicit operator bool() const noexcept { return word_ != nullptr; }

  /// The number of handles to the object; 0 for a null handle. An object whose count has reached the top is immortal.
  std::size_t use_count() const noexcept { return word_ != nullptr ? detail::count_of(*header()) : 0; }

 private:
  template <class>
  friend class gc_ptr;
  friend struct detail::handle_access;

  gc_ptr(detail::adopt_t, void* word) noexcept : word_(word) {}

  template <class U>
  static void* convert(gc_ptr<U> const& other) noexcept {
    if (other.word_ == nullptr) return nullptr;
    if constexpr (std::is_void_v<T>) {
      return detail::object_of(other.header());
    } else {
      detail::assert_base_reachable<U, T>();
      element_type* const pointer = other.get();
      return const_cast<std::remove_cv_t<element_type>*>(pointer);
    }
  }

  detail::object_header* header() const noexcept { return detail::header_from<T>(word_); }

  void retain() const noexcept {
    if (word_ == nullptr) return;
    detail::check_word<T>(word_);
    detail::object_header* const h = header();
    detail::check_handle(h);
    detail::add_reference(h);
  }
  static void release(void* word) noexcept {
    detail::check_word<T>(word);
    detail::object_header* const h = detail::header_from<T>(word);
    detail::check_handle(h);
    detail::drop_reference(h);
  }
  void check_access() const noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      if (word_ == nullptr) detail::fail("a null handle was dereferenced", "gc_ptr", detail::type_name<T>());
      detail::check_word<T>(word_);
      detail::check_handle(header());
      detail::check_alive(header());
    }
  }

  void* word_ = nullptr;
};

/// Of the weak handle's type.
template <class T>
gc_ptr(weak_gc_ptr<T>) -> gc_ptr<T>;

/// Handles compare by address; with a `gc_ptr<void>` by the address of the complete object.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
bool operator==(gc_ptr<T> const& a, gc_ptr<U> const& b) noexcept {
  auto const [x, y] = detail::identity(a, b);
  return x == y;
}
/// The order of the addresses.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
std::strong_ordering operator<=>(gc_ptr<T> const& a, gc_ptr<U> const& b) noexcept {
  auto const [x, y] = detail::identity(a, b);
  return std::compare_three_way()(x, y);
}
/// Is the handle null?
template <class T>
bool operator==(gc_ptr<T> const& a, std::nullptr_t) noexcept {
  return a.get() == nullptr;
}
/// Null comes first.
template <class T>
std::strong_ordering operator<=>(gc_ptr<T> const& a, std::nullptr_t) noexcept {
  return std::compare_three_way()(static_cast<void const*>(a.get()), static_cast<void const*>(nullptr));
}

/// A new object, built with `T(args...)` or, where that is ill-formed, with `T{args...}`, so that aggregates work on
/// every compiler.
///
/// Exceptions: what the constructor throws, after the memory has been given back; `std::bad_alloc` after one full
/// collection that did not help. May run a collection, and with it destructors and finalizers of garbage.
/// Complexity: O(1) beside the constructor and collections. CPython's counterpart is `type.__call__`.
template <class T, class... A>
  requires(!std::is_unbounded_array_v<T>)
gc_ptr<T> make_gc(A&&... args) {
  static_assert(!std::is_array_v<T>, "ouro: make_gc of an array takes the number of elements: make_gc<T[]>(n)");
  static_assert(!std::is_reference_v<T> && !std::is_void_v<T> && !std::is_function_v<T>,
                "ouro: make_gc makes objects; give it an object type");
  return detail::handle_access::adopt<T>(detail::make_object<std::remove_cv_t<T>>(std::forward<A>(args)...));
}

/// An array of n value-initialised elements. Exceptions as above, and `std::bad_array_new_length`.
template <class T>
  requires std::is_unbounded_array_v<T>
gc_ptr<T> make_gc(std::size_t n) {
  return detail::handle_access::adopt<T>(detail::make_array<std::remove_cv_t<std::remove_extent_t<T>>>(n));
}

/// A handle to the object that a member function runs in, constructors included; no base class is needed.
///
/// In a destructor it returns null and reports. Exceptions: `bad_gc_from_this` if the address is not that of a complete
/// object made by `make_gc` (null, objects on the stack, members that lie behind the beginning of their object,
/// elements), and while a second or virtual base is being constructed or destroyed. Complexity: O(1); O(log n) in the
/// number of large objects for those.
template <class T>
gc_ptr<T> gc_from_this(T* self) {
  using namespace detail;
  if (self == nullptr) throw_error(bad_gc_from_this());
  void const* address = self;
  if constexpr (std::is_polymorphic_v<T>) address = object_of(header_of_polymorphic(self));
  object_header* const h = find_block(address);
  if (h == nullptr || object_of(h) != address || type_of(h).is_array) throw_error(bad_gc_from_this());
  switch (state_of(*h)) {
    case object_state::queued:
    case object_state::destroying:
      report(heap_of(h), "gc_from_this in a destructor returns null: the object is dead. Use gc_finalize to resurrect",
             "gc_from_this", type_of(h).name());
      return nullptr;
    case object_state::constructing:
    case object_state::live:
      add_reference(h);
      return handle_access::adopt_at<T>(self);
    default:
      throw_error(bad_gc_from_this());
  }
}

// --- casts ----------------------------------------------------------------------------------------------------------

/// As `static_cast`. From `gc_ptr<void>` only to the type given to `make_gc`, or to a base of it at offset zero.
template <class T, class U>
gc_ptr<T> static_pointer_cast(gc_ptr<U>&& other) noexcept {
  return detail::handle_access::cast<T>(std::move(other),
                                        [](auto* p) { return static_cast<typename gc_ptr<T>::element_type*>(p); });
}
/// The same for an argument that stays.
template <class T, class U>
gc_ptr<T> static_pointer_cast(gc_ptr<U> const& other) noexcept {
  return static_pointer_cast<T>(gc_ptr<U>(other));
}

/// As `const_cast`.
template <class T, class U>
gc_ptr<T> const_pointer_cast(gc_ptr<U>&& other) noexcept {
  return detail::handle_access::cast<T>(std::move(other),
                                        [](auto* p) { return const_cast<typename gc_ptr<T>::element_type*>(p); });
}
/// The same for an argument that stays.
template <class T, class U>
gc_ptr<T> const_pointer_cast(gc_ptr<U> const& other) noexcept {
  return const_pointer_cast<T>(gc_ptr<U>(other));
}

/// As `dynamic_cast`: null when the object is no `T`; a moved argument then stays what it was.
template <class T, class U>
gc_ptr<T> dynamic_pointer_cast(gc_ptr<U>&& other) noexcept {
  return detail::handle_access::cast<T>(std::move(other),
                                        [](auto* p) { return dynamic_cast<typename gc_ptr<T>::element_type*>(p); });
}
/// The same for an argument that stays.
template <class T, class U>
gc_ptr<T> dynamic_pointer_cast(gc_ptr<U> const& other) noexcept {
  return dynamic_pointer_cast<T>(gc_ptr<U>(other));
}

/// Writes the address.
template <class C, class Traits, class T>
std::basic_ostream<C, Traits>& operator<<(std::basic_ostream<C, Traits>& out, gc_ptr<T> const& p) {
  return out << static_cast<void const*>(p.get());
}

namespace detail {

template <class T>
struct handle_traits<gc_ptr<T>> {
  static constexpr bool is_handle = true;
  using element = std::remove_all_extents_t<T>;
  // Leafness is the dynamic type's, so that a slot is skipped only if no class can hide behind it.
  static constexpr bool is_traced = std::is_class_v<element> || std::is_union_v<element> || std::is_void_v<element>;
  static constexpr bool is_hand_traced = false;
  static constexpr bool is_one_edge = is_traced;

  /// The header of the handle's object, or null.
  OURO_DETAIL_INLINE static object_header* target(gc_ptr<T> const& handle) noexcept {
    return handle_access::header(handle);
  }

  /// False when they are to be traced one by one.
  static bool trace_array(gc_ptr<T> const* handles, std::size_t n, tracer& t) noexcept {
    static_assert(sizeof(gc_ptr<T>) == sizeof(void*));
    void** const first = &const_cast<void*&>(handle_access::word(*handles));
    return tracer_access::report_array(t, first, n, points_into_objects<T>());
  }

  static void trace(gc_ptr<T> const& handle, tracer& t) noexcept {
    void** const slot = &const_cast<void*&>(handle_access::word(handle));
    if (*slot == nullptr) return;
    if (OURO_DETAIL_HARDENED && *slot == reinterpret_cast<void*>(destroyed_handle)) {
      return tracer_access::report_destroyed(t);
    }
    if constexpr (points_into_objects<T>()) {
      tracer_access::report(t, slot, edge_target_polymorphic(*slot));
    } else {
      tracer_access::report(t, slot, edge_target(header_of(*slot)));
    }
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class T>
struct std::hash<ouro::gc_ptr<T>> {
  std::size_t operator()(ouro::gc_ptr<T> const& p) const noexcept { return std::hash<void const*>()(p.get()); }
};

#if defined(__cpp_lib_format)
/// As a pointer.
template <class T>
struct std::formatter<ouro::gc_ptr<T>, char> : std::formatter<void const*, char> {
  template <class Context>
  auto format(ouro::gc_ptr<T> const& p, Context& context) const {
    return std::formatter<void const*, char>::format(p.get(), context);
  }
};
#endif

#endif  // OURO_GC_PTR_HPP

// Deaths as data: objects are watched, and the program asks when it wants which of them have died.
#ifndef OURO_DEATH_QUEUE_HPP
#define OURO_DEATH_QUEUE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Watches objects, and queues the keys of those that have died. A callback runs in the middle of whatever the program
/// is doing; this waits until it is asked.
///
/// An object that its finalizer resurrects has not died. Objects may be watched more than once. Movable, not copyable;
/// when the queue goes, so does its interest. `Key` must hold no handles. Exceptions of `watch`: `std::bad_alloc`, those
/// of moving the key, `std::invalid_argument` for null; nothing has changed then. All operations are O(1), amortised.
/// Thread rule: that of the objects' heaps. It is what Java's `ReferenceQueue` is for; CPython has none.
template <class T, class Key = std::size_t>
class death_queue {
  struct entry final : detail::weak_entry {
    explicit entry(Key&& k) : key(std::move(k)) {}
    Key key;
  };

  struct queue final : detail::weak_table {
    void lose(detail::weak_entry& e) noexcept override {
      unlink(e);
      detail::unlink(&e);
      e.next_in_table = nullptr;
      (last_dead != nullptr ? last_dead->next_in_table : first_dead) = &e;
      last_dead = &e;
      ++dead;
    }
    std::unique_ptr<entry> take_dead() noexcept {
      auto* const e = static_cast<entry*>(first_dead);
      if (e == nullptr) return nullptr;
      first_dead = e->next_in_table;
      if (first_dead == nullptr) last_dead = nullptr;
      --dead;
      return std::unique_ptr<entry>(e);
    }

    detail::weak_entry* first_dead = nullptr;  // linked as entries of the table are
    detail::weak_entry* last_dead = nullptr;
    std::size_t dead = 0;
  };

 public:
  /// Holds nothing that is traced.
  using gc_leaf = death_queue;

  death_queue() = default;
  /// Takes over what is watched and what has died; `other` may only be assigned to or destroyed.
  death_queue(death_queue&& other) noexcept = default;
  /// The same; what was watched here is not any more.
  death_queue& operator=(death_queue&& other) noexcept {
    death_queue(std::move(other)).swap(*this);
    return *this;
  }
  ~death_queue() {
    if (queue_ == nullptr) return;
    while (detail::weak_entry* const e = queue_->first()) {
      detail::detach(*e);
      delete e;
    }
    while (queue_->take_dead() != nullptr) {
    }
  }

  /// Exchanges what is watched and what has died. O(1).
  void swap(death_queue& other) noexcept { queue_.swap(other.queue_); }
  friend void swap(death_queue& a, death_queue& b) noexcept { a.swap(b); }

  /// When the object dies, `key` is queued.
  void watch(gc_ptr<T> const& p, Key key) {
    static_assert(!is_traced<Key>, "ouro: the keys of a death_queue are not traced: use keys that hold no handles");
    detail::object_header* const h = detail::handle_access::header(p);
    if (h == nullptr) detail::throw_error(std::invalid_argument("ouro: a death_queue cannot watch a null handle"));
    detail::check_handle(h);
    if (queue_ == nullptr) queue_ = std::make_unique<queue>();
    auto e = std::make_unique<entry>(std::move(key));
    e->hash = detail::mixed_hash(reinterpret_cast<std::uintptr_t>(e.get()));
    detail::attach(h, *queue_, *e);
    e.release();
  }

  /// The key of the object that died first, or nothing.
  std::optional<Key> pop() {
    auto const e = queue_ != nullptr ? queue_->take_dead() : nullptr;
    if (e == nullptr) return std::nullopt;
    return std::move(e->key);
  }

  /// Deaths that have not been asked for.
  std::size_t pending() const noexcept { return queue_ != nullptr ? queue_->dead : 0; }
  /// Objects that are watched and alive, each as often as it is watched.
  std::size_t watched() const noexcept { return queue_ != nullptr ? queue_->size() : 0; }

 private:
  std::unique_ptr<queue> queue_;
};

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DEATH_QUEUE_HPP

// The weak handle: leads to an object without keeping it alive, and can tell when it dies.
#ifndef OURO_WEAK_GC_PTR_HPP
#define OURO_WEAK_GC_PTR_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// A reference that does not own: `lock()` gives a handle while the object lives, and null afterwards.
///
/// One pointer wide. `T` as for `gc_ptr`: an object type, const, incomplete where it is only declared, `void`, `U[]`.
/// Copies and drops are O(1); objects that are never referred to weakly pay nothing. A pooled object (of at most 512
/// bytes) leaves its block behind, without its parts, until its last weak handle goes; larger ones leave nothing.
///
/// With a callback, `weak_gc_ptr<T>(p, f)`: when the object dies `f` is called once, with a weak handle that is dead and
/// equal to this one. The callback belongs to this handle: moves carry it, copies have none, and it is not called once
/// the handle is gone, or is part of the same garbage. Handles with callbacks die before the finalizers of garbage run,
/// all of them before the first callback, and stay dead if their object is resurrected; the newest is called first. What
/// a callback throws goes to the unraisable hook. No collection runs inside. A callback must not hold a handle to its own
/// object, which would never die; captures of a `gc_function` are traced as part of whatever holds this handle (unless
/// they have a trace written by hand or handles as keys), everything else that a callback holds is a root.
///
/// Thread rule: that of the object's heap. A weak handle may outlive object, heap and thread. CPython's counterpart is
/// `weakref.ref`.
template <class T>
class weak_gc_ptr {
 public:
  /// `T`, or the type of the elements of an array.
  using element_type = std::remove_extent_t<T>;

  constexpr weak_gc_ptr() noexcept = default;

  /// Exceptions: `std::bad_alloc` for large objects, and for objects with hundreds of weak handles.
  template <class U>
    requires(detail::is_handle_convertible<U, T>())
  weak_gc_ptr(gc_ptr<U> const& p) {
    detail::object_header* const h = detail::handle_access::header(p);
    if (h == nullptr) return;
    detail::check_handle(h);
    word_ = detail::make_weak(h, pointer_in(h, p.get()));
  }

  /// `callback`: called with `weak_gc_ptr<T> const&`. Of a null handle it is dropped. Exceptions: `std::bad_alloc`, and
  /// those of moving the callback.
  template <class U, class F>
    requires(detail::is_handle_convertible<U, T>() && std::is_invocable_v<F&, weak_gc_ptr const&>)
  weak_gc_ptr(gc_ptr<U> const& p, F callback) {
    detail::object_header* const h = detail::handle_access::header(p);
    if (h == nullptr) return;
    detail::check_handle(h);
    word_ = detail::make_watch(h, pointer_in(h, p.get()), new callback_of<F>(std::move(callback)));
  }

  /// One more weak handle to the same object, without its callback. O(1).
  weak_gc_ptr(weak_gc_ptr const& other) noexcept : word_(detail::copy_weak(other.checked())) {}
  /// Takes the weak handle over, its callback included; `other` is empty afterwards.
  weak_gc_ptr(weak_gc_ptr&& other) noexcept : word_(detail::replace(other.word_, 0)) {}

  /// To a base, to more const, or to void. Exceptions: `std::bad_alloc` for large objects, and for objects with hundreds
  /// of weak handles. A callback is not taken along.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  weak_gc_ptr(weak_gc_ptr<U> const& other) : word_(convert(other)) {}

  ~weak_gc_ptr() { detail::drop_weak(checked()); }

  /// As the constructors of the same arguments; what was held goes.
  weak_gc_ptr& operator=(weak_gc_ptr const& other) noexcept {
    weak_gc_ptr(other).swap(*this);
    return *this;
  }
  /// Takes the weak handle over, its callback included; `other` is empty afterwards.
  weak_gc_ptr& operator=(weak_gc_ptr&& other) noexcept {
    weak_gc_ptr(std::move(other)).swap(*this);
    return *this;
  }
  /// To another object. Throws as the constructor does; then nothing has changed.
  template <class U>
    requires(detail::is_handle_convertible<U, T>())
  weak_gc_ptr& operator=(gc_ptr<U> const& p) {
    weak_gc_ptr(p).swap(*this);
    return *this;
  }
  /// To the object of another weak handle, without its callback.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  weak_gc_ptr& operator=(weak_gc_ptr<U> const& other) {
    weak_gc_ptr(other).swap(*this);
    return *this;
  }

  /// Lets go: empty afterwards, and the callback is not called any more.
  void reset() noexcept { weak_gc_ptr().swap(*this); }
  /// Exchanges objects and callbacks. O(1).
  void swap(weak_gc_ptr& other) noexcept { std::swap(word_, other.word_); }
  friend void swap(weak_gc_ptr& a, weak_gc_ptr& b) noexcept { a.swap(b); }

  /// A handle to the object, or null if it has died. Works in constructors and finalizers; in destructors, and while an
  /// object waits for its destructor, it is dead.
  gc_ptr<T> lock() const noexcept {
    if (word_ == 0) return nullptr;
    if (detail::weak_kind(word_) == detail::weak_plain) [[likely]] {
      detail::object_header* const h = detail::header_of_plain(checked());
      if (!detail::is_lockable(*h)) return nullptr;
      detail::add_reference(h);
      return detail::handle_access::adopt_word<T>(detail::object_of(h));
    }
    auto const [h, pointer] = detail::target_of(checked());
    if (h == nullptr) return nullptr;
    detail::add_reference(h);
    return detail::handle_access::adopt_word<T>(pointer);
  }

  /// True if `lock()` would give null.
  bool expired() const noexcept { return detail::target_of(word_).header == nullptr; }

  /// The number of handles to the object; 0 once it has died.
  std::size_t use_count() const noexcept {
    detail::object_header const* const h = detail::target_of(word_).header;
    return h != nullptr ? detail::count_of(*h) : 0;
  }

 private:
  template <class>
  friend class weak_gc_ptr;
  friend struct detail::weak_access;

  /// A pointer to the object, or to a base of it, as a handle to `T` has it.
  template <class U>
  static void* pointer_in([[maybe_unused]] detail::object_header* h, [[maybe_unused]] U* from) noexcept {
    if constexpr (std::is_void_v<T>) {
      return detail::object_of(h);
    } else {
      detail::assert_base_reachable<U, T>();
      element_type* const pointer = from;
      return const_cast<std::remove_cv_t<element_type>*>(pointer);
    }
  }

  template <class F>
  struct callback_of final : detail::weak_callback {
    explicit callback_of(F&& f) : callback(std::move(f)) {}
    void call(detail::weak_word word) override {
      weak_gc_ptr dead;
      dead.word_ = word;
      callback(std::as_const(dead));
    }
    void trace(tracer& t) const noexcept override {
      if constexpr (detail::is_traced_closure<F>) {
        if (detail::handle_traits<F>::is_plain(callback)) detail::handle_traits<F>::trace(callback, t);
      }
    }
    F callback;
  };

  template <class U>
  static detail::weak_word convert(weak_gc_ptr<U> const& other) {
    detail::weak_word const from = other.checked();
    if (from == 0) return 0;
    if constexpr (std::is_void_v<T>) {
      return detail::copy_weak_to(from, whole(from));
    } else if constexpr (std::is_class_v<T> && detail::is_virtual_base<U, T>) {
      gc_ptr<T> const alive = other.lock();  // the way to a virtual base leads through the object
      return detail::copy_weak_to(from, alive ? detail::handle_access::word(alive) : whole(from));
    } else {
      using source = typename weak_gc_ptr<U>::element_type;
      return detail::copy_weak_to(from, pointer_in(nullptr, static_cast<source*>(detail::pointer_of(from))));
    }
  }
  /// The address of the complete object; of a large one that has died the pointer of the handle.
  static void* whole(detail::weak_word w) noexcept {
    detail::object_header* const h = detail::weak_header(w);
    return h != nullptr ? detail::object_of(h) : detail::pointer_of(w);
  }

  detail::weak_word checked() const noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      detail::object_header* const h = word_ != 0 ? detail::weak_header(word_) : nullptr;
      if (h != nullptr) detail::check_owner(h);
    }
    return word_;
  }

  detail::weak_word word_ = 0;
};

/// To the object of the handle.
template <class T>
weak_gc_ptr(gc_ptr<T>) -> weak_gc_ptr<T>;
/// With a callback.
template <class T, class F>
weak_gc_ptr(gc_ptr<T>, F) -> weak_gc_ptr<T>;

namespace detail {

struct weak_access {
  template <class T>
  static weak_word word(weak_gc_ptr<T> const& p) noexcept {
    return p.word_;
  }
  template <class T>
  static std::uintptr_t identity(weak_gc_ptr<T> const& p) noexcept {
    return weak_identity(p.word_);
  }
};

template <class T>
struct handle_traits<weak_gc_ptr<T>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;  // by way of a callback
  static constexpr bool is_hand_traced = false;

  static void trace(weak_gc_ptr<T> const& p, tracer& t) noexcept { trace_weak(weak_access::word(p), t); }
};

}  // namespace detail

/// Weak handles are equal if they lead, or led, to the same object; the order is arbitrary, and stays. Empty ones are equal.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
bool operator==(weak_gc_ptr<T> const& a, weak_gc_ptr<U> const& b) noexcept {
  return detail::weak_access::identity(a) == detail::weak_access::identity(b);
}
/// Weak handles are ordered by the identity of their objects, in an order that outlives them.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
std::strong_ordering operator<=>(weak_gc_ptr<T> const& a, weak_gc_ptr<U> const& b) noexcept {
  return detail::weak_access::identity(a) <=> detail::weak_access::identity(b);
}

/// The address of the object, dead or alive.
template <class C, class Traits, class T>
std::basic_ostream<C, Traits>& operator<<(std::basic_ostream<C, Traits>& out, weak_gc_ptr<T> const& p) {
  return out << static_cast<void const*>(detail::pointer_of(detail::weak_access::word(p)));
}

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class T>
struct std::hash<ouro::weak_gc_ptr<T>> {
  std::size_t operator()(ouro::weak_gc_ptr<T> const& p) const noexcept {
    return std::hash<std::uintptr_t>()(ouro::detail::weak_access::identity(p));
  }
};

#if defined(__cpp_lib_format)
/// As a pointer.
template <class T>
struct std::formatter<ouro::weak_gc_ptr<T>, char> : std::formatter<void const*, char> {
  template <class Context>
  auto format(ouro::weak_gc_ptr<T> const& p, Context& context) const {
    return std::formatter<void const*, char>::format(ouro::detail::pointer_of(ouro::detail::weak_access::word(p)),
                                                     context);
  }
};
#endif

#endif  // OURO_WEAK_GC_PTR_HPP

// Cleanup from outside: a function that runs once, when an object dies or when its heap closes.
#ifndef OURO_FINALIZE_HPP
#define OURO_FINALIZE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

namespace detail {

/// Owns itself until it has run or was detached.
struct finalizer_record : exit_record {
  finalizer_record() = default;
  finalizer_record(finalizer_record const&) = delete;
  finalizer_record& operator=(finalizer_record const&) = delete;
  virtual ~finalizer_record() = default;
  virtual void call() = 0;

  bool alive() const noexcept { return self != nullptr; }

  /// Nothing calls it any more; the result keeps it in place.
  std::shared_ptr<finalizer_record> retire() noexcept {
    watch.reset();
    if (link != nullptr) unlink<exit_record>(this);
    return std::move(self);
  }
  void run() {
    auto const keep = retire();
    call();
  }
  void heap_closes() noexcept override {
    heap_core& core = *heap;
    OURO_DETAIL_TRY { run(); }
    OURO_DETAIL_CATCH_ALL { report_exception(core, std::current_exception(), "finalize", {}); }
  }

  std::shared_ptr<finalizer_record> self;
  weak_gc_ptr<void const> watch;
  heap_core* heap = nullptr;
};

template <class F, class... A>
struct finalizer_of final : finalizer_record {
  explicit finalizer_of(F&& f, A&&... args) : function(std::move(f)), arguments(std::move(args)...) {}
  void call() override {
    std::apply([this](A&... args) { std::invoke(std::move(function), std::move(args)...); }, arguments);
  }
  F function;
  std::tuple<A...> arguments;
};

}  // namespace detail

/// What `finalize` returns. It may be dropped: the function stays registered. Copies speak of the same registration.
class finalizer {
 public:
  /// Holds nothing that is traced.
  using gc_leaf = finalizer;

  finalizer() noexcept = default;

  /// The function has not run, and was not detached.
  bool alive() const noexcept { return record_ != nullptr && record_->alive(); }

  /// The function will not run. False if it has, or was detached before.
  bool detach() noexcept { return alive() && record_->retire() != nullptr; }

  /// Runs the function now, if it is alive. Exceptions: what the function throws.
  void operator()() {
    if (alive()) record_->run();
  }

  /// Does it run when the heap closes and the object is still alive? True unless it was told otherwise.
  bool at_exit() const noexcept { return alive() && record_->link != nullptr; }
  /// Shall it run when the heap closes while the object still lives? It does unless told not to. CPython: `atexit`.
  void at_exit(bool wanted) noexcept {
    if (!alive() || wanted == at_exit()) return;
    if (wanted) {
      detail::link_front<detail::exit_record>(record_->heap->exit_records, record_.get());
    } else {
      detail::unlink<detail::exit_record>(record_.get());
    }
  }

 private:
  /// @cond
  template <class T, class F, class... A>
  friend finalizer finalize(gc_ptr<T> const& p, F f, A... args);
  /// @endcond
  explicit finalizer(std::shared_ptr<detail::finalizer_record> record) noexcept : record_(std::move(record)) {}

  std::shared_ptr<detail::finalizer_record> record_;
};

/// Arranges that `f(args...)` is called once when the object dies, before its own finalizer if it is found by a
/// collection, or when its heap closes (a thread's when the thread ends, the main heap after all statics), newest first.
///
/// `f` and `args` are kept alive; they must not hold a handle to the object, which would never die. Exceptions:
/// `std::bad_alloc`, those of moving the arguments; nothing is registered then. What `f` throws when nobody called it goes
/// to the unraisable hook. A null handle gives a finalizer that is not alive. Thread rule: that of the object's heap.
/// CPython's counterpart is `weakref.finalize`.
template <class T, class F, class... A>
finalizer finalize(gc_ptr<T> const& p, F f, A... args) {
  static_assert(std::is_invocable_v<F, A...>,
                "ouro: finalize(p, f, args...) needs a function that can be called with copies of the arguments");
  if (!p) return {};
  auto record = std::make_shared<detail::finalizer_of<F, A...>>(std::move(f), std::move(args)...);
  detail::finalizer_record* const raw = record.get();
  raw->heap = &detail::heap_of(detail::handle_access::header(p));
  raw->watch = weak_gc_ptr<void const>(p, [raw](auto const&) { raw->run(); });
  raw->self = record;
  detail::link_front<detail::exit_record>(raw->heap->exit_records, raw);
  return finalizer(std::move(record));
}

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_FINALIZE_HPP

// Heaps as values: own one, make it current, look at its figures, limit it, hand it to another thread.
#ifndef OURO_HEAP_HPP
#define OURO_HEAP_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// What a heap holds. All sizes in bytes.
struct heap_stats {
  std::size_t objects = 0;         // alive, leaves included
  std::size_t bytes_in_use = 0;    // of their blocks, headers included
  std::size_t bytes_reserved = 0;  // taken from the system: pages, free ones that are kept, and large blocks
  std::size_t pages = 0;           // 64 KiB pages in use
  std::size_t large_objects = 0;   // objects with a block of their own
};

/// Owns objects, the collector's state and its statistics. Each thread has one by default; `heap::scope` makes another
/// one current, so that what the thread allocates goes there.
///
/// A movable handle; when it is destroyed, the heap collects its garbage and lives on unseen until the last object that
/// still has handles dies. Objects die correctly whichever heap is current. References from another heap keep objects
/// alive, so cycles across heaps are never collected. Thread rule: one thread at a time; to hand a heap over, move it
/// and make it current there.
class heap {
 public:
  /// Throws std::bad_alloc.
  heap() : core_(&detail::create_heap()) { core_->handle = this; }
  /// Moving the handle of a thread's default heap takes the heap away from the thread, which then begins a new one.
  heap(heap&& other) noexcept { take(other); }
  /// The heap held before goes the way that the destructor describes.
  heap& operator=(heap&& other) noexcept {
    if (this != &other) {
      close();
      take(other);
    }
    return *this;
  }
  /// Collects the garbage; the heap lives on unseen until its last object dies.
  ~heap() { close(); }

  /// Exchanges two heaps; objects stay where they are.
  void swap(heap& other) noexcept {
    heap before(std::move(other));
    other = std::move(*this);
    *this = std::move(before);
  }
  friend void swap(heap& a, heap& b) noexcept { a.swap(b); }

  /// The heap that allocations of this thread go to. Throws std::bad_alloc when the first one cannot be made.
  static heap& current() {
    detail::heap_core& core = detail::current_heap();
    if (core.handle == nullptr) {
      core.handle = core.home_handle = new heap(core);
      core.delete_handle = [](heap* h) { delete h; };
    }
    return *core.handle;
  }

  /// Makes a heap current on this thread while it lives. Scopes nest, and must end in reverse order.
  class scope {
   public:
    /// Precondition: not moved from. What the thread allocated before stays usable on it.
    explicit scope(heap& h)
        : core_(h.checked()),
          keep_(core_),
          before_(detail::current_heap()),
          keep_before_(before_),
          owner_(core_.owner.exchange(&detail::this_thread_state(), std::memory_order_relaxed)) {
      detail::set_current(detail::this_thread_state(), &core_);
    }
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() {
      detail::thread_state& thread = detail::this_thread_state();
      if (OURO_DETAIL_HARDENED && thread.current != &core_ && !core_.closed) {
        detail::fail("heap scopes must end in reverse order", "ouro::heap::scope", {});
      }
      core_.owner.store(owner_, std::memory_order_relaxed);
      detail::set_current(thread, before_.closed ? thread.home : &before_);
    }

   private:
    detail::heap_core& core_;
    detail::heap_user keep_;
    detail::heap_core& before_;
    detail::heap_user keep_before_;
    detail::thread_state* owner_;
  };

  /// O(pages).
  heap_stats stats() const noexcept {
    detail::block_totals const totals = detail::count_blocks(*core_);
    return {totals.objects[0] + totals.objects[1], totals.bytes,
            (core_->used_pages + core_->dirty_pages + core_->idle_pages) * detail::page_bytes + core_->large_bytes +
                core_->kept_large_bytes,
            core_->used_pages, core_->large_objects[0] + core_->large_objects[1]};
  }

  /// Bounds what pages in use and large blocks may take together. An allocation that would go beyond it runs a full
  /// collection, and throws std::bad_alloc if that does not help. Pages have 64 KiB, one at least for each type. Entries of
  /// weak containers are never refused, but count.
  void set_limit(std::size_t bytes) noexcept { core_->limit = bytes; }

  /// Gives all free pages and large blocks back to the system.
  void trim() noexcept {
    detail::flush_bins(*core_);
    detail::trim_all_pages(*core_);
    detail::trim_large(*core_, 0);
  }

  /// Checks the heap's books against its blocks; ends the program with a message when they do not agree. O(objects).
  void verify() const noexcept;

 private:
  explicit heap(detail::heap_core& core) noexcept : core_(&core), owned_(false) {}

  void take(heap& other) noexcept {
    core_ = detail::replace(other.core_, nullptr);
    if (core_ == nullptr) return;
    if (!detail::replace(other.owned_, true)) detail::detach_home_heap(*core_);
    core_->handle = this;
    owned_ = true;
  }

  void close() noexcept {
    if (core_ == nullptr) return;
    if (!owned_) {  // the heap itself deletes the handle of a default heap; assigning to it has no meaning
      core_->handle = core_->handle == this ? nullptr : core_->handle;
      return;
    }
    core_->handle = nullptr;
    detail::close_heap(*detail::replace(core_, nullptr));
  }

  detail::heap_core& checked() const noexcept {
    if (core_ == nullptr) detail::fail("a heap that was moved from has been made current", "ouro::heap::scope", {});
    return *core_;
  }

  friend struct detail::heap_access;
  detail::heap_core* core_ = nullptr;
  bool owned_ = true;
};

namespace detail {

struct heap_access {
  static heap_core& core(heap& h) noexcept { return *h.core_; }
};

inline void verify_heap(heap_core& heap) noexcept {
  auto const check = [](bool ok, char const* what) {
    if (!ok) fail(what, "heap::verify", {});
  };
  block_totals const totals = count_blocks(heap);
  std::size_t pages = 0;
  std::size_t candidates = 0;
  for (bool const tracked : {false, true}) {
    std::size_t objects = 0;
    std::size_t dead = 0;
    for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) {
      ++pages;
      check(p->heap == &heap && p->tracked == tracked && p->carved <= p->capacity, "a page's header is damaged");
      std::size_t free_blocks = 0;
      for (object_header* h = p->free_list; h != nullptr; h = next_free(h)) {
        check(page_of(h) == p && state_of(*h) == object_state::free, "a page's list of free blocks is damaged");
        ++free_blocks;
      }
      check(p->mode == page_mode::current ? free_blocks == 0 : free_blocks + p->used == p->carved,
            "a page's count of used blocks is wrong");
      bool const has_space = p->free_list != nullptr || p->carved < p->capacity;
      check(p->partial == (has_space && p->mode != page_mode::current), "a page is on the wrong list");
      check((p->mode == page_mode::counted) == heap.counting, "a page is in the wrong mode");
    }
    walk_pages(heap, tracked, [&](object_header* h) {
      if (state_of(*h) == object_state::dead) {
        ++dead;
        check(h->weak != 0, "a dead block is kept that no weak handle leads to");
        return;
      }
      ++objects;
      check(&heap_of(h) == &heap, "an object lies in another heap's page");
      if (state_of(*h) == object_state::queued) return;
      check(h->slot >= slot_leaf || h->slot < heap.candidate_count, "an object's slot is out of range");
      check(is_sticky(*h) || count_of(*h) != 0 || state_of(*h) == object_state::destroying, "a count is wrong");
      if (is_candidate(*h)) {
        ++candidates;
        check(heap.candidates[h->slot].header() == h, "the candidate buffer does not know one of its candidates");
      }
    });
    check(objects == totals.objects[tracked], "the count of objects is wrong");
    check(dead == heap.dead[tracked], "the count of dead blocks is wrong");
    check(!heap.counting || objects + dead == heap.objects[tracked] + heap.large_objects[tracked],
          "the running count of objects is wrong");
  }
  check(pages + heap.entry_page_count == heap.used_pages, "the count of pages is wrong");
  std::size_t idle = 0;
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) {
    for (page* p = heap.bins[i].idle; p != nullptr; p = p->next) {
      ++idle;
      std::size_t free_blocks = 0;
      for (object_header* h = p->free_list; h != nullptr; h = next_free(h)) free_blocks += page_of(h) == p;
      check(p->bin == i && p->used == 0 && !p->partial && free_blocks == p->carved, "an idle page is not empty");
    }
  }
  check(idle == heap.idle_pages, "the count of idle pages is wrong");
  check(candidates == heap.candidate_count, "the count of candidates is wrong");
}

}  // namespace detail

inline void heap::verify() const noexcept { detail::verify_heap(*core_); }

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_HEAP_HPP

// The gc module: run the collector, tune it, ask what it knows. Names and meaning are those of CPython's `gc`.
#ifndef OURO_GC_HPP
#define OURO_GC_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// All functions speak of the current heap (`heap::current()`), and may be called by the thread that owns it.
namespace gc {

/// What the collector prints to the standard error stream, and whether it keeps what it finds.
enum class debug_flags : unsigned {
  none = 0,
  stats = 1,          // a line for every collection
  collectable = 2,    // a line for every object found unreachable
  uncollectable = 4,  // accepted; nothing is uncollectable
  saveall = 32,       // unreachable objects go to garbage() instead of being destroyed
  leak = 38
};
/// A union of flags.
// Templates, so that a program's own operators are preferred.
template <std::same_as<debug_flags> F>
constexpr F operator|(F a, F b) noexcept {
  return static_cast<F>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
/// An intersection of flags.
template <std::same_as<debug_flags> F>
constexpr F operator&(F a, F b) noexcept {
  return static_cast<F>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}

/// What `callbacks()` holds.
using callback_list = std::vector<std::function<void(phase, info const&)>>;

}  // namespace gc

namespace detail {

/// What this layer keeps for a heap.
struct gc_module {
  gc::callback_list callbacks;
  std::vector<gc_ptr<void>> garbage;
};

inline void run_callbacks(heap_core& heap, gc::phase phase, gc::info const& info) noexcept {
  auto& module = *static_cast<gc_module*>(heap.hooks.module);
  OURO_DETAIL_TRY {
    auto const callbacks = module.callbacks;  // one of them may change the list
    for (auto const& f : callbacks) {
      OURO_DETAIL_TRY { f(phase, info); }
      OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "gc callback", {}); }
    }
  }
  OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "gc callbacks", {}); }
}

/// Throws std::bad_alloc.
inline gc_module& module_of(heap_core& heap) {
  if (heap.hooks.module == nullptr) {
    heap.hooks.module = new gc_module;
    heap.hooks.callbacks = run_callbacks;
    heap.hooks.save_garbage = [](heap_core& h, object_header* object) {
      auto handle = handle_access::adopt<void>(object);
      OURO_DETAIL_TRY { static_cast<gc_module*>(h.hooks.module)->garbage.push_back(std::move(handle)); }
      OURO_DETAIL_CATCH_ALL { report(h, "no memory to keep garbage; it stays for the next collection", "saveall", {}); }
    };
    heap.hooks.drop_all = [](heap_core& h) {
      auto& module = *static_cast<gc_module*>(h.hooks.module);
      h.debug &= ~debug_saveall;
      gc::callback_list().swap(module.callbacks);
      std::vector<gc_ptr<void>>().swap(module.garbage);
    };
    heap.hooks.destroy = [](void* module) { delete static_cast<gc_module*>(module); };
  }
  return *static_cast<gc_module*>(heap.hooks.module);
}

inline void check_generation(int generation) {
  if (generation < 0 || generation > 2) throw_error(std::invalid_argument("ouro: a generation is 0, 1 or 2"));
}

template <class F>
void walk_live(heap_core& heap, F f) {
  auto const visit = [&](object_header* h) {
    if (state_of(*h) == object_state::live && h->slot != slot_condemned) f(h);
  };
  walk_pages(heap, true, visit);
  for (side_record const* side = heap.tracked_leaves; side != nullptr; side = side->next) visit(side->header);
}

/// Tracked objects that have been made since the last collection and live.
inline std::size_t count_newborn(heap_core& heap) {
  std::size_t newborn = 0;
  walk_live(heap, [&](object_header* h) { newborn += type_of(h).tracked() && birth_of(heap, *h) > heap.epoch.middle; });
  return newborn;
}

/// Gives the targets of an object's handles to a function.
template <class F>
struct edge_visitor {
  F f;
  void on_edge(edge const& e) noexcept { f(resolve(e.target)); }
};

template <class F>
void visit_edges(object_header* h, F f) {
  type_descriptor const& type = type_of(h);
  if (!type.tracked() && (h->flags & flag_side) == 0) return;
  edge_visitor<F> visitor{f};
  edge_stream<edge_visitor<F>> stream(visitor, trace_pass::visit, heap_of(h));
  tracing_scope scope;
  stream.trace(type, h);
  stream.drain();
}

/// A list of headers that the collector's own walk can fill: it reports a shortage of memory at the end.
class header_list {
 public:
  explicit header_list(heap_core& heap) noexcept : list_(heap.work_chunks) {}
  void add(object_header* h) noexcept { complete_ = list_.push(h) && complete_; }
  std::vector<gc_ptr<void>> handles() {
    if (!complete_) throw_bad_alloc();
    std::vector<gc_ptr<void>> result;
    result.reserve(list_.size());
    list_.for_each([&](object_header* h) { result.push_back(handle_access::share<void>(h)); });
    return result;
  }

 private:
  chunk_list<object_header*> list_;
  bool complete_ = true;
};

}  // namespace detail

namespace gc {

/// Collects a generation and all younger ones; returns the number of objects found unreachable, those that only hang on
/// a cycle included, resurrected ones not.
///
/// Works while automatic collection is disabled or paused. Skips what is frozen. Returns 0 inside destructors,
/// finalizers, callbacks and traces of GC objects. Runs destructors and finalizers. Throws `std::invalid_argument`.
/// Complexity: linear in the objects of the generation and their handles. CPython: `gc.collect`.
inline std::size_t collect(int generation = 2) {
  detail::check_generation(generation);
  detail::heap_user keep(detail::current_heap());
  return detail::collect(detail::current_heap(), generation, detail::seeds::pages);
}

/// Allows automatic collections, as is the default. CPython: `gc.enable`.
inline void enable() { detail::current_heap().enabled = true; }
/// Forbids automatic collections; explicit ones still work. CPython: `gc.disable`.
inline void disable() { detail::current_heap().enabled = false; }
/// Are automatic collections allowed? CPython: `gc.isenabled`.
inline bool is_enabled() { return detail::current_heap().enabled; }

/// Fixes when to collect, as CPython does: generation 0 once t0 more tracked objects live than after the last
/// collection (0: never; 1: at every allocation of a tracked type), generation 1 after more than t1 collections of
/// generation 0, generation 2 after more than t2 of generation 1 and a growth by a quarter.
///
/// Without this call ouro decides by bytes and by what collections find, which is faster: afterwards every allocation
/// of the heap takes the slow path, and there is no way back. CPython: `gc.set_threshold`.
inline void set_threshold(std::size_t t0, std::size_t t1 = 10, std::size_t t2 = 10) {
  detail::heap_core& heap = detail::current_heap();
  if (!heap.counting) {
    std::size_t const newborn = detail::count_newborn(heap);
    detail::start_counting(heap);
    heap.count0_base = detail::tracked_objects(heap) - newborn;
    detail::set_current(detail::this_thread_state(), &heap);
  }
  heap.threshold = {t0, t1, t2};
}

/// Before `set_threshold` the first figure is only where CPython begins.
inline std::array<std::size_t, 3> get_threshold() { return detail::current_heap().threshold; }

/// Tracked objects made and not freed since the last collection; collections of generation 0 since the last of
/// generation 1; collections of generation 1 since the last of generation 2. CPython: `gc.get_count`.
inline std::array<std::size_t, 3> get_count() {
  detail::heap_core& heap = detail::current_heap();
  if (!heap.counting) return {detail::count_newborn(heap), heap.count1, heap.count2};
  std::size_t const tracked = detail::tracked_objects(heap);
  heap.count0_base = detail::smaller(heap.count0_base, tracked);
  return {tracked - heap.count0_base, heap.count1, heap.count2};
}

/// For each generation what its collections did so far. CPython: `gc.get_stats`.
inline std::array<generation_stats, 3> get_stats() { return detail::current_heap().stats; }

/// Handles to all tracked objects of a generation, or with -1 of all; objects that are being built or are dying are
/// left out. Throws `std::invalid_argument`, `std::bad_alloc`. O(objects). CPython: `gc.get_objects`.
inline std::vector<gc_ptr<void>> get_objects(int generation = -1) {
  if (generation != -1) detail::check_generation(generation);
  detail::heap_core& heap = detail::current_heap();
  detail::header_list found(detail::current_heap());
  detail::walk_live(heap, [&](detail::object_header* h) {
    std::uint16_t const birth = detail::birth_of(heap, *h);
    bool const frozen = birth <= heap.epoch.frozen;
    if (generation == -1 || (!frozen && heap.epoch.generation_of(birth) == generation)) found.add(h);
  });
  return found.handles();
}

/// The tracked objects of the heap that hold a handle to one of the arguments, each once. Throws `std::bad_alloc`.
/// O(objects and handles). CPython: `gc.get_referrers`.
template <class... P>
std::vector<gc_ptr<void>> get_referrers(P const&... p) {
  std::array<detail::object_header*, sizeof...(P)> const targets{detail::handle_access::header(p)...};
  detail::header_list found(detail::current_heap());
  detail::walk_live(detail::current_heap(), [&](detail::object_header* h) {
    bool refers = false;
    detail::visit_edges(h, [&](detail::object_header* to) {
      for (detail::object_header* target : targets) refers = refers || target == to;
    });
    if (refers) found.add(h);
  });
  return found.handles();
}

/// What the arguments hold handles to, one entry for each handle. Throws `std::bad_alloc`. CPython: `gc.get_referents`.
template <class... P>
std::vector<gc_ptr<void>> get_referents(P const&... p) {
  detail::header_list found(detail::current_heap());
  for (detail::object_header* h : std::initializer_list<detail::object_header*>{detail::handle_access::header(p)...}) {
    if (h != nullptr) detail::visit_edges(h, [&](detail::object_header* to) { found.add(to); });
  }
  return found.handles();
}

/// False for null and for leaves, unless they are keys of a weak_key_map whose values hold handles. CPython:
/// `gc.is_tracked`.
template <class T>
bool is_tracked(gc_ptr<T> const& p) {
  detail::object_header* const h = detail::handle_access::header(p);
  return h != nullptr && (detail::type_of(h).tracked() || h->slot != detail::slot_leaf);
}

/// True once `gc_finalize` of the object has been called. CPython: `gc.is_finalized`.
template <class T>
bool is_finalized(gc_ptr<T> const& p) {
  detail::object_header* const h = detail::handle_access::header(p);
  return h != nullptr && (h->flags & detail::flag_finalized) != 0;
}

/// All objects that live now are left out of collections, until `unfreeze`. O(1) amortised. CPython: `gc.freeze`.
inline void freeze() {
  detail::heap_core& heap = detail::current_heap();
  heap.epoch.frozen = heap.epoch.old = heap.epoch.middle = heap.epoch.now;
  detail::next_epoch(heap);
}
/// Puts frozen objects into generation 2. O(1). CPython: `gc.unfreeze`.
inline void unfreeze() {
  detail::heap_core& heap = detail::current_heap();
  heap.old_fell |= heap.epoch.frozen != 0;  // collections in between have forgotten whose count fell
  heap.epoch.frozen = 0;
}

/// The number of frozen objects. O(objects). CPython: `gc.get_freeze_count`.
inline std::size_t get_freeze_count() {
  detail::heap_core& heap = detail::current_heap();
  std::size_t frozen = 0;
  if (heap.epoch.frozen != 0) {
    detail::walk_live(heap,
                      [&](detail::object_header* h) { frozen += detail::birth_of(heap, *h) <= heap.epoch.frozen; });
  }
  return frozen;
}

/// Called before and after every collection, in order; what they throw goes to the unraisable hook. They may change
/// this list; the change counts from the next phase on. CPython: `gc.callbacks`.
inline callback_list& callbacks() { return detail::module_of(detail::current_heap()).callbacks; }

/// What collections have found while `debug_flags::saveall` was set; yours to look at and to clear. CPython:
/// `gc.garbage`.
inline std::vector<gc_ptr<void>>& garbage() { return detail::module_of(detail::current_heap()).garbage; }

/// Sets what collections print and keep. Throws `std::bad_alloc`. CPython: `gc.set_debug`.
inline void set_debug(debug_flags flags) {
  detail::module_of(detail::current_heap());
  detail::current_heap().debug = static_cast<unsigned>(flags);
}
/// The flags that `set_debug` has set. CPython: `gc.get_debug`.
inline debug_flags get_debug() { return static_cast<debug_flags>(detail::current_heap().debug); }

/// Who is told of exceptions in finalizers and callbacks, and of misuse that was found; null: print to the standard
/// error stream. Returns the one before. The hook may not collect, and what it throws is printed. CPython:
/// `sys.unraisablehook`.
inline unraisable_hook set_unraisable_hook(unraisable_hook hook) {
  return detail::replace(detail::current_heap().hook, hook);
}

/// Forbids automatic collections of the current heap while it lives; explicit ones work. Scopes nest.
struct pause_scope {
  pause_scope() : core_(detail::current_heap()), keep_(core_) { ++core_.paused; }
  pause_scope(pause_scope const&) = delete;
  pause_scope& operator=(pause_scope const&) = delete;
  ~pause_scope() { --core_.paused; }

 private:
  detail::heap_core& core_;
  detail::heap_user keep_;
};

}  // namespace gc
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_GC_HPP

// A callable whose captures are traced, so that an object and a function that captures it can be collected together.
#ifndef OURO_GC_FUNCTION_HPP
#define OURO_GC_FUNCTION_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// As `std::function<R(A...)>`, made of a stateless callable and a list of captures: `gc_function<R(A...)>(f,
/// captures...)` calls `f(captures&..., args...)`.
///
/// A lambda's captures cannot be seen from outside, so the lambda captures nothing and takes them as parameters. Copies
/// copy the captures. It must not be assigned to or destroyed by its own call. Exceptions of copies: those of the
/// captures, and `std::bad_alloc`. Thread rule: that of the handles it holds. CPython's counterpart is a function with
/// a `__closure__`, or `functools.partial`.
template <class R, class... A>
class gc_function<R(A...)> {
  struct closure_base {
    virtual R call(A... args) = 0;
    virtual closure_base* clone() const = 0;
    virtual void trace(tracer& t) const noexcept = 0;
    virtual void empty_keyed(tracer& t) const noexcept = 0;
    virtual bool is_plain() const noexcept = 0;
    virtual ~closure_base() = default;
  };

  template <class F, class... Captures>
  struct closure final : closure_base {
    template <class... C>
    explicit closure(F f, C&&... c) : callable(std::move(f)), captures(std::forward<C>(c)...) {}

    R call(A... args) override {
      return std::apply(
          [&](Captures&... c) -> R {
            if constexpr (std::is_void_v<R>) {
              std::invoke(callable, c..., std::forward<A>(args)...);
            } else {
              return std::invoke(callable, c..., std::forward<A>(args)...);
            }
          },
          captures);
    }
    closure_base* clone() const override { return new closure(*this); }
    void trace(tracer& t) const noexcept override { detail::trace_value(captures, t); }
    void empty_keyed(tracer& t) const noexcept override {
      if constexpr (detail::has_keyed_container<std::tuple<Captures...>>) detail::trace_value(captures, t);
    }

    bool is_plain() const noexcept override {
      using all = std::tuple<Captures...>;
      return !detail::is_hand_traced<all> && !detail::has_keyed_container<all>;
    }

    [[no_unique_address]] F callable;
    std::tuple<Captures...> captures;
  };

 public:
  /// Empty.
  gc_function() noexcept = default;
  /// Empty.
  gc_function(std::nullptr_t) noexcept {}

  /// Of a stateless callable (a lambda without captures, or a pointer to a function or member; a null one makes it
  /// empty) and copies of the captures. Throws `std::bad_alloc`, and what copying the captures throws.
  template <class F, class... C>
    requires(!std::same_as<std::remove_cvref_t<F>, gc_function> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, std::decay_t<C>&..., A...>)
  gc_function(F&& f, C&&... captures)
      : closure_(is_null(f) ? nullptr
                            : new closure<std::decay_t<F>, std::decay_t<C>...>(std::forward<F>(f),
                                                                               std::forward<C>(captures)...)) {
    static_assert(
        std::is_empty_v<std::decay_t<F>> || std::is_pointer_v<std::decay_t<F>> ||
            std::is_member_pointer_v<std::decay_t<F>>,
        "ouro: the callable of a gc_function must be stateless, since its captures cannot be traced; pass them "
        "beside it: gc_function<R(A...)>([](auto& capture, A... args) { ... }, capture)");
    (detail::assert_traceable<std::decay_t<C>>(), ...);
  }

  /// With copies of the captures.
  gc_function(gc_function const& other) : closure_(other.closure_ ? other.closure_->clone() : nullptr) {}
  /// Takes callable and captures over; `other` is empty afterwards.
  gc_function(gc_function&& other) noexcept = default;
  /// Drops what it held. Copying the argument may throw, and changes nothing then.
  gc_function& operator=(gc_function other) noexcept {
    swap(other);
    return *this;
  }
  ~gc_function() = default;

  /// Calls it. Throws `std::bad_function_call` if it is empty, and what the callable throws.
  R operator()(A... args) const {
    if (closure_ == nullptr) detail::throw_error(std::bad_function_call());
    return closure_->call(std::forward<A>(args)...);
  }
  /// Is it not empty?
  explicit operator bool() const noexcept { return closure_ != nullptr; }
  friend bool operator==(gc_function const& f, std::nullptr_t) noexcept { return f.closure_ == nullptr; }

  /// Exchanges two of them.
  void swap(gc_function& other) noexcept { closure_.swap(other.closure_); }
  friend void swap(gc_function& a, gc_function& b) noexcept { a.swap(b); }

 private:
  template <class F>
  static bool is_null([[maybe_unused]] F const& f) noexcept {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) {
      return f == nullptr;
    } else {
      return false;
    }
  }

  friend struct detail::handle_traits<gc_function>;
  std::unique_ptr<closure_base> closure_;
};

namespace detail {

template <class Signature>
struct handle_traits<gc_function<Signature>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = true;  // some capture may be
  static constexpr bool has_keyed_container = true;

  /// Is tracing it free of code that users wrote, and of keyed containers?
  static bool is_plain(gc_function<Signature> const& f) noexcept {
    return f.closure_ == nullptr || f.closure_->is_plain();
  }

  static void trace(gc_function<Signature> const& f, tracer& t) noexcept {
    if (f.closure_ == nullptr) return;
    if (tracer_access::pass(t) == trace_pass::clear_keyed) {
      f.closure_->empty_keyed(t);
    } else {
      f.closure_->trace(t);
    }
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_GC_FUNCTION_HPP

// The garbage-collected object of a generator: its state and, in the same block, the frame of its coroutine.
//
//   | length of the frame | header | shell | frame | marks: a bit for each word of the frame |
//
// The shell outlives the frame, which is destroyed as soon as the body has ended. A mark says that a local anchor
// begins at that word: a local variable that wants to be traced. Everything else in the frame is traced by the address
// that the promise noted (parameters), or not at all.
#ifndef OURO_DETAIL_GENERATOR_SHELL_HPP
#define OURO_DETAIL_GENERATOR_SHELL_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

enum class generator_state : std::uint8_t {
  entered,     // it has been started: its body is at a co_yield, or runs
  attached,    // the same, and another generator, its parent, delegates to it
  busy,        // it is being closed, or one that it delegates to is advanced without it
  orphaned,    // its body runs, and its last handle has gone
  fresh,       // not started
  delegating,  // its body has just asked for the elements of `child`
  finished,    // the body has ended; the frame is gone, or is being destroyed by somebody else
  ending,      // the body has ended, and its frame destroys itself
  building     // the frame is being made
};

/// What it takes to resume a body.
struct generator_front {
  std::coroutine_handle<> frame;
  // What the body has yielded. Null while it runs or delegates, and when it has ended; the front itself when what it
  // delegated to has been ended by somebody else.
  void* value = nullptr;
};
/// Never at an element, and never written: all threads share it.
OURO_VISIBLE inline constinit generator_front no_front{};

struct alignas(16) generator_shell : generator_front {
  // Of the innermost generator that it delegates to: if that is at an element, this one can be advanced at once.
  // `no_front` while it is attached or orphaned, or one that it delegates to is advanced without it.
  generator_front* leaf = this;
  generator_shell* parent = nullptr;  // who delegates to this one
  gc_ptr<generator_shell> child;      // to whom this one delegates
  void (*trace_parameters)(void* frame, tracer&) noexcept = nullptr;
  std::exception_ptr error;  // out of the body; or on the way into it
  generator_state state = generator_state::building;
  bool was_orphaned = false;
};

/// With what is sent. All generators of a chain of delegation agree on its type.
template <class Send>
struct sending_shell : generator_shell {
  Send* sent = nullptr;
};
template <>
struct sending_shell<void> : generator_shell {};

/// With the place for what `co_return` gives.
template <class Ret, class Send>
struct generator_shell_of : sending_shell<Send> {
  std::optional<Ret> result;
};
template <class Send>
struct generator_shell_of<void, Send> : sending_shell<Send> {};

/// Is there a body that has not ended?
inline bool has_frame(generator_shell const& s) noexcept { return s.state < generator_state::finished; }
/// While there are elements the first look, at what was read to advance it, decides.
inline bool has_ended(generator_shell const* s) noexcept {
  return s == nullptr || (s->leaf->value == nullptr && !has_frame(*s));
}

/// Precondition: its leaf is not `no_front`.
inline generator_shell& leaf_of(generator_shell const& s) noexcept { return static_cast<generator_shell&>(*s.leaf); }

inline bool is_running(generator_shell const& s) noexcept {
  return s.state == generator_state::busy || s.state == generator_state::orphaned ||
         (s.state == generator_state::entered && s.leaf->value == nullptr);
}

/// Does somebody come back to it who does not count as a handle?
inline bool is_in_use(generator_shell const& s) noexcept { return is_running(s) || s.state == generator_state::ending; }

/// Does it run, or one that delegates to it?
inline bool is_running_in_chain(generator_shell const& s) noexcept {
  generator_shell const* one = &s;
  while (one->parent != nullptr && !is_running(*one)) one = one->parent;
  return is_running(*one);
}

/// The innermost generator that it delegates to, or itself, by way of all that lie between. Linear in their number.
inline generator_shell& find_leaf(generator_shell& s) noexcept {
  generator_shell* one = &s;
  while (one->child != nullptr && one->child->parent == one) one = one->child.get();
  return *one;
}

/// The generator that yields for this one. O(1) unless others delegate to it.
/// Precondition: it is entered or attached.
inline generator_shell const& innermost(generator_shell const& s) noexcept {
  return s.state == generator_state::attached ? find_leaf(const_cast<generator_shell&>(s)) : leaf_of(s);
}

/// The same out of line, for loops in which it is rare.
OURO_DETAIL_NOINLINE inline generator_shell const& innermost_far(generator_shell const& s) noexcept {
  return innermost(s);
}

inline bool is_at_element(generator_shell const* s) noexcept {
  if (s == nullptr || s->state > generator_state::attached || is_running_in_chain(*s)) return false;
  generator_shell const& leaf = innermost(*s);
  return leaf.value != &leaf;
}

/// The same address, of which the optimiser knows nothing any more. Clang takes the promise and the locals of a
/// coroutine for variables on the stack until it lays out the frame, and deletes what is stored through addresses
/// computed from theirs.
inline void* launder_address(void const* address) noexcept {
#if defined(__GNUC__)
  void* result = const_cast<void*>(address);
  asm volatile("" : "+r"(result) : : "memory");
  return result;
#else
  void* volatile result = const_cast<void*>(address);
  return result;
#endif
}

// --- locals ---------------------------------------------------------------------------------------------------------

inline constexpr std::size_t word_bytes = sizeof(void*);

constexpr std::size_t words_in(std::size_t bytes) noexcept { return (bytes + word_bytes - 1) / word_bytes; }
constexpr std::size_t mark_bytes(std::size_t frame_bytes) noexcept { return (words_in(frame_bytes) + 63) / 64 * 8; }

inline std::size_t frame_bytes_of(generator_shell const& s) noexcept { return length_of(header_of(&s)); }

/// Frames begin 16-aligned, so that the marks behind them may be 8-aligned words.
inline std::uint64_t* marks_of(generator_shell const& s) noexcept {
  std::size_t const rounded = (frame_bytes_of(s) + 7) / 8 * 8;
  return reinterpret_cast<std::uint64_t*>(static_cast<char*>(s.frame.address()) + rounded);
}

/// Where in the frame an address lies, or the frame's size or more.
inline std::size_t offset_in_frame(generator_shell const& s, void const* address) noexcept {
  return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(address) -
                                  reinterpret_cast<std::uintptr_t>(s.frame.address()));
}

/// The generator whose frame contains an address, or null; parameters, which are made before their frame is ready, do
/// not count.
inline generator_shell* find_generator(void const* address) noexcept {
  object_header* const h = find_block(address);
  if (h == nullptr || !type_of(h).is_generator()) return nullptr;
  auto* const s = static_cast<generator_shell*>(object_of(h));
  return s->state != generator_state::building && offset_in_frame(*s, address) < frame_bytes_of(*s) ? s : nullptr;
}

/// What makes a variable traced where it is a local of a generator: it marks the word at which it lies.
///
/// A handle follows it, or a pointer to a function that traces the whole variable.
class local_anchor {
 public:
  enum class kind : std::uintptr_t { handle = 0, polymorphic_handle = 1, value = 2 };
  using trace_function = void (*)(local_anchor const&, tracer&) noexcept;

  /// Its generator's trace reports it.
  bool is_marked() const noexcept { return (owner_ & ~kind_mask) != 0; }

  void trace_marked(tracer& t) const noexcept {
    void const* const next = this + 1;
    if (is(kind::value)) {
      trace_function trace = nullptr;
      std::memcpy(static_cast<void*>(&trace), next, sizeof trace);
      return trace(*this, t);
    }
    void** const slot = static_cast<void**>(const_cast<void*>(next));
    if (*slot == nullptr) return;
    if (OURO_DETAIL_HARDENED && *slot == reinterpret_cast<void*>(destroyed_handle)) {
      return tracer_access::report_destroyed(t);
    }
    tracer_access::report(
        t, slot, is(kind::polymorphic_handle) ? edge_target_polymorphic(*slot) : edge_target(header_of(*slot)));
  }

 protected:
  local_anchor() = default;
  local_anchor(local_anchor const&) = delete;
  local_anchor& operator=(local_anchor const&) = delete;
  ~local_anchor() = default;

  /// Called when the variable is complete.
  void mark(kind k) noexcept {
    void* const here = launder_address(this);
    generator_shell* const owner = find_generator(here);
    if (owner == nullptr) return;
    std::size_t const word = offset_in_frame(*owner, here) / word_bytes;
    marks_of(*owner)[word / 64] |= std::uint64_t{1} << word % 64;
    owner_ = reinterpret_cast<std::uintptr_t>(owner) | static_cast<std::uintptr_t>(k);
  }
  /// Called before any part of it is destroyed. Goes by the owner it found, whoever runs now.
  void unmark() noexcept {
    if (!is_marked()) return;
    auto const& owner = *reinterpret_cast<generator_shell*>(owner_ & ~kind_mask);
    std::size_t const word = offset_in_frame(owner, launder_address(this)) / word_bytes;
    marks_of(owner)[word / 64] &= ~(std::uint64_t{1} << word % 64);
    owner_ = 0;
  }

 private:
  static constexpr std::uintptr_t kind_mask = 3;
  bool is(kind k) const noexcept { return (owner_ & kind_mask) == static_cast<std::uintptr_t>(k); }

  std::uintptr_t owner_ = 0;
};
static_assert(sizeof(local_anchor) == word_bytes);

inline void trace_locals(generator_shell const& s, tracer& t) noexcept {
  std::uint64_t const* const marks = marks_of(s);
  char const* const frame = static_cast<char const*>(s.frame.address());
  for (std::size_t i = 0, n = mark_bytes(frame_bytes_of(s)) / 8; i != n; ++i) {
    for (std::uint64_t rest = marks[i]; rest != 0; rest &= rest - 1) {
      std::size_t const word = i * 64 + static_cast<std::size_t>(std::countr_zero(rest));
      reinterpret_cast<local_anchor const*>(frame + word * word_bytes)->trace_marked(t);
    }
  }
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_GENERATOR_SHELL_HPP

// Which parameters of a generator hold handles, and where in its frame they lie.
#ifndef OURO_DETAIL_GENERATOR_PARAMETERS_HPP
#define OURO_DETAIL_GENERATOR_PARAMETERS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class Arg>
constexpr bool is_traced_parameter() {
  if constexpr (std::is_reference_v<Arg>) {
    return false;
  } else if constexpr (!traceable<std::remove_cv_t<Arg>>) {
    return false;  // a root, as a local variable is
  } else {
    return ouro::is_traced<Arg>;
  }
}
template <class Arg>
inline constexpr bool is_kept_parameter = std::is_reference_v<Arg> && !std::is_function_v<std::remove_reference_t<Arg>>;

/// Coroutine frames begin at what the allocation gives, and no compiler aligns their parts to more.
template <class Arg>
constexpr bool is_aligned_in_frame() {
  if constexpr (std::is_reference_v<Arg>) {
    return true;
  } else {
    return alignof(Arg) <= alignof(generator_shell);
  }
}

/// A handle to the object that an address lies in, if it is one. Generators are left out: what lies in a frame does not
/// live as long as the shell.
inline gc_ptr<void> keep_owner(void const* address) noexcept {
  object_header* const h = find_block(address);
  if (h == nullptr || type_of(h).is_generator()) return nullptr;
  object_state const state = state_of(*h);
  if (state != object_state::live && state != object_state::constructing) return nullptr;
  return handle_access::share<void>(h);
}

/// Finds and traces what the parameters of a coroutine hold: those by value at their place in the frame, and the
/// objects that references and `*this` point into.
template <class... Args>
class generator_parameters {
 public:
  /// `a`: the parameters as the compiler gives them to the promise, those by value as copies in the frame. Clang leaves
  /// out the closure of a lambda.
  template <class... A>
  void find([[maybe_unused]] generator_shell const& s, A&... a) noexcept {
    static_assert(sizeof...(A) == sizeof...(Args) || sizeof...(A) + 1 == sizeof...(Args));
    void const* addresses[sizeof...(Args) + 1] = {};
    std::size_t next = sizeof...(Args) - sizeof...(A);
    ((addresses[next++] = address_of(a)), ...);
    next = 0;
    [[maybe_unused]] std::size_t value = 0;
    [[maybe_unused]] std::size_t owner = 0;
    (note<Args>(s, addresses[next++], value, owner), ...);
  }

  void trace([[maybe_unused]] char const* frame, tracer& t) const noexcept {
    [[maybe_unused]] std::size_t value = 0;
    (trace_one<Args>(frame, value, t), ...);
    for (gc_ptr<void> const& owner : owners_) trace_value(owner, t);
  }

  static constexpr std::size_t traced = (std::size_t{is_traced_parameter<Args>()} + ... + 0);
  static constexpr std::size_t kept = (std::size_t{is_kept_parameter<Args>} + ... + 0);

 private:
  template <class A>
  static void const* address_of([[maybe_unused]] A& a) noexcept {
    if constexpr (std::is_function_v<A>) {
      return nullptr;
    } else {
      return launder_address(const_cast<void const*>(static_cast<void const volatile*>(std::addressof(a))));
    }
  }

  template <class Arg>
  void note([[maybe_unused]] generator_shell const& s, [[maybe_unused]] void const* address,
            [[maybe_unused]] std::size_t& value, [[maybe_unused]] std::size_t& owner) noexcept {
    if constexpr (is_traced_parameter<Arg>()) {
      std::size_t const offset = offset_in_frame(s, address);
      offsets_[value++] = offset < frame_bytes_of(s) ? static_cast<std::uint32_t>(offset) : 0;
    } else if constexpr (is_kept_parameter<Arg>) {
      owners_[owner++] = keep_owner(address);
    }
  }

  template <class Arg>
  void trace_one([[maybe_unused]] char const* frame, [[maybe_unused]] std::size_t& value,
                 [[maybe_unused]] tracer& t) const noexcept {
    if constexpr (is_traced_parameter<Arg>()) {
      std::uint32_t const offset = offsets_[value++];
      if (offset != 0) trace_value(*reinterpret_cast<std::remove_cv_t<Arg> const*>(frame + offset), t);
    }
  }

  [[no_unique_address]] std::array<gc_ptr<void>, kept> owners_{};
  [[no_unique_address]] std::array<std::uint32_t, traced> offsets_{};  // 0: not in the frame
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_GENERATOR_PARAMETERS_HPP

// How generators run, delegate to one another, end and die: what their shells do, and what the collector does with them.
//
//   root --leaf------------------------------+
//    |                                       v
//    +--child--> attached --child--> attached, which yields
//       <-------- parent <--------- parent
//
// Resuming the root resumes the leaf. Nothing is counted meanwhile: `value` is null while a body runs, and set when it has
// come back with an element.
#ifndef OURO_DETAIL_GENERATOR_RUN_HPP
#define OURO_DETAIL_GENERATOR_RUN_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Keeps a generator from dying. Unlike the drop of a handle, its end is no reason to suspect a garbage cycle.
class pinned_generator {
 public:
  explicit pinned_generator(generator_shell& s) noexcept : header_(header_of(&s)) {
    if (!replace(s.was_orphaned, false)) add_reference(header_);
  }
  pinned_generator(pinned_generator const&) = delete;
  pinned_generator& operator=(pinned_generator const&) = delete;
  ~pinned_generator() {
    if (holds_last()) {
      drop_reference(header_);
    } else if (!is_sticky(*header_)) {
      --header_->word;
    }
  }
  bool holds_last() const noexcept { return count_of(*header_) == 1; }

 private:
  object_header* header_;
};

/// An iterator's share in its generator.
///
/// Its end is no reason to suspect a garbage cycle as long as no collection has been since it began: what has been
/// dropped meanwhile is still noted. So a loop over a fresh generator leaves no candidate behind.
class generator_share {
 public:
  generator_share() noexcept = default;
  explicit generator_share(gc_ptr<generator_shell> const& shell) noexcept
      : shell_(shell.get()), epoch_(this_thread_state().fresh.slot) {
    retain();
  }
  generator_share(generator_share const& other) noexcept : shell_(other.shell_), epoch_(other.epoch_) { retain(); }
  generator_share(generator_share&& other) noexcept : shell_(replace(other.shell_, nullptr)), epoch_(other.epoch_) {}
  generator_share& operator=(generator_share other) noexcept {
    shell_ = replace(other.shell_, shell_);
    epoch_ = replace(other.epoch_, epoch_);
    return *this;
  }
  OURO_DETAIL_INLINE ~generator_share() {
    if (shell_ != nullptr) release(header_of(shell_), epoch_);
  }

  generator_shell* get() const noexcept { return shell_; }
  generator_shell* operator->() const noexcept { return shell_; }

 private:
  void retain() const noexcept {
    if (shell_ != nullptr) add_reference(header_of(shell_));
  }
  OURO_DETAIL_INLINE static void release(object_header* h, std::uint16_t epoch) noexcept {
    check_handle(h);
    bool const is_last = (h->word & ~slow_word) == 0;
    if (is_last || epoch != this_thread_state().fresh.slot) return drop_reference(h);
    --h->word;
  }

  generator_shell* shell_ = nullptr;
  std::uint16_t epoch_ = 0;
};

OURO_DETAIL_NOINLINE inline void close_chain(generator_shell& s) noexcept {
  s.state = generator_state::busy;
  while (true) {
    generator_shell& leaf = leaf_of(s);
    leaf.value = nullptr;
    if (has_frame(leaf)) {
      leaf.state = generator_state::finished;
      leaf.frame.destroy();
    }
    leaf.child.reset();
    if (&leaf == &s) return;
    leaf.leaf = &leaf;
    s.leaf = replace(leaf.parent, nullptr);
  }
}

/// Destroys the frame of a generator, and those of the ones that it delegates to, innermost first.
/// Precondition: nobody runs it or delegates to it, and it does not die meanwhile.
inline void close(generator_shell& s) noexcept {
  if (!has_frame(s)) return;
  if (s.leaf != &s || s.child != nullptr) return close_chain(s);
  s.value = nullptr;
  s.state = generator_state::finished;
  s.frame.destroy();
}

/// Goes on, after a resumption that has not yielded, until some body in the chain yields; false when that of the root
/// has ended. A loop and no symmetric transfer: that one needs stack where it is not optimised.
inline bool settle(generator_shell& root) noexcept {
  while (true) {
    if (root.leaf->frame == nullptr) [[unlikely]] {
      if (root.state == generator_state::orphaned) root.state = generator_state::entered;
      root.leaf = &find_leaf(root);
    }
    generator_shell& leaf = leaf_of(root);
    if (leaf.value != nullptr) return true;
    if (leaf.state == generator_state::delegating) {
      leaf.state = &leaf == &root ? generator_state::entered : generator_state::attached;
      generator_shell& child = *leaf.child;
      child.parent = &leaf;
      child.state = generator_state::attached;
      root.leaf = replace(child.leaf, &no_front);
      root.leaf->value = nullptr;
    } else if (&leaf == &root) {
      return false;
    } else {
      leaf.leaf = &leaf;
      root.leaf = replace(leaf.parent, nullptr);
    }
    root.leaf->frame.resume();
  }
}

/// What is left to do when the body has ended, or nobody holds the generator any more. Throws what came out of the
/// body.
inline bool leave(generator_shell& s) {
  pinned_generator const pin(s);
  if (has_frame(s)) {
    s.state = generator_state::entered;
    return !pin.holds_last();
  }
#if OURO_DETAIL_EXCEPTIONS
  if (s.error != nullptr) std::rethrow_exception(replace(s.error, nullptr));
#endif
  return false;
}

OURO_DETAIL_NOINLINE inline bool run_on(generator_shell& s) { return (settle(s) && !s.was_orphaned) || leave(s); }

/// Runs a generator to its next element by way of the body that is to go on; false at the end. Precondition: no value.
OURO_DETAIL_INLINE bool resume(generator_shell& s, std::coroutine_handle<> frame) {
  frame.resume();
  if (s.leaf->value == nullptr) [[unlikely]]
    return run_on(s);
  return true;
}

/// The same for a generator that is at an element.
OURO_DETAIL_INLINE bool run(generator_shell& s) {
  s.leaf->value = nullptr;
  return resume(s, s.leaf->frame);
}

[[noreturn]] void throw_running();

/// Makes an attached generator the root of a chain of its own for a while, so that it can be advanced or closed from
/// outside. Throws when it runs already. Complexity: linear in the number of generators that wait for it.
class detached_generator {
 public:
  explicit detached_generator(generator_shell& s)
      : shell_(s), parent_(*s.parent), root_(idle_root(parent_)), pin_(*root_) {
    set_waiting(generator_state::busy, generator_state::busy);
    s.leaf = replace(root_->leaf, &no_front);
    s.parent = nullptr;
    s.state = generator_state::entered;
  }
  detached_generator(detached_generator const&) = delete;
  detached_generator& operator=(detached_generator const&) = delete;
  ~detached_generator() {
    set_waiting(generator_state::entered, generator_state::attached);
    if (has_frame(shell_)) {
      root_->leaf = replace(shell_.leaf, &no_front);
      shell_.parent = &parent_;
      shell_.state = generator_state::attached;
    } else {
      root_->leaf = &parent_;
      parent_.value = &parent_;
    }
  }

 private:
  static generator_shell* idle_root(generator_shell& s) {
    generator_shell* root = &s;
    while (root->parent != nullptr) root = root->parent;
    if (is_running(*root)) throw_running();
    return root;
  }
  void set_waiting(generator_state root, generator_state between) noexcept {
    for (generator_shell* s = &parent_; s != nullptr; s = s->parent) s->state = s->parent == nullptr ? root : between;
  }

  generator_shell& shell_;
  generator_shell& parent_;
  generator_shell* root_;
  pinned_generator const pin_;
};

/// A generator that has not started.
template <class Prepare>
OURO_DETAIL_INLINE bool start(generator_shell& s, Prepare prepare) {
  prepare(s);
  s.state = generator_state::entered;
  return resume(s, s.frame);
}

template <class Prepare>
OURO_DETAIL_NOINLINE bool advance_specially(generator_shell& s, Prepare prepare) {
  if (is_running(s)) throw_running();
  if (!has_frame(s)) return false;
  if (s.state == generator_state::fresh) return start(s, prepare);
  pinned_generator const pin(s);
  {
    detached_generator const alone(s);
    prepare(leaf_of(s));
    run(s);
  }  // if the body has dropped those that wait for it, they have closed it now
  return has_frame(s) && !pin.holds_last();
}

/// Runs a generator to its next element, after `prepare` has left in the innermost one what its body is to find. False
/// at the end.
template <class Prepare>
OURO_DETAIL_INLINE bool advance(generator_shell& s, Prepare prepare) {
  check_handle(header_of(&s));
  if (s.leaf->value == nullptr) [[unlikely]]
    return advance_specially(s, prepare);
  prepare(leaf_of(s));
  return run(s);
}

/// The same, faster for one that has not started.
template <class Prepare>
OURO_DETAIL_INLINE bool start_or_advance(generator_shell& s, Prepare prepare) {
  if (s.state != generator_state::fresh) return advance(s, prepare);
  check_handle(header_of(&s));
  return start(s, prepare);
}

/// Closes a generator that may be in use. Throws when it runs.
inline void close_from_outside(generator_shell& s) {
  if (is_running(s)) throw_running();
  if (!has_frame(s)) return;
  pinned_generator const pin(s);
  if (s.state != generator_state::attached) return close(s);
  detached_generator const alone(s);
  close(s);
}

// --- as an object of the collector ----------------------------------------------------------------------------------

template <class Ret, class Send>
struct generator_operations {
  using shell = generator_shell_of<Ret, Send>;
  static constexpr bool is_plain = false;

  /// Who runs it drops its last handle afterwards, in place of the one that has just gone.
  static bool defer_death(object_header* h) noexcept {
    auto& s = *static_cast<shell*>(object_of(h));
    if (!is_in_use(s)) return false;
    set_count(*h, 1);
    if (s.state == generator_state::entered) s.leaf = &no_front;
    if (s.state != generator_state::ending) s.state = generator_state::orphaned;
    s.was_orphaned = true;
    return true;
  }
  static void die(object_header* h) noexcept {
    auto const& s = *static_cast<shell*>(object_of(h));
    if (s.leaf->value != nullptr || !defer_death(h)) detail::die<generator_operations>(h);  // at an element: not in use
  }
  OURO_DETAIL_INLINE static void destroy(object_header* h) noexcept {
    auto* const s = static_cast<shell*>(object_of(h));
    close(*s);
    std::destroy_at(s);
  }
  static void trace(object_header* h, tracer& t) noexcept {
    auto const& s = *static_cast<shell const*>(object_of(h));
    if (is_in_use(s)) tracer_access::report_in_use(t);
    if (has_frame(s)) {
      if (s.trace_parameters != nullptr) s.trace_parameters(s.frame.address(), t);
      trace_locals(s, t);
    }
    trace_value(s.child, t);
    if constexpr (!std::is_void_v<Ret>) trace_value(s.result, t);
  }
  // Those that others delegate to are closed by the outermost one, so that this takes time linear in all of them.
  static void finalize(void* object) {
    auto& s = *static_cast<shell*>(object);
    if (s.parent == nullptr) close(s);
  }
};

template <class Ret>
constexpr type_traits_set generator_traits_of() {
  unsigned traits = has_finalize | is_hand_written | has_destructor;
  if constexpr (!std::is_void_v<Ret>) {
    if (has_keyed_container<Ret>) traits |= has_keyed_parts;
  }
  return static_cast<type_traits_set>(traits);
}

/// Which traces a body's locals need is not known when the generator is made, so they are checked as if users wrote
/// them. No keyed container is left in a frame when the collector empties them: frames of garbage are destroyed before.
template <class Generator, class Ret, class Send, class Operations = generator_operations<Ret, Send>>
inline constinit type_descriptor const generator_descriptor = {&destroy_run<Operations>,
                                                               &trace_run<Operations>,
                                                               &Operations::die,
                                                               &Operations::finalize,
                                                               &object_operations<Generator>::name,
                                                               throw_function<generator_shell_of<Ret, Send>>(),
                                                               alignof(generator_shell),
                                                               true,
                                                               generator_traits_of<Ret>(),
                                                               &Operations::defer_death};

/// A block with a new shell; returns the place for the frame. Throws std::bad_alloc.
template <class Shell>
OURO_DETAIL_INLINE void* make_shell(type_descriptor const& type, std::size_t frame_bytes) {
  static_assert(alignof(Shell) == alignof(generator_shell),
                "ouro: the result of a generator is aligned to more than 16 bytes: return it in a gc_ptr");
  std::size_t const rounded = (frame_bytes + 7) / 8 * 8;
  std::size_t const marks = mark_bytes(frame_bytes);
  std::size_t const bytes = sizeof(Shell) + rounded + marks;
  std::size_t const block = block_size(alignof(generator_shell), true, bytes);
  object_header* const h = !OURO_DETAIL_SYSTEM_ALLOC && block <= largest_pooled_block
                               ? allocate<true>(type, bytes, static_cast<std::uint32_t>(block / array_class_bytes))
                               : allocate_slow(type, bytes);
  length_of(h) = frame_bytes;
  void* const frame = ::new (object_of(h)) Shell + 1;
  std::memset(static_cast<char*>(frame) + rounded, 0, marks);
  return frame;
}

/// The frame could not be finished: a parameter's copy or the promise has thrown.
template <class Shell>
void abandon_shell(Shell* s) noexcept {
  std::destroy_at(s);
  abandon(header_of(s));
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_GENERATOR_RUN_HPP

// Local variables of generators that the collector can follow.
#ifndef OURO_GC_LOCAL_HPP
#define OURO_GC_LOCAL_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// A `gc_ptr<T>` that is traced where it is a local variable of a generator: a cycle from the generator through it and
/// back is collected. A plain `gc_ptr` there keeps its object alive until the body's scope ends.
///
/// It goes by its address. As a variable of a generator's body, or as a part of one (an array, `std::optional`, a class
/// of yours) it is traced by the generator; as a part of an object by the object; anywhere else (on the stack, as an
/// element of a `std::vector`) it is an ordinary handle, and a root. Two pointers wide. Making and destroying one takes
/// some nanoseconds more than for a `gc_ptr`, using it nothing. Never throws. Thread rule as for `gc_ptr`. CPython:
/// every local variable.
template <class T>
class gc_local : detail::local_anchor, public gc_ptr<T> {
 public:
  gc_local() noexcept : gc_local(gc_ptr<T>()) {}
  /// Null.
  gc_local(std::nullptr_t) noexcept : gc_local(gc_ptr<T>()) {}
  /// Takes the handle over.
  gc_local(gc_ptr<T> handle) noexcept : gc_ptr<T>(std::move(handle)) {
    static_assert(sizeof(gc_local) == 2 * detail::word_bytes);
    mark(detail::points_into_objects<T>() ? kind::polymorphic_handle : kind::handle);
  }
  /// The same, of another type that converts.
  template <class U>
    requires(!std::is_same_v<U, T> && std::is_convertible_v<gc_ptr<U>, gc_ptr<T>>)
  gc_local(gc_ptr<U> handle) noexcept : gc_local(gc_ptr<T>(std::move(handle))) {}
  /// One more handle to the same object, which goes by its own address.
  gc_local(gc_local const& other) noexcept : gc_local(static_cast<gc_ptr<T> const&>(other)) {}
  /// Takes the handle over; `other` is null afterwards.
  gc_local(gc_local&& other) noexcept : gc_local(static_cast<gc_ptr<T>&&>(other)) {}
  ~gc_local() { unmark(); }

  using gc_ptr<T>::operator=;
  /// One more handle to the same object.
  gc_local& operator=(gc_local const& other) noexcept {
    gc_ptr<T>::operator=(other);
    return *this;
  }
  /// Takes the handle over; `other` is null afterwards.
  gc_local& operator=(gc_local&& other) noexcept {
    gc_ptr<T>::operator=(std::move(other));
    return *this;
  }

 private:
  friend struct detail::handle_traits<gc_local>;
};
/// Of the handle's type.
template <class T>
gc_local(gc_ptr<T>) -> gc_local<T>;

/// A value with handles in it, say a container, that is traced where it is a local variable of a generator. `*v` and
/// `v->` reach the value.
///
/// It goes by its address, as `gc_local` does; one pointer wider than the two and the value. Precondition: `V` is
/// traceable, and is not changed while the collector may run: its elements do not allocate when they are copied,
/// compared or destroyed. Exceptions: those of the value.
template <class V>
class gc_local_value : detail::local_anchor {
 public:
  gc_local_value() : gc_local_value(std::in_place) {}
  /// A copy of the value.
  gc_local_value(V const& value) : gc_local_value(std::in_place, value) {}
  /// Takes the value over.
  gc_local_value(V&& value) : gc_local_value(std::in_place, std::move(value)) {}
  /// The value is built with these arguments.
  template <class... A>
  explicit gc_local_value(std::in_place_t, A&&... args) : value_(std::forward<A>(args)...) {
    mark(kind::value);
  }
  /// A copy of the value, which goes by its own address.
  gc_local_value(gc_local_value const& other) : gc_local_value(std::in_place, other.value_) {}
  /// Takes the value over.
  gc_local_value(gc_local_value&& other) noexcept(std::is_nothrow_move_constructible_v<V>)
      : gc_local_value(std::in_place, std::move(other.value_)) {}
  ~gc_local_value() { unmark(); }

  /// Assigns the value.
  gc_local_value& operator=(gc_local_value const& other) {
    value_ = other.value_;
    return *this;
  }
  /// Moves the value.
  gc_local_value& operator=(gc_local_value&& other) noexcept(std::is_nothrow_move_assignable_v<V>) {
    value_ = std::move(other.value_);
    return *this;
  }

  /// The value.
  V& operator*() noexcept { return value_; }
  /// The value.
  V const& operator*() const noexcept { return value_; }
  /// A member of the value.
  V* operator->() noexcept { return std::addressof(value_); }
  /// A member of the value.
  V const* operator->() const noexcept { return std::addressof(value_); }

 private:
  friend struct detail::handle_traits<gc_local_value>;

  static void trace_whole(local_anchor const& anchor, tracer& t) noexcept {
    detail::trace_value(static_cast<gc_local_value const&>(anchor).value_, t);
  }

  trace_function const trace_ = &trace_whole;
  V value_;
};

namespace detail {

// What a generator traces by its mark is not traced again with the variable that it is a part of.

template <class T>
struct handle_traits<gc_local<T>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = handle_traits<gc_ptr<T>>::is_traced;
  static constexpr bool is_hand_traced = false;
  static void trace(gc_local<T> const& local, tracer& t) noexcept {
    if (!local.is_marked()) trace_value<gc_ptr<T>>(local, t);
  }
};

template <class V>
struct handle_traits<gc_local_value<V>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = ouro::is_traced<V>;
  static constexpr bool is_hand_traced = detail::is_hand_traced<V>;
  static constexpr bool has_keyed_container = detail::has_keyed_container<V>;
  static void trace(gc_local_value<V> const& local, tracer& t) noexcept {
    if (!local.is_marked()) trace_value(local.value_, t);
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class T>
struct std::hash<ouro::gc_local<T>> : std::hash<ouro::gc_ptr<T>> {};

#endif  // OURO_GC_LOCAL_HPP

// The promise of a generator's coroutine: where its frame comes from, what co_yield does.
//
// Each list of parameter types has a promise type of its own (std::coroutine_traits), which knows at compile time which
// of them hold handles. At run time it notes where in the frame they lie.
#ifndef OURO_DETAIL_GENERATOR_PROMISE_HPP
#define OURO_DETAIL_GENERATOR_PROMISE_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// `co_yield elements_of(range)` yields the elements of a generator, or of any other range, in a generator.
///
/// For a generator with the same `Ref` and `Send` that costs O(1) for each element at any depth of delegation, sends
/// and throws go through to it, and the expression's value is what it returned: `auto r = co_yield elements_of(g)`.
/// CPython: `yield from`.
template <class R>
struct elements_of {
  /// Of a generator, or of any range.
  explicit constexpr elements_of(R&& r) noexcept : range(std::forward<R>(r)) {}
  /// What the elements come from.
  R&& range;
};
/// Keeps what kind of reference it was given.
template <class R>
elements_of(R&&) -> elements_of<R&&>;

namespace detail {

template <class G>
struct generator_traits {
  static constexpr bool is_generator = false;
};
template <class Ref, class Val, class Ret, class Send>
struct generator_traits<gc_generator<Ref, Val, Ret, Send>> {
  static constexpr bool is_generator = true;
  using reference = std::conditional_t<std::is_void_v<Val>, Ref&&, Ref>;
  using value = std::conditional_t<std::is_void_v<Val>, std::remove_cvref_t<Ref>, Val>;
  using yielded = std::conditional_t<std::is_reference_v<reference>, reference, reference const&>;
  using result = Ret;
  using sent = Send;
  template <class NewRet>
  using returning = gc_generator<Ref, Val, NewRet, Send>;
};

struct generator_access {
  template <class G>
  static G adopt(gc_ptr<generator_shell> shell) noexcept {
    return G(std::move(shell));
  }
  template <class G>
  static gc_ptr<generator_shell> const& shell(G const& g) noexcept {
    return g.shell_;
  }
  template <class G>
  static gc_ptr<generator_shell> take(G&& g) noexcept {
    return std::forward<G>(g).shell_;
  }
};

[[noreturn]] inline void throw_no_result() {
  throw_error(
      std::logic_error("ouro: a generator has no result: its body has not reached a co_return, or the generator is "
                       "null. Ask done() first, "
                       "and catch what next() throws"));
}

/// What `co_return` gave. Throws std::logic_error without one.
template <class Ret, class Send>
Ret& result_of(gc_ptr<generator_shell> const& s) {
  auto* const shell = static_cast<generator_shell_of<Ret, Send>*>(s.get());
  if (shell == nullptr || !shell->result.has_value()) throw_no_result();
  return *shell->result;
}

/// The same for a delegator: copied if somebody else may ask for it, else moved.
template <class Ret, class Send>
Ret take_result(gc_ptr<generator_shell> const& s) {
  Ret& result = result_of<Ret, Send>(s);
  if constexpr (std::is_copy_constructible_v<Ret>) {
    if (s.use_count() > 1) return result;
  }
  return std::move(result);
}

#if OURO_DETAIL_EXCEPTIONS
[[noreturn]] OURO_DETAIL_NOINLINE inline void throw_injected(std::exception_ptr& error) {
  std::rethrow_exception(replace(error, nullptr));
}
#endif
inline void throw_if_injected([[maybe_unused]] generator_shell& s) {
#if OURO_DETAIL_EXCEPTIONS
  if (s.error != nullptr) [[unlikely]]
    throw_injected(s.error);
#endif
}

/// Out of line, so that bodies need few registers for the case that they throw.
OURO_DETAIL_NOINLINE inline void store_exception(generator_shell& s) noexcept { s.error = std::current_exception(); }

// --- awaiters -------------------------------------------------------------------------------------------------------

struct suspension {
  static constexpr bool await_ready() noexcept { return false; }
  static constexpr void await_suspend(std::coroutine_handle<>) noexcept {}
};

/// Part of the promise, so that a co_yield has nothing to store.
template <class Send>
struct yield_awaiter : suspension {
  generator_shell* shell;

  decltype(auto) await_resume() const {
    throw_if_injected(*shell);
    if constexpr (!std::is_void_v<Send>) return static_cast<sending_shell<Send>*>(shell)->sent;
  }
};

/// Of an lvalue that is yielded as an rvalue: a copy, which the generator traces while it is suspended.
template <class T, class Send>
struct copy_awaiter : yield_awaiter<Send> {
  copy_awaiter(yield_awaiter<Send> const& awaiter, T const& value) : yield_awaiter<Send>(awaiter), copy(value) {}
  copy_awaiter(copy_awaiter const&) = delete;
  copy_awaiter& operator=(copy_awaiter const&) = delete;
  ~copy_awaiter() = default;

  void await_suspend(std::coroutine_handle<>) noexcept { this->shell->value = std::addressof(get()); }

 private:
  static constexpr bool traced = is_traced<T>;
  T& get() noexcept {
    if constexpr (traced) {
      return *copy;
    } else {
      return copy;
    }
  }
  std::conditional_t<traced, gc_local_value<T>, T> copy;
};

template <class Ret, class Send>
struct delegation_awaiter {
  explicit delegation_awaiter(generator_shell& s) noexcept : shell(s) {}
  generator_shell& shell;

  bool await_ready() const noexcept { return shell.child == nullptr || !has_frame(*shell.child); }
  void await_suspend(std::coroutine_handle<>) const noexcept { shell.state = generator_state::delegating; }

  OURO_DETAIL_INLINE Ret await_resume() const {
    gc_ptr<generator_shell> const child = std::move(shell.child);
    throw_if_injected(shell);
    if (child != nullptr) throw_if_injected(*child);
    if constexpr (!std::is_void_v<Ret>) return take_result<Ret, Send>(child);
  }
};

// --- the promise ----------------------------------------------------------------------------------------------------

/// What does not depend on the parameters.
template <class Generator>
class generator_promise_base {
 protected:
  using traits = generator_traits<Generator>;
  using yielded = typename traits::yielded;
  using value = typename traits::value;
  using sent = typename traits::sent;
  using shell = generator_shell_of<typename traits::result, sent>;

 public:
  OURO_DETAIL_INLINE static void* operator new(std::size_t bytes) {
    return make_shell<shell>(generator_descriptor<Generator, typename traits::result, sent>, bytes);
  }
  // The block goes with the shell, unless the frame could not be finished.
  static void operator delete(void* frame) noexcept {
    shell* const s = static_cast<shell*>(frame) - 1;
    if (s->state == generator_state::building) return abandon_shell(s);
    s->state = generator_state::finished;
  }

  Generator get_return_object() noexcept {
    object_header* const h = header_of(awaiter_.shell);
    own_shell().state = generator_state::fresh;
    set_state(*h, object_state::live);
    return generator_access::adopt<Generator>(handle_access::adopt<generator_shell>(h));
  }
  static constexpr std::suspend_always initial_suspend() noexcept { return {}; }
  // The frame goes at once: who has resumed it need not come back for that.
  std::suspend_never final_suspend() noexcept {
    own_shell().state = generator_state::ending;
    return {};
  }
  OURO_DETAIL_INLINE void unhandled_exception() noexcept { store_exception(own_shell()); }

  yield_awaiter<sent> const& yield_value(yielded element) noexcept {
    awaiter_.shell->value = const_cast<void*>(static_cast<void const volatile*>(std::addressof(element)));
    return awaiter_;
  }
  copy_awaiter<std::remove_cvref_t<yielded>, sent> yield_value(std::remove_reference_t<yielded> const& element)
    requires(std::is_rvalue_reference_v<yielded> &&
             std::constructible_from<std::remove_cvref_t<yielded>, std::remove_reference_t<yielded> const&>)
  {
    return {awaiter_, element};
  }

  template <class R>
  OURO_DETAIL_INLINE auto yield_value(elements_of<R> elements) {
    using range = std::remove_cvref_t<R>;
    if constexpr (generator_traits<range>::is_generator) {
      using result = typename generator_traits<range>::result;
      if constexpr (std::is_same_v<typename generator_traits<range>::yielded, yielded> &&
                    std::is_same_v<typename generator_traits<range>::sent, sent>) {
        gc_ptr<generator_shell> const& child = generator_access::shell(elements.range);
        if (child == nullptr || child->state != generator_state::attached) {
          if (child != nullptr && is_running(*child)) throw_running();
          return delegate<result>(generator_access::take(std::forward<R>(elements.range)));
        }
      }
      return delegate<result>(generator_access::take(pull<result>(range(std::forward<R>(elements.range)))));
    } else {
      static_assert(std::ranges::input_range<R>, "ouro: elements_of needs a generator or another range");
      return delegate<void>(generator_access::take(each<R>(std::forward<R>(elements.range))));
    }
  }

  void await_transform() = delete;

 protected:
  generator_promise_base() = default;
  ~generator_promise_base() = default;
  generator_promise_base(generator_promise_base const&) = delete;
  generator_promise_base& operator=(generator_promise_base const&) = delete;

  shell& own_shell() const noexcept { return static_cast<shell&>(*awaiter_.shell); }

  yield_awaiter<sent> awaiter_;

 private:
  template <class Ret>
  delegation_awaiter<Ret, sent> delegate(gc_ptr<generator_shell> child) noexcept {
    if constexpr (!std::is_void_v<sent>) {  // it is resumed as by next(), whatever was sent before
      if (child != nullptr && has_frame(*child)) static_cast<sending_shell<sent>&>(leaf_of(*child)).sent = nullptr;
    }
    own_shell().child = std::move(child);
    return delegation_awaiter<Ret, sent>(own_shell());
  }

  /// The elements of a range: an rvalue moves into the frame, where it is traced.
  template <class R>
  static typename traits::template returning<void> each(
      std::conditional_t<std::is_lvalue_reference_v<R>, R, std::remove_cvref_t<R>> range) {
    for (auto&& element : range) co_yield std::forward<decltype(element)>(element);
  }

  /// The elements of a generator of another type, or to whom another one delegates already, pulled one by one.
  template <class Ret, class G>
  static typename traits::template returning<Ret> pull(G generator) {
    while (generator.next()) {  // no range-for: its iterator would be a root, and hold every cycle through here
      auto&& element = generator.value();
      co_yield std::forward<decltype(element)>(element);
    }
    if constexpr (!std::is_void_v<Ret>) {
      co_return take_result<Ret, typename generator_traits<G>::sent>(generator_access::shell(generator));
    }
  }
};

template <class Generator, class Ret>
class generator_promise_result : public generator_promise_base<Generator> {
 public:
  template <class T = Ret>
    requires std::is_constructible_v<Ret, T>
  void return_value(T&& result) {
    this->own_shell().result.emplace(std::forward<T>(result));
  }
};
template <class Generator>
class generator_promise_result<Generator, void> : public generator_promise_base<Generator> {
 public:
  static constexpr void return_void() noexcept {}
};

template <class Generator, class... Args>
class generator_promise final
    : public generator_promise_result<Generator, typename generator_traits<Generator>::result> {
  using parameters = generator_parameters<Args...>;

 public:
  // Not `A&...`: with that g++ 12 takes a default constructor.
  template <class... A>
  generator_promise(A&&... a) noexcept {
    static_assert(
        (... && is_aligned_in_frame<Args>()),
        "ouro: a parameter of a generator is aligned to more than 16 bytes, which no compiler's coroutine frame "
        "respects: pass it by reference or in a gc_ptr");
    void* const frame = launder_address(std::coroutine_handle<generator_promise>::from_promise(*this).address());
    check_not_elided(frame);
    this->awaiter_.shell = static_cast<typename generator_promise::shell*>(frame) - 1;
    this->own_shell().frame = std::coroutine_handle<>::from_address(frame);
    if constexpr (parameters::traced + parameters::kept != 0) {
      parameters_.find(this->own_shell(), a...);
      this->own_shell().trace_parameters = &trace_parameters;
    }
  }

 private:
  static void trace_parameters(void* frame, tracer& t) noexcept {
    auto const handle = std::coroutine_handle<generator_promise>::from_address(frame);
    handle.promise().parameters_.trace(static_cast<char const*>(frame), t);
  }

  // A compiler that keeps a frame in its caller's, in spite of what get_return_object does against it, would let it die
  // under its handles.
  static void check_not_elided([[maybe_unused]] void* frame) noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      object_header* const h = find_block(frame);
      if (h == nullptr || !type_of(h).is_generator()) {
        fail("the compiler has elided the allocation of a generator's frame", "gc_generator", type_name<Generator>());
      }
    }
  }

  [[no_unique_address]] parameters parameters_;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class Ref, class Val, class Ret, class Send, class... Args>
struct std::coroutine_traits<ouro::gc_generator<Ref, Val, Ret, Send>, Args...> {
  using promise_type = ouro::detail::generator_promise<ouro::gc_generator<Ref, Val, Ret, Send>, Args...>;
};

#endif  // OURO_DETAIL_GENERATOR_PROMISE_HPP

// Generators whose frames are garbage-collected objects: they may be part of cycles, as in CPython.
#ifndef OURO_GC_GENERATOR_HPP
#define OURO_GC_GENERATOR_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Thrown when a generator is advanced or closed while its body runs.
struct generator_running : std::logic_error {
  generator_running()
      : std::logic_error(
            "ouro: a generator was advanced or closed while its body runs, from within the body or from one of the "
            "generators that it delegates to") {}
};

/// A coroutine that yields a sequence of elements, as an object of the collector: a counted handle, one pointer wide,
/// null for the empty sequence. Copies are handles to the same generator.
///
/// The elements are of type `Ref&&`, or with `Val` (their value type) of type `Ref`, as for C++23's std::generator;
/// `Ret` is what `co_return` gives; `Send` is what `send` may give the body.
///
/// `co_yield x` keeps the address of x and copies nothing, unless `Ref` is no reference and x an lvalue. Parameters are
/// traced, and so are `*this` and what reference parameters point into, if those are objects of the collector: they are
/// kept alive. Of local variables `gc_local` and `gc_local_value` are traced; others are roots. The frame is destroyed
/// when the body ends, or with the last handle, or when the generator is found to be garbage: then all frames are
/// destroyed first, while the rest of the garbage is intact, and only what is still garbage after that goes on to its
/// destructors.
///
/// Captures of a lambda are not part of the frame: see `bind_generator`. The awaiting of anything but co_yield is not
/// supported. Making one allocates and may collect; throws std::bad_alloc, and what the parameters' copies throw.
/// Thread rule as for `gc_ptr`. CPython's counterpart is the generator object.
template <class Ref, class Val, class Ret, class Send>
class gc_generator {
  using traits = detail::generator_traits<gc_generator>;
  static_assert(!std::is_reference_v<Ret> && !std::is_reference_v<Send>,
                "ouro: the result of a generator and what is sent to it are objects: use a pointer or a gc_ptr");

 public:
  /// What `*it` gives.
  using reference = typename traits::reference;
  /// What a copy of an element is.
  using value_type = typename traits::value;

  /// An input iterator; keeps the generator alive.
  class iterator {
   public:
    /// What a copy of an element is.
    using value_type = typename traits::value;
    /// As input iterators must name one; it has no meaning.
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    /// One more iterator of the same generator, at the same element.
    iterator(iterator const&) noexcept = default;
    /// Takes the place of another iterator.
    iterator(iterator&&) noexcept = default;
    /// One more iterator of the same generator, at the same element.
    iterator& operator=(iterator const&) noexcept = default;
    /// Takes the place of another iterator.
    iterator& operator=(iterator&&) noexcept = default;
    // Clang calls it out of line where exceptions pass, and then keeps the iterator in memory.
    OURO_DETAIL_INLINE ~iterator() = default;

    /// Precondition: not at the end. The element lives until the generator is advanced.
    reference operator*() const {
      if (OURO_DETAIL_HARDENED && !detail::is_at_element(shell_.get())) {
        detail::fail("an iterator was dereferenced at the end, or while the generator runs", "gc_generator",
                     detail::type_name<gc_generator>());
      }
      detail::generator_front const& leaf = *shell_->leaf;
      if (leaf.value == nullptr) [[unlikely]]  // somebody delegates to it
        return element_of(detail::innermost_far(*shell_.get()));
      return element_of(leaf);
    }
    /// Throws as next().
    OURO_DETAIL_INLINE iterator& operator++() {
      if (shell_.get() != nullptr) detail::advance(*shell_.get(), not_sending);
      return *this;
    }
    /// The same as `++it`; the element before is gone.
    void operator++(int) { ++*this; }

    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept {
      return detail::has_ended(i.shell_.get());
    }

   private:
    friend class gc_generator;
    explicit iterator(gc_ptr<detail::generator_shell> const& shell) noexcept : shell_(shell) {}

    detail::generator_share shell_;
  };

  gc_generator() noexcept = default;
  /// Null: an empty sequence.
  gc_generator(std::nullptr_t) noexcept {}

  /// Is there a generator (of which elements may be left or not)?
  explicit operator bool() const noexcept { return shell_ != nullptr; }

  /// Advances to the next element, the first one if it has not started; false at the end, and from then on.
  ///
  /// Throws `generator_running`, and what the body throws, which ends the generator. CPython: `next(g)`.
  OURO_DETAIL_INLINE bool next() const { return shell_ != nullptr && detail::advance(*shell_, not_sending); }

  /// The element that it is suspended at. Throws std::logic_error when there is none. O(1).
  reference value() const {
    if (!detail::is_at_element(shell_.get())) {
      detail::throw_error(std::logic_error(
          "ouro: value() of a generator that is not at an element: it is null, not started, at its end, or running"));
    }
    return element_of(detail::innermost(*shell_));
  }

  /// Advances; so `begin()` on a started generator goes on with the next element, as iteration does in Python, and
  /// algorithms that look one element ahead (`std::views::take`) consume one more than they show.
  OURO_DETAIL_INLINE iterator begin() const {
    if (shell_ != nullptr) detail::start_or_advance(*shell_, not_sending);
    return iterator(shell_);
  }
  /// Equal to an iterator behind the last element.
  static constexpr std::default_sentinel_t end() noexcept { return {}; }

  /// As next(), but the co_yield that it is suspended at returns a pointer to `x`, which is null after next(). The
  /// pointer is valid until the body yields again.
  ///
  /// Throws std::logic_error when the generator has not started: no co_yield waits for a value. CPython: `g.send(x)`.
  template <class S = Send>
    requires(!std::is_void_v<S>)
  bool send(std::type_identity_t<S>& x) const {
    if (shell_ == nullptr) return false;
    if (!started()) {
      detail::throw_error(std::logic_error(
          "ouro: send() to a generator that has not started: call next() first, no co_yield waits yet"));
    }
    return detail::advance(*shell_, [&](detail::generator_shell& innermost) {
      static_cast<detail::sending_shell<S>&>(innermost).sent = std::addressof(x);
    });
  }
  /// The same for a temporary.
  template <class S = Send>
    requires(!std::is_void_v<S>)
  bool send(std::type_identity_t<S>&& x) const {
    return send<S>(static_cast<S&>(x));
  }
  /// next().
  template <class S = Send>
    requires(!std::is_void_v<S> && !std::is_constructible_v<S, std::nullptr_t>)
  bool send(std::nullptr_t) const {
    return next();
  }

#if OURO_DETAIL_EXCEPTIONS
  /// Advances; the co_yield that the body is suspended at throws. A generator that has not started ends at once, and
  /// one that has ended stays so: `error` is thrown here. Precondition: not null. CPython: `g.throw(e)`.
  bool throw_(std::exception_ptr error) const {
    if (shell_ == nullptr || !started() || done()) {
      close();
      std::rethrow_exception(std::move(error));
    }
    return detail::advance(*shell_, [&](detail::generator_shell& s) { s.error = std::move(error); });
  }
#endif

  /// Ends the generator: destroys the locals of its body, innermost scope first, and its parameters; before that it
  /// closes the generator to which it delegates. One that has not started just ends. Throws `generator_running`.
  /// CPython: `g.close()`.
  void close() const {
    if (shell_ != nullptr) detail::close_from_outside(*shell_);
  }

  /// What `co_return` gave. Throws std::logic_error when there is none (yet).
  template <class R = Ret>
    requires(!std::is_void_v<R>)
  R& result() const {
    return detail::result_of<R, Send>(shell_);
  }

  /// Has it ended? True for null.
  bool done() const noexcept { return detail::has_ended(shell_.get()); }
  /// Does its body run, or that of a generator to which it delegates? CPython: `g.gi_running`.
  bool running() const noexcept { return shell_ != nullptr && detail::is_running_in_chain(*shell_); }
  /// False for null, and until it has been asked for its first element.
  bool started() const noexcept { return shell_ != nullptr && shell_->state != detail::generator_state::fresh; }

  /// The number of handles to the generator.
  std::size_t use_count() const noexcept { return shell_.use_count(); }

  /// A handle that does not keep the generator alive. Exceptions as of `weak_gc_ptr`. CPython: `weakref.ref(g)`.
  weak_gc_generator<Ref, Val, Ret, Send> weak() const { return {*this}; }
  /// The same with a callback, as `weak_gc_ptr` has it: it is called with the weak handle, dead, when the generator dies,
  /// which is not when its body ends.
  template <class F>
    requires std::is_invocable_v<F&, weak_gc_generator<Ref, Val, Ret, Send> const&>
  weak_gc_generator<Ref, Val, Ret, Send> weak(F callback) const {
    return {*this, std::move(callback)};
  }

  /// Drops the handle: null afterwards.
  void reset() noexcept { shell_.reset(); }
  /// Exchanges the generators. O(1).
  void swap(gc_generator& other) noexcept { shell_.swap(other.shell_); }
  friend void swap(gc_generator& a, gc_generator& b) noexcept { a.swap(b); }
  friend bool operator==(gc_generator const& a, gc_generator const& b) noexcept { return a.shell_ == b.shell_; }
  friend bool operator==(gc_generator const& a, std::nullptr_t) noexcept { return a.shell_ == nullptr; }

 private:
  friend struct detail::generator_access;
  friend struct detail::handle_traits<gc_generator>;
  friend struct std::hash<gc_generator>;

  explicit gc_generator(gc_ptr<detail::generator_shell> shell) noexcept : shell_(std::move(shell)) {}

  static constexpr auto not_sending = []([[maybe_unused]] detail::generator_shell& innermost) noexcept {
    if constexpr (!std::is_void_v<Send>) static_cast<detail::sending_shell<Send>&>(innermost).sent = nullptr;
  };
  static reference element_of(detail::generator_front const& innermost) noexcept {
    using element = std::remove_reference_t<typename traits::yielded>;
    return static_cast<reference>(*static_cast<element*>(innermost.value));
  }

  gc_ptr<detail::generator_shell> shell_;
};

namespace detail {

/// Calls a callback with the weak handle to a generator.
template <class Weak, class F>
struct generator_callback {
  void operator()(weak_gc_ptr<generator_shell> const& dead) {
    Weak handle;
    handle.shell_ = dead;
    callback(std::as_const(handle));
  }
  F callback;
};
template <class Weak, class F>
  requires is_traced_closure<F>
struct handle_traits<generator_callback<Weak, F>> {
  static bool is_plain(generator_callback<Weak, F> const& c) noexcept { return handle_traits<F>::is_plain(c.callback); }
  static void trace(generator_callback<Weak, F> const& c, tracer& t) noexcept {
    handle_traits<F>::trace(c.callback, t);
  }
};

}  // namespace detail

/// A weak handle to a generator: `lock()` gives a handle to it, and a null one after its death.
///
/// A generator whose body has ended is alive as long as handles to it are. In all else it is like the `weak_gc_ptr` of an
/// object: one pointer wide, comparisons and hash go by the generator and stay the same after its death, copies have no
/// callback. CPython's counterpart is `weakref.ref`.
template <class Ref, class Val, class Ret, class Send>
class weak_gc_generator {
  using generator = gc_generator<Ref, Val, Ret, Send>;

 public:
  constexpr weak_gc_generator() noexcept = default;
  /// Exceptions: `std::bad_alloc` for large frames, and for generators with hundreds of weak handles.
  weak_gc_generator(generator const& g) : shell_(detail::generator_access::shell(g)) {}
  /// See `gc_generator::weak`. Exceptions: `std::bad_alloc`, and those of moving the callback.
  template <class F>
    requires std::is_invocable_v<F&, weak_gc_generator const&>
  weak_gc_generator(generator const& g, F callback)
      : shell_(detail::generator_access::shell(g),
               detail::generator_callback<weak_gc_generator, F>{std::move(callback)}) {}

  /// Null from the generator's death on: before the locals of one that dies with its last handle are destroyed.
  generator lock() const noexcept { return detail::generator_access::adopt<generator>(shell_.lock()); }
  /// True if `lock()` would give null.
  bool expired() const noexcept { return shell_.expired(); }
  /// The number of handles to the generator; 0 once it has died.
  std::size_t use_count() const noexcept { return shell_.use_count(); }

  /// Lets go: empty afterwards, and the callback is not called any more.
  void reset() noexcept { shell_.reset(); }
  /// Exchanges generators and callbacks. O(1).
  void swap(weak_gc_generator& other) noexcept { shell_.swap(other.shell_); }
  friend void swap(weak_gc_generator& a, weak_gc_generator& b) noexcept { a.swap(b); }

  // Equal if they lead, or led, to the same generator; the order is arbitrary, and stays.
  friend bool operator==(weak_gc_generator const& a, weak_gc_generator const& b) noexcept {
    return a.shell_ == b.shell_;
  }
  friend std::strong_ordering operator<=>(weak_gc_generator const& a, weak_gc_generator const& b) noexcept {
    return a.shell_ <=> b.shell_;
  }

 private:
  friend struct detail::handle_traits<weak_gc_generator>;
  friend struct std::hash<weak_gc_generator>;
  /// @cond
  template <class Weak, class F>
  friend struct detail::generator_callback;
  /// @endcond
  using weak_shell = weak_gc_ptr<detail::generator_shell>;

  weak_shell shell_;
};
/// To the generator of the handle.
template <class Ref, class Val, class Ret, class Send>
weak_gc_generator(gc_generator<Ref, Val, Ret, Send>) -> weak_gc_generator<Ref, Val, Ret, Send>;

/// A generator of `f(args...)` that holds `f` and the arguments: `f` is a function or lambda that returns a generator
/// and takes the arguments by reference or value.
///
/// What a lambda captures is no part of its coroutine's frame and dangles when the lambda is gone; here it lives as
/// long as the generator does. The arguments are traced, captures are roots: let the lambda capture nothing.
template <class F, class... A>
auto bind_generator(F f, A... args) {
  using generator = std::invoke_result_t<F&, A&...>;
  static_assert(detail::generator_traits<generator>::is_generator,
                "ouro: bind_generator needs a function that returns a gc_generator");
  return [](F function, A... arguments) -> generator {
    if constexpr (std::is_void_v<typename detail::generator_traits<generator>::result>) {
      co_yield elements_of(std::invoke(function, arguments...));
    } else {
      co_return co_yield elements_of(std::invoke(function, arguments...));
    }
  }(std::move(f), std::move(args)...);
}

namespace detail {

inline void throw_running() { throw_error(generator_running()); }

template <class Ref, class Val, class Ret, class Send>
struct handle_traits<gc_generator<Ref, Val, Ret, Send>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;
  static void trace(gc_generator<Ref, Val, Ret, Send> const& g, tracer& t) noexcept { trace_value(g.shell_, t); }
};

template <class Ref, class Val, class Ret, class Send>
struct handle_traits<weak_gc_generator<Ref, Val, Ret, Send>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;  // by way of a callback
  static constexpr bool is_hand_traced = false;
  static void trace(weak_gc_generator<Ref, Val, Ret, Send> const& g, tracer& t) noexcept { trace_value(g.shell_, t); }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

/// @cond
template <class Ref, class Val, class Ret, class Send>
inline constexpr bool std::ranges::enable_view<ouro::gc_generator<Ref, Val, Ret, Send>> = true;
template <class Ref, class Val, class Ret, class Send>
inline constexpr bool std::ranges::enable_borrowed_range<ouro::gc_generator<Ref, Val, Ret, Send>> = true;
/// @endcond

template <class Ref, class Val, class Ret, class Send>
struct std::hash<ouro::gc_generator<Ref, Val, Ret, Send>> {
  std::size_t operator()(ouro::gc_generator<Ref, Val, Ret, Send> const& g) const noexcept {
    return std::hash<void const*>()(g.shell_.get());
  }
};

template <class Ref, class Val, class Ret, class Send>
struct std::hash<ouro::weak_gc_generator<Ref, Val, Ret, Send>> {
  std::size_t operator()(ouro::weak_gc_generator<Ref, Val, Ret, Send> const& g) const noexcept {
    return std::hash<typename ouro::weak_gc_generator<Ref, Val, Ret, Send>::weak_shell>()(g.shell_);
  }
};

#endif  // OURO_GC_GENERATOR_HPP

// A handle to a part of an object, which keeps the whole alive.
#ifndef OURO_GC_INTERIOR_PTR_HPP
#define OURO_GC_INTERIOR_PTR_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Points to a member, element or base of an object and shares its ownership: `gc_interior_ptr(owner, &owner->field)`.
///
/// Two words: a `gc_ptr<void>` to the owner and the address of the part. It counts and is traced as one handle to the
/// owner. Precondition: the part lives as long as the owner does. With a null owner it is null. Thread rule and
/// complexity as for `gc_ptr`. It is what `std::shared_ptr`'s aliasing constructor makes; CPython has memoryview.
template <class U>
class gc_interior_ptr {
 public:
  /// The type of the part.
  using element_type = U;

  /// Null.
  constexpr gc_interior_ptr() noexcept = default;
  /// Null.
  constexpr gc_interior_ptr(std::nullptr_t) noexcept {}
  /// To `part`, which is a part of `owner`'s object.
  template <class T>
  gc_interior_ptr(gc_ptr<T> owner, U* part) noexcept : owner_(std::move(owner)), part_(part) {}
  /// To a base, or to a less constant type, of the same part.
  template <class V>
    requires(!std::is_same_v<U, V> && std::is_convertible_v<V*, U*>)
  gc_interior_ptr(gc_interior_ptr<V> other) noexcept : owner_(std::move(other.owner_)), part_(other.part_) {}

  /// The address of the part, or null.
  U* get() const noexcept { return owner_ ? part_ : nullptr; }
  /// The part. Precondition of `*` and `->`: not null (hardened builds check).
  U& operator*() const noexcept {
    check();
    return *part_;
  }
  /// A member of the part.
  U* operator->() const noexcept {
    check();
    return part_;
  }
  /// Is it not null?
  explicit operator bool() const noexcept { return get() != nullptr; }

  /// The object that the part belongs to.
  gc_ptr<void> const& owner() const noexcept { return owner_; }
  /// The number of handles to the owner, this one included.
  std::size_t use_count() const noexcept { return owner_.use_count(); }

  /// Drops the handle to the owner and is null.
  void reset() noexcept { owner_.reset(); }
  /// Exchanges two of them; no count changes.
  void swap(gc_interior_ptr& other) noexcept {
    owner_.swap(other.owner_);
    std::swap(part_, other.part_);
  }
  friend void swap(gc_interior_ptr& a, gc_interior_ptr& b) noexcept { a.swap(b); }

  template <class V>
  friend bool operator==(gc_interior_ptr const& a, gc_interior_ptr<V> const& b) noexcept {
    return a.get() == b.get();
  }
  template <class V>
  friend std::strong_ordering operator<=>(gc_interior_ptr const& a, gc_interior_ptr<V> const& b) noexcept {
    return std::compare_three_way()(a.get(), b.get());
  }
  friend bool operator==(gc_interior_ptr const& a, std::nullptr_t) noexcept { return a.get() == nullptr; }
  friend std::strong_ordering operator<=>(gc_interior_ptr const& a, std::nullptr_t) noexcept {
    return std::compare_three_way()(static_cast<void const*>(a.get()), static_cast<void const*>(nullptr));
  }

  template <class C, class Traits>
  friend std::basic_ostream<C, Traits>& operator<<(std::basic_ostream<C, Traits>& out, gc_interior_ptr const& p) {
    return out << static_cast<void const*>(p.get());
  }

 private:
  template <class>
  friend class gc_interior_ptr;
  friend struct detail::handle_traits<gc_interior_ptr>;

  void check() const noexcept {
    if (OURO_DETAIL_HARDENED && get() == nullptr) {
      detail::fail("a null handle was dereferenced", "gc_interior_ptr", detail::type_name<U>());
    }
  }

  gc_ptr<void> owner_;
  U* part_ = nullptr;
};

namespace detail {

template <class U>
struct handle_traits<gc_interior_ptr<U>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;
  static void trace(gc_interior_ptr<U> const& p, tracer& t) noexcept {
    handle_traits<gc_ptr<void>>::trace(p.owner_, t);
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class U>
struct std::hash<ouro::gc_interior_ptr<U>> {
  std::size_t operator()(ouro::gc_interior_ptr<U> const& p) const noexcept { return std::hash<void const*>()(p.get()); }
};

#if defined(__cpp_lib_format)
/// As a pointer.
template <class U>
struct std::formatter<ouro::gc_interior_ptr<U>, char> : std::formatter<void const*, char> {
  template <class Context>
  auto format(ouro::gc_interior_ptr<U> const& p, Context& context) const {
    return std::formatter<void const*, char>::format(p.get(), context);
  }
};
#endif

#endif  // OURO_GC_INTERIOR_PTR_HPP

// Memory for the entries of weak containers: from pages of the heap whose objects they hang on.
//
// The collector meets entries in the order of their objects, which is mostly that of their birth: side by side on a page
// they cost fewer misses than among other blocks, and giving one back takes a few instructions. A page of entries keeps
// its heap, as one of objects does. It has no type, is on no list of the heap's pages, and nothing walks it.
#ifndef OURO_DETAIL_ENTRY_MEMORY_HPP
#define OURO_DETAIL_ENTRY_MEMORY_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// Of a page's header `bin` is the size class, `next` and `previous` link the pages of the class that have room, and free
// places are linked as free blocks are, by their second word.

constexpr bool has_entry_page(std::size_t bytes, std::size_t alignment) noexcept {
  return !OURO_DETAIL_SYSTEM_ALLOC && bytes <= entry_unit * entry_classes && alignment <= entry_unit;
}
inline bool has_space(page const& p) noexcept { return p.free_list != nullptr || p.carved != p.capacity; }

/// Throws std::bad_alloc.
inline void* allocate_entry(heap_core& heap, std::size_t bytes, std::size_t alignment) {
  if (!has_entry_page(bytes, alignment)) {
    void* const memory = allocate_raw(bytes, alignment);
    if (memory == nullptr) throw_bad_alloc();
    return memory;
  }
  std::size_t const index = (bytes - 1) / entry_unit;
  page*& first = heap.entry_pages[index];
  page* p = first;
  if (p == nullptr) {
    p = acquire_page_beyond_limit(heap);
    if (p == nullptr) throw_bad_alloc();
    p->bin = static_cast<std::uint32_t>(index);
    p->block_bytes = static_cast<std::uint32_t>((index + 1) * entry_unit);
    p->first_block = page_header_bytes;
    p->capacity = static_cast<std::uint32_t>((page_bytes - page_header_bytes) / p->block_bytes);
    ++heap.entry_page_count;
    link_page(first, p);
  }
  object_header* place = p->free_list;
  if (place != nullptr) {
    p->free_list = next_free(place);
  } else {
    place = p->block(p->carved++);
  }
  ++p->used;
  if (!has_space(*p)) unlink_page(first, p);
#if OURO_DETAIL_ASAN
  ASAN_UNPOISON_MEMORY_REGION(place, bytes);
#endif
  return place;
}

inline void deallocate_entry(void* entry, std::size_t bytes, std::size_t alignment) noexcept {
  if (!has_entry_page(bytes, alignment)) return deallocate_raw(entry, alignment);
  auto* const place = static_cast<object_header*>(entry);
  page* const p = page_of(place);
  heap_core& heap = *p->heap;
  page*& first = heap.entry_pages[p->bin];
  if (!has_space(*p)) link_page(first, p);
#if OURO_DETAIL_ASAN
  ASAN_POISON_MEMORY_REGION(place, bytes);
#endif
  set_next_free(place, p->free_list);
  p->free_list = place;
  if (--p->used != 0) return;
  unlink_page(first, p);
  --heap.entry_page_count;
  give_page_back(heap, p);
  if (heap.closed) delete_heap_if_unused(heap);  // the value may have held the last object
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_ENTRY_MEMORY_HPP

// What the weak containers share: ownership of the table, iterators that keep their place alive, removal.
#ifndef OURO_DETAIL_WEAK_CONTAINER_HPP
#define OURO_DETAIL_WEAK_CONTAINER_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// The target of an entry as a handle: null while the object waits for its destructor.
template <class T, class Entry>
gc_ptr<T> lock_entry(Entry const& e) noexcept {
  if (!is_lockable(*e.object)) return nullptr;
  add_reference(e.object);
  return handle_access::adopt_word<T>(e.pointer);
}

/// An entry that leads to an object of type `T`, with `Held` traced as part of it.
template <class T, class Held>
struct typed_entry : weak_entry {
  template <class... A>
  explicit typed_entry(gc_ptr<T> const& p, A&&... args)
      : pointer(handle_access::word(p)), held(std::forward<A>(args)...) {
    assert_traceable<Held>();
    traced = is_traced<Held>;
    hand_traced = is_traced<Held> && is_hand_traced<Held>;
    keyed = is_traced<Held> && has_keyed_container<Held>;
    plain = drops_only_handles<Held>;
  }
  void trace(tracer& t) const noexcept override { trace_value(held, t); }
  void forget() noexcept override { operator delete(this); }

  static void* operator new(std::size_t, heap_core& heap) {
    return allocate_entry(heap, sizeof(typed_entry), alignof(typed_entry));
  }
  static void operator delete(void* entry) noexcept {
    deallocate_entry(entry, sizeof(typed_entry), alignof(typed_entry));
  }
  static void operator delete(void* entry, heap_core&) noexcept { operator delete(entry); }

  void* pointer;
  [[no_unique_address]] Held held;
};

/// Stands on an entry whose object it keeps alive, so that the entry stays, whatever else dies meanwhile.
template <class T, class Entry, class Reference>
class weak_iterator {
 public:
  using value_type = Reference;
  using reference = Reference;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using iterator_concept = std::forward_iterator_tag;

  struct pointer {
    Reference value;
    Reference* operator->() noexcept { return &value; }
  };

  weak_iterator() = default;
  explicit weak_iterator(weak_entry* e) noexcept { stand_on(e); }
  weak_iterator(weak_entry* e, gc_ptr<T> target) noexcept : entry_(e), target_(std::move(target)) {}

  Reference operator*() const { return Entry::dereference(static_cast<Entry&>(*entry_), target_); }
  pointer operator->() const { return {**this}; }
  weak_iterator& operator++() noexcept {
    gc_ptr<T> const before = std::move(target_);  // goes last: its death may take other entries along
    stand_on(entry_->next_in_table);
    return *this;
  }
  weak_iterator operator++(int) noexcept {
    weak_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(weak_iterator const& a, weak_iterator const& b) noexcept { return a.entry_ == b.entry_; }

  Entry* entry() const noexcept { return static_cast<Entry*>(entry_); }

 private:
  void stand_on(weak_entry* e) noexcept {
    for (; e != nullptr; e = e->next_in_table) {
      target_ = lock_entry<T>(static_cast<Entry&>(*e));
      if (target_) break;
    }
    entry_ = e;
  }

  weak_entry* entry_ = nullptr;
  gc_ptr<T> target_;
};

template <class T, class Entry, class Reference>
class weak_container {
 public:
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using iterator = weak_iterator<T, Entry, Reference>;
  using const_iterator = iterator;

  weak_container() = default;
  weak_container(weak_container&& other) noexcept : table_(replace(other.table_, nullptr)) {}
  weak_container& operator=(weak_container&& other) noexcept {
    weak_container(std::move(other)).swap(*this);
    return *this;
  }
  ~weak_container() {
    clear();
    delete table_;
  }

  void swap(weak_container& other) noexcept { table_ = replace(other.table_, table_); }

  /// Live entries in the order of insertion. An iterator keeps the object alive that it stands on, so it survives the
  /// death of any other; it is invalid once its entry has been erased.
  iterator begin() const noexcept { return iterator(table_ != nullptr ? table_->first() : nullptr); }
  iterator end() const noexcept { return iterator(); }

  /// Entries of dead objects are gone at once.
  std::size_t size() const noexcept { return table_ != nullptr ? table_->size() : 0; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void clear() noexcept {
    while (!empty()) remove(*table_->first());
  }
  /// The next entry.
  iterator erase(iterator at) noexcept {
    iterator next = at;  // `at` may have the last handle to the object, whose death would take the entry along
    ++next;
    remove(*at.entry());
    return next;
  }

 protected:
  template <class Equal>
  Entry* find_entry(std::size_t hash, Equal equal) const {
    if (table_ == nullptr) return nullptr;
    return static_cast<Entry*>(
        table_->find(hash, [&](weak_entry const& e) { return equal(static_cast<Entry const&>(e)); }));
  }

  /// One more entry, which holds what is made of `args`. Throws std::bad_alloc, std::invalid_argument for null, and what
  /// that throws; nothing has changed then.
  template <class... A>
  iterator insert_entry(gc_ptr<T> const& p, std::size_t hash, A&&... args) {
    gc_ptr<T> target = p;  // whatever happens to `p` while the entry is made
    object_header* const h = handle_access::header(target);
    if (h == nullptr) throw_error(std::invalid_argument("ouro: a weak container cannot hold a null handle"));
    std::unique_ptr<Entry> e(new (heap_of(h)) Entry(target, std::forward<A>(args)...));
    if (table_ == nullptr) table_ = new weak_table;
    e->hash = hash;
    attach(h, *table_, *e);
    return iterator(e.release(), std::move(target));
  }

  /// User code runs when the entry is gone already.
  static void remove(weak_entry& e) noexcept {
    detach(e);
    delete &e;
  }

 private:
  friend struct handle_traits_of_weak_container;
  weak_table* table_ = nullptr;
};

struct handle_traits_of_weak_container {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;  // entries are checked one by one
  static constexpr bool has_keyed_container = true;

  template <class T, class Entry, class Reference>
  static void trace(weak_container<T, Entry, Reference> const& c, tracer& t) noexcept {
    if (c.table_ != nullptr) tracer_access::report_table(t, *c.table_);
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_DETAIL_WEAK_CONTAINER_HPP

// Containers whose entries vanish with their objects: a map to values, a map from keys (ephemerons), a set.
#ifndef OURO_WEAK_CONTAINERS_HPP
#define OURO_WEAK_CONTAINERS_HPP

namespace ouro {
inline namespace OURO_DETAIL_ABI {

namespace detail {

struct nothing {
  using gc_leaf = nothing;
};

template <class T>
struct set_entry final : typed_entry<T, nothing> {
  using typed_entry<T, nothing>::typed_entry;
  static gc_ptr<T> dereference(set_entry&, gc_ptr<T> const& target) { return target; }
};

template <class T, class V>
struct key_map_entry final : typed_entry<T, V> {
  using typed_entry<T, V>::typed_entry;
  static std::pair<gc_ptr<T>, V&> dereference(key_map_entry& e, gc_ptr<T> const& target) { return {target, e.held}; }
};

template <class K, class T>
struct value_map_entry final : typed_entry<T, K> {
  using typed_entry<T, K>::typed_entry;
  static std::pair<K const&, gc_ptr<T>> dereference(value_map_entry& e, gc_ptr<T> const& target) {
    return {e.held, target};
  }
};

/// Lookups by the identity of the object, as sets and maps from weak keys do them.
template <class T, class Entry, class Reference>
class identity_container : public weak_container<T, Entry, Reference> {
  using base = weak_container<T, Entry, Reference>;

 public:
  using key_type = gc_ptr<T>;
  using base::erase;
  using typename base::iterator;

  iterator find(gc_ptr<T> const& p) const noexcept { return iterator(entry_of(p)); }
  bool contains(gc_ptr<T> const& p) const noexcept { return entry_of(p) != nullptr; }
  std::size_t count(gc_ptr<T> const& p) const noexcept { return contains(p) ? 1 : 0; }
  /// The number of entries erased.
  std::size_t erase(gc_ptr<T> const& p) noexcept {
    Entry* const e = entry_of(p);
    if (e == nullptr) return 0;
    this->remove(*e);
    return 1;
  }

 protected:
  Entry* entry_of(gc_ptr<T> const& p) const noexcept {
    object_header* const h = handle_access::header(p);
    return this->find_entry(hash_of(h), [h](Entry const& e) { return e.object == h; });
  }

  template <class... A>
  std::pair<iterator, bool> emplace(gc_ptr<T> const& p, A&&... args) {
    if (Entry* const e = entry_of(p); e != nullptr) return {iterator(e), false};
    return {this->insert_entry(p, hash_of(handle_access::header(p)), std::forward<A>(args)...), true};
  }
};

}  // namespace detail

/// A set of objects that does not keep them alive: an entry vanishes when its object dies.
///
/// Compares by identity. `insert`, `find`, `contains` and `erase` are O(1), amortised; `size()` counts live objects.
/// Movable, not copyable. Exceptions: `std::bad_alloc`, and `std::invalid_argument` for null; nothing has changed then.
/// Thread rule: that of the objects' heaps. CPython's counterpart is `weakref.WeakSet`.
template <class T>
class weak_set : public detail::identity_container<T, detail::set_entry<T>, gc_ptr<T>> {
  using base = detail::identity_container<T, detail::set_entry<T>, gc_ptr<T>>;

 public:
  /// What iterators give: a handle, so that the object lives while it is looked at.
  using value_type = gc_ptr<T>;
  using typename base::iterator;

  /// The entry, and whether it is new.
  std::pair<iterator, bool> insert(gc_ptr<T> const& p) { return this->emplace(p); }
  friend void swap(weak_set& a, weak_set& b) noexcept { a.swap(b); }
};

/// Values attached to objects, from outside: an entry vanishes when its key dies. A real table of ephemerons: a value
/// is alive only through its key and the map together, so it may refer to both, and all of them are still collected.
///
/// Compares keys by identity. `try_emplace`, `find`, `contains` and `erase` are O(1), amortised; `size()` counts live
/// keys. References to values stay valid as long as the entry. When a key dies, its entry leaves the map first; the value
/// is destroyed after the key. A finalizer still finds the entries of its object.
///
/// Movable, not copyable. Values with handles make a key that is a leaf tracked. Exceptions: `std::bad_alloc`, those of
/// `V`'s constructors, `std::invalid_argument` for null; nothing has changed then. Thread rule: that of the keys' heaps.
/// CPython's counterpart is `weakref.WeakKeyDictionary`, where a value that leads to its key keeps both forever.
template <class T, class V>
class weak_key_map : public detail::identity_container<T, detail::key_map_entry<T, V>, std::pair<gc_ptr<T>, V&>> {
  using base = detail::identity_container<T, detail::key_map_entry<T, V>, std::pair<gc_ptr<T>, V&>>;

 public:
  /// The values.
  using mapped_type = V;
  /// What iterators give.
  using value_type = std::pair<gc_ptr<T>, V&>;
  using typename base::iterator;

  /// Makes the value of the arguments unless the key has one: the entry, and whether it is new.
  template <class... A>
  std::pair<iterator, bool> try_emplace(gc_ptr<T> const& key, A&&... args) {
    check_key();
    return this->emplace(key, std::forward<A>(args)...);
  }
  /// The same; an entry that is there gets the value.
  template <class U>
  std::pair<iterator, bool> insert_or_assign(gc_ptr<T> const& key, U&& value) {
    check_key();
    auto const at = this->find(key);
    if (at == this->end()) return this->emplace(key, std::forward<U>(value));
    at.entry()->held = std::forward<U>(value);
    return {at, false};
  }
  /// Throws `std::out_of_range`.
  V& at(gc_ptr<T> const& key) const {
    auto* const e = this->entry_of(key);
    if (e == nullptr) detail::throw_error(std::out_of_range("ouro: weak_key_map::at: no such key"));
    return e->held;
  }
  /// The value of the key, default-made if there is none. Throws as `try_emplace`.
  V& operator[](gc_ptr<T> const& key) { return (*try_emplace(key).first).second; }
  friend void swap(weak_key_map& a, weak_key_map& b) noexcept { a.swap(b); }

 private:
  static constexpr void check_key() {
    constexpr bool edge_seen = detail::handle_traits<gc_ptr<T>>::is_traced &&
                               (!std::is_final_v<T> || detail::is_tracked_type<std::remove_cv_t<T>>);
    static_assert(!is_traced<V> || edge_seen,
                  "ouro: handles to this key type are never traced, since it is a leaf that nothing derives from, so a "
                  "value that leads to its key would keep it alive forever: remove `final`, give the key a member that "
                  "is a handle, or let the value hold no handles");
  }
};

/// Objects found by a key, which does not keep them alive: an entry vanishes when its object dies. For intern tables and
/// caches that empty themselves.
///
/// `find`, `try_emplace` and `erase` hash once and are O(1), amortised; `size()` counts live objects. When an object dies
/// its entry leaves the map first, which neither hashes nor compares; the key is destroyed after the object. Keys with
/// handles live through the object and the map together, as the values of `weak_key_map` do.
///
/// Movable, not copyable. Exceptions: `std::bad_alloc`, those of the hash, the comparison and of moving the key,
/// `std::invalid_argument` for null; nothing has changed then. Thread rule: that of the objects' heaps. CPython's
/// counterpart is `weakref.WeakValueDictionary`.
template <class K, class T, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class weak_value_map : public detail::weak_container<T, detail::value_map_entry<K, T>, std::pair<K const&, gc_ptr<T>>> {
  using entry = detail::value_map_entry<K, T>;
  using base = detail::weak_container<T, entry, std::pair<K const&, gc_ptr<T>>>;

 public:
  /// The keys.
  using key_type = K;
  /// Handles to the values.
  using mapped_type = gc_ptr<T>;
  /// What iterators give.
  using value_type = std::pair<K const&, gc_ptr<T>>;
  using base::erase;
  using typename base::iterator;

  /// The entry, and whether it is new: a live object stays.
  std::pair<iterator, bool> try_emplace(K key, gc_ptr<T> const& p) {
    std::size_t const hash = hash_of_key(key);
    if (entry* const e = live_entry(hash, key); e != nullptr) return {iterator(e), false};
    return {this->insert_entry(p, hash, std::move(key)), true};
  }
  /// The same; an entry that is there gets the object.
  std::pair<iterator, bool> insert_or_assign(K key, gc_ptr<T> const& p) {
    std::size_t const hash = hash_of_key(key);
    entry* const before = live_entry(hash, key);
    iterator const at = this->insert_entry(p, hash, std::move(key));
    if (before != nullptr) this->remove(*before);
    return {at, before == nullptr};
  }

  /// The entry of the key, if its object lives; else `end()`. O(1) on average.
  iterator find(K const& key) const { return iterator(live_entry(hash_of_key(key), key)); }
  /// Is there an entry whose object lives? O(1) on average.
  bool contains(K const& key) const { return live_entry(hash_of_key(key), key) != nullptr; }
  /// 1 if there is an entry whose object lives, else 0.
  std::size_t count(K const& key) const { return contains(key) ? 1 : 0; }
  /// Throws `std::out_of_range`.
  gc_ptr<T> at(K const& key) const {
    entry* const e = live_entry(hash_of_key(key), key);
    if (e == nullptr) detail::throw_error(std::out_of_range("ouro: weak_value_map::at: no such key"));
    return detail::lock_entry<T>(*e);
  }
  /// The number of entries erased.
  std::size_t erase(K const& key) {
    entry* const e = live_entry(hash_of_key(key), key);
    if (e == nullptr) return 0;
    this->remove(*e);
    return 1;
  }
  friend void swap(weak_value_map& a, weak_value_map& b) noexcept { a.swap(b); }

 private:
  static std::size_t hash_of_key(K const& key) { return detail::mixed_hash(Hash()(key)); }

  /// Entries whose objects wait for their destructors are not found.
  entry* live_entry(std::size_t hash, K const& key) const {
    return this->find_entry(hash,
                            [&](entry const& e) { return detail::is_lockable(*e.object) && Equal()(e.held, key); });
  }
};

namespace detail {

template <class T>
struct handle_traits<weak_set<T>> : handle_traits_of_weak_container {};
template <class T, class V>
struct handle_traits<weak_key_map<T, V>> : handle_traits_of_weak_container {};
template <class K, class T, class H, class E>
struct handle_traits<weak_value_map<K, T, H, E>> : handle_traits_of_weak_container {};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif  // OURO_WEAK_CONTAINERS_HPP

// Takes the private macros back, at the end of the umbrella. It has no guard, and needs none.
#undef OURO_DETAIL_ABI
#undef OURO_DETAIL_ABI_NAME
#undef OURO_DETAIL_ASAN
#undef OURO_DETAIL_CATCH_ALL
#undef OURO_DETAIL_EXCEPTIONS
#undef OURO_DETAIL_HARDENED
#undef OURO_DETAIL_HIDDEN
#undef OURO_DETAIL_INIT_FIRST
#undef OURO_DETAIL_INLINE
#undef OURO_DETAIL_INLINE_LAMBDA
#undef OURO_DETAIL_MMAP
#undef OURO_DETAIL_NOINLINE
#undef OURO_DETAIL_NO_SANITIZE
#undef OURO_DETAIL_PREFETCH
#undef OURO_DETAIL_PTHREAD
#undef OURO_DETAIL_RETHROW
#undef OURO_DETAIL_SYSTEM_ALLOC
#undef OURO_DETAIL_TRY

#endif  // OURO_OURO_HPP
