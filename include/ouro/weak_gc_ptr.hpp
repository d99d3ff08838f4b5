// The weak handle: leads to an object without keeping it alive, and can tell when it dies.
#ifndef OURO_WEAK_GC_PTR_HPP
#define OURO_WEAK_GC_PTR_HPP

#include <ouro/detail/values.hpp>
#include <ouro/gc_ptr.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <type_traits>
#include <utility>
#include <version>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// A reference that does not own: `lock()` gives a handle while the object lives, and null afterwards.
///
/// One pointer wide. `T` as for `gc_ptr`: an object type, const, incomplete where it is only declared, `void`, `U[]`.
/// Copies and drops are O(1); objects that are never referred to weakly pay nothing. A pooled object (of at most 512
/// bytes) leaves its block behind, without its parts, until its last weak handle goes; larger ones leave nothing.
///
/// With a callback, `weak_gc_ptr<T>(p, f)`: when the object dies `f` is called once, with a weak handle that is dead and
/// equal to this one. The callback belongs to this handle: moves carry it, copies have none, and it is not called once
/// the handle is gone, or is part of the same garbage. Handles with callbacks die before the finalizers of garbage run,
/// all of them before the first callback, and stay dead if their object is resurrected; the newest is called first. What
/// a callback throws goes to the unraisable hook. No collection runs inside. A callback must not hold a handle to its own
/// object, which would never die; captures of a `gc_function` are traced as part of whatever holds this handle (unless
/// they have a trace written by hand or handles as keys), everything else that a callback holds is a root.
///
/// Thread rule: that of the object's heap. A weak handle may outlive object, heap and thread. CPython's counterpart is
/// `weakref.ref`.
template <class T>
class weak_gc_ptr {
 public:
  /// `T`, or the type of the elements of an array.
  using element_type = std::remove_extent_t<T>;

  constexpr weak_gc_ptr() noexcept = default;

  /// Exceptions: `std::bad_alloc` for large objects, and for objects with hundreds of weak handles.
  template <class U>
    requires(detail::is_handle_convertible<U, T>())
  weak_gc_ptr(gc_ptr<U> const& p) {
    detail::object_header* const h = detail::handle_access::header(p);
    if (h == nullptr) return;
    detail::check_handle(h);
    word_ = detail::make_weak(h, pointer_in(h, p.get()));
  }

  /// `callback`: called with `weak_gc_ptr<T> const&`. Of a null handle it is dropped. Exceptions: `std::bad_alloc`, and
  /// those of moving the callback.
  template <class U, class F>
    requires(detail::is_handle_convertible<U, T>() && std::is_invocable_v<F&, weak_gc_ptr const&>)
  weak_gc_ptr(gc_ptr<U> const& p, F callback) {
    detail::object_header* const h = detail::handle_access::header(p);
    if (h == nullptr) return;
    detail::check_handle(h);
    word_ = detail::make_watch(h, pointer_in(h, p.get()), new callback_of<F>(std::move(callback)));
  }

  /// One more weak handle to the same object, without its callback. O(1).
  weak_gc_ptr(weak_gc_ptr const& other) noexcept : word_(detail::copy_weak(other.checked())) {}
  /// Takes the weak handle over, its callback included; `other` is empty afterwards.
  weak_gc_ptr(weak_gc_ptr&& other) noexcept : word_(detail::replace(other.word_, 0)) {}

  /// To a base, to more const, or to void. Exceptions: `std::bad_alloc` for large objects, and for objects with hundreds
  /// of weak handles. A callback is not taken along.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  weak_gc_ptr(weak_gc_ptr<U> const& other) : word_(convert(other)) {}

  ~weak_gc_ptr() { detail::drop_weak(checked()); }

  /// As the constructors of the same arguments; what was held goes.
  weak_gc_ptr& operator=(weak_gc_ptr const& other) noexcept {
    weak_gc_ptr(other).swap(*this);
    return *this;
  }
  /// Takes the weak handle over, its callback included; `other` is empty afterwards.
  weak_gc_ptr& operator=(weak_gc_ptr&& other) noexcept {
    weak_gc_ptr(std::move(other)).swap(*this);
    return *this;
  }
  /// To another object. Throws as the constructor does; then nothing has changed.
  template <class U>
    requires(detail::is_handle_convertible<U, T>())
  weak_gc_ptr& operator=(gc_ptr<U> const& p) {
    weak_gc_ptr(p).swap(*this);
    return *this;
  }
  /// To the object of another weak handle, without its callback.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  weak_gc_ptr& operator=(weak_gc_ptr<U> const& other) {
    weak_gc_ptr(other).swap(*this);
    return *this;
  }

  /// Lets go: empty afterwards, and the callback is not called any more.
  void reset() noexcept { weak_gc_ptr().swap(*this); }
  /// Exchanges objects and callbacks. O(1).
  void swap(weak_gc_ptr& other) noexcept { std::swap(word_, other.word_); }
  friend void swap(weak_gc_ptr& a, weak_gc_ptr& b) noexcept { a.swap(b); }

  /// A handle to the object, or null if it has died. Works in constructors and finalizers; in destructors, and while an
  /// object waits for its destructor, it is dead.
  gc_ptr<T> lock() const noexcept {
    if (word_ == 0) return nullptr;
    if (detail::weak_kind(word_) == detail::weak_plain) [[likely]] {
      detail::object_header* const h = detail::header_of_plain(checked());
      if (!detail::is_lockable(*h)) return nullptr;
      detail::add_reference(h);
      return detail::handle_access::adopt_word<T>(detail::object_of(h));
    }
    auto const [h, pointer] = detail::target_of(checked());
    if (h == nullptr) return nullptr;
    detail::add_reference(h);
    return detail::handle_access::adopt_word<T>(pointer);
  }

  /// True if `lock()` would give null.
  bool expired() const noexcept { return detail::target_of(word_).header == nullptr; }

  /// The number of handles to the object; 0 once it has died.
  std::size_t use_count() const noexcept {
    detail::object_header const* const h = detail::target_of(word_).header;
    return h != nullptr ? detail::count_of(*h) : 0;
  }

 private:
  template <class>
  friend class weak_gc_ptr;
  friend struct detail::weak_access;

  /// A pointer to the object, or to a base of it, as a handle to `T` has it.
  template <class U>
  static void* pointer_in([[maybe_unused]] detail::object_header* h, [[maybe_unused]] U* from) noexcept {
    if constexpr (std::is_void_v<T>) {
      return detail::object_of(h);
    } else {
      detail::assert_base_reachable<U, T>();
      element_type* const pointer = from;
      return const_cast<std::remove_cv_t<element_type>*>(pointer);
    }
  }

  template <class F>
  struct callback_of final : detail::weak_callback {
    explicit callback_of(F&& f) : callback(std::move(f)) {}
    void call(detail::weak_word word) override {
      weak_gc_ptr dead;
      dead.word_ = word;
      callback(std::as_const(dead));
    }
    void trace(tracer& t) const noexcept override {
      if constexpr (detail::is_traced_closure<F>) {
        if (detail::handle_traits<F>::is_plain(callback)) detail::handle_traits<F>::trace(callback, t);
      }
    }
    F callback;
  };

  template <class U>
  static detail::weak_word convert(weak_gc_ptr<U> const& other) {
    detail::weak_word const from = other.checked();
    if (from == 0) return 0;
    if constexpr (std::is_void_v<T>) {
      return detail::copy_weak_to(from, whole(from));
    } else if constexpr (std::is_class_v<T> && detail::is_virtual_base<U, T>) {
      gc_ptr<T> const alive = other.lock();  // the way to a virtual base leads through the object
      return detail::copy_weak_to(from, alive ? detail::handle_access::word(alive) : whole(from));
    } else {
      using source = typename weak_gc_ptr<U>::element_type;
      return detail::copy_weak_to(from, pointer_in(nullptr, static_cast<source*>(detail::pointer_of(from))));
    }
  }
  /// The address of the complete object; of a large one that has died the pointer of the handle.
  static void* whole(detail::weak_word w) noexcept {
    detail::object_header* const h = detail::weak_header(w);
    return h != nullptr ? detail::object_of(h) : detail::pointer_of(w);
  }

  detail::weak_word checked() const noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      detail::object_header* const h = word_ != 0 ? detail::weak_header(word_) : nullptr;
      if (h != nullptr) detail::check_owner(h);
    }
    return word_;
  }

  detail::weak_word word_ = 0;
};

/// To the object of the handle.
template <class T>
weak_gc_ptr(gc_ptr<T>) -> weak_gc_ptr<T>;
/// With a callback.
template <class T, class F>
weak_gc_ptr(gc_ptr<T>, F) -> weak_gc_ptr<T>;

namespace detail {

struct weak_access {
  template <class T>
  static weak_word word(weak_gc_ptr<T> const& p) noexcept {
    return p.word_;
  }
  template <class T>
  static std::uintptr_t identity(weak_gc_ptr<T> const& p) noexcept {
    return weak_identity(p.word_);
  }
};

template <class T>
struct handle_traits<weak_gc_ptr<T>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;  // by way of a callback
  static constexpr bool is_hand_traced = false;

  static void trace(weak_gc_ptr<T> const& p, tracer& t) noexcept { trace_weak(weak_access::word(p), t); }
};

}  // namespace detail

/// Weak handles are equal if they lead, or led, to the same object; the order is arbitrary, and stays. Empty ones are equal.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
bool operator==(weak_gc_ptr<T> const& a, weak_gc_ptr<U> const& b) noexcept {
  return detail::weak_access::identity(a) == detail::weak_access::identity(b);
}
/// Weak handles are ordered by the identity of their objects, in an order that outlives them.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
std::strong_ordering operator<=>(weak_gc_ptr<T> const& a, weak_gc_ptr<U> const& b) noexcept {
  return detail::weak_access::identity(a) <=> detail::weak_access::identity(b);
}

/// The address of the object, dead or alive.
template <class C, class Traits, class T>
std::basic_ostream<C, Traits>& operator<<(std::basic_ostream<C, Traits>& out, weak_gc_ptr<T> const& p) {
  return out << static_cast<void const*>(detail::pointer_of(detail::weak_access::word(p)));
}

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class T>
struct std::hash<ouro::weak_gc_ptr<T>> {
  std::size_t operator()(ouro::weak_gc_ptr<T> const& p) const noexcept {
    return std::hash<std::uintptr_t>()(ouro::detail::weak_access::identity(p));
  }
};

#if defined(__cpp_lib_format)
/// As a pointer.
template <class T>
struct std::formatter<ouro::weak_gc_ptr<T>, char> : std::formatter<void const*, char> {
  template <class Context>
  auto format(ouro::weak_gc_ptr<T> const& p, Context& context) const {
    return std::formatter<void const*, char>::format(ouro::detail::pointer_of(ouro::detail::weak_access::word(p)),
                                                     context);
  }
};
#endif

#endif
