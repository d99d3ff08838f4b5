// How the handles inside a value are found: by its declarations, its shape or its name, decided at compile time.
#ifndef OURO_TRACE_HPP
#define OURO_TRACE_HPP

#include <ouro/detail/finalizer.hpp>
#include <ouro/detail/refusal.hpp>

#include <memory>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Does a value of type `T` hold traced handles (or user code that may report some)?
///
/// Precondition: `T` is complete, as is everything it owns by value. Evaluated at compile time.
template <class T>
inline constexpr bool is_traced = detail::is_traced_v<std::remove_cv_t<T>>;

/// Can `T` be an object of the collector: is it known for every part of it how it is traced, or that it is a leaf?
template <class T>
concept traceable = !detail::facts_of<T>.refused;

namespace detail {

template <class T>
inline constexpr bool is_hand_traced = facts_of<T>.hand;
template <class T>
inline constexpr bool has_keyed_container = facts_of<T>.keyed;

template <class T>
void trace_known(T const& value, tracer& t) noexcept;

/// Part of a value that was checked as a whole. In the pass that empties keyed containers, everything else is skipped.
template <class T, bool Checked>
void trace_part(T const& part, tracer& t) noexcept {
  if constexpr (is_traced_v<std::remove_cv_t<T>>) {
    if constexpr (Checked && !facts_of<T>.keyed) {
      if (tracer_access::pass(t) == trace_pass::clear_keyed) return;
    }
    trace_known<std::remove_cv_t<T>>(part, t);
  }
}

/// Hands on the members of a class; `D` are their declared types, since a binding does not tell a reference.
template <bool Checked, class List>
struct field_visitor;
template <bool Checked, class... D>
struct field_visitor<Checked, type_list<D...>> {
  tracer& t;
  template <class... M>
  void operator()(M const&... member) const noexcept {
    (field<D>(member), ...);
  }
  template <class Declared, class M>
  void field(M const& member) const noexcept {
    if constexpr (!std::is_reference_v<Declared>) trace_part<M, Checked>(member, t);
  }
};

/// Reaches the protected container of std::stack and its like.
template <class A>
struct adaptor_key : A {
  static auto const& container(A const& a) noexcept { return a.*&adaptor_key::c; }
};

// --- gc_members: bases, of which virtual ones are visited by the complete object only ----------------------------

template <class T>
struct virtual_bases {
  using type = type_list<>;
};

template <class T, class B>
struct virtual_bases_through {
  using type = std::conditional_t<access::declared<T>::template has_virtual_base<B>,
                                  typename merge<type_list<B>, typename virtual_bases<B>::type>::type,
                                  typename virtual_bases<B>::type>;
};
template <class T, class Found, class... Lists>
struct collect_virtual_bases {
  using type = Found;
};
template <class T, class Found, class... B, class... Lists>
struct collect_virtual_bases<T, Found, base_list<B...>, Lists...> {
  template <class Sum, class... Rest>
  struct sum {
    using type = Sum;
  };
  template <class Sum, class First, class... Rest>
  struct sum<Sum, First, Rest...>
      : sum<typename merge<Sum, typename virtual_bases_through<T, First>::type>::type, Rest...> {};
  using type = typename collect_virtual_bases<T, typename sum<Found, B...>::type, Lists...>::type;
};
template <class T, class Found, class Member, class... Lists>
struct collect_virtual_bases<T, Found, Member, Lists...> : collect_virtual_bases<T, Found, Lists...> {};

template <class T, class List>
struct virtual_bases_in;
template <class T, class... M>
struct virtual_bases_in<T, member_list<T, M...>> : collect_virtual_bases<T, type_list<>, M...> {};
template <class T>
requires(verdict_of<T>.how == kind::members) struct virtual_bases<T>
    : virtual_bases_in<T, decltype(access::declared<T>::members())> {
};

template <class V, class T, class... M>
V const& virtual_base(T const& v, member_list<T, M...> const&) noexcept;

/// The way from `T` to its virtual base `V` through the listed base `B`, or null if it is not on that way.
template <class V, class B, class T>
V const* virtual_base_through(T const& v) noexcept {
  if constexpr (std::is_same_v<V, B>) {
    return access::declared<T>::template has_virtual_base<B> ? std::addressof(access::declared<T>::template base<B>(v))
                                                             : nullptr;
  } else if constexpr (contains<V, typename virtual_bases<B>::type>) {
    return std::addressof(virtual_base<V>(access::declared<T>::template base<B>(v), access::declared<B>::members()));
  } else {
    return nullptr;
  }
}

template <class V, class T, class... M>
V const& virtual_base(T const& v, member_list<T, M...> const&) noexcept {
  V const* found = nullptr;
  auto search = [&]<class... B>(base_list<B...> const&) {
    (void)(... || ((found = virtual_base_through<V, B>(v)) != nullptr));
  };
  auto search_bases = [&](auto const& element) {
    if constexpr (is_base_list<bare_t<decltype(element)>>) search(element);
  };
  (search_bases(M{}), ...);
  return *found;
}

template <bool Checked, class T>
void trace_members(T const& v, tracer& t) noexcept;

/// A base as part of a derived object: without its virtual bases.
template <bool Checked, class B>
void trace_own_part(B const& base, tracer& t) noexcept {
  if constexpr (verdict_of<B>.how == kind::members) {
    trace_members<Checked>(base, t);
  } else {
    trace_part<B, Checked>(base, t);
  }
}

template <bool Checked, class T, class B>
void trace_base(T const& v, tracer& t) noexcept {
  if constexpr (!access::declared<T>::template has_virtual_base<B>) {
    trace_own_part<Checked, B>(access::declared<T>::template base<B>(v), t);
  }
}

template <bool Checked, class T, class... B>
void trace_listed(T const& v, base_list<B...>, tracer& t) noexcept {
  (trace_base<Checked, T, B>(v, t), ...);
}
template <bool Checked, class T, class M>
void trace_listed(T const& v, M T::*member, tracer& t) noexcept {
  trace_part<M, Checked>(v.*member, t);
}

template <bool Checked, class T>
void trace_members(T const& v, tracer& t) noexcept {
  constexpr auto list = access::declared<T>::members();
  std::apply([&](auto... member) { (trace_listed<Checked, T>(v, member, t), ...); }, list.members);
}

template <bool Checked, class T, class... V>
void trace_virtual_bases([[maybe_unused]] T const& v, type_list<V...>, [[maybe_unused]] tracer& t) noexcept {
  (trace_own_part<Checked, V>(virtual_base<V>(v, access::declared<T>::members()), t), ...);
}

// --- the library ---------------------------------------------------------------------------------------------------

template <bool Checked, class T>
void trace_range(T const& c, tracer& t) noexcept {
  if constexpr (is_keyed<T>) {
    trace_pass const pass = tracer_access::pass(t);
    if (pass == trace_pass::clear) return;
    if (pass == trace_pass::clear_keyed) {
      const_cast<T&>(c).clear();
      return;
    }
  }
  if constexpr (verdict_of<T>.how == kind::flat) {
    trace_part<bare_t<decltype(c.keys())>, Checked>(c.keys(), t);
    trace_part<bare_t<decltype(c.values())>, Checked>(c.values(), t);
  } else if constexpr (is_traced_v<typename T::value_type>) {
    for (auto const& element : c) trace_part<typename T::value_type, Checked>(element, t);
  }
}

template <bool Checked, class T, std::size_t... I>
void trace_variant(T const& v, std::index_sequence<I...>, tracer& t) noexcept {
  auto alternative = [&](auto const* part) { trace_part<bare_t<decltype(*part)>, Checked>(*part, t); };
  (void)(... || (v.index() == I && (alternative(get_if<I>(&v)), true)));
}

template <bool Checked, class T, class... D>
void trace_tuple(T const& v, type_list<D...>, tracer& t) noexcept {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto element = [&]<class E>(auto const& part, type_list<E>) {
      if constexpr (!std::is_reference_v<E>) trace_part<E, Checked>(part, t);
    };
    (element(std::get<I>(v), type_list<D>{}), ...);
  }
  (std::index_sequence_for<D...>{});
}

/// The value of a type that is known to be traceable and to have traced parts.
template <class T>
void trace_known(T const& v, tracer& t) noexcept {
  constexpr kind how = verdict_of<T>.how;
  constexpr bool checked = facts_of<T>.keyed;
  if constexpr (how == kind::handle) {
    handle_traits<T>::trace(v, t);
  } else if constexpr (how == kind::traits) {
    trace_traits<T>::trace(v, t);
  } else if constexpr (how == kind::custom) {
    access::declared<T>::trace(v, t);
  } else if constexpr (how == kind::members) {
    trace_members<checked>(v, t);
    trace_virtual_bases<checked>(v, typename virtual_bases<T>::type{}, t);
  } else if constexpr (how == kind::fields) {
    using types = typename parts<T>::type;
    access::fields<types::size>::visit(v, field_visitor<checked, types>{t});
  } else if constexpr (how == kind::aggregate) {
    using types = typename parts<T>::type;
    access::fields<types::size>::visit(v, field_visitor<checked, types>{t});
  } else if constexpr (how == kind::array) {
    for (auto const& element : v) trace_part<std::remove_extent_t<T>, checked>(element, t);
  } else if constexpr (how == kind::range || how == kind::flat) {
    trace_range<checked>(v, t);
  } else if constexpr (how == kind::adaptor) {
    trace_part<typename T::container_type, checked>(adaptor_key<T>::container(v), t);
  } else if constexpr (how == kind::unique) {
    if (v.get() != nullptr) trace_part<typename T::element_type, checked>(*v, t);
  } else if constexpr (how == kind::unique_custom) {
    if (v.get() != nullptr) access::declared<bare_t<typename T::element_type>>::trace_virtually(*v, t);
  } else if constexpr (how == kind::optional) {
    if (v.has_value()) trace_part<typename T::value_type, checked>(*v, t);
  } else if constexpr (how == kind::expected) {
    if (!v.has_value()) {
      trace_part<typename T::error_type, checked>(v.error(), t);
    } else if constexpr (!std::is_void_v<typename T::value_type>) {
      trace_part<typename T::value_type, checked>(*v, t);
    }
  } else if constexpr (how == kind::variant) {
    trace_variant<checked>(v, std::make_index_sequence<parts<T>::type::size>{}, t);
  } else if constexpr (how == kind::pair) {
    trace_tuple<checked>(v, typename parts<T>::type{}, t);
  } else if constexpr (how == kind::tuple) {
    trace_tuple<checked>(v, typename parts<T>::type{}, t);
  }
}

template <class T>
void trace_value(T const& value, tracer& t) noexcept {
  assert_traceable<T>();
  if constexpr (!facts_of<T>.refused) trace_part<T, true>(value, t);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
