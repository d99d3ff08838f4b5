// The promise of a generator's coroutine: where its frame comes from, what co_yield does.
//
// Each list of parameter types has a promise type of its own (std::coroutine_traits), which knows at compile time which
// of them hold handles. At run time it notes where in the frame they lie.
#ifndef OURO_DETAIL_GENERATOR_PROMISE_HPP
#define OURO_DETAIL_GENERATOR_PROMISE_HPP

#include <ouro/detail/generator_parameters.hpp>
#include <ouro/detail/generator_run.hpp>
#include <ouro/detail/values.hpp>
#include <ouro/gc_local.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// `co_yield elements_of(range)` yields the elements of a generator, or of any other range, in a generator.
///
/// For a generator with the same `Ref` and `Send` that costs O(1) for each element at any depth of delegation, sends
/// and throws go through to it, and the expression's value is what it returned: `auto r = co_yield elements_of(g)`.
/// CPython: `yield from`.
template <class R>
struct elements_of {
  /// Of a generator, or of any range.
  explicit constexpr elements_of(R&& r) noexcept : range(std::forward<R>(r)) {}
  /// What the elements come from.
  R&& range;
};
/// Keeps what kind of reference it was given.
template <class R>
elements_of(R&&) -> elements_of<R&&>;

namespace detail {

template <class G>
struct generator_traits {
  static constexpr bool is_generator = false;
};
template <class Ref, class Val, class Ret, class Send>
struct generator_traits<gc_generator<Ref, Val, Ret, Send>> {
  static constexpr bool is_generator = true;
  using reference = std::conditional_t<std::is_void_v<Val>, Ref&&, Ref>;
  using value = std::conditional_t<std::is_void_v<Val>, std::remove_cvref_t<Ref>, Val>;
  using yielded = std::conditional_t<std::is_reference_v<reference>, reference, reference const&>;
  using result = Ret;
  using sent = Send;
  template <class NewRet>
  using returning = gc_generator<Ref, Val, NewRet, Send>;
};

struct generator_access {
  template <class G>
  static G adopt(gc_ptr<generator_shell> shell) noexcept {
    return G(std::move(shell));
  }
  template <class G>
  static gc_ptr<generator_shell> const& shell(G const& g) noexcept {
    return g.shell_;
  }
  template <class G>
  static gc_ptr<generator_shell> take(G&& g) noexcept {
    return std::forward<G>(g).shell_;
  }
};

[[noreturn]] inline void throw_no_result() {
  throw_error(
      std::logic_error("ouro: a generator has no result: its body has not reached a co_return, or the generator is "
                       "null. Ask done() first, "
                       "and catch what next() throws"));
}

/// What `co_return` gave. Throws std::logic_error without one.
template <class Ret, class Send>
Ret& result_of(gc_ptr<generator_shell> const& s) {
  auto* const shell = static_cast<generator_shell_of<Ret, Send>*>(s.get());
  if (shell == nullptr || !shell->result.has_value()) throw_no_result();
  return *shell->result;
}

/// The same for a delegator: copied if somebody else may ask for it, else moved.
template <class Ret, class Send>
Ret take_result(gc_ptr<generator_shell> const& s) {
  Ret& result = result_of<Ret, Send>(s);
  if constexpr (std::is_copy_constructible_v<Ret>) {
    if (s.use_count() > 1) return result;
  }
  return std::move(result);
}

#if OURO_DETAIL_EXCEPTIONS
[[noreturn]] OURO_DETAIL_NOINLINE inline void throw_injected(std::exception_ptr& error) {
  std::rethrow_exception(replace(error, nullptr));
}
#endif
inline void throw_if_injected([[maybe_unused]] generator_shell& s) {
#if OURO_DETAIL_EXCEPTIONS
  if (s.error != nullptr) [[unlikely]]
    throw_injected(s.error);
#endif
}

/// Out of line, so that bodies need few registers for the case that they throw.
OURO_DETAIL_NOINLINE inline void store_exception(generator_shell& s) noexcept { s.error = std::current_exception(); }

// --- awaiters -------------------------------------------------------------------------------------------------------

struct suspension {
  static constexpr bool await_ready() noexcept { return false; }
  static constexpr void await_suspend(std::coroutine_handle<>) noexcept {}
};

/// Part of the promise, so that a co_yield has nothing to store.
template <class Send>
struct yield_awaiter : suspension {
  generator_shell* shell;

  decltype(auto) await_resume() const {
    throw_if_injected(*shell);
    if constexpr (!std::is_void_v<Send>) return static_cast<sending_shell<Send>*>(shell)->sent;
  }
};

/// Of an lvalue that is yielded as an rvalue: a copy, which the generator traces while it is suspended.
template <class T, class Send>
struct copy_awaiter : yield_awaiter<Send> {
  copy_awaiter(yield_awaiter<Send> const& awaiter, T const& value) : yield_awaiter<Send>(awaiter), copy(value) {}
  copy_awaiter(copy_awaiter const&) = delete;
  copy_awaiter& operator=(copy_awaiter const&) = delete;
  ~copy_awaiter() = default;

  void await_suspend(std::coroutine_handle<>) noexcept { this->shell->value = std::addressof(get()); }

 private:
  static constexpr bool traced = is_traced<T>;
  T& get() noexcept {
    if constexpr (traced) {
      return *copy;
    } else {
      return copy;
    }
  }
  std::conditional_t<traced, gc_local_value<T>, T> copy;
};

template <class Ret, class Send>
struct delegation_awaiter {
  explicit delegation_awaiter(generator_shell& s) noexcept : shell(s) {}
  generator_shell& shell;

  bool await_ready() const noexcept { return shell.child == nullptr || !has_frame(*shell.child); }
  void await_suspend(std::coroutine_handle<>) const noexcept { shell.state = generator_state::delegating; }

  OURO_DETAIL_INLINE Ret await_resume() const {
    gc_ptr<generator_shell> const child = std::move(shell.child);
    throw_if_injected(shell);
    if (child != nullptr) throw_if_injected(*child);
    if constexpr (!std::is_void_v<Ret>) return take_result<Ret, Send>(child);
  }
};

// --- the promise ----------------------------------------------------------------------------------------------------

/// What does not depend on the parameters.
template <class Generator>
class generator_promise_base {
 protected:
  using traits = generator_traits<Generator>;
  using yielded = typename traits::yielded;
  using value = typename traits::value;
  using sent = typename traits::sent;
  using shell = generator_shell_of<typename traits::result, sent>;

 public:
  OURO_DETAIL_INLINE static void* operator new(std::size_t bytes) {
    return make_shell<shell>(generator_descriptor<Generator, typename traits::result, sent>, bytes);
  }
  // The block goes with the shell, unless the frame could not be finished.
  static void operator delete(void* frame) noexcept {
    shell* const s = static_cast<shell*>(frame) - 1;
    if (s->state == generator_state::building) return abandon_shell(s);
    s->state = generator_state::finished;
  }

  Generator get_return_object() noexcept {
    object_header* const h = header_of(awaiter_.shell);
    own_shell().state = generator_state::fresh;
    set_state(*h, object_state::live);
    return generator_access::adopt<Generator>(handle_access::adopt<generator_shell>(h));
  }
  static constexpr std::suspend_always initial_suspend() noexcept { return {}; }
  // The frame goes at once: who has resumed it need not come back for that.
  std::suspend_never final_suspend() noexcept {
    own_shell().state = generator_state::ending;
    return {};
  }
  OURO_DETAIL_INLINE void unhandled_exception() noexcept { store_exception(own_shell()); }

  yield_awaiter<sent> const& yield_value(yielded element) noexcept {
    awaiter_.shell->value = const_cast<void*>(static_cast<void const volatile*>(std::addressof(element)));
    return awaiter_;
  }
  copy_awaiter<std::remove_cvref_t<yielded>, sent> yield_value(std::remove_reference_t<yielded> const& element)
    requires(std::is_rvalue_reference_v<yielded> &&
             std::constructible_from<std::remove_cvref_t<yielded>, std::remove_reference_t<yielded> const&>)
  {
    return {awaiter_, element};
  }

  template <class R>
  OURO_DETAIL_INLINE auto yield_value(elements_of<R> elements) {
    using range = std::remove_cvref_t<R>;
    if constexpr (generator_traits<range>::is_generator) {
      using result = typename generator_traits<range>::result;
      if constexpr (std::is_same_v<typename generator_traits<range>::yielded, yielded> &&
                    std::is_same_v<typename generator_traits<range>::sent, sent>) {
        gc_ptr<generator_shell> const& child = generator_access::shell(elements.range);
        if (child == nullptr || child->state != generator_state::attached) {
          if (child != nullptr && is_running(*child)) throw_running();
          return delegate<result>(generator_access::take(std::forward<R>(elements.range)));
        }
      }
      return delegate<result>(generator_access::take(pull<result>(range(std::forward<R>(elements.range)))));
    } else {
      static_assert(std::ranges::input_range<R>, "ouro: elements_of needs a generator or another range");
      return delegate<void>(generator_access::take(each<R>(std::forward<R>(elements.range))));
    }
  }

  void await_transform() = delete;

 protected:
  generator_promise_base() = default;
  ~generator_promise_base() = default;
  generator_promise_base(generator_promise_base const&) = delete;
  generator_promise_base& operator=(generator_promise_base const&) = delete;

  shell& own_shell() const noexcept { return static_cast<shell&>(*awaiter_.shell); }

  yield_awaiter<sent> awaiter_;

 private:
  template <class Ret>
  delegation_awaiter<Ret, sent> delegate(gc_ptr<generator_shell> child) noexcept {
    if constexpr (!std::is_void_v<sent>) {  // it is resumed as by next(), whatever was sent before
      if (child != nullptr && has_frame(*child)) static_cast<sending_shell<sent>&>(leaf_of(*child)).sent = nullptr;
    }
    own_shell().child = std::move(child);
    return delegation_awaiter<Ret, sent>(own_shell());
  }

  /// The elements of a range: an rvalue moves into the frame, where it is traced.
  template <class R>
  static typename traits::template returning<void> each(
      std::conditional_t<std::is_lvalue_reference_v<R>, R, std::remove_cvref_t<R>> range) {
    for (auto&& element : range) co_yield std::forward<decltype(element)>(element);
  }

  /// The elements of a generator of another type, or to whom another one delegates already, pulled one by one.
  template <class Ret, class G>
  static typename traits::template returning<Ret> pull(G generator) {
    while (generator.next()) {  // no range-for: its iterator would be a root, and hold every cycle through here
      auto&& element = generator.value();
      co_yield std::forward<decltype(element)>(element);
    }
    if constexpr (!std::is_void_v<Ret>) {
      co_return take_result<Ret, typename generator_traits<G>::sent>(generator_access::shell(generator));
    }
  }
};

template <class Generator, class Ret>
class generator_promise_result : public generator_promise_base<Generator> {
 public:
  template <class T = Ret>
    requires std::is_constructible_v<Ret, T>
  void return_value(T&& result) {
    this->own_shell().result.emplace(std::forward<T>(result));
  }
};
template <class Generator>
class generator_promise_result<Generator, void> : public generator_promise_base<Generator> {
 public:
  static constexpr void return_void() noexcept {}
};

template <class Generator, class... Args>
class generator_promise final
    : public generator_promise_result<Generator, typename generator_traits<Generator>::result> {
  using parameters = generator_parameters<Args...>;

 public:
  // Not `A&...`: with that g++ 12 takes a default constructor.
  template <class... A>
  generator_promise(A&&... a) noexcept {
    static_assert(
        (... && is_aligned_in_frame<Args>()),
        "ouro: a parameter of a generator is aligned to more than 16 bytes, which no compiler's coroutine frame "
        "respects: pass it by reference or in a gc_ptr");
    void* const frame = launder_address(std::coroutine_handle<generator_promise>::from_promise(*this).address());
    check_not_elided(frame);
    this->awaiter_.shell = static_cast<typename generator_promise::shell*>(frame) - 1;
    this->own_shell().frame = std::coroutine_handle<>::from_address(frame);
    if constexpr (parameters::traced + parameters::kept != 0) {
      parameters_.find(this->own_shell(), a...);
      this->own_shell().trace_parameters = &trace_parameters;
    }
  }

 private:
  static void trace_parameters(void* frame, tracer& t) noexcept {
    auto const handle = std::coroutine_handle<generator_promise>::from_address(frame);
    handle.promise().parameters_.trace(static_cast<char const*>(frame), t);
  }

  // A compiler that keeps a frame in its caller's, in spite of what get_return_object does against it, would let it die
  // under its handles.
  static void check_not_elided([[maybe_unused]] void* frame) noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      object_header* const h = find_block(frame);
      if (h == nullptr || !type_of(h).is_generator()) {
        fail("the compiler has elided the allocation of a generator's frame", "gc_generator", type_name<Generator>());
      }
    }
  }

  [[no_unique_address]] parameters parameters_;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

template <class Ref, class Val, class Ret, class Send, class... Args>
struct std::coroutine_traits<ouro::gc_generator<Ref, Val, Ret, Send>, Args...> {
  using promise_type = ouro::detail::generator_promise<ouro::gc_generator<Ref, Val, Ret, Send>, Args...>;
};

#endif
