// A heap's pages and blocks: where blocks come from, where freed ones go, and the walk over all objects.
//
//   chunk --> page --> bin (one for each type and size class) --> block
//
// A page whose last object dies is idle: it stays with its bin, its free blocks linked as they are. Before the heap takes
// a page that was never used, all idle ones become dirty: free for any type.
//
// A bin owns all free blocks of its current page, so handing one out touches nothing but the bin and the block. Those
// blocks count as in use; a block freed on another page goes to that page's own list.
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

inline constexpr std::size_t carve_bytes = 4096;

// --- chunks and pages -----------------------------------------------------------------------------------------------

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

// --- blocks ---------------------------------------------------------------------------------------------------------

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

/// Calls `f(header)` for every block that is not free, of leaf or of tracked types, of pages that `keep` accepts.
template <class Keep, class F>
void walk_pages(heap_core& heap, bool tracked, Keep keep, F f) {
  for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) {
    if (!keep(*p)) continue;
    for_each_block(*p, [&](object_header* h) {
      if (state_of(*h) != object_state::free) f(h);
    });
  }
  for (large_prefix* l = heap.large[tracked]; l != nullptr; l = l->next) f(l->header());
}

/// The same for every page.
template <class F>
void walk_pages(heap_core& heap, bool tracked, F f) {
  walk_pages(heap, tracked, [](page const&) { return true; }, f);
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
