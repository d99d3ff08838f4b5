// Memory for the entries of weak containers: from pages of the heap whose objects they hang on.
//
// The collector meets entries in the order of their objects, which is mostly that of their birth: side by side on a page
// they cost fewer misses than among other blocks, and giving one back takes a few instructions. A page of entries keeps
// its heap, as one of objects does. It has no type, is on no list of the heap's pages, and nothing walks it.
#ifndef OURO_DETAIL_ENTRY_MEMORY_HPP
#define OURO_DETAIL_ENTRY_MEMORY_HPP

#include <ouro/detail/heap_blocks.hpp>
#include <ouro/detail/report.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

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

#endif
