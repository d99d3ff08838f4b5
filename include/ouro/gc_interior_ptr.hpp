// A handle to a part of an object, which keeps the whole alive.
#ifndef OURO_GC_INTERIOR_PTR_HPP
#define OURO_GC_INTERIOR_PTR_HPP

#include <ouro/gc_ptr.hpp>

#include <compare>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Points to a member, element or base of an object and shares its ownership: `gc_interior_ptr(owner, &owner->field)`.
///
/// Two words: a `gc_ptr<void>` to the owner and the address of the part. It counts and is traced as one handle to the
/// owner. Precondition: the part lives as long as the owner does. With a null owner it is null. Thread rule and
/// complexity as for `gc_ptr`. It is what `std::shared_ptr`'s aliasing constructor makes; CPython has memoryview.
template <class U>
class gc_interior_ptr {
 public:
  /// The type of the part.
  using element_type = U;

  /// Null.
  constexpr gc_interior_ptr() noexcept = default;
  /// Null.
  constexpr gc_interior_ptr(std::nullptr_t) noexcept {}
  /// To `part`, which is a part of `owner`'s object.
  template <class T>
  gc_interior_ptr(gc_ptr<T> owner, U* part) noexcept : owner_(std::move(owner)), part_(part) {}
  /// To a base, or to a less constant type, of the same part.
  template <class V>
    requires(!std::is_same_v<U, V> && std::is_convertible_v<V*, U*>)
  gc_interior_ptr(gc_interior_ptr<V> other) noexcept : owner_(std::move(other.owner_)), part_(other.part_) {}

  /// The address of the part, or null.
  U* get() const noexcept { return owner_ ? part_ : nullptr; }
  /// The part. Precondition of `*` and `->`: not null (hardened builds check).
  U& operator*() const noexcept {
    check();
    return *part_;
  }
  /// A member of the part.
  U* operator->() const noexcept {
    check();
    return part_;
  }
  /// Is it not null?
  explicit operator bool() const noexcept { return get() != nullptr; }

  /// The object that the part belongs to.
  gc_ptr<void> const& owner() const noexcept { return owner_; }
  /// The number of handles to the owner, this one included.
  std::size_t use_count() const noexcept { return owner_.use_count(); }

  /// Drops the handle to the owner and is null.
  void reset() noexcept { owner_.reset(); }
  /// Exchanges two of them; no count changes.
  void swap(gc_interior_ptr& other) noexcept {
    owner_.swap(other.owner_);
    std::swap(part_, other.part_);
  }
  friend void swap(gc_interior_ptr& a, gc_interior_ptr& b) noexcept { a.swap(b); }

  template <class V>
  friend bool operator==(gc_interior_ptr const& a, gc_interior_ptr<V> const& b) noexcept {
    return a.get() == b.get();
  }
  template <class V>
  friend std::strong_ordering operator<=>(gc_interior_ptr const& a, gc_interior_ptr<V> const& b) noexcept {
    return std::compare_three_way()(a.get(), b.get());
  }
  friend bool operator==(gc_interior_ptr const& a, std::nullptr_t) noexcept { return a.get() == nullptr; }
  friend std::strong_ordering operator<=>(gc_interior_ptr const& a, std::nullptr_t) noexcept {
    return std::compare_three_way()(static_cast<void const*>(a.get()), static_cast<void const*>(nullptr));
  }

  template <class C, class Traits>
  friend std::basic_ostream<C, Traits>& operator<<(std::basic_ostream<C, Traits>& out, gc_interior_ptr const& p) {
    return out << static_cast<void const*>(p.get());
  }

 private:
  template <class>
  friend class gc_interior_ptr;
  friend struct detail::handle_traits<gc_interior_ptr>;

  void check() const noexcept {
    if (OURO_DETAIL_HARDENED && get() == nullptr) {
      detail::fail("a null handle was dereferenced", "gc_interior_ptr", detail::type_name<U>());
    }
  }

  gc_ptr<void> owner_;
  U* part_ = nullptr;
};

namespace detail {

template <class U>
struct handle_traits<gc_interior_ptr<U>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;
  static void trace(gc_interior_ptr<U> const& p, tracer& t) noexcept {
    handle_traits<gc_ptr<void>>::trace(p.owner_, t);
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class U>
struct std::hash<ouro::gc_interior_ptr<U>> {
  std::size_t operator()(ouro::gc_interior_ptr<U> const& p) const noexcept { return std::hash<void const*>()(p.get()); }
};

#if defined(__cpp_lib_format)
/// As a pointer.
template <class U>
struct std::formatter<ouro::gc_interior_ptr<U>, char> : std::formatter<void const*, char> {
  template <class Context>
  auto format(ouro::gc_interior_ptr<U> const& p, Context& context) const {
    return std::formatter<void const*, char>::format(p.get(), context);
  }
};
#endif

#endif
