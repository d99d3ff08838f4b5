// What only few objects need, and their headers have no room for.
//
//   object --> side_slot --> entries       of weak containers
//                        --> side_record --> views     what weak handles share that an address is not enough for
//                                        --> watches   weak handles with callbacks, newest first
//
// Slots lie beside the page, or in the prefix of a large block. The header's `flag_side` tells whether there is something
// in the object's.
#ifndef OURO_DETAIL_SIDE_RECORD_HPP
#define OURO_DETAIL_SIDE_RECORD_HPP

#include <ouro/detail/weak_table.hpp>

#include <cstddef>
#include <cstdint>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

struct side_record;

/// Shared by weak handles to a large object, whose block is not kept for them, or to one with more of them than the
/// header can count.
struct weak_view : list_hook<weak_view> {
  object_header* header = nullptr;  // null once a large object has died
  void* pointer = nullptr;
  std::uintptr_t identity = 0;
  std::size_t handles = 0;
  side_record* side = nullptr;
};

/// A callback, with the type of its argument forgotten.
struct weak_callback {
  weak_callback() = default;
  weak_callback(weak_callback const&) = delete;
  weak_callback& operator=(weak_callback const&) = delete;
  virtual ~weak_callback() = default;
  /// `word`: of a weak handle, which is taken over.
  virtual void call(std::uintptr_t word) = 0;
  virtual void trace(tracer&) const noexcept {}
};

/// A weak handle with a callback, and once it is dead its copies.
struct weak_watch : list_hook<weak_watch> {
  std::uintptr_t plain = 0;           // the word of a copy
  weak_callback* callback = nullptr;  // null once it has been called
  side_record* side = nullptr;        // null once the handle is dead
  std::uint64_t serial = 0;           // the newest has the greatest
  std::size_t handles = 1;
};

/// The hook is its place among the records of tracked leaves.
struct side_record : list_hook<side_record> {
  object_header* header = nullptr;
  weak_view* views = nullptr;
  weak_watch* watches = nullptr;
  std::uintptr_t identity = 0;  // what weak handles compare: of a large object's block there may be another one later

  /// Of a leaf that the collector looks at, since handles hang on it.
  bool tracked_leaf() const noexcept { return link != nullptr; }
  bool empty() const noexcept { return views == nullptr && watches == nullptr && !tracked_leaf(); }
};

struct side_slot {
  weak_entry* entries = nullptr;
  side_record* record = nullptr;

  void move_to(side_slot& other) noexcept {
    other = *this;
    if (entries != nullptr) entries->link = &other.entries;
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
