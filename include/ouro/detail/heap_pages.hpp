// A heap's pages: where they come from, and where they go when their last object has died.
//
//   system --> chunk of 64 pages --> page --> bin (one for each type and size class)
//
// A page whose last object dies is idle: it stays with its bin, its free blocks linked as they are. Before the heap takes
// a page that was never used, all idle ones become dirty: free for any type.
#ifndef OURO_DETAIL_HEAP_PAGES_HPP
#define OURO_DETAIL_HEAP_PAGES_HPP

#include <ouro/detail/large_blocks.hpp>
#include <ouro/detail/values.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

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

#endif
