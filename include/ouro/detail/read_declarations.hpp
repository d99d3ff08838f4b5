// Reads what a class declares about its traced members, with the rights of a friend.
#ifndef OURO_DETAIL_READ_DECLARATIONS_HPP
#define OURO_DETAIL_READ_DECLARATIONS_HPP

#include <ouro/detail/declarations.hpp>
#include <ouro/detail/each_field.hpp>
#include <ouro/detail/tracer.hpp>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// The class that a list of members speaks of; void for anything else.
template <class M>
struct self_of {
  using type = void;
};
template <class Self, class... M>
struct self_of<member_list<Self, M...>> {
  using type = Self;
};

/// The class in a pointer to one of its member functions.
template <class F>
struct function_class {
  using type = void;
};
template <class F, class C>
struct function_class<F C::*> {
  using type = C;
};

template <auto* Declaration>
constexpr auto signature_of_variable() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return std::string_view(__FUNCSIG__, sizeof(__FUNCSIG__) - 1);
#else
  return std::string_view(__PRETTY_FUNCTION__, sizeof(__PRETTY_FUNCTION__) - 1);
#endif
}

/// Do two names of classes agree, template arguments aside (compilers print them in more than one way)?
constexpr bool same_class_name(std::string_view a, std::string_view b) noexcept {
  auto skip_arguments = [](std::string_view& name) {
    if (name.empty() || name.front() != '<') return;
    int depth = 0;
    do {
      depth += name.front() == '<' ? 1 : name.front() == '>' ? -1 : 0;
      name.remove_prefix(1);
    } while (depth > 0 && !name.empty());
  };
  for (;;) {
    skip_arguments(a);
    skip_arguments(b);
    if (a.empty() || b.empty()) return a.empty() && b.empty();
    if (a.front() != b.front()) return false;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
}

/// Is the static member of that name, printed in `signature` as `&Class::name`, declared in the class `of`?
/// A signature that cannot be read says yes.
constexpr bool declared_in(std::string_view signature, std::string_view name, std::string_view of) noexcept {
  std::size_t const last = signature.rfind(name);
  std::size_t const first = signature.find('&');
  if (last == std::string_view::npos || first == std::string_view::npos || first + 3 > last) return true;
  std::string_view declaring = signature.substr(first + 1, last - first - 3);
  while (!declaring.empty() && declaring.front() == ' ') declaring.remove_prefix(1);
  return same_class_name(declaring, of);
}

// --- is a member function virtual? No trait says so; a pointer to it behaves differently in constant expressions. ---

#if defined(__clang__)
// [expr.eq]: the result of comparing pointers to virtual member functions is unspecified, hence no constant.
template <auto Function>
inline constexpr bool is_plain_function = requires { typename std::bool_constant<(Function == Function)>; };
#elif defined(__GNUC__)
// GCC converts pointers to member functions to ordinary ones: to an address, or for a virtual one to an offset in the
// vtable, which is no constant pointer.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wpmf-conversions"
template <class F>
struct free_function {
  using type = void;
};
template <class R, class C, class... A, bool N>
struct free_function<R (C::*)(A...) noexcept(N)> {
  using type = R (*)(C*, A...) noexcept(N);
};
template <class R, class C, class... A, bool N>
struct free_function<R (C::*)(A...) const noexcept(N)> {
  using type = R (*)(C const*, A...) noexcept(N);
};
template <class Free, class F>
constexpr Free as_free_function(F function) {
  return Free(function);
}
template <auto Function, class Free = typename free_function<decltype(Function)>::type>
inline constexpr bool is_plain_function =
    requires { typename std::bool_constant<(as_free_function<Free>(Function) == nullptr)>; };
#pragma GCC diagnostic pop
#else
template <auto Function>
inline constexpr bool is_plain_function = true;
#endif

struct function_samples {
  function_samples() = default;
  function_samples(function_samples const&) = delete;
  virtual ~function_samples() = default;
  virtual void of_vtable() const noexcept {}
  void plain() const noexcept {}
};
inline constexpr bool virtual_functions_are_seen =
    is_plain_function<&function_samples::plain> && !is_plain_function<&function_samples::of_vtable>;

/// Where the compiler does not tell, a polymorphic class is believed, since what is missed only leaks.
template <class T, auto Function>
inline constexpr bool may_be_virtual =
    std::is_polymorphic_v<T> && !(virtual_functions_are_seen && is_plain_function<Function>);

}  // namespace detail

/// Reads the declarations of `T` with the rights of a friend.
template <class T>
struct access::declared {
  static constexpr bool has_leaf = requires { typename T::gc_leaf; };
  static constexpr bool has_trace = requires(T& v, tracer& t) { v.gc_trace(t); };
  static constexpr bool has_members = requires { T::gc_members; };
  static constexpr bool has_fields = requires { T::gc_fields; };

  static constexpr bool own_leaf() {
    if constexpr (has_leaf) {
      return std::is_same_v<typename T::gc_leaf, T>;
    } else {
      return false;
    }
  }

  static constexpr bool own_trace() {
    if constexpr (!has_trace) {
      return false;
    } else if constexpr (requires { &T::gc_trace; }) {
      using owner = typename detail::function_class<decltype(&T::gc_trace)>::type;
      return std::is_same_v<owner, T> || std::is_void_v<owner>;
    } else {
      return true;  // overloaded or a template: written with care, and nothing more can be found out
    }
  }

  static constexpr bool virtual_trace() {
    if constexpr (has_trace && std::is_polymorphic_v<T> && requires { &T::gc_trace; }) {
      return detail::may_be_virtual<T, &T::gc_trace>;
    } else {
      return false;
    }
  }

  static constexpr auto members() {
    if constexpr (has_members) {
      return T::gc_members;
    } else {
      return 0;
    }
  }
  using members_of = typename detail::self_of<decltype(members())>::type;

  static constexpr std::size_t fields() {
    if constexpr (has_fields) {
      if constexpr (std::is_convertible_v<decltype(T::gc_fields), std::size_t>) {
        return static_cast<std::size_t>(T::gc_fields);
      }
    }
    return static_cast<std::size_t>(-1);
  }

  static constexpr bool own_fields() {
    if constexpr (has_fields && requires { detail::signature_of_variable<&T::gc_fields>(); }) {
      return detail::declared_in(detail::signature_of_variable<&T::gc_fields>(), "gc_fields", detail::type_name<T>());
    } else {
      return has_fields;
    }
  }

  // Qualified, so that a base visited as part of a derived object is not sent back to the derived class.
  static void trace(T const& v, tracer& t) noexcept {
    if constexpr (requires { v.T::gc_trace(t); }) {
      v.T::gc_trace(t);
    } else {
      const_cast<T&>(v).T::gc_trace(t);
    }
  }
  static void trace_virtually(T const& v, tracer& t) noexcept {
    if constexpr (requires { v.gc_trace(t); }) {
      v.gc_trace(t);
    } else {
      const_cast<T&>(v).gc_trace(t);
    }
  }

  template <class B>
  static constexpr bool has_base = requires(T const& v) { static_cast<B const&>(v); } && std::is_base_of_v<B, T>;
  template <class B>
  static constexpr bool has_virtual_base = has_base<B> && !requires(B const& b) { static_cast<T const&>(b); };
  template <class B>
  static constexpr B const& base(T const& v) noexcept {
    return v;
  }
};

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
