// What the untyped parts know of a type: how to destroy, trace and finalize it, and where its pages are.
#ifndef OURO_DETAIL_TYPE_DESCRIPTOR_HPP
#define OURO_DETAIL_TYPE_DESCRIPTOR_HPP

#include <ouro/detail/tracer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

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

#endif
