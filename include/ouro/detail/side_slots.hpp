// Where the side slot of an object is: beside its page, or in the prefix of its large block.
#ifndef OURO_DETAIL_SIDE_SLOTS_HPP
#define OURO_DETAIL_SIDE_SLOTS_HPP

#include <ouro/detail/heap_blocks.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

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

#endif
