// Decides at compile time how a type is traced: reads its declarations, its shape and its name, never its parts' parts.
#ifndef OURO_DETAIL_CLASSIFY_HPP
#define OURO_DETAIL_CLASSIFY_HPP

#include <ouro/detail/field_count.hpp>
#include <ouro/detail/read_declarations.hpp>
#include <ouro/detail/std_types.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// How the values of a type are traced.
enum class kind : unsigned char {
  leaf,           // never: nothing in it is traced
  handle,         // handle_traits
  traits,         // trace_traits
  custom,         // gc_trace
  members,        // gc_members
  fields,         // gc_fields
  aggregate,      // its members, counted
  array,          // C array
  range,          // begin() to end()
  flat,           // keys() and values(): std::flat_map
  adaptor,        // the protected member c of std::stack and its like
  unique,         // the object of a unique_ptr
  unique_custom,  // the same by a virtual gc_trace
  optional,
  expected,
  variant,
  pair,
  tuple,
  opaque  // a leaf, provided that no guarded part is traced
};

/// Why a type is refused; explain() has the words.
enum class flaw : unsigned char {
  none,
  incomplete,
  foreign_leaf,
  inherited_trace,
  inherited_members,
  foreign_members,
  repeated_members,
  bad_base,
  nested_bases,
  inherited_fields,
  bad_fields,
  no_fields,
  too_many_fields,
  tuple_like,
  uncounted,
  base_with_data,
  is_union,
  undeclared,
  closure,
  polymorphic_pointee,
  incomplete_pointee,
  unreadable_library,
  proxy_range,
  // the following hold only if a guarded part is traced (for an aggregate: any part)
  bit_field_or_reference,
  shared,
  unique_array,
  unique_deleter,
  unknown_library
};

struct verdict {
  kind how = kind::leaf;
  flaw why_not = flaw::none;
};

// --- the verdict -------------------------------------------------------------------------------------------------

template <class T>
inline constexpr bool is_tuple_like = requires { std::tuple_size<T>::value; };

template <class C>
concept owns_range = requires(C const& c) {
  typename C::value_type;
  requires std::is_lvalue_reference_v<decltype(*c.begin())>;
  requires std::is_same_v<bare_t<decltype(*c.begin())>, std::remove_cv_t<typename C::value_type>>;
  requires requires { c.begin() != c.end(); };
};

template <class A, class B>
constexpr bool same_member(A const& a, B const& b) {
  if constexpr (std::is_same_v<A, B> && std::is_member_pointer_v<A>) {
    return a == b;
  } else {
    return false;
  }
}

/// Is a member listed twice?
template <class Self, class... M>
constexpr bool repeats(member_list<Self, M...> const& list) {
  bool found = false;
  auto check = [&](auto const& one) {
    int times = 0;
    std::apply([&](auto const&... other) { ((times += same_member(one, other) ? 1 : 0), ...); }, list.members);
    if (times > 1) found = true;
  };
  std::apply([&](auto const&... one) { (check(one), ...); }, list.members);
  return found;
}

/// Is `A` listed with a class derived from it? It would be visited twice, unless it is a virtual base.
template <class T, class A, class... B>
inline constexpr bool is_nested_base =
    (... || (!std::is_same_v<A, B> && std::is_base_of_v<A, B>)) && !access::declared<T>::template has_virtual_base<A>;

template <class T, class... B>
constexpr flaw judge_bases(base_list<B...>) {
  if constexpr (!(... && (access::declared<T>::template has_base<B> && !std::is_same_v<B, T>))) {
    return flaw::bad_base;
  } else {
    return (... || is_nested_base<T, B, B...>) ? flaw::nested_bases : flaw::none;
  }
}

template <class T, class M>
constexpr flaw judge_member() {
  if constexpr (is_base_list<M>) {
    return judge_bases<T>(M{});
  } else {
    return std::is_same_v<typename member_class<M>::type, T> ? flaw::none : flaw::foreign_members;
  }
}

template <class T, class Self, class... M>
constexpr flaw judge_members(member_list<Self, M...> const& list) {
  flaw result = flaw::none;
  ((result = result == flaw::none ? judge_member<T, M>() : result), ...);
  if (result == flaw::none && repeats(list)) result = flaw::repeated_members;
  return result;
}

/// Is this the name of a lambda's class: `f()::<lambda(int)>` or `(lambda at file.cpp:1:2)`?
constexpr bool is_closure(std::string_view name) noexcept {
  if (name.substr(0, 11) == "(lambda at ") return name.find(')') == name.size() - 1;
  std::size_t const at = name.rfind("<lambda(");
  if (at == std::string_view::npos) return false;
  int depth = 0;
  for (char c : name.substr(at, name.size() - at - 1)) {
    depth += c == '<' ? 1 : c == '>' ? -1 : 0;
    if (depth == 0) return false;
  }
  return true;
}

template <class T>
constexpr verdict judge_fields() {
  constexpr std::size_t count = access::declared<T>::fields();
  constexpr bool no_data = std::is_empty_v<T> || (std::is_polymorphic_v<T> && sizeof(T) == sizeof(void*));
  flaw why = flaw::none;
  if (count == uncountable) {
    why = flaw::bad_fields;
  } else if (count > field_limit) {
    why = flaw::too_many_fields;
  } else if (count == 0 && !no_data) {
    why = flaw::no_fields;
  } else if (is_tuple_like<T>) {
    why = flaw::tuple_like;
  }
  return {kind::fields, why};
}

template <class T>
constexpr verdict judge_aggregate() {
  if constexpr (is_tuple_like<T>) {
    return {kind::aggregate, flaw::tuple_like};
  } else if constexpr (shape<T>.base_with_data) {
    return {kind::aggregate, flaw::base_with_data};
  } else if constexpr (shape<T>.fields == uncountable) {
    return {kind::aggregate, flaw::uncounted};
  } else if constexpr (shape<T>.fields > field_limit) {
    return {kind::aggregate, flaw::too_many_fields};
  } else {
    return {shape<T>.fields == 0 ? kind::leaf : kind::aggregate};
  }
}

/// Declarations of the class itself come first, so that a derived class overrides what it inherits.
template <class T>
constexpr verdict judge_class() {
  using declared = access::declared<T>;
  if constexpr (declared::own_leaf()) {
    return {kind::leaf};
  } else if constexpr (declared::own_trace()) {
    return {kind::custom};
  } else if constexpr (std::is_same_v<typename declared::members_of, T>) {
    return {kind::members, judge_members<T>(declared::members())};
  } else if constexpr (declared::own_fields()) {
    return judge_fields<T>();
  } else if constexpr (declared::virtual_trace()) {
    return {kind::custom};
  } else if constexpr (declared::has_leaf) {
    return {kind::leaf, flaw::foreign_leaf};
  } else if constexpr (declared::has_trace) {
    return {kind::leaf, flaw::inherited_trace};
  } else if constexpr (declared::has_members) {
    return {kind::leaf,
            std::is_base_of_v<typename declared::members_of, T> ? flaw::inherited_members : flaw::foreign_members};
  } else if constexpr (declared::has_fields) {
    return {kind::leaf, flaw::inherited_fields};
  } else if constexpr (std::is_trivially_copyable_v<T> || (std::is_empty_v<T> && !std::is_polymorphic_v<T>)) {
    return {kind::leaf};
  } else if constexpr (std::is_union_v<T>) {
    return {kind::leaf, flaw::is_union};
  } else if constexpr (std::is_aggregate_v<T>) {
    return judge_aggregate<T>();
  } else {
    return {kind::leaf, is_closure(type_name<T>()) ? flaw::closure : flaw::undeclared};
  }
}

template <class T>
constexpr verdict judge();

template <class Arguments>
inline constexpr bool names_array = false;
template <class... A>
inline constexpr bool names_array<type_list<A...>> = (... || std::is_array_v<A>);

/// What a unique_ptr points to is owned, so it is part of the value.
template <class T>
constexpr verdict judge_unique() {
  using object = bare_t<typename T::element_type>;
  if constexpr (names_array<typename template_arguments<T>::type>) {
    return {kind::opaque, flaw::unique_array};
  } else if constexpr (!is_std_template<typename T::deleter_type>("default_delete")) {
    return {kind::opaque, flaw::unique_deleter};
  } else {
    constexpr verdict v = judge<object>();
    if constexpr (v.why_not == flaw::incomplete) {
      return {kind::unique, flaw::incomplete_pointee};
    } else if constexpr (v.how == kind::leaf && v.why_not == flaw::none) {
      return {kind::leaf};
    } else if constexpr (!std::is_polymorphic_v<object> || std::is_final_v<object> || v.how == kind::opaque) {
      return {kind::unique};
    } else if constexpr (v.how == kind::custom && access::declared<object>::virtual_trace()) {
      return {kind::unique_custom};
    } else {
      return {kind::unique, flaw::polymorphic_pointee};
    }
  }
}

/// Another library type holds what it holds: a leaf if no template argument of it is traced.
template <class T>
constexpr verdict judge_opaque() {
  if constexpr (template_arguments<T>::known) {
    return {kind::opaque, flaw::unknown_library};
  } else {
    return {kind::leaf, flaw::unreadable_library};
  }
}

template <class T>
constexpr verdict judge_range() {
  if constexpr (owns_range<T>) {
    return {kind::range};
  } else if constexpr (requires(T const& c) {
                         c.keys().begin();
                         c.values().begin();
                       }) {
    return {kind::flat};
  } else if constexpr (role_of<T> != library_role::none) {
    return judge_opaque<T>();
  } else {
    return {kind::leaf, flaw::proxy_range};
  }
}

template <class T>
constexpr verdict judge_library() {
  constexpr library_role role = role_of<T>;
  if constexpr (role == library_role::plain || role == library_role::view || std::is_trivially_copyable_v<T> ||
                std::is_empty_v<T> || library_iterator<T>) {
    return {kind::leaf};
  } else if constexpr (role == library_role::adaptor) {
    return {kind::adaptor};
  } else if constexpr (role == library_role::unique) {
    return judge_unique<T>();
  } else if constexpr (role == library_role::shared) {
    return {kind::opaque, flaw::shared};
  } else if constexpr (role == library_role::optional) {
    return {kind::optional};
  } else if constexpr (role == library_role::expected) {
    return {kind::expected};
  } else if constexpr (role == library_role::variant) {
    return {kind::variant};
  } else if constexpr (role == library_role::pair) {
    return {kind::pair};
  } else if constexpr (role == library_role::tuple) {
    return {kind::tuple};
  } else if constexpr (role == library_role::range || requires { typename T::allocator_type; }) {
    return judge_range<T>();
  } else {
    return judge_opaque<T>();
  }
}

template <class T>
constexpr verdict judge() {
  if constexpr (std::is_array_v<T>) {
    return {kind::array};
  } else if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
    return {kind::leaf};
  } else if constexpr (handle_traits<T>::is_handle) {
    return {kind::handle};
  } else if constexpr (is_leaf<T>) {
    return {kind::leaf};
  } else if constexpr (complete<trace_traits<T>>) {
    return {kind::traits};
  } else if constexpr (!complete<T>) {
    return {kind::leaf, flaw::incomplete};
  } else if constexpr (is_container<T>) {
    return judge_range<T>();
  } else if constexpr (role_of<T> != library_role::none) {
    return judge_library<T>();
  } else {
    return judge_class<T>();
  }
}

template <class T>
inline constexpr verdict verdict_of = judge<T>();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
