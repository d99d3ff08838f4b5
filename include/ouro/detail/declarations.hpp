// What a class or a program declares about traced members: lists of members, marks for leaves and for containers.
#ifndef OURO_DETAIL_DECLARATIONS_HPP
#define OURO_DETAIL_DECLARATIONS_HPP

#include <ouro/detail/meta.hpp>
#include <ouro/fwd.hpp>

#include <tuple>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Specialise to `true` for a type that holds no traced handle, and that you cannot change:
/// `template <> inline constexpr bool ouro::is_leaf<X> = true;`.
///
/// Precondition: true of every object of exactly that type; a handle in it is never seen, so a cycle through it leaks.
/// Specialise before the first use in a traced class. In your own class write `using gc_leaf = X;` instead.
template <class T>
inline constexpr bool is_leaf = false;

/// Specialise to `true` for a container of your own: `template <class T> inline constexpr bool
/// ouro::is_container<my_vector<T>> = true;`.
///
/// Precondition: it owns its elements, alone; `begin()` and `end()` visit each once and yield references to
/// `value_type`; if it has a `key_type` with handles in it, `clear()` must not throw.
template <class C>
inline constexpr bool is_container = false;

/// Specialise for a foreign type with handles that no other way describes: `static void trace(T const& value,
/// ouro::tracer& t) noexcept` calls `t` with every part that may hold handles, each once.
///
/// Precondition, user's obligation: as for `tracer`. CPython's counterpart is a type's `tp_traverse`.
template <class T>
struct trace_traits;

namespace detail {

template <class... B>
struct base_list {};

template <class M>
struct member_class {
  using type = void;
};
template <class M, class C>
struct member_class<M C::*> {
  using type = C;
};

template <class M>
inline constexpr bool is_base_list = false;
template <class... B>
inline constexpr bool is_base_list<base_list<B...>> = true;

template <class M>
concept member_or_bases = std::is_member_object_pointer_v<M> || is_base_list<M>;

template <class... C>
struct first_class {
  using type = void;
};
template <class C, class... Rest>
struct first_class<C, Rest...> {
  using type = C;
};
template <class... Rest>
struct first_class<void, Rest...> : first_class<Rest...> {};

/// What `members` returns: the class it speaks of, and pointers to members and lists of bases in order.
template <class Self, class... M>
struct member_list {
  using self = Self;
  std::tuple<M...> members;
};

}  // namespace detail

/// The direct bases with traced members, for `members`: `ouro::members(ouro::bases<A, B>, &X::child_)`.
///
/// Virtual bases are detected, and visited once by the complete object, however often they are listed below it.
template <class... B>
inline constexpr detail::base_list<B...> bases{};

/// The traced members of a class whose bases have data: `static constexpr auto gc_members =
/// ouro::members(ouro::bases<Base>, &Derived::children_, &Derived::parent_);`.
///
/// Precondition: complete; the compiler checks for repeats and foreign classes, not for members that were left out
/// (`gc_fields` does). A member left out leaks when it is part of a cycle. Must be repeated in derived classes.
template <class... M>
  requires(detail::member_or_bases<M> && ...)
constexpr auto members(M... list) {
  using self = typename detail::first_class<typename detail::member_class<M>::type...>::type;
  static_assert(!std::is_void_v<self>,
                "ouro: members(...) cannot tell which class it speaks of, since it lists no member: write "
                "ouro::members<Self>(ouro::bases<Base>) with the name of the class for Self");
  return detail::member_list<self, M...>{{list...}};
}

/// The same with the class named, which is needed where only bases are listed: `ouro::members<X>(ouro::bases<B>)`.
template <class Self, class... M>
  requires(std::is_class_v<Self> && !detail::is_base_list<Self> && (detail::member_or_bases<M> && ...))
constexpr auto members(M... list) {
  return detail::member_list<Self, M...>{{list...}};
}

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
