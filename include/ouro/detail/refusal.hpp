// The words of the compile-time refusals: what is wrong with a type, and the line to write instead.
#ifndef OURO_DETAIL_REFUSAL_HPP
#define OURO_DETAIL_REFUSAL_HPP

#include <ouro/detail/survey.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Instantiated for a type that cannot be traced: the compiler's notes name the type `T`.
template <class T>
constexpr void refuse() {
  constexpr flaw f = flaw_of<T>;
  static_assert(f != flaw::undeclared,
                "ouro: this class is no aggregate, so its members cannot be found: write in it `static constexpr "
                "std::size_t gc_fields = N; friend ouro::access;` with its number of data members for N (if it holds "
                "no handles: `using gc_leaf = ...;` naming the class, or, outside, `template <> inline constexpr bool "
                "ouro::is_leaf<...> = true;`)");
  static_assert(
      f != flaw::closure,
      "ouro: what a lambda captures cannot be traced: use ouro::gc_function<R(A...)>(lambda, captures...) with "
      "a lambda that captures nothing and takes the captures as its first parameters");
  static_assert(f != flaw::incomplete,
                "ouro: this class is incomplete here, so what it holds cannot be known: define it before the first "
                "make_gc, or, if it holds no handles, write `template <> inline constexpr bool ouro::is_leaf<...> = "
                "true;`");
  static_assert(f != flaw::foreign_leaf,
                "ouro: gc_leaf names another class, or is only inherited, and a derived class may have handles of its "
                "own: repeat it here, `using gc_leaf = ...;` naming this class, or declare gc_fields or gc_members");
  static_assert(f != flaw::inherited_trace,
                "ouro: gc_trace is only inherited and not virtual, so the members of this class would be missed: "
                "write a gc_trace here that also calls the one of the base, or make it virtual");
  static_assert(f != flaw::inherited_members,
                "ouro: gc_members is only inherited, so the members of this class would be missed: repeat it here, "
                "`static constexpr auto gc_members = ouro::members<Self>(ouro::bases<Base>, &Self::member_...);`");
  static_assert(f != flaw::foreign_members,
                "ouro: gc_members must list members of this very class: write `static constexpr auto gc_members = "
                "ouro::members<Self>(ouro::bases<Base>, &Self::member_...);`, and leave members of a base to "
                "ouro::bases<Base>");
  static_assert(f != flaw::repeated_members,
                "ouro: gc_members lists a member twice, and a handle visited twice would free a live object: list "
                "each traced member once");
  static_assert(f != flaw::bad_base,
                "ouro: a class in ouro::bases<...> is no base of this class, an ambiguous one, or out of reach: list "
                "direct bases, and write `friend ouro::access;` if they are private");
  static_assert(f != flaw::nested_bases,
                "ouro: ouro::bases<...> lists a base together with a base of that base, which would be visited twice: "
                "list direct bases only");
  static_assert(f != flaw::inherited_fields,
                "ouro: gc_fields is only inherited, so the members of this class would be missed: repeat it here with "
                "its own number, or list the members with gc_members and ouro::bases<Base>");
  static_assert(f != flaw::bad_fields,
                "ouro: gc_fields is no constant: write `static constexpr std::size_t gc_fields = N;`");
  static_assert(f != flaw::no_fields,
                "ouro: gc_fields is 0, but this class has data: give the number of its data members, or list them "
                "with gc_members if they are in a base");
  static_assert(f != flaw::too_many_fields,
                "ouro: this class has more than 64 members: write `static constexpr auto gc_members = "
                "ouro::members(&X::a, &X::b);` with the traced ones");
  static_assert(f != flaw::tuple_like,
                "ouro: std::tuple_size is specialised for this class, so its members cannot be bound: write `static "
                "constexpr auto gc_members = ouro::members(&X::a, &X::b);` with the traced ones");
  static_assert(f != flaw::uncounted,
                "ouro: the members of this aggregate cannot be counted: write in it `static constexpr std::size_t "
                "gc_fields = N;` with its number of data members for N");
  static_assert(f != flaw::base_with_data,
                "ouro: this aggregate has a base with data: write in it `static constexpr auto gc_members = "
                "ouro::members<Self>(ouro::bases<Base>, &Self::member_...);` with its traced members");
  static_assert(f != flaw::is_union,
                "ouro: nobody knows which member of a union is alive: use std::variant, or write `gc_trace`, or, if it "
                "holds no handles, `template <> inline constexpr bool ouro::is_leaf<...> = true;`");
  static_assert(f != flaw::polymorphic_pointee,
                "ouro: a unique_ptr to a polymorphic class may own an object of a derived one, whose members would be "
                "missed: give the class `virtual void gc_trace(ouro::tracer&) const noexcept;`, make it final, or use "
                "gc_ptr");
  static_assert(f != flaw::incomplete_pointee,
                "ouro: the class that this unique_ptr owns is incomplete here, so what it holds cannot be known: "
                "define it before the first make_gc, use gc_ptr, or, if it holds no handles, write `template <> inline "
                "constexpr bool ouro::is_leaf<...> = true;` for it");
  static_assert(f != flaw::unreadable_library,
                "ouro: a class inside a template of the standard library or of Boost is not known: write `template "
                "<> inline constexpr bool ouro::is_leaf<...> = true;` if it holds no handles, else specialise "
                "ouro::trace_traits");
  static_assert(f != flaw::proxy_range,
                "ouro: ouro::is_container needs value_type, and begin() and end() that yield references to it: "
                "specialise ouro::trace_traits instead");
  static_assert(f != flaw::bit_field_or_reference,
                "ouro: this aggregate has a bit-field or a reference beside traced members: write in it `static "
                "constexpr std::size_t gc_fields = N;` with its number of data members for N");
  static_assert(f != flaw::shared,
                "ouro: shared ownership is never traced, since nobody knows who else holds this shared_ptr: use "
                "ouro::gc_ptr instead, or std::weak_ptr if it does not own");
  static_assert(f != flaw::unique_array,
                "ouro: a unique_ptr to an array does not know its length, so its elements cannot be traced: use "
                "std::vector or ouro::gc_ptr<T[]>");
  static_assert(f != flaw::unique_deleter,
                "ouro: a unique_ptr with a deleter of its own may not own what it points to: use std::default_delete "
                "or ouro::gc_ptr, or, if it leads to no handles, write `template <> inline constexpr bool "
                "ouro::is_leaf<...> = true;`");
  static_assert(f != flaw::unknown_library,
                "ouro: a library type that ouro does not know has traced template arguments: specialise "
                "ouro::trace_traits for it, or, if it owns none of them, `template <> inline constexpr bool "
                "ouro::is_leaf<...> = true;`");
}

template <class T>
constexpr void explain();

template <class... P>
constexpr void explain_all(type_list<P...>) {
  (explain<P>(), ...);
}

/// Goes down to the types that are at fault. Ends on types that contain themselves, since a function is instantiated
/// once.
template <class T>
constexpr void explain() {
  if constexpr (!std::is_reference_v<T>) {
    using value = std::remove_cv_t<T>;
    if constexpr (flaw_of<value> != flaw::none) {
      refuse<value>();
    } else if constexpr (facts_of<value>.refused) {
      explain_all(typename parts<value>::type{});
    }
  }
}

/// Ends the compilation with advice unless `T`, which must be complete, can be traced.
template <class T>
constexpr void assert_traceable() {
  if constexpr (facts_of<T>.refused) explain<std::remove_cv_t<T>>();
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
