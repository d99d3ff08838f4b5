// How the handles inside a value are found: by its declarations, its shape or its name, decided at compile time.
#ifndef OURO_TRACE_HPP
#define OURO_TRACE_HPP

#include <ouro/detail/finalizer.hpp>
#include <ouro/detail/refusal.hpp>

#include <concepts>
#include <cstddef>

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

/// The same, unless it was declared as a reference (a structured binding does not tell), which owns nothing.
template <bool Checked, class Declared, class E>
void trace_element(E const& element, tracer& t) noexcept {
  if constexpr (!std::is_reference_v<Declared>) trace_part<E, Checked>(element, t);
}

/// Hands on the members of a class; `D` are their declared types.
template <bool Checked, class List>
struct field_visitor;
template <bool Checked, class... D>
struct field_visitor<Checked, type_list<D...>> {
  tracer& t;
  template <class... M>
  void operator()(M const&... member) const noexcept {
    (trace_element<Checked, D>(member, t), ...);
  }
};

/// Reaches the protected container of std::stack and its like.
template <class A>
struct adaptor_key : A {
  static auto const& container(A const& a) noexcept { return a.*&adaptor_key::c; }
};

// --- gc_members: bases, of which virtual ones are visited by the complete object only ----------------------------

template <class M>
struct bases_of_element {
  using type = type_list<>;
};
template <class... B>
struct bases_of_element<base_list<B...>> {
  using type = type_list<B...>;
};
template <class List>
struct bases_of_list {
  using type = type_list<>;
};
template <class Self, class... M>
struct bases_of_list<member_list<Self, M...>> : joined<type_list<>, typename bases_of_element<M>::type...> {};

/// The bases in the gc_members of `T`; none for a class that is traced in another way.
template <class T>
using listed_bases = typename bases_of_list<
    std::conditional_t<verdict_of<T>.how == kind::members, decltype(access::declared<T>::members()), void>>::type;

/// The virtual bases among these bases of `T` and of their listed bases, each once.
template <class T, class Bases = listed_bases<T>>
struct virtual_bases {
  using type = type_list<>;
};
template <class T, class B, class... Rest>
struct virtual_bases<T, type_list<B, Rest...>> {
  using above = typename virtual_bases<B>::type;
  using through = std::conditional_t<access::declared<T>::template has_virtual_base<B>,
                                     typename merge<type_list<B>, above>::type, above>;
  using type = typename merge<through, typename virtual_bases<T, type_list<Rest...>>::type>::type;
};

/// `V` as a virtual base of `v`, by way of the first of these bases that is `V` or has it.
template <class V, class T, class B, class... Rest>
V const& virtual_base(T const& v, type_list<B, Rest...>) noexcept {
  if constexpr (std::is_same_v<V, B> && access::declared<T>::template has_virtual_base<B>) {
    return access::declared<T>::template base<B>(v);
  } else if constexpr (contains<V, typename virtual_bases<B>::type>) {
    return virtual_base<V>(access::declared<T>::template base<B>(v), listed_bases<B>());
  } else {
    return virtual_base<V>(v, type_list<Rest...>());
  }
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
void trace_listed(T const& v, M T::* member, tracer& t) noexcept {
  trace_part<M, Checked>(v.*member, t);
}

template <bool Checked, class T>
void trace_members(T const& v, tracer& t) noexcept {
  constexpr auto list = access::declared<T>::members();
  std::apply([&](auto... member) { (trace_listed<Checked, T>(v, member, t), ...); }, list.members);
}

template <bool Checked, class T, class... V>
void trace_virtual_bases([[maybe_unused]] T const& v, type_list<V...>, [[maybe_unused]] tracer& t) noexcept {
  (trace_own_part<Checked, V>(virtual_base<V>(v, listed_bases<T>()), t), ...);
}

// --- the library ---------------------------------------------------------------------------------------------------

/// A handle whose destructor undoes what its trace reports, and nothing else.
template <class T>
inline constexpr bool is_one_edge = false;
template <class T>
  requires(handle_traits<T>::is_one_edge)
inline constexpr bool is_one_edge<T> = true;

/// A contiguous range of handles that are nothing but a word each. What `data()` of a user's container is, is not known.
template <class T>
concept is_handle_array =
    !OURO_DETAIL_HARDENED && !is_container<T> && is_one_edge<typename T::value_type> && requires(T const& c) {
      { c.data() } -> std::same_as<typename T::value_type const*>;
      { c.size() } -> std::same_as<std::size_t>;
    };

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
    if constexpr (is_handle_array<T>) {
      constexpr std::size_t many = 32;
      if (c.size() >= many && handle_traits<typename T::value_type>::trace_array(c.data(), c.size(), t)) return;
    }
    for (auto const& element : c) trace_part<typename T::value_type, Checked>(element, t);
  }
}

template <bool Checked, class T, std::size_t... I>
void trace_variant(T const& v, std::index_sequence<I...>, tracer& t) noexcept {
  auto alternative = [&](auto const* part) { trace_part<bare_t<decltype(*part)>, Checked>(*part, t); };
  (void)(... || (v.index() == I && (alternative(get_if<I>(&v)), true)));
}

template <bool Checked, class T, class... D, std::size_t... I>
void trace_tuple(T const& v, type_list<D...>, std::index_sequence<I...>, tracer& t) noexcept {
  (trace_element<Checked, D>(std::get<I>(v), t), ...);
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
  } else if constexpr (how == kind::fields || how == kind::aggregate) {
    using types = typename parts<T>::type;
    access::fields<types::size>::visit(v, field_visitor<checked, types>{t});
  } else if constexpr (how == kind::array) {
    for (auto const& element : v) trace_part<std::remove_extent_t<T>, checked>(element, t);
  } else if constexpr (how == kind::range || how == kind::flat) {
    trace_range<checked>(v, t);
  } else if constexpr (how == kind::adaptor) {
    trace_part<typename T::container_type, checked>(adaptor_key<T>::container(v), t);
  } else if constexpr (how == kind::unique) {
    using element = typename T::element_type;
    if (v.get() == nullptr) return;
    tracer_access::descend(t, v.get(), [](void const* part, tracer& inner) noexcept {
      trace_part<element, checked>(*static_cast<element const*>(part), inner);
    });
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
  } else {
    static_assert(how == kind::pair || how == kind::tuple);
    using types = typename parts<T>::type;
    trace_tuple<checked>(v, types{}, std::make_index_sequence<types::size>{}, t);
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
