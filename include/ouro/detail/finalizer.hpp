// Finds and calls the optional member `void gc_finalize()`, inherited ones included.
#ifndef OURO_DETAIL_FINALIZER_HPP
#define OURO_DETAIL_FINALIZER_HPP

#include <ouro/detail/classify.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class F>
inline constexpr bool is_finalizer = false;
template <class C>
inline constexpr bool is_finalizer<void (C::*)()> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() noexcept> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() const> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() const noexcept> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)()&> = true;
template <class C>
inline constexpr bool is_finalizer<void (C::*)() & noexcept> = true;

struct named_gc_finalize {
  int gc_finalize;
};
// The name is ambiguous in a class with both bases if `T` has it too, be it private, overloaded or anything else.
template <class T>
struct finalizer_probe : T, named_gc_finalize {};

template <class T>
constexpr bool names_finalizer() {
  if constexpr (std::is_class_v<T> && !std::is_final_v<T>) {
    return !requires { &finalizer_probe<T>::gc_finalize; };
  } else {
    return false;
  }
}

}  // namespace detail

template <class T>
struct access::finalizer {
  static constexpr bool good() {
    if constexpr (requires { &T::gc_finalize; }) {
      return detail::is_finalizer<decltype(&T::gc_finalize)>;
    } else {
      return false;
    }
  }
  static constexpr bool named() {
    if constexpr (requires { &T::gc_finalize; } || requires(T& v) { v.gc_finalize(); }) {
      return true;
    } else {
      return detail::names_finalizer<T>();
    }
  }
  static void run(T& v) { v.gc_finalize(); }
};

namespace detail {

template <class T>
constexpr bool find_finalizer() {
  if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
    return false;
  } else {
    constexpr bool good = access::finalizer<T>::good();
    static_assert(
        good || !access::finalizer<T>::named(),
        "ouro: gc_finalize of this class is ambiguous, out of reach, or not of the form `void gc_finalize()`: "
        "write `void gc_finalize();` in the class itself and, if it is private, `friend ouro::access;`");
    return good;
  }
}

/// Has the class, or a base of it, a finalizer? Ends the compilation with advice if there is one that cannot be called.
template <class T>
inline constexpr bool has_finalizer = find_finalizer<std::remove_cv_t<T>>();

/// Calls the finalizer: the most derived one, once. What it throws comes through.
template <class T>
void run_finalizer(T& object) {
  access::finalizer<T>::run(object);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
