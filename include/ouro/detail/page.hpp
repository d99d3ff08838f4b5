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

#include <ouro/detail/object_header.hpp>
#include <ouro/detail/os_memory.hpp>
#include <ouro/detail/side_record.hpp>
#include <ouro/detail/type_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

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

#endif
