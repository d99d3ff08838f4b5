// The garbage-collected object of a generator: its state and, in the same block, the frame of its coroutine.
//
//   | length of the frame | header | shell | frame | marks: a bit for each word of the frame |
//
// The shell outlives the frame, which is destroyed as soon as the body has ended. A mark says that a local anchor
// begins at that word: a local variable that wants to be traced. Everything else in the frame is traced by the address
// that the promise noted (parameters), or not at all.
#ifndef OURO_DETAIL_GENERATOR_SHELL_HPP
#define OURO_DETAIL_GENERATOR_SHELL_HPP

#include <ouro/gc_ptr.hpp>

#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <type_traits>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

enum class generator_state : std::uint8_t {
  entered,     // it has been started: its body is at a co_yield, or runs
  attached,    // the same, and another generator, its parent, delegates to it
  busy,        // it is being closed, or one that it delegates to is advanced without it
  orphaned,    // its body runs, and its last handle has gone
  fresh,       // not started
  delegating,  // its body has just asked for the elements of `child`
  finished,    // the body has ended; the frame is gone, or is being destroyed by somebody else
  ending,      // the body has ended, and its frame destroys itself
  building     // the frame is being made
};

/// What it takes to resume a body.
struct generator_front {
  std::coroutine_handle<> frame;
  // What the body has yielded. Null while it runs or delegates, and when it has ended; the front itself when what it
  // delegated to has been ended by somebody else.
  void* value = nullptr;
};
/// Never at an element, and never written: all threads share it.
OURO_VISIBLE inline constinit generator_front no_front{};

struct alignas(16) generator_shell : generator_front {
  // Of the innermost generator that it delegates to: if that is at an element, this one can be advanced at once.
  // `no_front` while it is attached or orphaned, or one that it delegates to is advanced without it.
  generator_front* leaf = this;
  generator_shell* parent = nullptr;  // who delegates to this one
  gc_ptr<generator_shell> child;      // to whom this one delegates
  void (*trace_parameters)(void* frame, tracer&) noexcept = nullptr;
  std::exception_ptr error;  // out of the body; or on the way into it
  generator_state state = generator_state::building;
  bool was_orphaned = false;
};

/// With what is sent. All generators of a chain of delegation agree on its type.
template <class Send>
struct sending_shell : generator_shell {
  Send* sent = nullptr;
};
template <>
struct sending_shell<void> : generator_shell {};

/// With the place for what `co_return` gives.
template <class Ret, class Send>
struct generator_shell_of : sending_shell<Send> {
  std::optional<Ret> result;
};
template <class Send>
struct generator_shell_of<void, Send> : sending_shell<Send> {};

/// Is there a body that has not ended?
inline bool has_frame(generator_shell const& s) noexcept { return s.state < generator_state::finished; }
/// While there are elements the first look, at what was read to advance it, decides.
inline bool has_ended(generator_shell const* s) noexcept {
  return s == nullptr || (s->leaf->value == nullptr && !has_frame(*s));
}

/// Precondition: its leaf is not `no_front`.
inline generator_shell& leaf_of(generator_shell const& s) noexcept { return static_cast<generator_shell&>(*s.leaf); }

inline bool is_running(generator_shell const& s) noexcept {
  return s.state == generator_state::busy || s.state == generator_state::orphaned ||
         (s.state == generator_state::entered && s.leaf->value == nullptr);
}

/// Does somebody come back to it who does not count as a handle?
inline bool is_in_use(generator_shell const& s) noexcept { return is_running(s) || s.state == generator_state::ending; }

/// Does it run, or one that delegates to it?
inline bool is_running_in_chain(generator_shell const& s) noexcept {
  generator_shell const* one = &s;
  while (one->parent != nullptr && !is_running(*one)) one = one->parent;
  return is_running(*one);
}

/// The innermost generator that it delegates to, or itself, by way of all that lie between. Linear in their number.
inline generator_shell& find_leaf(generator_shell& s) noexcept {
  generator_shell* one = &s;
  while (one->child != nullptr && one->child->parent == one) one = one->child.get();
  return *one;
}

/// The generator that yields for this one. O(1) unless others delegate to it.
/// Precondition: it is entered or attached.
inline generator_shell const& innermost(generator_shell const& s) noexcept {
  return s.state == generator_state::attached ? find_leaf(const_cast<generator_shell&>(s)) : leaf_of(s);
}

/// The same out of line, for loops in which it is rare.
OURO_DETAIL_NOINLINE inline generator_shell const& innermost_far(generator_shell const& s) noexcept {
  return innermost(s);
}

inline bool is_at_element(generator_shell const* s) noexcept {
  if (s == nullptr || s->state > generator_state::attached || is_running_in_chain(*s)) return false;
  generator_shell const& leaf = innermost(*s);
  return leaf.value != &leaf;
}

/// The same address, of which the optimiser knows nothing any more. Clang takes the promise and the locals of a
/// coroutine for variables on the stack until it lays out the frame, and deletes what is stored through addresses
/// computed from theirs.
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

/// The generator whose frame contains an address, or null; parameters, which are made before their frame is ready, do
/// not count.
inline generator_shell* find_generator(void const* address) noexcept {
  object_header* const h = find_block(address);
  if (h == nullptr || !type_of(h).is_generator()) return nullptr;
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
      std::memcpy(static_cast<void*>(&trace), next, sizeof trace);
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

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
