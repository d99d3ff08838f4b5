// Local variables of generators that the collector can follow.
#ifndef OURO_GC_LOCAL_HPP
#define OURO_GC_LOCAL_HPP

#include <ouro/detail/generator_shell.hpp>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// A `gc_ptr<T>` that is traced where it is a local variable of a generator: a cycle from the generator through it and
/// back is collected. A plain `gc_ptr` there keeps its object alive until the body's scope ends.
///
/// It goes by its address. As a variable of a generator's body, or as a part of one (an array, `std::optional`, a class
/// of yours) it is traced by the generator; as a part of an object by the object; anywhere else (on the stack, as an
/// element of a `std::vector`) it is an ordinary handle, and a root. Two pointers wide. Making and destroying one takes
/// some nanoseconds more than for a `gc_ptr`, using it nothing. Never throws. Thread rule as for `gc_ptr`. CPython:
/// every local variable.
template <class T>
class gc_local : detail::local_anchor, public gc_ptr<T> {
 public:
  gc_local() noexcept : gc_local(gc_ptr<T>()) {}
  /// Null.
  gc_local(std::nullptr_t) noexcept : gc_local(gc_ptr<T>()) {}
  /// Takes the handle over.
  gc_local(gc_ptr<T> handle) noexcept : gc_ptr<T>(std::move(handle)) {
    static_assert(sizeof(gc_local) == 2 * detail::word_bytes);
    mark(detail::points_into_objects<T>() ? kind::polymorphic_handle : kind::handle);
  }
  /// From a handle that converts.
  template <class U>
  requires(!std::is_same_v<U, T> && std::is_convertible_v<gc_ptr<U>, gc_ptr<T>>) gc_local(gc_ptr<U> handle)
  noexcept : gc_local(gc_ptr<T>(std::move(handle))) {}
  /// A copy.
  gc_local(gc_local const& other) noexcept : gc_local(static_cast<gc_ptr<T> const&>(other)) {}
  /// Takes over what the other one holds.
  gc_local(gc_local&& other) noexcept : gc_local(static_cast<gc_ptr<T>&&>(other)) {}
  ~gc_local() { unmark(); }

  using gc_ptr<T>::operator=;
  /// A copy replaces what it holds.
  gc_local& operator=(gc_local const& other) noexcept {
    gc_ptr<T>::operator=(other);
    return *this;
  }
  /// Takes over what the other one holds.
  gc_local& operator=(gc_local&& other) noexcept {
    gc_ptr<T>::operator=(std::move(other));
    return *this;
  }

 private:
  friend struct detail::handle_traits<gc_local>;
};
/// So that the arguments can be left out.
template <class T>
gc_local(gc_ptr<T>) -> gc_local<T>;

/// A value with handles in it, say a container, that is traced where it is a local variable of a generator. `*v` and
/// `v->` reach the value.
///
/// It goes by its address, as `gc_local` does; one pointer wider than the two and the value. Precondition: `V` is
/// traceable, and is not changed while the collector may run: its elements do not allocate when they are copied,
/// compared or destroyed. Exceptions: those of the value.
template <class V>
class gc_local_value : detail::local_anchor {
 public:
  gc_local_value() : gc_local_value(std::in_place) {}
  /// A copy.
  gc_local_value(V const& value) : gc_local_value(std::in_place, value) {}
  /// Takes over what the other one holds.
  gc_local_value(V&& value) : gc_local_value(std::in_place, std::move(value)) {}
  /// The value is built with these arguments.
  template <class... A>
  explicit gc_local_value(std::in_place_t, A&&... args) : value_(std::forward<A>(args)...) {
    mark(kind::value);
  }
  /// A copy.
  gc_local_value(gc_local_value const& other) : gc_local_value(std::in_place, other.value_) {}
  /// Takes over what the other one holds.
  gc_local_value(gc_local_value&& other) noexcept(std::is_nothrow_move_constructible_v<V>)
      : gc_local_value(std::in_place, std::move(other.value_)) {}
  ~gc_local_value() { unmark(); }

  /// A copy replaces what it holds.
  gc_local_value& operator=(gc_local_value const& other) {
    value_ = other.value_;
    return *this;
  }
  /// Takes over what the other one holds.
  gc_local_value& operator=(gc_local_value&& other) noexcept(std::is_nothrow_move_assignable_v<V>) {
    value_ = std::move(other.value_);
    return *this;
  }

  /// The value.
  V& operator*() noexcept { return value_; }
  /// The value.
  V const& operator*() const noexcept { return value_; }
  /// A member of the value.
  V* operator->() noexcept { return std::addressof(value_); }
  /// A member of the value.
  V const* operator->() const noexcept { return std::addressof(value_); }

 private:
  friend struct detail::handle_traits<gc_local_value>;

  static void trace_whole(local_anchor const& anchor, tracer& t) noexcept {
    detail::trace_value(static_cast<gc_local_value const&>(anchor).value_, t);
  }

  trace_function const trace_ = &trace_whole;
  V value_;
};

namespace detail {

// What a generator traces by its mark is not traced again with the variable that it is a part of.

template <class T>
struct handle_traits<gc_local<T>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = handle_traits<gc_ptr<T>>::is_traced;
  static constexpr bool is_hand_traced = false;
  static void trace(gc_local<T> const& local, tracer& t) noexcept {
    if (!local.is_marked()) trace_value<gc_ptr<T>>(local, t);
  }
};

template <class V>
struct handle_traits<gc_local_value<V>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = ouro::is_traced<V>;
  static constexpr bool is_hand_traced = detail::is_hand_traced<V>;
  static constexpr bool has_keyed_container = detail::has_keyed_container<V>;
  static void trace(gc_local_value<V> const& local, tracer& t) noexcept {
    if (!local.is_marked()) trace_value(local.value_, t);
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class T>
struct std::hash<ouro::gc_local<T>> : std::hash<ouro::gc_ptr<T>> {};

#endif
