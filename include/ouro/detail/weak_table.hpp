// The untyped part of weak containers: entries that belong to an object and to a table, and die with either.
//
// An entry is an ephemeron: what it holds is alive if both its object and its table are. The collector therefore meets it
// on two ways, from the object (see detail/side_slots.hpp) and from the table, counts its handles once, and takes them
// for alive when it has reached both.
//
// B. Hayes, "Ephemerons: a New Finalization Mechanism" (OOPSLA 1997) has the idea.
#ifndef OURO_DETAIL_WEAK_TABLE_HPP
#define OURO_DETAIL_WEAK_TABLE_HPP

#include <ouro/detail/object_header.hpp>
#include <ouro/detail/tracer.hpp>

#include <cstddef>
#include <cstdint>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// A place in a list whose head is a plain pointer, and which a node can leave without knowing the head.
template <class Node>
struct list_hook {
  Node* next = nullptr;
  Node** link = nullptr;  // the pointer that points to this node; null outside of lists
};
template <class Node>
void link_front(Node*& first, Node* node) noexcept {
  node->next = first;
  node->link = &first;
  if (first != nullptr) first->link = &node->next;
  first = node;
}
template <class Node>
void unlink(Node* node) noexcept {
  *node->link = node->next;
  if (node->next != nullptr) node->next->link = node->link;
  node->link = nullptr;
}

/// One entry. The hook is its place in its object's list.
struct weak_entry : list_hook<weak_entry> {
  weak_entry() = default;
  weak_entry(weak_entry const&) = delete;
  weak_entry& operator=(weak_entry const&) = delete;
  virtual ~weak_entry() = default;

  /// Reports the handles in its key and value.
  virtual void trace(tracer&) const noexcept {}
  /// Gives the memory back without a destructor. Precondition: `plain`.
  virtual void forget() noexcept {}

  object_header* object = nullptr;
  std::uint32_t round = 0;  // the trial that has counted it
  bool traced = false;      // it may hold handles
  bool hand_traced = false;
  bool keyed = false;
  bool plain = false;                   // its destructor does nothing but drop the handles that `trace` reports
  weak_table* table = nullptr;          // null once it has left
  weak_entry* next_in_table = nullptr;  // in the order of insertion
  weak_entry* previous_in_table = nullptr;
  weak_entry* next_in_bucket = nullptr;
  std::size_t hash = 0;
};

/// Hashes of objects keep neighbours together, since garbage is torn down page by page. Different pages are kept apart.
inline std::size_t hash_of(object_header const* h) noexcept {
  auto const address = reinterpret_cast<std::uintptr_t>(h);
  return static_cast<std::size_t>(address / 16 + (std::uint64_t{address} >> 16) * 0x9e3779b97f4a7c15u);
}
/// For hashes of unknown quality: the upper half of the product depends on all bits (Knuth, TAOCP volume 3, 6.4).
inline std::size_t mixed_hash(std::size_t hash) noexcept {
  return static_cast<std::size_t>(std::uint64_t{hash} * 0x9e3779b97f4a7c15u >> 32);
}

/// Entries in the order of insertion, found by the lower bits of a hash. Leaving is O(1), and runs no code of the user.
class weak_table {
 public:
  weak_table() = default;
  weak_table(weak_table const&) = delete;
  weak_table& operator=(weak_table const&) = delete;
  virtual ~weak_table() { delete[] buckets_; }

  std::size_t size() const noexcept { return size_; }
  weak_entry* first() const noexcept { return first_; }

  template <class Equal>
  weak_entry* find(std::size_t hash, Equal equal) const {
    if (size_ == 0) return nullptr;
    for (weak_entry* e = *bucket(hash); e != nullptr; e = e->next_in_bucket) {
      if (e->hash == hash && equal(*e)) return e;
    }
    return nullptr;
  }

  /// Makes room for one more entry. Throws std::bad_alloc.
  void reserve_one() {
    if (size_ < bucket_count_) return;
    std::size_t const count = bucket_count_ == 0 ? 8 : bucket_count_ * 2;
    auto* const buckets = new weak_entry*[count]();
    delete[] buckets_;
    buckets_ = buckets;
    bucket_count_ = count;
    for (weak_entry* e = first_; e != nullptr; e = e->next_in_table) put_in_bucket(*e);
  }

  /// Precondition: there is room.
  void link(weak_entry& e) noexcept {
    e.table = this;
    e.previous_in_table = last_;
    e.next_in_table = nullptr;
    (last_ != nullptr ? last_->next_in_table : first_) = &e;
    last_ = &e;
    put_in_bucket(e);
    ++size_;
  }

  void unlink(weak_entry& e) noexcept {
    weak_entry** place = bucket(e.hash);
    while (*place != &e) place = &(*place)->next_in_bucket;
    *place = e.next_in_bucket;
    (e.previous_in_table != nullptr ? e.previous_in_table->next_in_table : first_) = e.next_in_table;
    (e.next_in_table != nullptr ? e.next_in_table->previous_in_table : last_) = e.previous_in_table;
    e.table = nullptr;
    --size_;
  }

  /// The object of an entry dies. The entry stays on the object's list, and is deleted after the object.
  virtual void lose(weak_entry& e) noexcept { unlink(e); }

  std::uint32_t counted_round = 0;  // the trial that has met it inside S,
  std::uint32_t reached_round = 0;  // and the one that has found it alive there

 private:
  weak_entry** bucket(std::size_t hash) const noexcept { return &buckets_[hash & (bucket_count_ - 1)]; }
  void put_in_bucket(weak_entry& e) noexcept {
    weak_entry** const place = bucket(e.hash);
    e.next_in_bucket = *place;
    *place = &e;
  }

  weak_entry* first_ = nullptr;
  weak_entry* last_ = nullptr;
  std::size_t size_ = 0;
  weak_entry** buckets_ = nullptr;
  std::size_t bucket_count_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
