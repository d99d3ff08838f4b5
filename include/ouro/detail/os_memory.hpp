// Memory from the operating system in chunks, aligned to their size, from which heaps cut their pages.
#ifndef OURO_DETAIL_OS_MEMORY_HPP
#define OURO_DETAIL_OS_MEMORY_HPP

#include <ouro/fwd.hpp>

#include <cstdint>
#include <new>

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

#endif
