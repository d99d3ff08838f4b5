// Small compile-time tools that know nothing of garbage collection: lists of types, completeness, names of types.
#ifndef OURO_DETAIL_META_HPP
#define OURO_DETAIL_META_HPP

#include <ouro/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
};

/// The answer depends on where it is first asked, so only what has to be complete by the user's own contract is asked.
template <class T>
concept complete = requires { sizeof(T); };

template <class T, class List>
inline constexpr bool contains = false;
template <class T, class... U>
inline constexpr bool contains<T, type_list<U...>> = (std::is_same_v<T, U> || ...);

/// The first list followed by those members of the second that it lacks.
template <class First, class Second>
struct merge;
template <class... T>
struct merge<type_list<T...>, type_list<>> {
  using type = type_list<T...>;
};
template <class... T, class U, class... Rest>
struct merge<type_list<T...>, type_list<U, Rest...>> {
  using next = std::conditional_t<contains<U, type_list<T...>>, type_list<T...>, type_list<T..., U>>;
  using type = typename merge<next, type_list<Rest...>>::type;
};

template <class... List>
struct joined;  // one after the other, repeats kept
template <class... T>
struct joined<type_list<T...>> {
  using type = type_list<T...>;
};
template <class... T, class... U, class... Rest>
struct joined<type_list<T...>, type_list<U...>, Rest...> : joined<type_list<T..., U...>, Rest...> {};

/// One address per type, as an identity that constant evaluation can compare.
template <class T>
inline constexpr char type_id{};

/// `std::remove_cvref_t` without a second instantiation.
template <class T>
struct bare {
  using type = std::remove_cv_t<T>;
};
template <class T>
struct bare<T&> {
  using type = std::remove_cv_t<T>;
};
template <class T>
struct bare<T&&> {
  using type = std::remove_cv_t<T>;
};
template <class T>
using bare_t = typename bare<T>::type;

// `auto` as return type keeps the alias of std::string_view out of what the compiler prints.
template <class T>
constexpr auto signature_of_type() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return std::string_view(__FUNCSIG__, sizeof(__FUNCSIG__) - 1);
#else
  return std::string_view(__PRETTY_FUNCTION__, sizeof(__PRETTY_FUNCTION__) - 1);
#endif
}

inline constexpr std::size_t signature_prefix = signature_of_type<double>().find("double");
inline constexpr std::size_t signature_suffix = signature_of_type<double>().size() - signature_prefix - 6;

/// The name of a type as the compiler writes it in its messages; needs no RTTI.
template <class T>
constexpr std::string_view type_name() noexcept {
  std::string_view name = signature_of_type<T>();
  name.remove_prefix(signature_prefix);
  name.remove_suffix(signature_suffix);
#if defined(_MSC_VER) && !defined(__clang__)
  for (std::string_view word : {"class ", "struct ", "union ", "enum "}) {
    if (name.substr(0, word.size()) == word) name.remove_prefix(word.size());
  }
#endif
  return name;
}

/// Equal for types of one name, and practically never else.
template <class T>
inline constexpr std::uint64_t type_hash = [] {
  std::uint64_t hash = 14695981039346656037u;
  for (char c : type_name<T>()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
