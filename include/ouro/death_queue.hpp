// Deaths as data: objects are watched, and the program asks when it wants which of them have died.
#ifndef OURO_DEATH_QUEUE_HPP
#define OURO_DEATH_QUEUE_HPP

#include <ouro/gc_ptr.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Watches objects, and queues the keys of those that have died. A callback runs in the middle of whatever the program
/// is doing; this waits until it is asked.
///
/// An object that its finalizer resurrects has not died. Objects may be watched more than once. Movable, not copyable;
/// when the queue goes, so does its interest. `Key` must hold no handles. Exceptions of `watch`: `std::bad_alloc`, those
/// of moving the key, `std::invalid_argument` for null; nothing has changed then. All operations are O(1), amortised.
/// Thread rule: that of the objects' heaps. It is what Java's `ReferenceQueue` is for; CPython has none.
template <class T, class Key = std::size_t>
class death_queue {
  struct entry final : detail::weak_entry {
    explicit entry(Key&& k) : key(std::move(k)) {}
    Key key;
  };

  struct queue final : detail::weak_table {
    void lose(detail::weak_entry& e) noexcept override {
      unlink(e);
      detail::unlink(&e);
      e.next_in_table = nullptr;
      (last_dead != nullptr ? last_dead->next_in_table : first_dead) = &e;
      last_dead = &e;
      ++dead;
    }
    std::unique_ptr<entry> take_dead() noexcept {
      auto* const e = static_cast<entry*>(first_dead);
      if (e == nullptr) return nullptr;
      first_dead = e->next_in_table;
      if (first_dead == nullptr) last_dead = nullptr;
      --dead;
      return std::unique_ptr<entry>(e);
    }

    detail::weak_entry* first_dead = nullptr;  // linked as entries of the table are
    detail::weak_entry* last_dead = nullptr;
    std::size_t dead = 0;
  };

 public:
  /// It holds no handles.
  using gc_leaf = death_queue;

  death_queue() = default;
  /// Takes over what the other one holds.
  death_queue(death_queue&& other) noexcept = default;
  /// Takes over what the other one holds.
  death_queue& operator=(death_queue&& other) noexcept {
    death_queue(std::move(other)).swap(*this);
    return *this;
  }
  ~death_queue() {
    if (queue_ == nullptr) return;
    while (detail::weak_entry* const e = queue_->first()) {
      detail::detach(*e);
      delete e;
    }
    while (queue_->take_dead() != nullptr) {
    }
  }

  /// Exchanges the two.
  void swap(death_queue& other) noexcept { queue_.swap(other.queue_); }
  friend void swap(death_queue& a, death_queue& b) noexcept { a.swap(b); }

  /// When the object dies, `key` is queued.
  void watch(gc_ptr<T> const& p, Key key) {
    static_assert(!is_traced<Key>, "ouro: the keys of a death_queue are not traced: use keys that hold no handles");
    detail::object_header* const h = detail::handle_access::header(p);
    if (h == nullptr) detail::throw_error(std::invalid_argument("ouro: a death_queue cannot watch a null handle"));
    detail::check_handle(h);
    if (queue_ == nullptr) queue_ = std::make_unique<queue>();
    auto e = std::make_unique<entry>(std::move(key));
    e->hash = detail::mixed_hash(reinterpret_cast<std::uintptr_t>(e.get()));
    detail::attach(h, *queue_, *e);
    e.release();
  }

  /// The key of the object that died first, or nothing.
  std::optional<Key> pop() {
    auto const e = queue_ != nullptr ? queue_->take_dead() : nullptr;
    if (e == nullptr) return std::nullopt;
    return std::move(e->key);
  }

  /// Deaths that have not been asked for.
  std::size_t pending() const noexcept { return queue_ != nullptr ? queue_->dead : 0; }
  /// Objects that are watched and alive, each as often as it is watched.
  std::size_t watched() const noexcept { return queue_ != nullptr ? queue_->size() : 0; }

 private:
  std::unique_ptr<queue> queue_;
};

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
