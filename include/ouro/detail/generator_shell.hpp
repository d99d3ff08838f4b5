// The garbage-collected object of a generator: its state and, in the same block, the frame of its coroutine.
//
//   | length of the frame | header | shell | frame | marks: a bit for each word of the frame |
//
// The shell outlives the frame, which is destroyed as soon as the body has ended. A mark says that a local anchor begins
// at that word: a local variable that wants to be traced. Everything else in the frame is traced by the address that the
// promise noted (parameters), or not at all.
#ifndef OURO_DETAIL_GENERATOR_SHELL_HPP
#define OURO_DETAIL_GENERATOR_SHELL_HPP

#include <ouro/gc_ptr.hpp>

#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// In the order that the fast paths compare by.
enum class generator_state : std::uint8_t {
  suspended,   // at a co_yield; nobody waits for it
  attached,    // another generator, its parent, delegates to it
  fresh,       // not started
  delegating,  // its body has just asked for the elements of `child`
  finished,    // the body has ended; the frame is gone, or about to go
  building     // the frame is being made
};

struct alignas(16) generator_shell {
  std::coroutine_handle<> frame;
  generator_shell* leaf = this;        // the innermost generator that it delegates to; not kept up to date in attached ones
  void* value = nullptr;               // what the body has yielded; on the way back, what was sent
  generator_shell* parent = nullptr;   // who delegates to this one
  gc_ptr<generator_shell> child;       // to whom this one delegates
  void (*trace_parameters)(void* frame, tracer&) noexcept = nullptr;
  std::exception_ptr error;            // out of the body; or on the way into it
  generator_state state = generator_state::building;
};

/// With the place for what `co_return` gives.
template <class Ret>
struct generator_shell_of : generator_shell {
  std::optional<Ret> result;
};
template <>
struct generator_shell_of<void> : generator_shell {};

inline bool is_running(generator_shell const& s) noexcept { return (header_of(&s)->flags & flag_running) != 0; }
inline bool has_frame(generator_shell const& s) noexcept { return s.state < generator_state::finished; }

/// The same address, of which the optimiser knows nothing any more. Clang takes the promise and the locals of a coroutine
/// for variables on the stack until it lays out the frame, and deletes what is stored through addresses computed from
/// theirs.
inline void* launder_address(void const* address) noexcept {
#if defined(__GNUC__)
  void* result = const_cast<void*>(address);
  asm volatile("" : "+r"(result) : : "memory");
  return result;
#else
  void* volatile result = const_cast<void*>(address);
  return result;
#endif
}

// --- locals ---------------------------------------------------------------------------------------------------------

inline constexpr std::size_t word_bytes = sizeof(void*);

constexpr std::size_t words_in(std::size_t bytes) noexcept { return (bytes + word_bytes - 1) / word_bytes; }
constexpr std::size_t mark_bytes(std::size_t frame_bytes) noexcept { return (words_in(frame_bytes) + 63) / 64 * 8; }

inline std::size_t frame_bytes_of(generator_shell const& s) noexcept { return length_of(header_of(&s)); }

/// Frames begin 16-aligned, so that the marks behind them may be 8-aligned words.
inline std::uint64_t* marks_of(generator_shell const& s) noexcept {
  std::size_t const rounded = (frame_bytes_of(s) + 7) / 8 * 8;
  return reinterpret_cast<std::uint64_t*>(static_cast<char*>(s.frame.address()) + rounded);
}

/// Where in the frame an address lies, or the frame's size or more.
inline std::size_t offset_in_frame(generator_shell const& s, void const* address) noexcept {
  return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(address) -
                                  reinterpret_cast<std::uintptr_t>(s.frame.address()));
}

/// The generator whose frame contains an address, or null; parameters, which are made before their frame is ready, do not
/// count.
inline generator_shell* find_generator(void const* address) noexcept {
  object_header* const h = find_block(address);
  if (h == nullptr || !type_of(h).is_generator) return nullptr;
  auto* const s = static_cast<generator_shell*>(object_of(h));
  return s->state != generator_state::building && offset_in_frame(*s, address) < frame_bytes_of(*s) ? s : nullptr;
}

/// What makes a variable traced where it is a local of a generator: it marks the word at which it lies.
///
/// A handle follows it, or a pointer to a function that traces the whole variable.
class local_anchor {
 public:
  enum class kind : std::uintptr_t { handle = 0, polymorphic_handle = 1, value = 2 };
  using trace_function = void (*)(local_anchor const&, tracer&) noexcept;

  /// Its generator's trace reports it.
  bool is_marked() const noexcept { return (owner_ & ~kind_mask) != 0; }

  void trace_marked(tracer& t) const noexcept {
    void const* const next = this + 1;
    if (is(kind::value)) {
      trace_function trace = nullptr;
      std::memcpy(&trace, next, sizeof trace);
      return trace(*this, t);
    }
    void** const slot = static_cast<void**>(const_cast<void*>(next));
    if (*slot == nullptr) return;
    if (OURO_DETAIL_HARDENED && *slot == reinterpret_cast<void*>(destroyed_handle)) {
      return tracer_access::report_destroyed(t);
    }
    tracer_access::report(
        t, slot, is(kind::polymorphic_handle) ? edge_target_polymorphic(*slot) : edge_target(header_of(*slot)));
  }

 protected:
  local_anchor() = default;
  local_anchor(local_anchor const&) = delete;
  local_anchor& operator=(local_anchor const&) = delete;
  ~local_anchor() = default;

  /// Called when the variable is complete.
  void mark(kind k) noexcept {
    void* const here = launder_address(this);
    generator_shell* const owner = find_generator(here);
    if (owner == nullptr) return;
    std::size_t const word = offset_in_frame(*owner, here) / word_bytes;
    marks_of(*owner)[word / 64] |= std::uint64_t{1} << word % 64;
    owner_ = reinterpret_cast<std::uintptr_t>(owner) | static_cast<std::uintptr_t>(k);
  }
  /// Called before any part of it is destroyed. Goes by the owner it found, whoever runs now.
  void unmark() noexcept {
    if (!is_marked()) return;
    auto const& owner = *reinterpret_cast<generator_shell*>(owner_ & ~kind_mask);
    std::size_t const word = offset_in_frame(owner, launder_address(this)) / word_bytes;
    marks_of(owner)[word / 64] &= ~(std::uint64_t{1} << word % 64);
    owner_ = 0;
  }

 private:
  static constexpr std::uintptr_t kind_mask = 3;
  bool is(kind k) const noexcept { return (owner_ & kind_mask) == static_cast<std::uintptr_t>(k); }

  std::uintptr_t owner_ = 0;
};
static_assert(sizeof(local_anchor) == word_bytes);

inline void trace_locals(generator_shell const& s, tracer& t) noexcept {
  std::uint64_t const* const marks = marks_of(s);
  char const* const frame = static_cast<char const*>(s.frame.address());
  for (std::size_t i = 0, n = mark_bytes(frame_bytes_of(s)) / 8; i != n; ++i) {
    for (std::uint64_t rest = marks[i]; rest != 0; rest &= rest - 1) {
      std::size_t const word = i * 64 + static_cast<std::size_t>(std::countr_zero(rest));
      reinterpret_cast<local_anchor const*>(frame + word * word_bytes)->trace_marked(t);
    }
  }
}

// --- running --------------------------------------------------------------------------------------------------------

/// Destroys the frame of a generator that nobody runs, and those that it delegates to, innermost first.
/// Precondition: nobody delegates to it.
inline void close(generator_shell& s) noexcept {
  object_header* const h = header_of(&s);
  h->flags |= flag_running;
  while (true) {
    generator_shell& leaf = *s.leaf;
    if (has_frame(leaf)) {
      leaf.state = generator_state::finished;
      leaf.frame.destroy();
    }
    leaf.child.reset();
    if (&leaf == &s) break;
    s.leaf = std::exchange(leaf.parent, nullptr);
  }
  h->flags &= static_cast<std::uint8_t>(~flag_running);
}

/// Goes on, after a resumption that has not yielded, until some body in the chain yields; false when all have ended.
/// A loop and no symmetric transfer: that one needs stack where it is not optimised.
OURO_DETAIL_NOINLINE inline bool settle(generator_shell& root) noexcept {
  while (root.leaf->state > generator_state::attached) {
    generator_shell& leaf = *root.leaf;
    if (leaf.state == generator_state::delegating) {
      leaf.state = leaf.parent != nullptr ? generator_state::attached : generator_state::suspended;
      generator_shell& child = *leaf.child;
      child.parent = &leaf;
      child.state = generator_state::attached;
      root.leaf = child.leaf;
    } else {
      leaf.frame.destroy();
      if (&leaf == &root) return false;
      root.leaf = std::exchange(leaf.parent, nullptr);
    }
    root.leaf->frame.resume();
  }
  return true;
}

/// The body has come back and does not hold the generator any more: it dies if nobody else does. False.
OURO_DETAIL_NOINLINE inline bool leave_dead(object_header* h) noexcept {
  h->count = 1;
  drop_reference(h);
  return false;
}

/// The body has ended: throws what came out of it. False.
OURO_DETAIL_NOINLINE inline bool leave_finished(generator_shell& s) {
  object_header* const h = header_of(&s);
  h->flags &= static_cast<std::uint8_t>(~flag_running);
  std::exception_ptr error = std::exchange(s.error, nullptr);
  if (h->count == 0) leave_dead(h);
#if OURO_DETAIL_EXCEPTIONS
  if (error != nullptr) std::rethrow_exception(std::move(error));
#endif
  return false;
}

/// Runs a suspended generator to its next element; false at the end.
OURO_DETAIL_INLINE bool run(generator_shell& s) {
  object_header* const h = header_of(&s);
  h->flags |= flag_running;
  s.leaf->frame.resume();
  if (s.leaf->state > generator_state::attached) [[unlikely]] {
    if (!settle(s)) return leave_finished(s);
  }
  h->flags &= static_cast<std::uint8_t>(~flag_running);
  if (h->count == 0) [[unlikely]] return leave_dead(h);
  return true;
}

[[noreturn]] void throw_running();

/// Makes an attached generator the root of a chain of its own for a while, so that it can be advanced or closed from
/// outside. Throws when it runs already. Complexity: linear in the number of generators that wait for it.
class detached_generator {
 public:
  explicit detached_generator(generator_shell& s) : shell_(s), parent_(*s.parent) {
    generator_shell* root = &parent_;
    for (; !is_running(*root); root = root->parent) {
      if (root->parent != nullptr) continue;
      root_ = handle_access::share<generator_shell>(header_of(root));
      mark_waiting(flag_running);
      s.leaf = root->leaf;
      s.parent = nullptr;
      s.state = generator_state::suspended;
      return;
    }
    throw_running();
  }
  detached_generator(detached_generator const&) = delete;
  detached_generator& operator=(detached_generator const&) = delete;
  ~detached_generator() {
    mark_waiting(0);
    if (shell_.state == generator_state::finished) {
      root_->leaf = &parent_;
    } else {
      root_->leaf = shell_.leaf;
      shell_.parent = &parent_;
      shell_.state = generator_state::attached;
    }
  }

 private:
  void mark_waiting(std::uint8_t running) noexcept {
    for (generator_shell* s = &parent_; s != nullptr; s = s->parent) {
      std::uint8_t& flags = header_of(s)->flags;
      flags = static_cast<std::uint8_t>((flags & ~flag_running) | running);
    }
  }

  generator_shell& shell_;
  generator_shell& parent_;
  gc_ptr<generator_shell> root_;
};

template <class Prepare>
OURO_DETAIL_NOINLINE bool advance_specially(generator_shell& s, Prepare prepare) {
  if (is_running(s)) throw_running();
  if (s.state == generator_state::finished) return false;
  if (s.state == generator_state::attached) {
    detached_generator const alone(s);
    prepare(*s.leaf);
    return run(s);
  }
  s.state = generator_state::suspended;
  prepare(s);
  return run(s);
}

/// Runs a generator to its next element, after `prepare` has left in the innermost one what its body is to find. False at
/// the end.
template <class Prepare>
OURO_DETAIL_INLINE bool advance(generator_shell& s, Prepare prepare) {
  if (s.state != generator_state::suspended || is_running(s)) [[unlikely]] return advance_specially(s, prepare);
  prepare(*s.leaf);
  return run(s);
}

/// Closes a generator from outside. Throws when it runs.
inline void close_from_outside(generator_shell& s) {
  if (is_running(s)) throw_running();
  if (s.state != generator_state::attached) return close(s);
  detached_generator const alone(s);
  close(s);
}

// --- as an object of the collector ----------------------------------------------------------------------------------

template <class Ret>
struct generator_operations {
  using shell = generator_shell_of<Ret>;

  static void destroy(void* object) noexcept {
    auto* const s = static_cast<shell*>(object);
    if (has_frame(*s)) close(*s);
    std::destroy_at(s);
  }
  static void trace(void const* object, tracer& t) noexcept {
    auto const& s = *static_cast<shell const*>(object);
    if (has_frame(s)) {
      if (s.trace_parameters != nullptr) s.trace_parameters(s.frame.address(), t);
      trace_locals(s, t);
    }
    trace_value(s.child, t);
    if constexpr (!std::is_void_v<Ret>) trace_value(s.result, t);
  }
  // Those that others delegate to are closed by the outermost one, so that this takes time linear in all of them.
  static void finalize(void* object) {
    auto& s = *static_cast<shell*>(object);
    if (s.parent == nullptr) close(s);
  }
};

template <class Ret>
constexpr bool has_keyed_result() {
  if constexpr (std::is_void_v<Ret>) {
    return false;
  } else {
    return has_keyed_container<Ret>;
  }
}

/// Which traces a body's locals need is not known when the generator is made, so they are checked as if users wrote them.
/// No keyed container is left in a frame when the collector empties them: frames of garbage are destroyed before.
template <class Generator, class Ret>
inline constinit type_descriptor const generator_descriptor = {
    &generator_operations<Ret>::destroy,
    &generator_operations<Ret>::trace,
    &generator_operations<Ret>::finalize,
    &object_operations<Generator>::name,
    throw_function<generator_shell_of<Ret>>(),
    alignof(generator_shell),
    true,
    true,
    has_keyed_result<Ret>(),
    true};

/// A block with a new shell; returns the place for the frame. Throws std::bad_alloc.
template <class Shell>
void* make_shell(type_descriptor const& type, std::size_t frame_bytes) {
  std::size_t const rounded = (frame_bytes + 7) / 8 * 8;
  std::size_t const marks = mark_bytes(frame_bytes);
  std::size_t const bytes = sizeof(Shell) + rounded + marks;
  std::size_t const block = block_size(type, bytes);
  object_header* const h = is_pooled(type, block)
                               ? allocate<true>(type, bytes, static_cast<std::uint32_t>(block / array_class_bytes))
                               : allocate_slow(type, bytes);
  length_of(h) = frame_bytes;
  void* const frame = ::new (object_of(h)) Shell + 1;
  std::memset(static_cast<char*>(frame) + rounded, 0, marks);
  return frame;
}

/// The frame could not be finished: a parameter's copy or the promise has thrown.
template <class Shell>
void abandon_shell(Shell* s) noexcept {
  std::destroy_at(s);
  abandon(header_of(s));
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
