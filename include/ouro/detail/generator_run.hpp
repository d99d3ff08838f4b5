// How generators run, delegate to one another, end and die: what their shells do, and what the collector does with them.
//
//   root --leaf------------------------------+
//    |                                       v
//    +--child--> attached --child--> attached, which yields
//       <-------- parent <--------- parent
//
// Resuming the root resumes the leaf. Nothing is counted meanwhile: `value` is null while a body runs, and set when it has
// come back with an element.
#ifndef OURO_DETAIL_GENERATOR_RUN_HPP
#define OURO_DETAIL_GENERATOR_RUN_HPP

#include <ouro/detail/generator_shell.hpp>
#include <ouro/detail/values.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Keeps a generator from dying. Unlike the drop of a handle, its end is no reason to suspect a garbage cycle.
class pinned_generator {
 public:
  explicit pinned_generator(generator_shell& s) noexcept : header_(header_of(&s)) {
    if (!replace(s.was_orphaned, false)) add_reference(header_);
  }
  pinned_generator(pinned_generator const&) = delete;
  pinned_generator& operator=(pinned_generator const&) = delete;
  ~pinned_generator() {
    if (holds_last()) {
      drop_reference(header_);
    } else if (!is_sticky(*header_)) {
      --header_->word;
    }
  }
  bool holds_last() const noexcept { return count_of(*header_) == 1; }

 private:
  object_header* header_;
};

/// An iterator's share in its generator.
///
/// Its end is no reason to suspect a garbage cycle as long as no collection has been since it began: what has been
/// dropped meanwhile is still noted. So a loop over a fresh generator leaves no candidate behind.
class generator_share {
 public:
  generator_share() noexcept = default;
  explicit generator_share(gc_ptr<generator_shell> const& shell) noexcept
      : shell_(shell.get()), epoch_(this_thread_state().fresh.slot) {
    retain();
  }
  generator_share(generator_share const& other) noexcept : shell_(other.shell_), epoch_(other.epoch_) { retain(); }
  generator_share(generator_share&& other) noexcept : shell_(replace(other.shell_, nullptr)), epoch_(other.epoch_) {}
  generator_share& operator=(generator_share other) noexcept {
    shell_ = replace(other.shell_, shell_);
    epoch_ = replace(other.epoch_, epoch_);
    return *this;
  }
  OURO_DETAIL_INLINE ~generator_share() {
    if (shell_ != nullptr) release(header_of(shell_), epoch_);
  }

  generator_shell* get() const noexcept { return shell_; }
  generator_shell* operator->() const noexcept { return shell_; }

 private:
  void retain() const noexcept {
    if (shell_ != nullptr) add_reference(header_of(shell_));
  }
  OURO_DETAIL_INLINE static void release(object_header* h, std::uint16_t epoch) noexcept {
    check_handle(h);
    bool const is_last = (h->word & ~slow_word) == 0;
    if (is_last || epoch != this_thread_state().fresh.slot) return drop_reference(h);
    --h->word;
  }

  generator_shell* shell_ = nullptr;
  std::uint16_t epoch_ = 0;
};

OURO_DETAIL_NOINLINE inline void close_chain(generator_shell& s) noexcept {
  s.state = generator_state::busy;
  while (true) {
    generator_shell& leaf = leaf_of(s);
    leaf.value = nullptr;
    if (has_frame(leaf)) {
      leaf.state = generator_state::finished;
      leaf.frame.destroy();
    }
    leaf.child.reset();
    if (&leaf == &s) return;
    leaf.leaf = &leaf;
    s.leaf = replace(leaf.parent, nullptr);
  }
}

/// Destroys the frame of a generator, and those of the ones that it delegates to, innermost first.
/// Precondition: nobody runs it or delegates to it, and it does not die meanwhile.
inline void close(generator_shell& s) noexcept {
  if (!has_frame(s)) return;
  if (s.leaf != &s || s.child != nullptr) return close_chain(s);
  s.value = nullptr;
  s.state = generator_state::finished;
  s.frame.destroy();
}

/// Goes on, after a resumption that has not yielded, until some body in the chain yields; false when that of the root
/// has ended. A loop and no symmetric transfer: that one needs stack where it is not optimised.
inline bool settle(generator_shell& root) noexcept {
  while (true) {
    if (root.leaf->frame == nullptr) [[unlikely]] {
      if (root.state == generator_state::orphaned) root.state = generator_state::entered;
      root.leaf = &find_leaf(root);
    }
    generator_shell& leaf = leaf_of(root);
    if (leaf.value != nullptr) return true;
    if (leaf.state == generator_state::delegating) {
      leaf.state = &leaf == &root ? generator_state::entered : generator_state::attached;
      generator_shell& child = *leaf.child;
      child.parent = &leaf;
      child.state = generator_state::attached;
      root.leaf = replace(child.leaf, &no_front);
      root.leaf->value = nullptr;
    } else if (&leaf == &root) {
      return false;
    } else {
      leaf.leaf = &leaf;
      root.leaf = replace(leaf.parent, nullptr);
    }
    root.leaf->frame.resume();
  }
}

/// What is left to do when the body has ended, or nobody holds the generator any more. Throws what came out of the
/// body.
inline bool leave(generator_shell& s) {
  pinned_generator const pin(s);
  if (has_frame(s)) {
    s.state = generator_state::entered;
    return !pin.holds_last();
  }
#if OURO_DETAIL_EXCEPTIONS
  if (s.error != nullptr) std::rethrow_exception(replace(s.error, nullptr));
#endif
  return false;
}

OURO_DETAIL_NOINLINE inline bool run_on(generator_shell& s) { return (settle(s) && !s.was_orphaned) || leave(s); }

/// Runs a generator to its next element by way of the body that is to go on; false at the end. Precondition: no value.
OURO_DETAIL_INLINE bool resume(generator_shell& s, std::coroutine_handle<> frame) {
  frame.resume();
  if (s.leaf->value == nullptr) [[unlikely]]
    return run_on(s);
  return true;
}

/// The same for a generator that is at an element.
OURO_DETAIL_INLINE bool run(generator_shell& s) {
  s.leaf->value = nullptr;
  return resume(s, s.leaf->frame);
}

[[noreturn]] void throw_running();

/// Makes an attached generator the root of a chain of its own for a while, so that it can be advanced or closed from
/// outside. Throws when it runs already. Complexity: linear in the number of generators that wait for it.
class detached_generator {
 public:
  explicit detached_generator(generator_shell& s)
      : shell_(s), parent_(*s.parent), root_(idle_root(parent_)), pin_(*root_) {
    set_waiting(generator_state::busy, generator_state::busy);
    s.leaf = replace(root_->leaf, &no_front);
    s.parent = nullptr;
    s.state = generator_state::entered;
  }
  detached_generator(detached_generator const&) = delete;
  detached_generator& operator=(detached_generator const&) = delete;
  ~detached_generator() {
    set_waiting(generator_state::entered, generator_state::attached);
    if (has_frame(shell_)) {
      root_->leaf = replace(shell_.leaf, &no_front);
      shell_.parent = &parent_;
      shell_.state = generator_state::attached;
    } else {
      root_->leaf = &parent_;
      parent_.value = &parent_;
    }
  }

 private:
  static generator_shell* idle_root(generator_shell& s) {
    generator_shell* root = &s;
    while (root->parent != nullptr) root = root->parent;
    if (is_running(*root)) throw_running();
    return root;
  }
  void set_waiting(generator_state root, generator_state between) noexcept {
    for (generator_shell* s = &parent_; s != nullptr; s = s->parent) s->state = s->parent == nullptr ? root : between;
  }

  generator_shell& shell_;
  generator_shell& parent_;
  generator_shell* root_;
  pinned_generator const pin_;
};

/// A generator that has not started.
template <class Prepare>
OURO_DETAIL_INLINE bool start(generator_shell& s, Prepare prepare) {
  prepare(s);
  s.state = generator_state::entered;
  return resume(s, s.frame);
}

template <class Prepare>
OURO_DETAIL_NOINLINE bool advance_specially(generator_shell& s, Prepare prepare) {
  if (is_running(s)) throw_running();
  if (!has_frame(s)) return false;
  if (s.state == generator_state::fresh) return start(s, prepare);
  pinned_generator const pin(s);
  {
    detached_generator const alone(s);
    prepare(leaf_of(s));
    run(s);
  }  // if the body has dropped those that wait for it, they have closed it now
  return has_frame(s) && !pin.holds_last();
}

/// Runs a generator to its next element, after `prepare` has left in the innermost one what its body is to find. False
/// at the end.
template <class Prepare>
OURO_DETAIL_INLINE bool advance(generator_shell& s, Prepare prepare) {
  check_handle(header_of(&s));
  if (s.leaf->value == nullptr) [[unlikely]]
    return advance_specially(s, prepare);
  prepare(leaf_of(s));
  return run(s);
}

/// The same, faster for one that has not started.
template <class Prepare>
OURO_DETAIL_INLINE bool start_or_advance(generator_shell& s, Prepare prepare) {
  if (s.state != generator_state::fresh) return advance(s, prepare);
  check_handle(header_of(&s));
  return start(s, prepare);
}

/// Closes a generator that may be in use. Throws when it runs.
inline void close_from_outside(generator_shell& s) {
  if (is_running(s)) throw_running();
  if (!has_frame(s)) return;
  pinned_generator const pin(s);
  if (s.state != generator_state::attached) return close(s);
  detached_generator const alone(s);
  close(s);
}

// --- as an object of the collector ----------------------------------------------------------------------------------

template <class Ret, class Send>
struct generator_operations {
  using shell = generator_shell_of<Ret, Send>;
  static constexpr bool is_plain = false;

  /// Who runs it drops its last handle afterwards, in place of the one that has just gone.
  static bool defer_death(object_header* h) noexcept {
    auto& s = *static_cast<shell*>(object_of(h));
    if (!is_in_use(s)) return false;
    set_count(*h, 1);
    if (s.state == generator_state::entered) s.leaf = &no_front;
    if (s.state != generator_state::ending) s.state = generator_state::orphaned;
    s.was_orphaned = true;
    return true;
  }
  static void die(object_header* h) noexcept {
    auto const& s = *static_cast<shell*>(object_of(h));
    if (s.leaf->value != nullptr || !defer_death(h)) detail::die<generator_operations>(h);  // at an element: not in use
  }
  OURO_DETAIL_INLINE static void destroy(object_header* h) noexcept {
    auto* const s = static_cast<shell*>(object_of(h));
    close(*s);
    std::destroy_at(s);
  }
  static void trace(object_header* h, tracer& t) noexcept {
    auto const& s = *static_cast<shell const*>(object_of(h));
    if (is_in_use(s)) tracer_access::report_in_use(t);
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
constexpr type_traits_set generator_traits_of() {
  unsigned traits = has_finalize | is_hand_written | has_destructor;
  if constexpr (!std::is_void_v<Ret>) {
    if (has_keyed_container<Ret>) traits |= has_keyed_parts;
  }
  return static_cast<type_traits_set>(traits);
}

/// Which traces a body's locals need is not known when the generator is made, so they are checked as if users wrote
/// them. No keyed container is left in a frame when the collector empties them: frames of garbage are destroyed before.
template <class Generator, class Ret, class Send, class Operations = generator_operations<Ret, Send>>
inline constinit type_descriptor const generator_descriptor = {&destroy_run<Operations>,
                                                               &trace_run<Operations>,
                                                               &Operations::die,
                                                               &Operations::finalize,
                                                               &object_operations<Generator>::name,
                                                               throw_function<generator_shell_of<Ret, Send>>(),
                                                               alignof(generator_shell),
                                                               true,
                                                               generator_traits_of<Ret>(),
                                                               &Operations::defer_death};

/// A block with a new shell; returns the place for the frame. Throws std::bad_alloc.
template <class Shell>
OURO_DETAIL_INLINE void* make_shell(type_descriptor const& type, std::size_t frame_bytes) {
  static_assert(alignof(Shell) == alignof(generator_shell),
                "ouro: the result of a generator is aligned to more than 16 bytes: return it in a gc_ptr");
  std::size_t const rounded = (frame_bytes + 7) / 8 * 8;
  std::size_t const marks = mark_bytes(frame_bytes);
  std::size_t const bytes = sizeof(Shell) + rounded + marks;
  std::size_t const block = block_size(alignof(generator_shell), true, bytes);
  object_header* const h = !OURO_DETAIL_SYSTEM_ALLOC && block <= largest_pooled_block
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
