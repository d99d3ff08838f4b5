// How many members an aggregate has, found by asking which initialiser lists it accepts.
//
// First way, for almost every type: `T{{}, {}, ...}`. One `{}` stands for one member, arrays included, and if `T{}` is
// valid then so is every list up to the longest, which is found by doubling and bisection.
// Second way, for types with a member that cannot be made from `{}`: wildcards that convert to anything. Such a list
// is valid only between two bounds, and brace elision lets an array swallow one wildcard per element, so the arrays
// are found by putting braces around groups of wildcards.
#ifndef OURO_DETAIL_FIELD_COUNT_HPP
#define OURO_DETAIL_FIELD_COUNT_HPP

#include <ouro/detail/each_field.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// The answer when the members cannot be counted, or are more than the ladder is long.
inline constexpr std::size_t uncountable = static_cast<std::size_t>(-1);

/// The length of the ladder, and how many wildcards the second way tries.
inline constexpr std::size_t field_limit = 64;
inline constexpr std::size_t slot_limit = 96;

// Never defined: these conversions are asked about, never made. They are const so that a constructor template that
// takes anything (std::optional, std::any) is preferred to them instead of being as good.
struct any_value {
  template <class T>
  operator T() const;
};
struct any_lvalue {
  template <class T>
  operator T&() const;
};
/// Converts to the bases of `T`, and cannot be copied into what takes anything.
template <class T, bool EmptyOnly>
struct any_base {
  any_base(any_base const&) = delete;
  template <class B>
    requires(std::is_base_of_v<B, T> && !std::is_same_v<B, T> && (!EmptyOnly || std::is_empty_v<B>))
  operator B() const;
};
struct no_value {
  no_value(no_value const&) = delete;
};

template <class T, std::size_t N, class Before, class After>
inline constexpr bool fits = initialiser_list<N>::template fits<T>(Before{}, After{});

template <class Wild, class Sequence>
struct repeat_in;
template <class Wild, std::size_t... I>
struct repeat_in<Wild, std::index_sequence<I...>> {
  template <std::size_t>
  using same = Wild;
  using type = type_list<same<I>...>;
};
template <class Wild, std::size_t N>
using repeat = typename repeat_in<Wild, std::make_index_sequence<N>>::type;

template <class T, class Before, class Group, class After>
inline constexpr bool fits_group = false;
template <class T, class... B, class... G, class... A>
inline constexpr bool fits_group<T, type_list<B...>, type_list<G...>, type_list<A...>> =
    requires { T{imagine<B>()..., {imagine<G>()...}, imagine<A>()...}; };

/// The largest N with `T{before..., {} N times}`, where `Low` is known to be valid and `High` not to be.
template <class T, class Before, std::size_t Low, std::size_t High>
constexpr std::size_t bisect_braces() {
  if constexpr (High - Low == 1) {
    return Low;
  } else {
    constexpr std::size_t middle = Low + (High - Low) / 2;
    if constexpr (fits<T, middle, Before, type_list<>>) {
      return bisect_braces<T, Before, middle, High>();
    } else {
      return bisect_braces<T, Before, Low, middle>();
    }
  }
}

template <class T, class Before, std::size_t N = 1>
constexpr std::size_t longest_braces() {
  if constexpr (N > field_limit) {
    return fits<T, field_limit + 1, Before, type_list<>> ? field_limit + 1
                                                         : bisect_braces<T, Before, N / 2, field_limit + 1>();
  } else if constexpr (!fits<T, N, Before, type_list<>>) {
    return bisect_braces<T, Before, N / 2, N>();
  } else {
    return longest_braces<T, Before, N * 2>();
  }
}

/// Does a member follow that has a default member initialiser but cannot be made from `{}`?
template <class T, class Before, std::size_t N>
inline constexpr bool more_follow =
    fits<T, N, Before, type_list<any_value>> || fits<T, N, Before, type_list<any_lvalue>>;

/// The first number of wildcards from `N` on for which the list is valid (`Valid`) or no longer valid.
template <class T, class Wild, bool Valid, std::size_t N>
constexpr std::size_t first_wild() {
  if constexpr (N > slot_limit) {
    return uncountable;
  } else if constexpr (fits<T, 0, repeat<Wild, N>, type_list<>> == Valid) {
    return N;
  } else {
    return first_wild<T, Wild, Valid, N + 1>();
  }
}

/// Does one member take `{}` or `{wildcard}` in place of the wildcard at `From`, with `Rest` wildcards behind?
template <class T, class Wild, std::size_t From, std::size_t Rest>
inline constexpr bool fits_braced = fits_group<T, repeat<Wild, From>, type_list<>, repeat<Wild, Rest>> ||
                                    fits_group<T, repeat<Wild, From>, type_list<Wild>, repeat<Wild, Rest>>;

/// Does the member at `From` surely take one wildcard only? Behind an array too many would be left, which its
/// successors may swallow, but then they swallow one less as well; behind another member one less is too few.
template <class T, class Wild, std::size_t Slots, bool Last, std::size_t From>
constexpr bool is_single_slot() {
  if constexpr (From + 1 >= Slots) {
    return true;
  } else if constexpr (!fits_braced<T, Wild, From, Slots - From - 1>) {
    return false;
  } else {
    return Last || !fits_braced<T, Wild, From, Slots - From - 2>;
  }
}

/// How many of the wildcards from `From` on, of `Slots` in all, go to the member that starts there: the longest group
/// in braces after which the rest still reaches the end.
template <class T, class Wild, std::size_t Slots, bool Last, std::size_t From, std::size_t Size>
constexpr std::size_t slots_of_member() {
  if constexpr (Size < 2 || is_single_slot<T, Wild, Slots, Last, From>()) {
    return 1;
  } else if constexpr (fits_group<T, repeat<Wild, From>, repeat<Wild, Size>, repeat<Wild, Slots - From - Size>> &&
                       !(Last && fits_group<T, repeat<Wild, From>, repeat<Wild, Size>,
                                            repeat<Wild, Slots - From - Size + 1>>)) {
    return Size;
  } else {
    return slots_of_member<T, Wild, Slots, Last, From, Size - 1>();
  }
}

/// The number of members that take the first `Slots` wildcards. `Last`: no member follows them; otherwise the member
/// at the end of them cannot do without its wildcard, so a wrong guess always leaves it without.
template <class T, class Wild, std::size_t Slots, bool Last, std::size_t From = 0>
constexpr std::size_t members_in_slots() {
  if constexpr (From >= Slots) {
    return 0;
  } else {
    return 1 +
           members_in_slots<T, Wild, Slots, Last, From + slots_of_member<T, Wild, Slots, Last, From, Slots - From>()>();
  }
}

template <class T, class Wild>
constexpr std::size_t count_by_wildcards() {
  constexpr std::size_t low = first_wild<T, Wild, true, 0>();
  if constexpr (low == uncountable) {
    return uncountable;
  } else {
    constexpr std::size_t tail = longest_braces<T, repeat<Wild, low>>();
    if constexpr (tail <= field_limit && !more_follow<T, repeat<Wild, low>, tail>) {
      return members_in_slots<T, Wild, low, false>() + tail;
    } else {
      constexpr std::size_t end = first_wild<T, Wild, false, low + 1>();
      if constexpr (end == uncountable) {
        return uncountable;
      } else if constexpr (more_follow<T, repeat<Wild, end - 1>, 0>) {
        return uncountable;
      } else {
        return members_in_slots<T, Wild, end - 1, true>();
      }
    }
  }
}

template <class T>
constexpr std::size_t count_slots() {
  if constexpr (fits<T, 0, type_list<>, type_list<>>) {
    constexpr std::size_t count = longest_braces<T, type_list<>>();
    if constexpr (count > field_limit) {
      return count;
    } else if constexpr (!more_follow<T, type_list<>, count>) {
      return count;
    }
  }
  constexpr std::size_t by_value = count_by_wildcards<T, any_value>();
  if constexpr (by_value != uncountable) {
    return by_value;
  } else {
    return count_by_wildcards<T, any_lvalue>();
  }
}

/// What an aggregate is made of. `bases` counts the empty ones only.
struct aggregate_shape {
  std::size_t fields;
  std::size_t bases;
  bool base_with_data;
};

/// Base classes come first in an initialiser list; `T` accepts `Total` initialisers (members, not wildcards).
template <class T, class Wild, std::size_t Total, std::size_t Low, std::size_t I = 0>
constexpr aggregate_shape strip_bases() {
  if constexpr (I >= Total) {
    return {Total - I, I, false};
  } else {
    using before = repeat<Wild, I>;
    using after = repeat<Wild, (Low > I ? Low - I - 1 : 0)>;
    using all = typename joined<before, type_list<any_base<T, false>>, after>::type;
    if constexpr (!fits<T, 0, all, type_list<>>) {
      return {Total - I, I, false};
    } else if constexpr (fits<T, 0, typename joined<before, type_list<no_value>, after>::type, type_list<>>) {
      return {Total - I, I, false};
    } else if constexpr (fits<T, 0, typename joined<before, type_list<any_base<T, true>>, after>::type, type_list<>>) {
      return strip_bases<T, Wild, Total, Low, I + 1>();
    } else {
      return {Total - I, I, true};
    }
  }
}

template <class T>
constexpr aggregate_shape shape_of() {
  if constexpr (std::is_empty_v<T>) {
    return {0, 0, false};
  } else {
    constexpr std::size_t slots = count_slots<T>();
    if constexpr (slots == uncountable || slots == 0) {
      return {uncountable, 0, false};
    } else if constexpr (first_wild<T, any_value, true, 0>() != uncountable) {
      return strip_bases<T, any_value, slots, first_wild<T, any_value, true, 0>()>();
    } else {
      return strip_bases<T, any_lvalue, slots, first_wild<T, any_lvalue, true, 0>()>();
    }
  }
}

/// The shape of an aggregate; `fields` is `uncountable` if the members cannot be counted.
template <class T>
inline constexpr aggregate_shape shape = shape_of<T>();

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
