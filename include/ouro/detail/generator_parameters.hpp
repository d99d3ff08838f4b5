// Which parameters of a generator hold handles, and where in its frame they lie.
#ifndef OURO_DETAIL_GENERATOR_PARAMETERS_HPP
#define OURO_DETAIL_GENERATOR_PARAMETERS_HPP

#include <ouro/detail/generator_shell.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

template <class Arg>
constexpr bool is_traced_parameter() {
  if constexpr (std::is_reference_v<Arg>) {
    return false;
  } else if constexpr (!traceable<std::remove_cv_t<Arg>>) {
    return false;  // a root, as a local variable is
  } else {
    return ouro::is_traced<Arg>;
  }
}
template <class Arg>
inline constexpr bool is_kept_parameter = std::is_reference_v<Arg> && !std::is_function_v<std::remove_reference_t<Arg>>;

/// Coroutine frames begin at what the allocation gives, and no compiler aligns their parts to more.
template <class Arg>
constexpr bool is_aligned_in_frame() {
  if constexpr (std::is_reference_v<Arg>) {
    return true;
  } else {
    return alignof(Arg) <= alignof(generator_shell);
  }
}

/// A handle to the object that an address lies in, if it is one. Generators are left out: what lies in a frame does not
/// live as long as the shell.
inline gc_ptr<void> keep_owner(void const* address) noexcept {
  object_header* const h = find_block(address);
  if (h == nullptr || type_of(h).is_generator()) return nullptr;
  object_state const state = state_of(*h);
  if (state != object_state::live && state != object_state::constructing) return nullptr;
  return handle_access::share<void>(h);
}

/// Finds and traces what the parameters of a coroutine hold: those by value at their place in the frame, and the
/// objects that references and `*this` point into.
template <class... Args>
class generator_parameters {
 public:
  /// `a`: the parameters as the compiler gives them to the promise, those by value as copies in the frame. Clang leaves
  /// out the closure of a lambda.
  template <class... A>
  void find([[maybe_unused]] generator_shell const& s, A&... a) noexcept {
    static_assert(sizeof...(A) == sizeof...(Args) || sizeof...(A) + 1 == sizeof...(Args));
    void const* addresses[sizeof...(Args) + 1] = {};
    std::size_t next = sizeof...(Args) - sizeof...(A);
    ((addresses[next++] = address_of(a)), ...);
    next = 0;
    [[maybe_unused]] std::size_t value = 0;
    [[maybe_unused]] std::size_t owner = 0;
    (note<Args>(s, addresses[next++], value, owner), ...);
  }

  void trace([[maybe_unused]] char const* frame, tracer& t) const noexcept {
    [[maybe_unused]] std::size_t value = 0;
    (trace_one<Args>(frame, value, t), ...);
    for (gc_ptr<void> const& owner : owners_) trace_value(owner, t);
  }

  static constexpr std::size_t traced = (std::size_t{is_traced_parameter<Args>()} + ... + 0);
  static constexpr std::size_t kept = (std::size_t{is_kept_parameter<Args>} + ... + 0);

 private:
  template <class A>
  static void const* address_of([[maybe_unused]] A& a) noexcept {
    if constexpr (std::is_function_v<A>) {
      return nullptr;
    } else {
      return launder_address(const_cast<void const*>(static_cast<void const volatile*>(std::addressof(a))));
    }
  }

  template <class Arg>
  void note([[maybe_unused]] generator_shell const& s, [[maybe_unused]] void const* address,
            [[maybe_unused]] std::size_t& value, [[maybe_unused]] std::size_t& owner) noexcept {
    if constexpr (is_traced_parameter<Arg>()) {
      std::size_t const offset = offset_in_frame(s, address);
      offsets_[value++] = offset < frame_bytes_of(s) ? static_cast<std::uint32_t>(offset) : 0;
    } else if constexpr (is_kept_parameter<Arg>) {
      owners_[owner++] = keep_owner(address);
    }
  }

  template <class Arg>
  void trace_one([[maybe_unused]] char const* frame, [[maybe_unused]] std::size_t& value,
                 [[maybe_unused]] tracer& t) const noexcept {
    if constexpr (is_traced_parameter<Arg>()) {
      std::uint32_t const offset = offsets_[value++];
      if (offset != 0) trace_value(*reinterpret_cast<std::remove_cv_t<Arg> const*>(frame + offset), t);
    }
  }

  [[no_unique_address]] std::array<gc_ptr<void>, kept> owners_{};
  [[no_unique_address]] std::array<std::uint32_t, traced> offsets_{};  // 0: not in the frame
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
