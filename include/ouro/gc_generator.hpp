// Generators whose frames are garbage-collected objects: they may be part of cycles, as in CPython.
#ifndef OURO_GC_GENERATOR_HPP
#define OURO_GC_GENERATOR_HPP

#include <ouro/detail/generator_promise.hpp>
#include <ouro/gc_local.hpp>
#include <ouro/weak_gc_ptr.hpp>

#include <compare>
#include <cstddef>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string_view>  // declares what views need of the much larger <ranges>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// Thrown when a generator is advanced or closed while its body runs.
struct generator_running : std::logic_error {
  generator_running()
      : std::logic_error(
            "ouro: a generator was advanced or closed while its body runs, from within the body or from one of the "
            "generators that it delegates to") {}
};

/// A coroutine that yields a sequence of elements, as an object of the collector: a counted handle, one pointer wide,
/// null for the empty sequence. Copies are handles to the same generator.
///
/// The elements are of type `Ref&&`, or with `Val` (their value type) of type `Ref`, as for C++23's std::generator;
/// `Ret` is what `co_return` gives; `Send` is what `send` may give the body.
///
/// `co_yield x` keeps the address of x and copies nothing, unless `Ref` is no reference and x an lvalue. Parameters are
/// traced, and so are `*this` and what reference parameters point into, if those are objects of the collector: they are
/// kept alive. Of local variables `gc_local` and `gc_local_value` are traced; others are roots. The frame is destroyed
/// when the body ends, or with the last handle, or when the generator is found to be garbage: then all frames are
/// destroyed first, while the rest of the garbage is intact, and only what is still garbage after that goes on to its
/// destructors.
///
/// Captures of a lambda are not part of the frame: see `bind_generator`. The awaiting of anything but co_yield is not
/// supported. Making one allocates and may collect; throws std::bad_alloc, and what the parameters' copies throw.
/// Thread rule as for `gc_ptr`. CPython's counterpart is the generator object.
template <class Ref, class Val, class Ret, class Send>
class gc_generator {
  using traits = detail::generator_traits<gc_generator>;
  static_assert(!std::is_reference_v<Ret> && !std::is_reference_v<Send>,
                "ouro: the result of a generator and what is sent to it are objects: use a pointer or a gc_ptr");

 public:
  /// What `*it` gives.
  using reference = typename traits::reference;
  /// What a copy of an element is.
  using value_type = typename traits::value;

  /// An input iterator; keeps the generator alive.
  class iterator {
   public:
    /// What a copy of an element is.
    using value_type = typename traits::value;
    /// As input iterators must name one; it has no meaning.
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    /// One more iterator of the same generator, at the same element.
    iterator(iterator const&) noexcept = default;
    /// Takes the place of another iterator.
    iterator(iterator&&) noexcept = default;
    /// One more iterator of the same generator, at the same element.
    iterator& operator=(iterator const&) noexcept = default;
    /// Takes the place of another iterator.
    iterator& operator=(iterator&&) noexcept = default;
    // Clang calls it out of line where exceptions pass, and then keeps the iterator in memory.
    OURO_DETAIL_INLINE ~iterator() = default;

    /// Precondition: not at the end. The element lives until the generator is advanced.
    reference operator*() const {
      if (OURO_DETAIL_HARDENED && !detail::is_at_element(shell_.get())) {
        detail::fail("an iterator was dereferenced at the end, or while the generator runs", "gc_generator",
                     detail::type_name<gc_generator>());
      }
      detail::generator_front const& leaf = *shell_->leaf;
      if (leaf.value == nullptr) [[unlikely]]  // somebody delegates to it
        return element_of(detail::innermost_far(*shell_.get()));
      return element_of(leaf);
    }
    /// Throws as next().
    OURO_DETAIL_INLINE iterator& operator++() {
      if (shell_.get() != nullptr) detail::advance(*shell_.get(), not_sending);
      return *this;
    }
    /// The same as `++it`; the element before is gone.
    void operator++(int) { ++*this; }

    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept {
      return detail::has_ended(i.shell_.get());
    }

   private:
    friend class gc_generator;
    explicit iterator(gc_ptr<detail::generator_shell> const& shell) noexcept : shell_(shell) {}

    detail::generator_share shell_;
  };

  gc_generator() noexcept = default;
  /// Null: an empty sequence.
  gc_generator(std::nullptr_t) noexcept {}

  /// Is there a generator (of which elements may be left or not)?
  explicit operator bool() const noexcept { return shell_ != nullptr; }

  /// Advances to the next element, the first one if it has not started; false at the end, and from then on.
  ///
  /// Throws `generator_running`, and what the body throws, which ends the generator. CPython: `next(g)`.
  OURO_DETAIL_INLINE bool next() const { return shell_ != nullptr && detail::advance(*shell_, not_sending); }

  /// The element that it is suspended at. Throws std::logic_error when there is none. O(1).
  reference value() const {
    if (!detail::is_at_element(shell_.get())) {
      detail::throw_error(std::logic_error(
          "ouro: value() of a generator that is not at an element: it is null, not started, at its end, or running"));
    }
    return element_of(detail::innermost(*shell_));
  }

  /// Advances; so `begin()` on a started generator goes on with the next element, as iteration does in Python, and
  /// algorithms that look one element ahead (`std::views::take`) consume one more than they show.
  OURO_DETAIL_INLINE iterator begin() const {
    if (shell_ != nullptr) detail::start_or_advance(*shell_, not_sending);
    return iterator(shell_);
  }
  /// Equal to an iterator behind the last element.
  static constexpr std::default_sentinel_t end() noexcept { return {}; }

  /// As next(), but the co_yield that it is suspended at returns a pointer to `x`, which is null after next(). The
  /// pointer is valid until the body yields again.
  ///
  /// Throws std::logic_error when the generator has not started: no co_yield waits for a value. CPython: `g.send(x)`.
  template <class S = Send>
    requires(!std::is_void_v<S>)
  bool send(std::type_identity_t<S>& x) const {
    if (shell_ == nullptr) return false;
    if (!started()) {
      detail::throw_error(std::logic_error(
          "ouro: send() to a generator that has not started: call next() first, no co_yield waits yet"));
    }
    return detail::advance(*shell_, [&](detail::generator_shell& innermost) {
      static_cast<detail::sending_shell<S>&>(innermost).sent = std::addressof(x);
    });
  }
  /// The same for a temporary.
  template <class S = Send>
    requires(!std::is_void_v<S>)
  bool send(std::type_identity_t<S>&& x) const {
    return send<S>(static_cast<S&>(x));
  }
  /// next().
  template <class S = Send>
    requires(!std::is_void_v<S> && !std::is_constructible_v<S, std::nullptr_t>)
  bool send(std::nullptr_t) const {
    return next();
  }

#if OURO_DETAIL_EXCEPTIONS
  /// Advances; the co_yield that the body is suspended at throws. A generator that has not started ends at once, and
  /// one that has ended stays so: `error` is thrown here. Precondition: not null. CPython: `g.throw(e)`.
  bool throw_(std::exception_ptr error) const {
    if (shell_ == nullptr || !started() || done()) {
      close();
      std::rethrow_exception(std::move(error));
    }
    return detail::advance(*shell_, [&](detail::generator_shell& s) { s.error = std::move(error); });
  }
#endif

  /// Ends the generator: destroys the locals of its body, innermost scope first, and its parameters; before that it
  /// closes the generator to which it delegates. One that has not started just ends. Throws `generator_running`.
  /// CPython: `g.close()`.
  void close() const {
    if (shell_ != nullptr) detail::close_from_outside(*shell_);
  }

  /// What `co_return` gave. Throws std::logic_error when there is none (yet).
  template <class R = Ret>
    requires(!std::is_void_v<R>)
  R& result() const {
    return detail::result_of<R, Send>(shell_);
  }

  /// Has it ended? True for null.
  bool done() const noexcept { return detail::has_ended(shell_.get()); }
  /// Does its body run, or that of a generator to which it delegates? CPython: `g.gi_running`.
  bool running() const noexcept { return shell_ != nullptr && detail::is_running_in_chain(*shell_); }
  /// False for null, and until it has been asked for its first element.
  bool started() const noexcept { return shell_ != nullptr && shell_->state != detail::generator_state::fresh; }

  /// The number of handles to the generator.
  std::size_t use_count() const noexcept { return shell_.use_count(); }

  /// A handle that does not keep the generator alive. Exceptions as of `weak_gc_ptr`. CPython: `weakref.ref(g)`.
  weak_gc_generator<Ref, Val, Ret, Send> weak() const { return {*this}; }
  /// The same with a callback, as `weak_gc_ptr` has it: it is called with the weak handle, dead, when the generator dies,
  /// which is not when its body ends.
  template <class F>
    requires std::is_invocable_v<F&, weak_gc_generator<Ref, Val, Ret, Send> const&>
  weak_gc_generator<Ref, Val, Ret, Send> weak(F callback) const {
    return {*this, std::move(callback)};
  }

  /// Drops the handle: null afterwards.
  void reset() noexcept { shell_.reset(); }
  /// Exchanges the generators. O(1).
  void swap(gc_generator& other) noexcept { shell_.swap(other.shell_); }
  friend void swap(gc_generator& a, gc_generator& b) noexcept { a.swap(b); }
  friend bool operator==(gc_generator const& a, gc_generator const& b) noexcept { return a.shell_ == b.shell_; }
  friend bool operator==(gc_generator const& a, std::nullptr_t) noexcept { return a.shell_ == nullptr; }

 private:
  friend struct detail::generator_access;
  friend struct detail::handle_traits<gc_generator>;
  friend struct std::hash<gc_generator>;

  explicit gc_generator(gc_ptr<detail::generator_shell> shell) noexcept : shell_(std::move(shell)) {}

  static constexpr auto not_sending = []([[maybe_unused]] detail::generator_shell& innermost) noexcept {
    if constexpr (!std::is_void_v<Send>) static_cast<detail::sending_shell<Send>&>(innermost).sent = nullptr;
  };
  static reference element_of(detail::generator_front const& innermost) noexcept {
    using element = std::remove_reference_t<typename traits::yielded>;
    return static_cast<reference>(*static_cast<element*>(innermost.value));
  }

  gc_ptr<detail::generator_shell> shell_;
};

namespace detail {

/// Calls a callback with the weak handle to a generator.
template <class Weak, class F>
struct generator_callback {
  void operator()(weak_gc_ptr<generator_shell> const& dead) {
    Weak handle;
    handle.shell_ = dead;
    callback(std::as_const(handle));
  }
  F callback;
};
template <class Weak, class F>
  requires is_traced_closure<F>
struct handle_traits<generator_callback<Weak, F>> {
  static bool is_plain(generator_callback<Weak, F> const& c) noexcept { return handle_traits<F>::is_plain(c.callback); }
  static void trace(generator_callback<Weak, F> const& c, tracer& t) noexcept {
    handle_traits<F>::trace(c.callback, t);
  }
};

}  // namespace detail

/// A weak handle to a generator: `lock()` gives a handle to it, and a null one after its death.
///
/// A generator whose body has ended is alive as long as handles to it are. In all else it is like the `weak_gc_ptr` of an
/// object: one pointer wide, comparisons and hash go by the generator and stay the same after its death, copies have no
/// callback. CPython's counterpart is `weakref.ref`.
template <class Ref, class Val, class Ret, class Send>
class weak_gc_generator {
  using generator = gc_generator<Ref, Val, Ret, Send>;

 public:
  constexpr weak_gc_generator() noexcept = default;
  /// Exceptions: `std::bad_alloc` for large frames, and for generators with hundreds of weak handles.
  weak_gc_generator(generator const& g) : shell_(detail::generator_access::shell(g)) {}
  /// See `gc_generator::weak`. Exceptions: `std::bad_alloc`, and those of moving the callback.
  template <class F>
    requires std::is_invocable_v<F&, weak_gc_generator const&>
  weak_gc_generator(generator const& g, F callback)
      : shell_(detail::generator_access::shell(g),
               detail::generator_callback<weak_gc_generator, F>{std::move(callback)}) {}

  /// Null from the generator's death on: before the locals of one that dies with its last handle are destroyed.
  generator lock() const noexcept { return detail::generator_access::adopt<generator>(shell_.lock()); }
  /// True if `lock()` would give null.
  bool expired() const noexcept { return shell_.expired(); }
  /// The number of handles to the generator; 0 once it has died.
  std::size_t use_count() const noexcept { return shell_.use_count(); }

  /// Lets go: empty afterwards, and the callback is not called any more.
  void reset() noexcept { shell_.reset(); }
  /// Exchanges generators and callbacks. O(1).
  void swap(weak_gc_generator& other) noexcept { shell_.swap(other.shell_); }
  friend void swap(weak_gc_generator& a, weak_gc_generator& b) noexcept { a.swap(b); }

  // Equal if they lead, or led, to the same generator; the order is arbitrary, and stays.
  friend bool operator==(weak_gc_generator const& a, weak_gc_generator const& b) noexcept {
    return a.shell_ == b.shell_;
  }
  friend std::strong_ordering operator<=>(weak_gc_generator const& a, weak_gc_generator const& b) noexcept {
    return a.shell_ <=> b.shell_;
  }

 private:
  friend struct detail::handle_traits<weak_gc_generator>;
  friend struct std::hash<weak_gc_generator>;
  /// @cond
  template <class Weak, class F>
  friend struct detail::generator_callback;
  /// @endcond
  using weak_shell = weak_gc_ptr<detail::generator_shell>;

  weak_shell shell_;
};
/// To the generator of the handle.
template <class Ref, class Val, class Ret, class Send>
weak_gc_generator(gc_generator<Ref, Val, Ret, Send>) -> weak_gc_generator<Ref, Val, Ret, Send>;

/// A generator of `f(args...)` that holds `f` and the arguments: `f` is a function or lambda that returns a generator
/// and takes the arguments by reference or value.
///
/// What a lambda captures is no part of its coroutine's frame and dangles when the lambda is gone; here it lives as
/// long as the generator does. The arguments are traced, captures are roots: let the lambda capture nothing.
template <class F, class... A>
auto bind_generator(F f, A... args) {
  using generator = std::invoke_result_t<F&, A&...>;
  static_assert(detail::generator_traits<generator>::is_generator,
                "ouro: bind_generator needs a function that returns a gc_generator");
  return [](F function, A... arguments) -> generator {
    if constexpr (std::is_void_v<typename detail::generator_traits<generator>::result>) {
      co_yield elements_of(std::invoke(function, arguments...));
    } else {
      co_return co_yield elements_of(std::invoke(function, arguments...));
    }
  }(std::move(f), std::move(args)...);
}

namespace detail {

inline void throw_running() { throw_error(generator_running()); }

template <class Ref, class Val, class Ret, class Send>
struct handle_traits<gc_generator<Ref, Val, Ret, Send>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;
  static void trace(gc_generator<Ref, Val, Ret, Send> const& g, tracer& t) noexcept { trace_value(g.shell_, t); }
};

template <class Ref, class Val, class Ret, class Send>
struct handle_traits<weak_gc_generator<Ref, Val, Ret, Send>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;  // by way of a callback
  static constexpr bool is_hand_traced = false;
  static void trace(weak_gc_generator<Ref, Val, Ret, Send> const& g, tracer& t) noexcept { trace_value(g.shell_, t); }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

/// @cond
template <class Ref, class Val, class Ret, class Send>
inline constexpr bool std::ranges::enable_view<ouro::gc_generator<Ref, Val, Ret, Send>> = true;
template <class Ref, class Val, class Ret, class Send>
inline constexpr bool std::ranges::enable_borrowed_range<ouro::gc_generator<Ref, Val, Ret, Send>> = true;
/// @endcond

template <class Ref, class Val, class Ret, class Send>
struct std::hash<ouro::gc_generator<Ref, Val, Ret, Send>> {
  std::size_t operator()(ouro::gc_generator<Ref, Val, Ret, Send> const& g) const noexcept {
    return std::hash<void const*>()(g.shell_.get());
  }
};

template <class Ref, class Val, class Ret, class Send>
struct std::hash<ouro::weak_gc_generator<Ref, Val, Ret, Send>> {
  std::size_t operator()(ouro::weak_gc_generator<Ref, Val, Ret, Send> const& g) const noexcept {
    return std::hash<typename ouro::weak_gc_generator<Ref, Val, Ret, Send>::weak_shell>()(g.shell_);
  }
};

#endif
