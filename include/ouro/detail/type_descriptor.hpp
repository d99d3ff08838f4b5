// What the untyped parts know of a type: how to destroy, trace and finalize it, and where its pages are.
#ifndef OURO_DETAIL_TYPE_DESCRIPTOR_HPP
#define OURO_DETAIL_TYPE_DESCRIPTOR_HPP

#include <ouro/detail/tracer.hpp>

#include <atomic>
#include <cstddef>
#include <string_view>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Blocks of at most this many bytes come from pages, larger ones from operator new.
inline constexpr std::size_t largest_pooled_block = 512;
/// Array blocks are rounded up to size classes of this many bytes.
inline constexpr std::size_t array_class_bytes = 16;
inline constexpr std::uint32_t array_classes = largest_pooled_block / array_class_bytes + 1;
inline constexpr std::uint32_t no_bin = 0xffffffffu;

struct type_descriptor {
  void (*destroy)(void* object) noexcept;              // null: nothing to do
  void (*trace)(void const* object, tracer&) noexcept;  // null: a leaf
  void (*finalize)(void* object);                      // null: none
  std::string_view (*name)() noexcept;
  void (*throw_pointer)(void* object);  // hardened: throws a pointer to the object, of its type; else null
  std::uint32_t alignment;
  bool is_array;
  bool hand_traced;  // some part is traced by code that users wrote: its reports are checked
  bool keyed;        // has a container whose order or hash depends on handles
  bool is_generator = false;  // `destroy` does what `finalize` does, which only collections call

  // Index of the type's bin in every heap's table (for arrays: of the first of `array_classes` bins).
  mutable std::atomic<std::uint32_t> bin{no_bin};

  bool tracked() const noexcept { return trace != nullptr; }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
