// A callable whose captures are traced, so that an object and a function that captures it can be collected together.
#ifndef OURO_GC_FUNCTION_HPP
#define OURO_GC_FUNCTION_HPP

#include <ouro/gc_ptr.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// As `std::function<R(A...)>`, made of a stateless callable and a list of captures: `gc_function<R(A...)>(f,
/// captures...)` calls `f(captures&..., args...)`.
///
/// A lambda's captures cannot be seen from outside, so the lambda captures nothing and takes them as parameters. Copies
/// copy the captures. It must not be assigned to or destroyed by its own call. Exceptions of copies: those of the
/// captures, and `std::bad_alloc`. Thread rule: that of the handles it holds. CPython's counterpart is a function with
/// a `__closure__`, or `functools.partial`.
template <class R, class... A>
class gc_function<R(A...)> {
  struct closure_base {
    virtual R call(A... args) = 0;
    virtual closure_base* clone() const = 0;
    virtual void trace(tracer& t) const noexcept = 0;
    virtual void empty_keyed(tracer& t) const noexcept = 0;
    virtual bool is_plain() const noexcept = 0;
    virtual ~closure_base() = default;
  };

  template <class F, class... Captures>
  struct closure final : closure_base {
    template <class... C>
    explicit closure(F f, C&&... c) : callable(std::move(f)), captures(std::forward<C>(c)...) {}

    R call(A... args) override {
      return std::apply(
          [&](Captures&... c) -> R {
            if constexpr (std::is_void_v<R>) {
              std::invoke(callable, c..., std::forward<A>(args)...);
            } else {
              return std::invoke(callable, c..., std::forward<A>(args)...);
            }
          },
          captures);
    }
    closure_base* clone() const override { return new closure(*this); }
    void trace(tracer& t) const noexcept override { detail::trace_value(captures, t); }
    void empty_keyed(tracer& t) const noexcept override {
      if constexpr (detail::has_keyed_container<std::tuple<Captures...>>) detail::trace_value(captures, t);
    }

    bool is_plain() const noexcept override {
      using all = std::tuple<Captures...>;
      return !detail::is_hand_traced<all> && !detail::has_keyed_container<all>;
    }

    [[no_unique_address]] F callable;
    std::tuple<Captures...> captures;
  };

 public:
  /// Empty.
  gc_function() noexcept = default;
  /// Empty.
  gc_function(std::nullptr_t) noexcept {}

  /// Of a stateless callable (a lambda without captures, or a pointer to a function or member; a null one makes it
  /// empty) and copies of the captures. Throws `std::bad_alloc`, and what copying the captures throws.
  template <class F, class... C>
    requires(!std::same_as<std::remove_cvref_t<F>, gc_function> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, std::decay_t<C>&..., A...>)
  gc_function(F&& f, C&&... captures)
      : closure_(is_null(f) ? nullptr
                            : new closure<std::decay_t<F>, std::decay_t<C>...>(std::forward<F>(f),
                                                                               std::forward<C>(captures)...)) {
    static_assert(
        std::is_empty_v<std::decay_t<F>> || std::is_pointer_v<std::decay_t<F>> ||
            std::is_member_pointer_v<std::decay_t<F>>,
        "ouro: the callable of a gc_function must be stateless, since its captures cannot be traced; pass them "
        "beside it: gc_function<R(A...)>([](auto& capture, A... args) { ... }, capture)");
    (detail::assert_traceable<std::decay_t<C>>(), ...);
  }

  /// With copies of the captures.
  gc_function(gc_function const& other) : closure_(other.closure_ ? other.closure_->clone() : nullptr) {}
  /// Takes callable and captures over; `other` is empty afterwards.
  gc_function(gc_function&& other) noexcept = default;
  /// Drops what it held. Copying the argument may throw, and changes nothing then.
  gc_function& operator=(gc_function other) noexcept {
    swap(other);
    return *this;
  }
  ~gc_function() = default;

  /// Calls it. Throws `std::bad_function_call` if it is empty, and what the callable throws.
  R operator()(A... args) const {
    if (closure_ == nullptr) detail::throw_error(std::bad_function_call());
    return closure_->call(std::forward<A>(args)...);
  }
  /// Is it not empty?
  explicit operator bool() const noexcept { return closure_ != nullptr; }
  friend bool operator==(gc_function const& f, std::nullptr_t) noexcept { return f.closure_ == nullptr; }

  /// Exchanges two of them.
  void swap(gc_function& other) noexcept { closure_.swap(other.closure_); }
  friend void swap(gc_function& a, gc_function& b) noexcept { a.swap(b); }

 private:
  template <class F>
  static bool is_null([[maybe_unused]] F const& f) noexcept {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) {
      return f == nullptr;
    } else {
      return false;
    }
  }

  friend struct detail::handle_traits<gc_function>;
  std::unique_ptr<closure_base> closure_;
};

namespace detail {

template <class Signature>
struct handle_traits<gc_function<Signature>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = true;  // some capture may be
  static constexpr bool has_keyed_container = true;

  /// Is tracing it free of code that users wrote, and of keyed containers?
  static bool is_plain(gc_function<Signature> const& f) noexcept {
    return f.closure_ == nullptr || f.closure_->is_plain();
  }

  static void trace(gc_function<Signature> const& f, tracer& t) noexcept {
    if (f.closure_ == nullptr) return;
    if (tracer_access::pass(t) == trace_pass::clear_keyed) {
      f.closure_->empty_keyed(t);
    } else {
      f.closure_->trace(t);
    }
  }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
