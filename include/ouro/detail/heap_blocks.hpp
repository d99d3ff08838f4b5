// A heap's blocks: where they come from, where freed ones go, what is known of their number, and the walk over all objects.
//
//   page --> bin (one for each type and size class) --> block
//
// A bin owns all free blocks of its current page, so handing one out touches nothing but the bin and the block. Those
// blocks count as in use; a block freed on another page goes to that page's own list.
#ifndef OURO_DETAIL_HEAP_BLOCKS_HPP
#define OURO_DETAIL_HEAP_BLOCKS_HPP

#include <ouro/detail/heap_pages.hpp>
#include <ouro/detail/values.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

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

#endif
