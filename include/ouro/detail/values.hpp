// What <algorithm> and <utility> have as well, but at many times the cost to whoever compiles a program.
#ifndef OURO_DETAIL_VALUES_HPP
#define OURO_DETAIL_VALUES_HPP

#include <ouro/config.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class T>
struct same_type {
  using type = T;
};

/// `std::max` and `std::min`, of values. The first argument says of which type.
template <class T>
constexpr T larger(T a, typename same_type<T>::type b) noexcept {
  return a < b ? b : a;
}
template <class T>
constexpr T smaller(T a, typename same_type<T>::type b) noexcept {
  return b < a ? b : a;
}

/// `std::exchange`, which costs the compiler thirty times as much for every type.
template <class T>
constexpr T replace(T& place, typename same_type<T>::type value) noexcept {
  T before = static_cast<T&&>(place);
  place = static_cast<T&&>(value);
  return before;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
