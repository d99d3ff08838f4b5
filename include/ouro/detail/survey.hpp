// Follows a type through everything it owns by value: is anything traced, traced by hand, keyed or refused?
#ifndef OURO_DETAIL_SURVEY_HPP
#define OURO_DETAIL_SURVEY_HPP

#include <ouro/detail/classify.hpp>

#include <string_view>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- parts: the types of what a value of T owns, one step down --------------------------------------------------

template <class T, kind K = verdict_of<T>.how>
struct parts {
  using type = type_list<>;
};
template <class T, std::size_t N>
using facts_of_members = decltype(access::fields<N>::visit(std::declval<T&>(), asks_for_facts()));

template <class T>
struct parts<T, kind::aggregate> {
  using type = typename facts_of_members<T, shape<T>.fields>::types;
};
template <class T>
  requires(access::declared<T>::fields() > 0)
struct parts<T, kind::fields> {
  using type = typename facts_of_members<T, access::declared<T>::fields()>::types;
};

template <class M>
struct listed {
  using type = type_list<>;
};
template <class M, class C>
struct listed<M C::*> {
  using type = type_list<M>;
};
template <class... B>
struct listed<base_list<B...>> {
  using type = type_list<B...>;
};
template <class List>
struct listed_parts;
template <class Self, class... M>
struct listed_parts<member_list<Self, M...>> : joined<type_list<>, typename listed<M>::type...> {};
template <class T>
struct parts<T, kind::members> : listed_parts<decltype(access::declared<T>::members())> {};

template <class T>
struct parts<T, kind::array> {
  using type = type_list<std::remove_all_extents_t<T>>;
};
template <class T>
struct parts<T, kind::range> {
  using type = type_list<typename T::value_type>;
};
template <class T>
struct parts<T, kind::flat> {
  using type =
      type_list<bare_t<decltype(std::declval<T const&>().keys())>, bare_t<decltype(std::declval<T const&>().values())>>;
};
template <class T>
struct parts<T, kind::adaptor> {
  using type = type_list<typename T::container_type>;
};
template <class T>
struct parts<T, kind::unique> {
  using type = type_list<typename T::element_type>;
};
template <class T>
struct parts<T, kind::optional> {
  using type = type_list<typename T::value_type>;
};
template <class T>
struct parts<T, kind::expected> {
  using type = type_list<typename T::value_type, typename T::error_type>;
};
template <class T>
struct parts<T, kind::variant> : template_arguments<T> {};
template <class T>
struct parts<T, kind::pair> : template_arguments<T> {};
template <class T>
struct parts<T, kind::tuple> : template_arguments<T> {};

/// What an opaque type may own; it is refused if one of these is traced.
template <class T, flaw F = verdict_of<T>.why_not>
struct guarded : template_arguments<T> {};
template <class T>
struct guarded<T, flaw::shared> {
  using type = type_list<std::remove_all_extents_t<typename T::element_type>>;
};
template <class T>
struct guarded<T, flaw::unique_array> {
  using type = type_list<std::remove_all_extents_t<typename T::element_type>>;
};
template <class T>
struct guarded<T, flaw::unique_deleter> : guarded<T, flaw::unique_array> {};

// --- the walk ----------------------------------------------------------------------------------------------------

/// What is known of a type and of everything it owns by value.
struct facts {
  bool traced = false;   // a handle, or user code that may report one
  bool hand = false;     // user code does the tracing somewhere
  bool keyed = false;    // an associative container with traced keys, or user code that may have one
  bool refused = false;  // some part cannot be traced
};

/// The types a walk has been to, in a search tree. Types refer to each other in cycles (`struct T { std::vector<T> v;
/// };`).
class visited_types {
 public:
  constexpr visited_types() = default;
  visited_types(visited_types const&) = delete;
  visited_types& operator=(visited_types const&) = delete;
  constexpr ~visited_types() { remove(root_); }

  template <class T>
  constexpr bool add() {
    node** place = &root_;
    while (*place != nullptr) {
      node& n = **place;
      // The hash first, since under -fsanitize=undefined g++ does not tell addresses apart in constants; the address
      // as well, since Clang gives local classes of different functions the same name.
      if (n.hash == type_hash<T> && n.id == &type_id<T>) return false;
      place = n.hash < type_hash<T> ? &n.greater : &n.others;
    }
    *place = new node{type_hash<T>, &type_id<T>, nullptr, nullptr};
    return true;
  }

 private:
  struct node {
    std::uint64_t hash;
    char const* id;
    node* greater;
    node* others;
  };
  static constexpr void remove(node* n) {
    if (n == nullptr) return;
    remove(n->greater);
    remove(n->others);
    delete n;
  }
  node* root_ = nullptr;
};

template <class T>
constexpr bool find_traced(visited_types& visited);

template <class... P>
constexpr bool find_traced_in(type_list<P...>, visited_types& visited) {
  return (... || find_traced<P>(visited));
}

template <class T>
constexpr bool find_traced(visited_types& visited) {
  if constexpr (std::is_reference_v<T>) {
    return false;
  } else if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
    return find_traced<std::remove_cv_t<T>>(visited);
  } else {
    constexpr kind how = verdict_of<T>.how;
    if constexpr (how == kind::handle) {
      return handle_traits<T>::is_traced;
    } else if constexpr (how == kind::traits || how == kind::custom || how == kind::unique_custom) {
      return true;
    } else if constexpr (how == kind::leaf || how == kind::opaque || verdict_of<T>.why_not != flaw::none) {
      return false;
    } else {
      return visited.template add<T>() && find_traced_in(typename parts<T>::type{}, visited);
    }
  }
}

template <class T>
constexpr bool has_traced_parts() {
  visited_types visited;
  return find_traced<T>(visited);
}
template <class T>
inline constexpr bool is_traced_v = has_traced_parts<T>();

template <class List>
inline constexpr bool any_traced = false;
template <class... P>
inline constexpr bool any_traced<type_list<P...>> = (... || is_traced_v<P>);
template <class List>
inline constexpr bool any_unjudged = false;
template <class... P>
inline constexpr bool any_unjudged<type_list<P...>> = (... || (verdict_of<std::remove_cv_t<P>>.how != kind::opaque &&
                                                               verdict_of<std::remove_cv_t<P>>.why_not != flaw::none));

template <class List>
inline constexpr bool any_reference = false;
template <class... P>
inline constexpr bool any_reference<type_list<P...>> = (... || std::is_reference_v<P>);

/// The flaw of a type itself, with the conditions of the verdict checked.
template <class T>
constexpr flaw find_flaw() {
  constexpr verdict v = verdict_of<T>;
  if constexpr (v.how == kind::opaque) {
    using owned = typename guarded<T>::type;
    constexpr bool owner = v.why_not == flaw::unique_array || v.why_not == flaw::unique_deleter;
    return any_traced<owned> || (owner && any_unjudged<owned>) ? v.why_not : flaw::none;
  } else if constexpr (v.how == kind::aggregate && v.why_not == flaw::none) {
    if constexpr (!any_traced<typename parts<T>::type>) {
      return flaw::none;
    } else if constexpr (any_reference<typename parts<T>::type>) {
      return flaw::bit_field_or_reference;
    } else {
      return facts_of_members<T, shape<T>.fields>::addressable ? flaw::none : flaw::bit_field_or_reference;
    }
  } else {
    return v.why_not;
  }
}
template <class T>
inline constexpr flaw flaw_of = find_flaw<T>();

/// A container whose order or hash depends on handles cannot have them nulled one by one.
template <class T>
inline constexpr bool is_keyed = false;
template <class T>
  requires requires { typename T::key_type; }
inline constexpr bool is_keyed<T> =
    (verdict_of<T>.how == kind::range || verdict_of<T>.how == kind::flat) && is_traced_v<typename T::key_type>;

/// A handle that owns values of unknown types (gc_function) says `has_keyed_container`.
template <class T>
inline constexpr bool handle_is_keyed = false;
template <class T>
  requires(handle_traits<T>::has_keyed_container)
inline constexpr bool handle_is_keyed<T> = true;

template <class T>
constexpr void survey(visited_types& visited, facts& found);

template <class... P>
constexpr void survey_all(type_list<P...>, visited_types& visited, facts& found) {
  (survey<P>(visited, found), ...);
}

template <class T>
constexpr void survey(visited_types& visited, facts& found) {
  if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
    survey<std::remove_cv_t<T>>(visited, found);
  } else if constexpr (!std::is_reference_v<T>) {
    constexpr kind how = verdict_of<T>.how;
    if constexpr (flaw_of<T> != flaw::none) {
      found.refused = true;
    } else if constexpr (how == kind::handle) {
      found.traced |= handle_traits<T>::is_traced;
      found.hand |= handle_traits<T>::is_hand_traced;
      found.keyed |= handle_is_keyed<T>;
    } else if constexpr (how == kind::traits || how == kind::custom || how == kind::unique_custom) {
      found.traced = found.hand = found.keyed = true;
    } else if constexpr (how != kind::leaf && how != kind::opaque) {
      if (visited.template add<T>()) {
        if constexpr (is_traced_v<T>) {
          found.hand |= is_container<T>;
          found.keyed |= is_keyed<T>;
        }
        survey_all(typename parts<T>::type{}, visited, found);
      }
    }
  }
}

template <class T>
constexpr facts collect_facts() {
  visited_types visited;
  facts found;
  survey<T>(visited, found);
  return found;
}
template <class T>
inline constexpr facts facts_of = collect_facts<std::remove_cv_t<T>>();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
