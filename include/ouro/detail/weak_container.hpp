// What the weak containers share: ownership of the table, iterators that keep their place alive, removal.
#ifndef OURO_DETAIL_WEAK_CONTAINER_HPP
#define OURO_DETAIL_WEAK_CONTAINER_HPP

#include <ouro/detail/entry_memory.hpp>
#include <ouro/detail/values.hpp>
#include <ouro/gc_ptr.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// The target of an entry as a handle: null while the object waits for its destructor.
template <class T, class Entry>
gc_ptr<T> lock_entry(Entry const& e) noexcept {
  if (!is_lockable(*e.object)) return nullptr;
  add_reference(e.object);
  return handle_access::adopt_word<T>(e.pointer);
}

/// An entry that leads to an object of type `T`, with `Held` traced as part of it.
template <class T, class Held>
struct typed_entry : weak_entry {
  template <class... A>
  explicit typed_entry(gc_ptr<T> const& p, A&&... args)
      : pointer(handle_access::word(p)), held(std::forward<A>(args)...) {
    assert_traceable<Held>();
    traced = is_traced<Held>;
    hand_traced = is_traced<Held> && is_hand_traced<Held>;
    keyed = is_traced<Held> && has_keyed_container<Held>;
    plain = drops_only_handles<Held>;
  }
  void trace(tracer& t) const noexcept override { trace_value(held, t); }
  void forget() noexcept override { operator delete(this); }

  static void* operator new(std::size_t, heap_core& heap) {
    return allocate_entry(heap, sizeof(typed_entry), alignof(typed_entry));
  }
  static void operator delete(void* entry) noexcept {
    deallocate_entry(entry, sizeof(typed_entry), alignof(typed_entry));
  }
  static void operator delete(void* entry, heap_core&) noexcept { operator delete(entry); }

  void* pointer;
  [[no_unique_address]] Held held;
};

/// Stands on an entry whose object it keeps alive, so that the entry stays, whatever else dies meanwhile.
template <class T, class Entry, class Reference>
class weak_iterator {
 public:
  using value_type = Reference;
  using reference = Reference;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using iterator_concept = std::forward_iterator_tag;

  struct pointer {
    Reference value;
    Reference* operator->() noexcept { return &value; }
  };

  weak_iterator() = default;
  explicit weak_iterator(weak_entry* e) noexcept { stand_on(e); }
  weak_iterator(weak_entry* e, gc_ptr<T> target) noexcept : entry_(e), target_(std::move(target)) {}

  Reference operator*() const { return Entry::dereference(static_cast<Entry&>(*entry_), target_); }
  pointer operator->() const { return {**this}; }
  weak_iterator& operator++() noexcept {
    gc_ptr<T> const before = std::move(target_);  // goes last: its death may take other entries along
    stand_on(entry_->next_in_table);
    return *this;
  }
  weak_iterator operator++(int) noexcept {
    weak_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(weak_iterator const& a, weak_iterator const& b) noexcept { return a.entry_ == b.entry_; }

  Entry* entry() const noexcept { return static_cast<Entry*>(entry_); }

 private:
  void stand_on(weak_entry* e) noexcept {
    for (; e != nullptr; e = e->next_in_table) {
      target_ = lock_entry<T>(static_cast<Entry&>(*e));
      if (target_) break;
    }
    entry_ = e;
  }

  weak_entry* entry_ = nullptr;
  gc_ptr<T> target_;
};

template <class T, class Entry, class Reference>
class weak_container {
 public:
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using iterator = weak_iterator<T, Entry, Reference>;
  using const_iterator = iterator;

  weak_container() = default;
  weak_container(weak_container&& other) noexcept : table_(replace(other.table_, nullptr)) {}
  weak_container& operator=(weak_container&& other) noexcept {
    weak_container(std::move(other)).swap(*this);
    return *this;
  }
  ~weak_container() {
    clear();
    delete table_;
  }

  void swap(weak_container& other) noexcept { table_ = replace(other.table_, table_); }

  /// Live entries in the order of insertion. An iterator keeps the object alive that it stands on, so it survives the
  /// death of any other; it is invalid once its entry has been erased.
  iterator begin() const noexcept { return iterator(table_ != nullptr ? table_->first() : nullptr); }
  iterator end() const noexcept { return iterator(); }

  /// Entries of dead objects are gone at once.
  std::size_t size() const noexcept { return table_ != nullptr ? table_->size() : 0; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void clear() noexcept {
    while (!empty()) remove(*table_->first());
  }
  /// The next entry.
  iterator erase(iterator at) noexcept {
    iterator next = at;  // `at` may have the last handle to the object, whose death would take the entry along
    ++next;
    remove(*at.entry());
    return next;
  }

 protected:
  template <class Equal>
  Entry* find_entry(std::size_t hash, Equal equal) const {
    if (table_ == nullptr) return nullptr;
    return static_cast<Entry*>(
        table_->find(hash, [&](weak_entry const& e) { return equal(static_cast<Entry const&>(e)); }));
  }

  /// One more entry, which holds what is made of `args`. Throws std::bad_alloc, std::invalid_argument for null, and what
  /// that throws; nothing has changed then.
  template <class... A>
  iterator insert_entry(gc_ptr<T> const& p, std::size_t hash, A&&... args) {
    gc_ptr<T> target = p;  // whatever happens to `p` while the entry is made
    object_header* const h = handle_access::header(target);
    if (h == nullptr) throw_error(std::invalid_argument("ouro: a weak container cannot hold a null handle"));
    std::unique_ptr<Entry> e(new (heap_of(h)) Entry(target, std::forward<A>(args)...));
    if (table_ == nullptr) table_ = new weak_table;
    e->hash = hash;
    attach(h, *table_, *e);
    return iterator(e.release(), std::move(target));
  }

  /// User code runs when the entry is gone already.
  static void remove(weak_entry& e) noexcept {
    detach(e);
    delete &e;
  }

 private:
  friend struct handle_traits_of_weak_container;
  weak_table* table_ = nullptr;
};

struct handle_traits_of_weak_container {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;  // entries are checked one by one
  static constexpr bool has_keyed_container = true;

  template <class T, class Entry, class Reference>
  static void trace(weak_container<T, Entry, Reference> const& c, tracer& t) noexcept {
    if (c.table_ != nullptr) tracer_access::report_table(t, *c.table_);
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
