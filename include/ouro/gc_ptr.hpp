// The handle: a counted reference to a garbage-collected object, one pointer wide.
#ifndef OURO_GC_PTR_HPP
#define OURO_GC_PTR_HPP

#include <ouro/detail/handle.hpp>
#include <ouro/detail/values.hpp>

#include <compare>
#include <cstddef>
#include <exception>
#include <functional>
#include <iosfwd>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <version>
#if defined(__cpp_lib_format)
#include <format>
#endif

/// CPython's memory management for C++: handles that count, and a collector for what counting cannot free.
namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Thrown by `gc_from_this` for an address that is not the beginning of a complete garbage-collected object.
struct bad_gc_from_this : std::logic_error {
  bad_gc_from_this()
      : std::logic_error("ouro: gc_from_this: the address is not that of a complete object made by make_gc") {}
};

/// Thrown where a handle is made of a weak handle whose object has died.
struct bad_weak_gc_ptr : std::exception {
  /// What went wrong.
  char const* what() const noexcept override { return "ouro: bad_weak_gc_ptr: the object has died"; }
};

/// A shared, counted reference to an object made by `make_gc`. The object dies when its last handle goes, or when it is
/// only reachable from garbage and a collection finds it.
///
/// `T` may be an object type, const, incomplete where handles are only declared, `void` (any object) or `U[]`.
/// One pointer wide; never throws; moved-from handles are null. Copying and dropping are O(1), but dropping the last
/// handle runs the object's destructor. Thread rule: a handle belongs to the thread that owns the object's heap.
/// CPython's counterpart is `PyObject*` with `Py_INCREF` and `Py_DECREF`.
template <class T>
class gc_ptr {
 public:
  /// `T`, or the type of the elements of an array.
  using element_type = std::remove_extent_t<T>;

  /// Null.
  constexpr gc_ptr() noexcept = default;
  /// Null.
  constexpr gc_ptr(std::nullptr_t) noexcept {}

  /// One more handle to the same object. O(1).
  gc_ptr(gc_ptr const& other) noexcept : word_(other.word_) { retain(); }
  /// Takes the handle over; `other` is null afterwards, and no count changes.
  gc_ptr(gc_ptr&& other) noexcept : word_(detail::replace(other.word_, nullptr)) {}

  /// From a handle to a derived, less constant or (for `gc_ptr<void>`) any type.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  gc_ptr(gc_ptr<U> const& other) noexcept : word_(convert(other)) {
    retain();
  }
  /// The same; `other` is null afterwards.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  gc_ptr(gc_ptr<U>&& other) noexcept : word_(convert(other)) {
    other.word_ = nullptr;
  }

  /// Throws `bad_weak_gc_ptr` if the object has died, or the weak handle is empty; `lock()` gives null then.
  template <class U>
    requires(detail::is_handle_convertible<U, T>())
  explicit gc_ptr(weak_gc_ptr<U> const& weak) : gc_ptr(weak.lock()) {
    if (word_ == nullptr) detail::throw_error(bad_weak_gc_ptr());
  }

  /// Drops the handle. The last one runs the object's finalizer and destructor before it returns.
  // Not constexpr, and without a look at T: Clang evaluates a constexpr destructor before T is complete.
  OURO_DETAIL_INLINE ~gc_ptr() {
    if (word_ != nullptr) release(word_);
    if constexpr (OURO_DETAIL_HARDENED) {
      *const_cast<void* volatile*>(&word_) = reinterpret_cast<void*>(detail::destroyed_handle);
    }
  }

  /// The new value is in place before the old handle is dropped, here and below.
  gc_ptr& operator=(gc_ptr const& other) noexcept {
    gc_ptr(other).swap(*this);
    return *this;
  }
  /// Takes the handle over; `other` is null afterwards.
  gc_ptr& operator=(gc_ptr&& other) noexcept {
    gc_ptr(std::move(other)).swap(*this);
    return *this;
  }
  /// From a handle that converts.
  template <class U>
    requires(!std::is_same_v<U, T> && detail::is_handle_convertible<U, T>())
  gc_ptr& operator=(gc_ptr<U> other) noexcept {
    gc_ptr(std::move(other)).swap(*this);
    return *this;
  }

  /// Drops the handle and is null. It is null already when a destructor that this starts looks at it.
  void reset() noexcept { gc_ptr().swap(*this); }
  /// Exchanges two handles; no count changes.
  void swap(gc_ptr& other) noexcept { std::swap(word_, other.word_); }
  friend void swap(gc_ptr& a, gc_ptr& b) noexcept { a.swap(b); }

  /// The object's address (of an array: its first element's), or null. Does not keep the object alive.
  element_type* get() const noexcept { return static_cast<element_type*>(word_); }

  /// The object. Precondition of `*`, `->` and `[]`: not null (hardened builds check).
  std::add_lvalue_reference_t<T> operator*() const noexcept
    requires(!std::is_void_v<T> && !std::is_array_v<T>)
  {
    check_access();
    return *get();
  }
  /// A member of the object.
  T* operator->() const noexcept
    requires(!std::is_void_v<T> && !std::is_array_v<T>)
  {
    check_access();
    return get();
  }
  /// An element. Precondition: `i < size()`.
  std::add_lvalue_reference_t<element_type> operator[](std::size_t i) const noexcept
    requires(std::is_array_v<T>)
  {
    check_access();
    if (OURO_DETAIL_HARDENED && i >= size()) {
      detail::fail("an index is not below the array's size()", "gc_ptr", detail::type_name<T>());
    }
    return get()[i];
  }

  /// Elements of the array; 0 for a null handle.
  std::size_t size() const noexcept
    requires(std::is_array_v<T>)
  {
    return word_ != nullptr ? detail::length_of(detail::header_of(word_)) : 0;
  }
  /// The first element; with `end()`, for loops over all of them. A null handle has none.
  element_type* begin() const noexcept
    requires(std::is_array_v<T>)
  {
    return get();
  }
  /// Behind the last element.
  element_type* end() const noexcept
    requires(std::is_array_v<T>)
  {
    return get() + size();
  }

  /// Is it not null?
  explicit operator bool() const noexcept { return word_ != nullptr; }

  /// The number of handles to the object; 0 for a null handle. An object whose count has reached the top is immortal.
  std::size_t use_count() const noexcept { return word_ != nullptr ? detail::count_of(*header()) : 0; }

 private:
  template <class>
  friend class gc_ptr;
  friend struct detail::handle_access;

  gc_ptr(detail::adopt_t, void* word) noexcept : word_(word) {}

  template <class U>
  static void* convert(gc_ptr<U> const& other) noexcept {
    if (other.word_ == nullptr) return nullptr;
    if constexpr (std::is_void_v<T>) {
      return detail::object_of(other.header());
    } else {
      detail::assert_base_reachable<U, T>();
      element_type* const pointer = other.get();
      return const_cast<std::remove_cv_t<element_type>*>(pointer);
    }
  }

  detail::object_header* header() const noexcept { return detail::header_from<T>(word_); }

  void retain() const noexcept {
    if (word_ == nullptr) return;
    detail::check_word<T>(word_);
    detail::object_header* const h = header();
    detail::check_handle(h);
    detail::add_reference(h);
  }
  static void release(void* word) noexcept {
    detail::check_word<T>(word);
    detail::object_header* const h = detail::header_from<T>(word);
    detail::check_handle(h);
    detail::drop_reference(h);
  }
  void check_access() const noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      if (word_ == nullptr) detail::fail("a null handle was dereferenced", "gc_ptr", detail::type_name<T>());
      detail::check_word<T>(word_);
      detail::check_handle(header());
      detail::check_alive(header());
    }
  }

  void* word_ = nullptr;
};

/// Of the weak handle's type.
template <class T>
gc_ptr(weak_gc_ptr<T>) -> gc_ptr<T>;

/// Handles compare by address; with a `gc_ptr<void>` by the address of the complete object.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
bool operator==(gc_ptr<T> const& a, gc_ptr<U> const& b) noexcept {
  auto const [x, y] = detail::identity(a, b);
  return x == y;
}
/// The order of the addresses.
template <class T, class U>
  requires(detail::are_comparable<T, U>())
std::strong_ordering operator<=>(gc_ptr<T> const& a, gc_ptr<U> const& b) noexcept {
  auto const [x, y] = detail::identity(a, b);
  return std::compare_three_way()(x, y);
}
/// Is the handle null?
template <class T>
bool operator==(gc_ptr<T> const& a, std::nullptr_t) noexcept {
  return a.get() == nullptr;
}
/// Null comes first.
template <class T>
std::strong_ordering operator<=>(gc_ptr<T> const& a, std::nullptr_t) noexcept {
  return std::compare_three_way()(static_cast<void const*>(a.get()), static_cast<void const*>(nullptr));
}

/// A new object, built with `T(args...)` or, where that is ill-formed, with `T{args...}`, so that aggregates work on
/// every compiler.
///
/// Exceptions: what the constructor throws, after the memory has been given back; `std::bad_alloc` after one full
/// collection that did not help. May run a collection, and with it destructors and finalizers of garbage.
/// Complexity: O(1) beside the constructor and collections. CPython's counterpart is `type.__call__`.
template <class T, class... A>
  requires(!std::is_unbounded_array_v<T>)
gc_ptr<T> make_gc(A&&... args) {
  static_assert(!std::is_array_v<T>, "ouro: make_gc of an array takes the number of elements: make_gc<T[]>(n)");
  static_assert(!std::is_reference_v<T> && !std::is_void_v<T> && !std::is_function_v<T>,
                "ouro: make_gc makes objects; give it an object type");
  return detail::handle_access::adopt<T>(detail::make_object<std::remove_cv_t<T>>(std::forward<A>(args)...));
}

/// An array of n value-initialised elements. Exceptions as above, and `std::bad_array_new_length`.
template <class T>
  requires std::is_unbounded_array_v<T>
gc_ptr<T> make_gc(std::size_t n) {
  return detail::handle_access::adopt<T>(detail::make_array<std::remove_cv_t<std::remove_extent_t<T>>>(n));
}

/// A handle to the object that a member function runs in, constructors included; no base class is needed.
///
/// In a destructor it returns null and reports. Exceptions: `bad_gc_from_this` if the address is not that of a complete
/// object made by `make_gc` (null, objects on the stack, members that lie behind the beginning of their object,
/// elements), and while a second or virtual base is being constructed or destroyed. Complexity: O(1); O(log n) in the
/// number of large objects for those.
template <class T>
gc_ptr<T> gc_from_this(T* self) {
  using namespace detail;
  if (self == nullptr) throw_error(bad_gc_from_this());
  void const* address = self;
  if constexpr (std::is_polymorphic_v<T>) address = object_of(header_of_polymorphic(self));
  object_header* const h = find_block(address);
  if (h == nullptr || object_of(h) != address || type_of(h).is_array) throw_error(bad_gc_from_this());
  switch (state_of(*h)) {
    case object_state::queued:
    case object_state::destroying:
      report(heap_of(h), "gc_from_this in a destructor returns null: the object is dead. Use gc_finalize to resurrect",
             "gc_from_this", type_of(h).name());
      return nullptr;
    case object_state::constructing:
    case object_state::live:
      add_reference(h);
      return handle_access::adopt_at<T>(self);
    default:
      throw_error(bad_gc_from_this());
  }
}

// --- casts ----------------------------------------------------------------------------------------------------------

/// As `static_cast`. From `gc_ptr<void>` only to the type given to `make_gc`, or to a base of it at offset zero.
template <class T, class U>
gc_ptr<T> static_pointer_cast(gc_ptr<U>&& other) noexcept {
  return detail::handle_access::cast<T>(std::move(other),
                                        [](auto* p) { return static_cast<typename gc_ptr<T>::element_type*>(p); });
}
/// The same for an argument that stays.
template <class T, class U>
gc_ptr<T> static_pointer_cast(gc_ptr<U> const& other) noexcept {
  return static_pointer_cast<T>(gc_ptr<U>(other));
}

/// As `const_cast`.
template <class T, class U>
gc_ptr<T> const_pointer_cast(gc_ptr<U>&& other) noexcept {
  return detail::handle_access::cast<T>(std::move(other),
                                        [](auto* p) { return const_cast<typename gc_ptr<T>::element_type*>(p); });
}
/// The same for an argument that stays.
template <class T, class U>
gc_ptr<T> const_pointer_cast(gc_ptr<U> const& other) noexcept {
  return const_pointer_cast<T>(gc_ptr<U>(other));
}

/// As `dynamic_cast`: null when the object is no `T`; a moved argument then stays what it was.
template <class T, class U>
gc_ptr<T> dynamic_pointer_cast(gc_ptr<U>&& other) noexcept {
  return detail::handle_access::cast<T>(std::move(other),
                                        [](auto* p) { return dynamic_cast<typename gc_ptr<T>::element_type*>(p); });
}
/// The same for an argument that stays.
template <class T, class U>
gc_ptr<T> dynamic_pointer_cast(gc_ptr<U> const& other) noexcept {
  return dynamic_pointer_cast<T>(gc_ptr<U>(other));
}

/// Writes the address.
template <class C, class Traits, class T>
std::basic_ostream<C, Traits>& operator<<(std::basic_ostream<C, Traits>& out, gc_ptr<T> const& p) {
  return out << static_cast<void const*>(p.get());
}

namespace detail {

template <class T>
struct handle_traits<gc_ptr<T>> {
  static constexpr bool is_handle = true;
  using element = std::remove_all_extents_t<T>;
  // Leafness is the dynamic type's, so that a slot is skipped only if no class can hide behind it.
  static constexpr bool is_traced = std::is_class_v<element> || std::is_union_v<element> || std::is_void_v<element>;
  static constexpr bool is_hand_traced = false;
  static constexpr bool is_one_edge = is_traced;

  /// The header of the handle's object, or null.
  OURO_DETAIL_INLINE static object_header* target(gc_ptr<T> const& handle) noexcept {
    return handle_access::header(handle);
  }

  /// False when they are to be traced one by one.
  static bool trace_array(gc_ptr<T> const* handles, std::size_t n, tracer& t) noexcept {
    static_assert(sizeof(gc_ptr<T>) == sizeof(void*));
    void** const first = &const_cast<void*&>(handle_access::word(*handles));
    return tracer_access::report_array(t, first, n, points_into_objects<T>());
  }

  static void trace(gc_ptr<T> const& handle, tracer& t) noexcept {
    void** const slot = &const_cast<void*&>(handle_access::word(handle));
    if (*slot == nullptr) return;
    if (OURO_DETAIL_HARDENED && *slot == reinterpret_cast<void*>(destroyed_handle)) {
      return tracer_access::report_destroyed(t);
    }
    if constexpr (points_into_objects<T>()) {
      tracer_access::report(t, slot, edge_target_polymorphic(*slot));
    } else {
      tracer_access::report(t, slot, edge_target(header_of(*slot)));
    }
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class T>
struct std::hash<ouro::gc_ptr<T>> {
  std::size_t operator()(ouro::gc_ptr<T> const& p) const noexcept { return std::hash<void const*>()(p.get()); }
};

#if defined(__cpp_lib_format)
/// As a pointer.
template <class T>
struct std::formatter<ouro::gc_ptr<T>, char> : std::formatter<void const*, char> {
  template <class Context>
  auto format(ouro::gc_ptr<T> const& p, Context& context) const {
    return std::formatter<void const*, char>::format(p.get(), context);
  }
};
#endif

#endif
