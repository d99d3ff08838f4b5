// What all handles share: the rules of conversion, and the way from a pointer to the object's header.
#ifndef OURO_DETAIL_HANDLE_HPP
#define OURO_DETAIL_HANDLE_HPP

#include <ouro/detail/describe.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Says that the count of an object is taken over, not raised.
struct adopt_t {};

template <class T, class = void>
inline constexpr bool is_complete = false;
template <class T>
inline constexpr bool is_complete<T, std::void_t<decltype(sizeof(T))>> = true;

/// Asked at the end of a translation unit, in the bodies of members, never in a constraint.
template <class T>
constexpr void assert_complete() {
  if constexpr (std::is_class_v<T> || std::is_union_v<T>) {
    static_assert(is_complete<T>,
                  "ouro: a gc_ptr<T> is copied, dropped or dereferenced where T is never completed; include the "
                  "definition of T in this translation unit");
  }
}

/// The pointee may be a base in the middle of an object: its vptr tells.
template <class T>
constexpr bool points_into_objects() {
  assert_complete<T>();
  return std::is_polymorphic_v<T> && !std::is_final_v<T>;
}

template <class T>
OURO_DETAIL_INLINE object_header* header_from(void const* word) noexcept {
  if constexpr (points_into_objects<T>()) {
    return header_of_polymorphic(word);
  } else {
    return header_of(word);
  }
}

// --- conversions ----------------------------------------------------------------------------------------------------

template <class From, class To>
inline constexpr bool keeps_cv =
    (std::is_const_v<To> || !std::is_const_v<From>) && (std::is_volatile_v<To> || !std::is_volatile_v<From>);

/// As for std::shared_ptr, but a pointer to an array converts only to one of more constant elements, or to void.
template <class From, class To>
constexpr bool is_handle_convertible() {
  if constexpr (std::is_same_v<From, To>) {
    return true;
  } else if constexpr (std::is_void_v<To>) {
    return keeps_cv<std::remove_extent_t<From>, To>;
  } else if constexpr (std::is_void_v<From>) {
    return false;
  } else if constexpr (std::is_array_v<From> || std::is_array_v<To>) {
    return std::is_array_v<From> && std::is_array_v<To> &&
           std::is_convertible_v<std::remove_extent_t<From>(*)[], std::remove_extent_t<To>(*)[]>;
  } else {
    return std::is_convertible_v<From*, To*>;
  }
}

template <class Derived, class Base, class = void>
inline constexpr bool is_virtual_base = true;
template <class Derived, class Base>
inline constexpr bool
    is_virtual_base<Derived, Base, std::void_t<decltype(static_cast<Derived*>(static_cast<Base*>(nullptr)))>> = false;

template <class Derived>
union unborn {
  char nothing;
  Derived object;
  constexpr unborn() : nothing() {}
  constexpr ~unborn() {}
};

template <class Derived, class Base>
constexpr bool base_at_offset_zero() {
  if constexpr (is_virtual_base<Derived, Base>) {
    return false;
  } else {
    unborn<Derived> place;
    return static_cast<void const*>(static_cast<Base const*>(std::addressof(place.object))) ==
           static_cast<void const*>(std::addressof(place.object));
  }
}

/// A handle to a non-polymorphic base finds the header only if the base begins where the object begins.
template <class From, class To>
constexpr void assert_base_reachable() {
  using derived = std::remove_cv_t<From>;
  using base = std::remove_cv_t<To>;
  if constexpr (std::is_class_v<base> && std::is_class_v<derived> && !std::is_same_v<base, derived>) {
    if constexpr (!std::is_polymorphic_v<base>) {
      static_assert(
          (!std::is_polymorphic_v<derived> || std::is_final_v<derived>) && base_at_offset_zero<derived, base>(),
          "ouro: no handle can point to this base: it does not begin where the object begins, and it is not "
          "polymorphic; give it a virtual destructor, make it the first base, or use "
          "gc_interior_ptr<Base>(owner, owner.get())");
    }
  }
}

// --- checks of hardened builds --------------------------------------------------------------------------------------

/// What the word of a destroyed handle holds.
inline constexpr std::uintptr_t destroyed_handle = static_cast<std::uintptr_t>(0xdead'0057'dead'0057ull);

OURO_DETAIL_NOINLINE inline void check_owner(object_header const* h) noexcept {
  heap_core& heap = heap_of(h);
  thread_state* const self = &this_thread_state();
  thread_state* owner = heap.owner.load(std::memory_order_relaxed);
  if (owner == self) return;
  if (heap.closed && !heap.adopted && heap.owner.compare_exchange_strong(owner, self)) {
    heap.adopted = true;  // its own thread has ended
    return;
  }
  fail(
      "a handle was used on a thread that does not own the object's heap. Give each thread objects of its own, or hand "
      "the whole heap over (move the ouro::heap and make it current with ouro::heap::scope there)",
      "gc_ptr", type_of(h).name());
}

inline void check_handle([[maybe_unused]] object_header const* h) noexcept {
  if constexpr (OURO_DETAIL_HARDENED) {
    if (find_block(h + 1) != h) {
      fail("a handle points to no object of a heap: it was used after its destruction, or overwritten", "gc_ptr", {});
    }
    check_owner(h);
  }
}

/// A handle may outlive its object (see `object_state::zombie`), but must not be followed then.
inline void check_alive([[maybe_unused]] object_header const* h) noexcept {
  if constexpr (OURO_DETAIL_HARDENED) {
    if (state_of(*h) == object_state::zombie) {
      fail(
          "a handle that outlived its object was followed: it escaped from a constructor that threw, or from a destructor",
          "gc_ptr", type_of(h).name());
    }
  }
}

template <class T>
void check_word([[maybe_unused]] void const* word) noexcept {
  if constexpr (OURO_DETAIL_HARDENED) {
    if (word == reinterpret_cast<void const*>(destroyed_handle)) {
      fail("a handle was used after its destruction", "gc_ptr", type_name<T>());
    }
    if (find_block(word) == nullptr) {
      fail(
          "a handle points to a destroyed object, or was overwritten. Does a raw pointer or a reference outlive the last "
          "handle?",
          "gc_ptr", type_name<T>());
    }
  }
}

/// A handle to void may be cast back to the object's type, or to a base that begins where the object begins. Which
/// bases those are the language tells only where it matches a thrown pointer with a handler.
template <class T>
void check_cast_from_void([[maybe_unused]] object_header* h) noexcept {
#if OURO_DETAIL_HARDENED && OURO_DETAIL_EXCEPTIONS
  using element = std::remove_cv_t<std::remove_extent_t<T>>;
  type_descriptor const& type = type_of(h);
  bool fits = false;
  if (type.is_array == std::is_array_v<T>) {
    try {
      type.throw_pointer(object_of(h));
    } catch (element const* pointer) {
      fits = pointer == object_of(h);
    } catch (...) {
    }
  }
  if (!fits) {
    fail(
        "static_pointer_cast from gc_ptr<void> to a type that the object does not have (or a base at another offset). "
        "Cast to the type given to make_gc first",
        "static_pointer_cast", type.name());
  }
#endif
}

/// Is it a gc_function, whose captures can be traced?
template <class F>
inline constexpr bool is_traced_closure = requires(F const& f) { handle_traits<F>::is_plain(f); };

// --- the library's side of gc_ptr -----------------------------------------------------------------------------------

struct handle_access {
  /// Takes over one count of the object.
  template <class T>
  static gc_ptr<T> adopt(object_header* h) noexcept {
    return gc_ptr<T>(adopt_t(), object_of(h));
  }
  template <class T>
  static gc_ptr<T> adopt_at(T* pointer) noexcept {
    return gc_ptr<T>(adopt_t(), const_cast<std::remove_cv_t<T>*>(pointer));
  }
  /// The same by the word of a handle.
  template <class T>
  static gc_ptr<T> adopt_word(void* word) noexcept {
    return gc_ptr<T>(adopt_t(), word);
  }
  /// One more handle to the object.
  template <class T>
  static gc_ptr<T> share(object_header* h) noexcept {
    add_reference(h);
    return adopt<T>(h);
  }

  template <class T>
  static void* const& word(gc_ptr<T> const& handle) noexcept {
    return handle.word_;
  }
  template <class T>
  static object_header* header(gc_ptr<T> const& handle) noexcept {
    return handle.word_ != nullptr ? handle.header() : nullptr;
  }

  /// Moves the count to a handle of another type; when the cast gives null, null, and `from` stays as it is.
  template <class T, class U, class Cast>
  static gc_ptr<T> cast(gc_ptr<U>&& from, Cast cast_pointer) noexcept {
    static_assert(
        std::is_void_v<T> || std::is_void_v<U> ||
            std::is_same_v<std::remove_cv_t<std::remove_extent_t<T>>, std::remove_cv_t<std::remove_extent_t<U>>> ||
            (!std::is_array_v<T> && !std::is_array_v<U>),
        "ouro: a handle to an array can only be cast to one of the same elements: indexing would go wrong");
    static_assert(std::is_void_v<T> || std::is_void_v<U> || std::is_array_v<T> == std::is_array_v<U>,
                  "ouro: a handle to an array cannot be cast to a handle to one object, nor the other way");
    auto* const pointer = cast_pointer(from.get());
    if (pointer == nullptr) return nullptr;
    if constexpr (std::is_void_v<U> && !std::is_void_v<T>) check_cast_from_void<T>(from.header());
    if constexpr (std::is_void_v<T>) {
      void* const whole = object_of(from.header());
      from.word_ = nullptr;
      return gc_ptr<T>(adopt_t(), whole);
    } else {
      if constexpr (std::is_base_of_v<T, U>) assert_base_reachable<U, T>();
      from.word_ = nullptr;
      return gc_ptr<T>(adopt_t(), const_cast<std::remove_cv_t<typename gc_ptr<T>::element_type>*>(pointer));
    }
  }
};

template <class T, class U>
constexpr bool are_comparable() {
  if constexpr (std::is_void_v<T> || std::is_void_v<U>) {
    return true;
  } else {
    return requires(std::remove_extent_t<T>* a, std::remove_extent_t<U>* b) { a == b; };
  }
}

struct address_pair {
  void const* first;
  void const* second;
};

/// The addresses by which handles are compared: those of the complete objects if one is a handle to void.
template <class T, class U>
address_pair identity(gc_ptr<T> const& a, gc_ptr<U> const& b) noexcept {
  if constexpr (std::is_void_v<T> != std::is_void_v<U>) {
    return {handle_access::header(a), handle_access::header(b)};
  } else if constexpr (std::is_void_v<T> || std::is_same_v<T, U>) {
    return {a.get(), b.get()};
  } else {
    using common = std::common_type_t<std::remove_extent_t<T>*, std::remove_extent_t<U>*>;
    return {static_cast<common>(a.get()), static_cast<common>(b.get())};
  }
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
