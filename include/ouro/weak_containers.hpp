// Containers whose entries vanish with their objects: a map to values, a map from keys (ephemerons), a set.
#ifndef OURO_WEAK_CONTAINERS_HPP
#define OURO_WEAK_CONTAINERS_HPP

#include <ouro/detail/weak_container.hpp>

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

namespace detail {

struct nothing {
  using gc_leaf = nothing;
};

template <class T>
struct set_entry final : typed_entry<T, nothing> {
  using typed_entry<T, nothing>::typed_entry;
  static gc_ptr<T> dereference(set_entry&, gc_ptr<T> const& target) { return target; }
};

template <class T, class V>
struct key_map_entry final : typed_entry<T, V> {
  using typed_entry<T, V>::typed_entry;
  static std::pair<gc_ptr<T>, V&> dereference(key_map_entry& e, gc_ptr<T> const& target) { return {target, e.held}; }
};

template <class K, class T>
struct value_map_entry final : typed_entry<T, K> {
  using typed_entry<T, K>::typed_entry;
  static std::pair<K const&, gc_ptr<T>> dereference(value_map_entry& e, gc_ptr<T> const& target) {
    return {e.held, target};
  }
};

/// Lookups by the identity of the object, as sets and maps from weak keys do them.
template <class T, class Entry, class Reference>
class identity_container : public weak_container<T, Entry, Reference> {
  using base = weak_container<T, Entry, Reference>;

 public:
  using key_type = gc_ptr<T>;
  using base::erase;
  using typename base::iterator;

  iterator find(gc_ptr<T> const& p) const noexcept { return iterator(entry_of(p)); }
  bool contains(gc_ptr<T> const& p) const noexcept { return entry_of(p) != nullptr; }
  std::size_t count(gc_ptr<T> const& p) const noexcept { return contains(p) ? 1 : 0; }
  /// The number of entries erased.
  std::size_t erase(gc_ptr<T> const& p) noexcept {
    Entry* const e = entry_of(p);
    if (e == nullptr) return 0;
    this->remove(*e);
    return 1;
  }

 protected:
  Entry* entry_of(gc_ptr<T> const& p) const noexcept {
    object_header* const h = handle_access::header(p);
    return this->find_entry(hash_of(h), [h](Entry const& e) { return e.object == h; });
  }

  template <class... A>
  std::pair<iterator, bool> emplace(gc_ptr<T> const& p, A&&... args) {
    if (Entry* const e = entry_of(p); e != nullptr) return {iterator(e), false};
    return {this->insert_entry(p, hash_of(handle_access::header(p)), std::forward<A>(args)...), true};
  }
};

}  // namespace detail

/// A set of objects that does not keep them alive: an entry vanishes when its object dies.
///
/// Compares by identity. `insert`, `find`, `contains` and `erase` are O(1), amortised; `size()` counts live objects.
/// Movable, not copyable. Exceptions: `std::bad_alloc`, and `std::invalid_argument` for null; nothing has changed then.
/// Thread rule: that of the objects' heaps. CPython's counterpart is `weakref.WeakSet`.
template <class T>
class weak_set : public detail::identity_container<T, detail::set_entry<T>, gc_ptr<T>> {
  using base = detail::identity_container<T, detail::set_entry<T>, gc_ptr<T>>;

 public:
  /// What iterators give: a handle, so that the object lives while it is looked at.
  using value_type = gc_ptr<T>;
  using typename base::iterator;

  /// The entry, and whether it is new.
  std::pair<iterator, bool> insert(gc_ptr<T> const& p) { return this->emplace(p); }
  friend void swap(weak_set& a, weak_set& b) noexcept { a.swap(b); }
};

/// Values attached to objects, from outside: an entry vanishes when its key dies. A real table of ephemerons: a value
/// is alive only through its key and the map together, so it may refer to both, and all of them are still collected.
///
/// Compares keys by identity. `try_emplace`, `find`, `contains` and `erase` are O(1), amortised; `size()` counts live
/// keys. References to values stay valid as long as the entry. When a key dies, its entry leaves the map first; the value
/// is destroyed after the key. A finalizer still finds the entries of its object.
///
/// Movable, not copyable. Values with handles make a key that is a leaf tracked. Exceptions: `std::bad_alloc`, those of
/// `V`'s constructors, `std::invalid_argument` for null; nothing has changed then. Thread rule: that of the keys' heaps.
/// CPython's counterpart is `weakref.WeakKeyDictionary`, where a value that leads to its key keeps both forever.
template <class T, class V>
class weak_key_map : public detail::identity_container<T, detail::key_map_entry<T, V>, std::pair<gc_ptr<T>, V&>> {
  using base = detail::identity_container<T, detail::key_map_entry<T, V>, std::pair<gc_ptr<T>, V&>>;

 public:
  /// The values.
  using mapped_type = V;
  /// What iterators give.
  using value_type = std::pair<gc_ptr<T>, V&>;
  using typename base::iterator;

  /// Makes the value of the arguments unless the key has one: the entry, and whether it is new.
  template <class... A>
  std::pair<iterator, bool> try_emplace(gc_ptr<T> const& key, A&&... args) {
    check_key();
    return this->emplace(key, std::forward<A>(args)...);
  }
  /// The same; an entry that is there gets the value.
  template <class U>
  std::pair<iterator, bool> insert_or_assign(gc_ptr<T> const& key, U&& value) {
    check_key();
    auto const at = this->find(key);
    if (at == this->end()) return this->emplace(key, std::forward<U>(value));
    at.entry()->held = std::forward<U>(value);
    return {at, false};
  }
  /// Throws `std::out_of_range`.
  V& at(gc_ptr<T> const& key) const {
    auto* const e = this->entry_of(key);
    if (e == nullptr) detail::throw_error(std::out_of_range("ouro: weak_key_map::at: no such key"));
    return e->held;
  }
  /// The value of the key, default-made if there is none. Throws as `try_emplace`.
  V& operator[](gc_ptr<T> const& key) { return (*try_emplace(key).first).second; }
  friend void swap(weak_key_map& a, weak_key_map& b) noexcept { a.swap(b); }

 private:
  static constexpr void check_key() {
    constexpr bool edge_seen = detail::handle_traits<gc_ptr<T>>::is_traced &&
                               (!std::is_final_v<T> || detail::is_tracked_type<std::remove_cv_t<T>>);
    static_assert(!is_traced<V> || edge_seen,
                  "ouro: handles to this key type are never traced, since it is a leaf that nothing derives from, so a "
                  "value that leads to its key would keep it alive forever: remove `final`, give the key a member that "
                  "is a handle, or let the value hold no handles");
  }
};

/// Objects found by a key, which does not keep them alive: an entry vanishes when its object dies. For intern tables and
/// caches that empty themselves.
///
/// `find`, `try_emplace` and `erase` hash once and are O(1), amortised; `size()` counts live objects. When an object dies
/// its entry leaves the map first, which neither hashes nor compares; the key is destroyed after the object. Keys with
/// handles live through the object and the map together, as the values of `weak_key_map` do.
///
/// Movable, not copyable. Exceptions: `std::bad_alloc`, those of the hash, the comparison and of moving the key,
/// `std::invalid_argument` for null; nothing has changed then. Thread rule: that of the objects' heaps. CPython's
/// counterpart is `weakref.WeakValueDictionary`.
template <class K, class T, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class weak_value_map : public detail::weak_container<T, detail::value_map_entry<K, T>, std::pair<K const&, gc_ptr<T>>> {
  using entry = detail::value_map_entry<K, T>;
  using base = detail::weak_container<T, entry, std::pair<K const&, gc_ptr<T>>>;

 public:
  /// The keys.
  using key_type = K;
  /// Handles to the values.
  using mapped_type = gc_ptr<T>;
  /// What iterators give.
  using value_type = std::pair<K const&, gc_ptr<T>>;
  using base::erase;
  using typename base::iterator;

  /// The entry, and whether it is new: a live object stays.
  std::pair<iterator, bool> try_emplace(K key, gc_ptr<T> const& p) {
    std::size_t const hash = hash_of_key(key);
    if (entry* const e = live_entry(hash, key); e != nullptr) return {iterator(e), false};
    return {this->insert_entry(p, hash, std::move(key)), true};
  }
  /// The same; an entry that is there gets the object.
  std::pair<iterator, bool> insert_or_assign(K key, gc_ptr<T> const& p) {
    std::size_t const hash = hash_of_key(key);
    entry* const before = live_entry(hash, key);
    iterator const at = this->insert_entry(p, hash, std::move(key));
    if (before != nullptr) this->remove(*before);
    return {at, before == nullptr};
  }

  /// The entry of the key, if its object lives; else `end()`. O(1) on average.
  iterator find(K const& key) const { return iterator(live_entry(hash_of_key(key), key)); }
  /// Is there an entry whose object lives? O(1) on average.
  bool contains(K const& key) const { return live_entry(hash_of_key(key), key) != nullptr; }
  /// 1 if there is an entry whose object lives, else 0.
  std::size_t count(K const& key) const { return contains(key) ? 1 : 0; }
  /// Throws `std::out_of_range`.
  gc_ptr<T> at(K const& key) const {
    entry* const e = live_entry(hash_of_key(key), key);
    if (e == nullptr) detail::throw_error(std::out_of_range("ouro: weak_value_map::at: no such key"));
    return detail::lock_entry<T>(*e);
  }
  /// The number of entries erased.
  std::size_t erase(K const& key) {
    entry* const e = live_entry(hash_of_key(key), key);
    if (e == nullptr) return 0;
    this->remove(*e);
    return 1;
  }
  friend void swap(weak_value_map& a, weak_value_map& b) noexcept { a.swap(b); }

 private:
  static std::size_t hash_of_key(K const& key) { return detail::mixed_hash(Hash()(key)); }

  /// Entries whose objects wait for their destructors are not found.
  entry* live_entry(std::size_t hash, K const& key) const {
    return this->find_entry(hash,
                            [&](entry const& e) { return detail::is_lockable(*e.object) && Equal()(e.held, key); });
  }
};

namespace detail {

template <class T>
struct handle_traits<weak_set<T>> : handle_traits_of_weak_container {};
template <class T, class V>
struct handle_traits<weak_key_map<T, V>> : handle_traits_of_weak_container {};
template <class K, class T, class H, class E>
struct handle_traits<weak_value_map<K, T, H, E>> : handle_traits_of_weak_container {};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
