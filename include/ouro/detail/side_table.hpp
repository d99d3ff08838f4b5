// What only few objects need, and their headers have no room for.
//
//   header --flag_side--> side_table --> side_record --> views     what weak handles share that an address is not enough for
//                                                    --> watches   weak handles with callbacks, newest first
//                                                    --> entries   of weak containers
#ifndef OURO_DETAIL_SIDE_TABLE_HPP
#define OURO_DETAIL_SIDE_TABLE_HPP

#include <ouro/detail/weak_table.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

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
  std::uintptr_t plain = 0;            // the word of a copy
  weak_callback* callback = nullptr;  // null once it has been called
  side_record* side = nullptr;        // null once the handle is dead
  std::uint64_t serial = 0;           // the newest has the greatest
  std::size_t handles = 1;
};

struct side_record {
  object_header* header = nullptr;
  weak_view* views = nullptr;
  weak_watch* watches = nullptr;
  weak_entry* entries = nullptr;
  std::uintptr_t identity = 0;  // what weak handles compare: of a large object's block there may be another one later
  bool tracked_leaf = false;    // a leaf that the collector looks at because entries hang on it

  bool empty() const noexcept { return views == nullptr && watches == nullptr && entries == nullptr && !tracked_leaf; }
};

/// A hash table with linear probing. The hash keeps close neighbours together, since the collector asks for the objects
/// of a page one after the other.
class side_table {
 public:
  side_table() = default;
  side_table(side_table const&) = delete;
  side_table& operator=(side_table const&) = delete;
  ~side_table() { delete[] slots_; }

  /// Null when there is none. The object's `flag_side` tells without a search.
  side_record* find(object_header const* h) const noexcept {
    if (size_ == 0) return nullptr;
    for (std::size_t i = home_of(h); slots_[i].header != nullptr; i = (i + 1) & mask_) {
      if (slots_[i].header == h) return slots_[i].record;
    }
    return nullptr;
  }

  /// Precondition: none is there. Null when there is no memory.
  side_record* add(object_header* h) noexcept {
    if ((size_ + 1) * 2 > mask_ && !grow()) return nullptr;
    auto* record = new (std::nothrow) side_record;
    if (record == nullptr) return nullptr;
    record->header = h;
    place({h, record});
    ++size_;
    return record;
  }

  /// Precondition: it is there.
  void remove(object_header const* h) noexcept {
    std::size_t hole = home_of(h);
    while (slots_[hole].header != h) hole = (hole + 1) & mask_;
    delete slots_[hole].record;
    slots_[hole] = {};
    --size_;
    for (std::size_t i = (hole + 1) & mask_; slots_[i].header != nullptr; i = (i + 1) & mask_) {
      bool const fits = ((i - home_of(slots_[i].header)) & mask_) >= ((i - hole) & mask_);
      if (!fits) continue;
      slots_[hole] = slots_[i];
      slots_[i] = {};
      hole = i;
    }
  }

  template <class F>
  void for_each(F f) const {
    for (std::size_t i = 0; size_ != 0 && i <= mask_; ++i) {
      if (slots_[i].header != nullptr) f(*slots_[i].record);
    }
  }

 private:
  struct slot {
    object_header* header = nullptr;
    side_record* record = nullptr;
  };

  std::size_t home_of(object_header const* h) const noexcept {
    auto const address = reinterpret_cast<std::uintptr_t>(h);
    std::uint64_t const group = std::uint64_t{address / 256} * 0x9e3779b97f4a7c15u >> 32;
    return (static_cast<std::size_t>(group) * 16 + address / 16 % 16) & mask_;
  }
  void place(slot s) noexcept {
    std::size_t i = home_of(s.header);
    while (slots_[i].header != nullptr) i = (i + 1) & mask_;
    slots_[i] = s;
  }
  bool grow() noexcept {
    std::size_t const count = mask_ == 0 ? 16 : (mask_ + 1) * 2;
    auto* bigger = new (std::nothrow) slot[count];
    if (bigger == nullptr) return false;
    slot* const before = slots_;
    std::size_t const old_count = mask_ == 0 ? 0 : mask_ + 1;
    slots_ = bigger;
    mask_ = count - 1;
    for (std::size_t i = 0; i != old_count; ++i) {
      if (before[i].header != nullptr) place(before[i]);
    }
    delete[] before;
    return true;
  }

  slot* slots_ = nullptr;
  std::size_t mask_ = 0;  // number of slots less one; 0: none yet
  std::size_t size_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
