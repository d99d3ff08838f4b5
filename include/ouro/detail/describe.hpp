// The descriptor of a C++ type, and the making of objects of it.
#ifndef OURO_DETAIL_DESCRIBE_HPP
#define OURO_DETAIL_DESCRIBE_HPP

#include <ouro/detail/allocation.hpp>
#include <ouro/trace.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// Deduced from a set of functions only if one of them fits, and if none is a template ([temp.deduct.call]/6).
template <class T, class Result>
void takes_move_assignment(Result (T::*)(T&&));

/// Has an aggregate without bases declared no destructor? It has no declared constructors either. If it can be moved, then by
/// an implicit constructor, which a declared move assignment would have deleted; so its move assignment is implicit, which a
/// declared destructor would have prevented. False also if there is none, as with const members.
template <class T>
concept has_implicit_destructor =
    std::is_aggregate_v<T> && std::is_move_constructible_v<T> && requires { takes_move_assignment<T>(&T::operator=); };

/// Does its destructor nothing but drop the handles that its trace reports? False where that cannot be told.
template <class T>
inline constexpr bool drops_only_handles = false;
template <class... M>
inline constexpr bool drops_only_handles<type_list<M...>> = (... && drops_only_handles<std::remove_cv_t<M>>);
template <class T, std::size_t N>
inline constexpr bool drops_only_handles<T[N]> = drops_only_handles<std::remove_cv_t<T>>;
template <class T, std::size_t N>
  requires(!std::is_trivially_destructible_v<T> && verdict_of<std::array<T, N>>.how == kind::range)
inline constexpr bool drops_only_handles<std::array<T, N>> = drops_only_handles<std::remove_cv_t<T>>;
template <class T>
  requires(std::is_trivially_destructible_v<T> || is_one_edge<T>)
inline constexpr bool drops_only_handles<T> = true;
// Empty bases are not among the parts, and may have destructors.
template <class T>
  requires(!std::is_trivially_destructible_v<T> && verdict_of<T>.how == kind::aggregate &&
           verdict_of<T>.why_not == flaw::none && shape<T>.bases == 0 && drops_only_handles<typename parts<T>::type> &&
           has_implicit_destructor<T>)
inline constexpr bool drops_only_handles<T> = true;

/// Calls `f(header)` for the object of each handle of a value that holds nothing but handles and trivial parts, null ones
/// left out; the last member first, as its destructor would drop them.
template <class T, class F>
OURO_DETAIL_INLINE void for_each_target(T const& value, F f) {
  if constexpr (is_one_edge<T>) {
    if (object_header* const h = handle_traits<T>::target(value)) f(h);
  } else if constexpr (!std::is_trivially_destructible_v<T>) {
    if constexpr (verdict_of<T>.how == kind::aggregate) {
      access::fields<parts<T>::type::size>::visit(value, [f](auto const&... member) OURO_DETAIL_INLINE_LAMBDA {
        int last = 0;  // the right side of an assignment comes first
        ((for_each_target(member, f), last) = ... = 0);
      });
    } else {
      for (auto at = std::rbegin(value); at != std::rend(value); ++at) for_each_target(*at, f);
    }
  }
}

template <class T>
struct object_operations {
  /// A few handles are dropped one by one, without a destructor. More of them would only be more code.
  static constexpr bool is_plain =
      std::is_trivially_destructible_v<T> || (drops_only_handles<T> && sizeof(T) <= 32 && !OURO_DETAIL_HARDENED);

  template <class F>
  OURO_DETAIL_INLINE static void for_each_target(object_header* h, F f) noexcept {
    detail::for_each_target(*static_cast<T const*>(object_of(h)), f);
  }
  static void destroy(object_header* h) noexcept { std::destroy_at(static_cast<T*>(object_of(h))); }
  static void trace(object_header* h, tracer& t) noexcept {
    trace_part<T, false>(*static_cast<T const*>(object_of(h)), t);
  }
  static void finalize(void* object) { run_finalizer(*static_cast<T*>(object)); }
  static std::string_view name() noexcept { return type_name<T>(); }
};

template <class T>
struct array_operations {
  static constexpr bool is_plain = false;

  static void destroy(object_header* h) noexcept {
    T* first = static_cast<T*>(object_of(h));
    for (std::size_t i = length_of(h); i-- != 0;) std::destroy_at(first + i);
  }
  static void trace(object_header* h, tracer& t) noexcept {
    T const* first = static_cast<T const*>(object_of(h));
    for (std::size_t i = 0, n = length_of(h); i != n; ++i) trace_part<T, false>(first[i], t);
  }
  static void finalize(void* object) {
    T* first = static_cast<T*>(object);
    for (std::size_t i = 0, n = length_of(header_of(object)); i != n; ++i) {
      OURO_DETAIL_TRY { run_finalizer(first[i]); }
      OURO_DETAIL_CATCH_ALL {
        report_exception(heap_of(header_of(object)), std::current_exception(), "gc_finalize", name());
      }
    }
  }
  static std::string_view name() noexcept { return type_name<T[]>(); }
};

template <class Operations>
void destroy_run(work_entry const* first, work_entry const* last) noexcept {
  for (; first != last; ++first) Operations::destroy(first->header());
}
template <class Operations>
void trace_run(work_entry const* first, work_entry const* last, tracer& t) noexcept {
  for (; first != last; ++first) Operations::trace(first->header(), t);
}

/// Types with finalizers are tracked even if they hold no handles: their finalizers may make some.
template <class T>
inline constexpr bool is_tracked_type = is_traced<T> || has_finalizer<T>;

template <class T, class Operations>
constexpr auto destroy_function() -> decltype(type_descriptor::destroy) {
  if constexpr (std::is_trivially_destructible_v<T>) {
    return nullptr;
  } else {
    return &destroy_run<Operations>;
  }
}
template <class T, class Operations>
constexpr auto die_function() -> void (*)(object_header*) noexcept {
  if constexpr (has_finalizer<T>) {
    return &die_slowly;
  } else {
    return &die<Operations>;
  }
}
template <class T, class Operations>
constexpr auto trace_function() -> decltype(type_descriptor::trace) {
  if constexpr (is_tracked_type<T>) {
    return &trace_run<Operations>;
  } else {
    return nullptr;
  }
}
template <class T, class Operations>
constexpr auto finalize_function() -> void (*)(void*) {
  if constexpr (has_finalizer<T>) {
    return &Operations::finalize;
  } else {
    return nullptr;
  }
}

template <class T>
constexpr auto throw_function() -> void (*)(void*) {
#if OURO_DETAIL_HARDENED && OURO_DETAIL_EXCEPTIONS
  return [](void* object) { throw static_cast<T*>(object); };
#else
  return nullptr;
#endif
}

template <class T>
constexpr type_traits_set traits_of() {
  unsigned traits = has_finalizer<T> ? has_finalize : 0u;
  if (!drops_only_handles<T>) traits |= has_destructor;
  if constexpr (is_traced<T>) {
    if (is_hand_traced<T>) traits |= is_hand_written;
    if (has_keyed_container<T>) traits |= has_keyed_parts;
  }
  return static_cast<type_traits_set>(traits);
}

template <class T, class Operations>
constexpr type_descriptor describe(bool is_array) {
  return {destroy_function<T, Operations>(),
          trace_function<T, Operations>(),
          die_function<T, Operations>(),
          finalize_function<T, Operations>(),
          &Operations::name,
          throw_function<T>(),
          alignof(T),
          is_array,
          traits_of<T>()};
}

/// Of objects of the type T, or with T = U[] of arrays of U.
template <class T>
inline constinit type_descriptor const descriptor_of = describe<T, object_operations<T>>(false);
template <class T>
inline constinit type_descriptor const descriptor_of<T[]> = describe<T, array_operations<T>>(true);

// Aggregates may be given fewer values than they have members, and conversions are the caller's affair: std::make_shared
// does not warn of either.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
/// An object with one handle's worth of count. Parentheses where the type allows them, else braces.
template <class T, class... A>
object_header* make_object(A&&... args) {
  assert_traceable<T>();
  object_header* h = allocate<is_tracked_type<T>>(descriptor_of<T>, sizeof(T));
  void* const place = object_of(h);
  OURO_DETAIL_TRY {
    if constexpr (std::is_constructible_v<T, A...>) {
      ::new (place) T(std::forward<A>(args)...);
    } else {
      ::new (place) T{std::forward<A>(args)...};
    }
  }
  OURO_DETAIL_CATCH_ALL {
    abandon(h);
    OURO_DETAIL_RETHROW;
  }
  become_live(*h);
  return h;
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

template <class T>
object_header* make_array(std::size_t n) {
  assert_traceable<T>();
  if (n > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw_error(std::bad_array_new_length());
  type_descriptor const& type = descriptor_of<T[]>;
  std::size_t const bytes = n * sizeof(T);
  std::size_t const block = block_size(type, bytes);
  object_header* h =
      is_pooled(type, bytes, block)
          ? allocate<is_tracked_type<T>>(type, bytes, static_cast<std::uint32_t>(block / array_class_bytes))
          : allocate_slow(type, bytes);
  T* const first = static_cast<T*>(object_of(h));
  length_of(h) = n;
  std::size_t made = 0;
  OURO_DETAIL_TRY {
    for (; made != n; ++made) ::new (static_cast<void*>(first + made)) T();
  }
  OURO_DETAIL_CATCH_ALL {
    while (made != 0) std::destroy_at(first + --made);
    abandon(h);
    OURO_DETAIL_RETHROW;
  }
  become_live(*h);
  return h;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
