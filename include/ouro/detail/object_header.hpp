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

#include <ouro/detail/values.hpp>
#include <ouro/fwd.hpp>

#include <bit>
#include <cstdint>
#include <cstring>

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

#endif
