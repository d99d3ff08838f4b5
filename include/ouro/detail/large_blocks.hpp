// Blocks too large for a page: from operator new, and kept for reuse after their objects' death.
//
// A block taken from the system is made of untouched memory, whose first use costs a page fault for each 4 KiB: more
// than all else that happens to it. So a heap keeps as many bytes of freed blocks as it has in use, sorted by size class.
#ifndef OURO_DETAIL_LARGE_BLOCKS_HPP
#define OURO_DETAIL_LARGE_BLOCKS_HPP

#include <ouro/detail/heap_core.hpp>
#include <ouro/detail/values.hpp>

#include <bit>
#include <cstddef>
#include <new>

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

#endif
