// Recognises types of the standard library and of Boost by their names, so that none of their headers is included.
#ifndef OURO_DETAIL_STD_TYPES_HPP
#define OURO_DETAIL_STD_TYPES_HPP

#include <ouro/detail/meta.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// What a library type is to its owner. Types that are not listed are `other`.
enum class library_role : unsigned char {
  none,     // not of a known library
  plain,    // of a library, no template
  other,    // of a library, judged by its template arguments
  view,     // owns nothing of what its arguments name, or hides it (std::function): never looked into
  range,    // owns its elements; begin() and end()
  adaptor,  // stack, queue, priority_queue
  unique,   // unique_ptr
  shared,   // shared_ptr
  optional,
  expected,
  variant,
  pair,
  tuple
};

struct library_entry {
  std::string_view name;
  library_role role;
};

// Names without namespaces; the interface is checked as well before a role is believed.
inline constexpr library_entry std_roles[] = {
    {"function", library_role::view},
    {"move_only_function", library_role::view},
    {"copyable_function", library_role::view},
    {"function_ref", library_role::view},
    {"weak_ptr", library_role::view},
    {"enable_shared_from_this", library_role::view},
    {"span", library_role::view},
    {"mdspan", library_role::view},
    {"basic_string_view", library_role::view},
    {"reference_wrapper", library_role::view},
    {"initializer_list", library_role::view},
    {"ref_view", library_role::view},
    {"vector", library_role::range},
    {"deque", library_role::range},
    {"list", library_role::range},
    {"forward_list", library_role::range},
    {"set", library_role::range},
    {"multiset", library_role::range},
    {"map", library_role::range},
    {"multimap", library_role::range},
    {"unordered_set", library_role::range},
    {"unordered_multiset", library_role::range},
    {"unordered_map", library_role::range},
    {"unordered_multimap", library_role::range},
    {"array", library_role::range},
    {"valarray", library_role::range},
    {"inplace_vector", library_role::range},
    {"hive", library_role::range},
    {"flat_set", library_role::range},
    {"flat_multiset", library_role::range},
    {"flat_map", library_role::range},
    {"flat_multimap", library_role::range},
    {"stack", library_role::adaptor},
    {"queue", library_role::adaptor},
    {"priority_queue", library_role::adaptor},
    {"unique_ptr", library_role::unique},
    {"shared_ptr", library_role::shared},
    {"optional", library_role::optional},
    {"expected", library_role::expected},
    {"variant", library_role::variant},
    {"pair", library_role::pair},
    {"tuple", library_role::tuple},
};

// Boost's containers are recognised by their interface; these are what else it has under names of its own.
inline constexpr library_entry boost_roles[] = {
    {"function", library_role::view},
    {"weak_ptr", library_role::view},
    {"enable_shared_from_this", library_role::view},
    {"span", library_role::view},
    {"basic_string_view", library_role::view},
    {"reference_wrapper", library_role::view},
    {"array", library_role::range},
    {"shared_ptr", library_role::shared},
    {"local_shared_ptr", library_role::shared},
    {"optional", library_role::optional},
};

template <std::size_t N>
constexpr library_role find_role(library_entry const (&entries)[N], std::string_view name) noexcept {
  for (library_entry const& entry : entries) {
    if (entry.name == name) return entry.role;
  }
  return library_role::other;
}

/// The length of the namespace in which a library's names begin, or 0. Debugging iterators have namespaces of their
/// own.
constexpr std::size_t library_prefix(std::string_view name) noexcept {
  for (std::string_view prefix : {"std::", "boost::", "__gnu_cxx::", "__gnu_debug::"}) {
    if (name.substr(0, prefix.size()) == prefix) return prefix.size();
  }
  return 0;
}

/// The role of the type with this full name. Inline namespaces of the implementation (`std::__1::`, `std::__cxx11::`)
/// are skipped; a name in another namespace of `std` (`std::chrono::`) is judged by its arguments.
constexpr library_role role_of_name(std::string_view name) noexcept {
  std::size_t const prefix = library_prefix(name);
  if (prefix == 0) return library_role::none;
  std::size_t const angle = name.find('<');
  if (angle == std::string_view::npos) return library_role::plain;
  std::string_view const path = name.substr(0, angle);
  std::size_t const last = path.rfind("::") + 2;
  if (name.front() == 'b') return find_role(boost_roles, path.substr(last));
  for (std::size_t at = prefix; at < last; at = path.find("::", at) + 2) {
    bool const known = path[at] == '_' || path.substr(at, 8) == "ranges::" || path.substr(at, 5) == "pmr::";
    if (!known) return library_role::other;
  }
  return find_role(std_roles, path.substr(last));
}

template <class T>
inline constexpr library_role role_of = role_of_name(type_name<T>());

/// Iterators own nothing of what their arguments name.
template <class T>
concept library_iterator = requires { typename T::iterator_category; } || requires { typename T::iterator_concept; };

/// Is this the library template of that name (`default_delete`)?
template <class T>
constexpr bool is_std_template(std::string_view name) noexcept {
  std::string_view const full = type_name<T>();
  std::string_view const path = full.substr(0, full.find('<'));
  return path.size() >= name.size() + 5 && path.substr(0, 5) == "std::" &&
         path.substr(path.size() - name.size()) == name && path[path.size() - name.size() - 1] == ':';
}

/// The type arguments of a library template; `known` is false for what is none, such as a class nested in one.
template <class T>
struct template_arguments {
  static constexpr bool known = false;
  using type = type_list<>;
};
template <template <class...> class C, class... A>
struct template_arguments<C<A...>> {
  static constexpr bool known = true;
  using type = type_list<A...>;
};
template <template <auto...> class C, auto... N>
  requires(sizeof...(N) > 0)
struct template_arguments<C<N...>> {
  static constexpr bool known = true;
  using type = type_list<>;
};
template <template <class, auto...> class C, class A, auto... N>
  requires(sizeof...(N) > 0)
struct template_arguments<C<A, N...>> {
  static constexpr bool known = true;
  using type = type_list<A>;
};
template <template <class, class, auto...> class C, class A, class B, auto... N>
  requires(sizeof...(N) > 0)
struct template_arguments<C<A, B, N...>> {
  static constexpr bool known = true;
  using type = type_list<A, B>;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
