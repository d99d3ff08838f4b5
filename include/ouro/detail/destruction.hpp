// What happens when a handle is dropped: a candidate is recorded, or the object dies, with bounded recursion.
#ifndef OURO_DETAIL_DESTRUCTION_HPP
#define OURO_DETAIL_DESTRUCTION_HPP

#include <ouro/detail/values.hpp>
#include <ouro/detail/weak_death.hpp>

#include <cstdint>
#include <exception>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Destructors nest this deep; what is below waits in a queue.
inline constexpr std::uint32_t deepest_nesting = 32;
/// Added to a thread's depth while it traces: counts are the collector's then, and nothing may die or become a candidate.
inline constexpr std::uint32_t tracing_depth = 0x80000000u;

/// Collects in heaps that were closed inside a destructor or finalizer of this thread. Through a pointer, so that code
/// that only drops handles is compiled without the collector.
inline void collect_late_heaps(thread_state& thread) noexcept {
  if (thread.collect_late != nullptr) thread.collect_late(thread);
}

/// Keeps a heap's state in place while it is worked on: user code that runs meanwhile may close the heap.
class heap_user {
 public:
  explicit heap_user(heap_core& heap) noexcept : heap_(heap) { ++heap_.users; }
  heap_user(heap_user const&) = delete;
  heap_user& operator=(heap_user const&) = delete;
  ~heap_user() {
    --heap_.users;
    if (heap_.closed) delete_heap_if_unused(heap_);
  }

 private:
  heap_core& heap_;
};

// --- candidates -----------------------------------------------------------------------------------------------------

OURO_DETAIL_NOINLINE inline bool grow_candidates(heap_core& heap) noexcept {
  if (heap.candidate_capacity >= slot_candidate_limit) return false;
  std::uint32_t const capacity = smaller(larger(heap.candidate_capacity * 4, 256), slot_candidate_limit);
  auto* bigger = new (std::nothrow) candidate[capacity];
  if (bigger == nullptr) return false;
  for (std::uint32_t i = 0; i != heap.candidate_count; ++i) bigger[i] = heap.candidates[i];
  delete[] heap.candidates;
  heap.candidates = bigger;
  heap.candidate_capacity = capacity;
  return true;
}

/// The last candidate takes the place of the one that leaves.
inline void remove_candidate(heap_core& heap, object_header* h) noexcept {
  candidate& place = heap.candidates[h->slot];
  candidate const last = heap.candidates[--heap.candidate_count];
  std::uint16_t const index = h->slot;
  set_slow_slot(*h, place.birth());
  if (last.header() != h) {
    place = last;
    last.header()->slot = index;
  }
}

/// The count will not change any more. The slot makes every further drop take the slow path, which sees to that.
OURO_DETAIL_NOINLINE inline void make_immortal(object_header* h) noexcept {
  if (is_candidate(*h)) remove_candidate(heap_of(h), h);
  h->slot = slot_slow;
  h->word = sticky_word;
}

/// A copy has brought the word to zero: there are as many handles as it can count, or, when a trace that a user wrote has
/// dropped the last handle and makes another one, one.
OURO_DETAIL_NOINLINE inline void count_anew(object_header* h) noexcept {
  if (is_slow(h->slot) || this_thread_state().depth < tracing_depth) make_immortal(h);
}

/// Only young candidates are kept in the buffer: generation 2 is collected page by page, so that one bit is enough.
OURO_DETAIL_INLINE void record_candidate(heap_core& heap, object_header* h) noexcept {
  if (h->slot <= (slot_slow | heap.epoch.old) && heap.epoch.frozen == 0) {
    set_quick_slot(*h, slot_old);
    heap.old_fell = true;
    return;
  }
  heap.candidates[heap.candidate_count] = {h, h->slot};
  set_quick_slot(*h, static_cast<std::uint16_t>(heap.candidate_count++));
}

/// What `add_candidate` does not handle itself.
OURO_DETAIL_NOINLINE inline void add_candidate_slow(object_header* h) noexcept {
  thread_state& thread = this_thread_state();
  if (h->slot > slot_epoch_limit || thread.depth >= tracing_depth) {
    thread.dropped_in_trace = true;
    if (h->word == below_zero) h->word = slow_none;
    if (is_sticky(*h)) h->word = sticky_word;
  } else if (h->word == below_zero) {
    report(heap_of(h),
           "more handles were dropped than made; the object is kept. Was a handle copied bytewise, or destroyed twice?",
           "gc_ptr", type_of(h).name());
    make_immortal(h);
  } else if (is_sticky(*h)) {
    make_immortal(h);
  } else if (state_of(*h) == object_state::live) {
    heap_core& heap = heap_of(h);
    if (heap.candidate_count != heap.candidate_capacity || grow_candidates(heap)) {
      record_candidate(heap, h);
    } else {
      heap.overflowed = heap.lost = true;
    }
  }
}

/// Records that the count of a slow object fell to something above zero: it may be part of a cycle that is now garbage.
OURO_DETAIL_NOINLINE inline void add_candidate(object_header* h) noexcept {
  bool const has_birth = h->slot >= slot_oldest && h->slot <= slot_epoch_limit;
  if (!has_birth || this_thread_state().depth >= tracing_depth || !is_live_in_page(*h) || h->word < slow_word) {
    return add_candidate_slow(h);
  }
  heap_core& heap = *page_of(h)->heap;
  if (heap.candidate_count == heap.candidate_capacity) {
    if (!heap.overflowed) add_candidate_slow(h);
    return;
  }
  record_candidate(heap, h);
}

/// The slot that tells when a tracked object was born, be it a candidate or not.
inline std::uint16_t birth_slot(heap_core const& heap, object_header const& h) noexcept {
  return is_candidate(h) ? heap.candidates[h.slot].birth() : larger(h.slot, slot_oldest);
}
inline std::uint16_t birth_of(heap_core const& heap, object_header const& h) noexcept {
  return static_cast<std::uint16_t>(birth_slot(heap, h) & ~slot_slow);
}
inline std::uint16_t slot_of_newborn(heap_core const& heap, type_descriptor const& type) noexcept {
  return type.tracked() ? static_cast<std::uint16_t>(slot_slow | heap.epoch.now) : slot_leaf;
}

// --- the queue of objects whose destructors wait --------------------------------------------------------------------

inline void enqueue(thread_state& thread, object_header* h) noexcept {
  thread.has_waiting = true;
  set_state(*h, object_state::queued);
  if (is_large(*h)) {
    prefix_of(h)->next_queued = thread.queued_large;
    thread.queued_large = h;
    return;
  }
  page* p = page_of(h);
  if (p->queue == 0) {
    p->next_queued = thread.queued_pages;
    thread.queued_pages = p;
  }
  h->slot = p->queue;
  h->word = queued_word;
  p->queue = static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(h) % page_bytes / 8);
}

inline object_header* dequeue(thread_state& thread) noexcept {
  object_header* h = thread.queued_large;
  if (h != nullptr) {
    thread.queued_large = prefix_of(h)->next_queued;
  } else if (page* p = thread.queued_pages; p != nullptr) {
    h = reinterpret_cast<object_header*>(reinterpret_cast<char*>(p) + std::size_t{p->queue} * 8);
    p->queue = h->slot;
    if (p->queue == 0) thread.queued_pages = p->next_queued;
  } else {
    return nullptr;
  }
  std::uint32_t const count = is_large(*h) ? count_of(*h) : h->word - queued_word;
  h->slot = slot_of_newborn(heap_of(h), type_of(h));
  set_count(*h, count);
  set_state(*h, object_state::live);
  return h;
}

// --- death ----------------------------------------------------------------------------------------------------------

/// Runs `gc_finalize` of an object, which must not die meanwhile; reports what it throws.
inline void call_finalizer(heap_core& heap, type_descriptor const& type, object_header* h) noexcept {
  h->flags |= flag_finalized;
  no_collection_scope scope;
  OURO_DETAIL_TRY { type.finalize(object_of(h)); }
  OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "gc_finalize", type.name()); }
}

/// True when the finalizer left the object without handles.
inline bool still_dead_after_finalizer(heap_core& heap, type_descriptor const& type, object_header* h) noexcept {
  set_count(*h, 1);
  call_finalizer(heap, type, h);
  if (is_sticky(*h)) return false;
  --h->word;
  if (count_of(*h) != 0) {
    if (is_slow(h->slot)) add_candidate(h);
    return false;
  }
  if (is_candidate(*h)) remove_candidate(heap, h);
  return true;
}

/// An object whose destructor has run but to which handles exist, which would dangle, keeps its block for good.
OURO_DETAIL_NOINLINE inline void keep_zombie(heap_core& heap, type_descriptor const& type, object_header* h) noexcept {
  set_state(*h, object_state::zombie);
  make_immortal(h);
  report(heap, "a destructor kept a handle to its own object; its memory is never reused. Use gc_finalize to resurrect",
         "destructor", type.name());
}

/// Runs finalizer and destructor, and gives the block back.
inline void destroy_now(thread_state& thread, object_header* h) noexcept {
  heap_core& heap = heap_of(h);
  type_descriptor const& type = type_of(h);
  ++thread.depth;
  bool const finalized = type.finalize == nullptr || type.is_generator() || (h->flags & flag_finalized) != 0;
  if (finalized || still_dead_after_finalizer(heap, type, h)) {
    set_state(*h, object_state::destroying);
    std::uint32_t const count = count_of(*h);  // not zero if there was a handle too few or too many while it waited
    h->slot = slot_slow;
    set_count(*h, count);
    if ((h->flags & flag_side) != 0) clear_and_call(heap, h);
    if (type.destroy != nullptr) {
      work_entry const entry(h);
      type.destroy(&entry, &entry + 1);
    }
    if ((h->flags & flag_side) != 0) drop_entries(h);
    h->word == slow_none ? release_block(h) : keep_zombie(heap, type, h);
  }
  --thread.depth;
}

OURO_DETAIL_NOINLINE inline void do_what_waits(thread_state& thread) noexcept {
  while (object_header* h = dequeue(thread)) destroy_now(thread, h);
  collect_late_heaps(thread);
  thread.has_waiting =
      thread.queued_pages != nullptr || thread.queued_large != nullptr || thread.collect_late != nullptr;
}

/// What could not be done inside destructors.
OURO_DETAIL_INLINE void drain_queue(thread_state& thread) noexcept {
  if (thread.has_waiting) [[unlikely]]
    do_what_waits(thread);
}

/// Any death that `die` does not handle itself: during a trace, of large objects, of candidates, with a
/// finalizer, with weak handles, deep inside other destructors.
OURO_DETAIL_NOINLINE inline void die_slowly(thread_state& thread, object_header* h) noexcept {
  if (thread.depth >= tracing_depth) {
    thread.dropped_in_trace = true;
    return;
  }
  if (state_of(*h) == object_state::destroying) return;  // a handle that its destructor made and dropped
  type_descriptor const& type = type_of(h);
  if (type.is_generator() && type.defer_death(h)) return;
  if (is_candidate(*h)) remove_candidate(heap_of(h), h);
  if (thread.depth >= deepest_nesting) return enqueue(thread, h);
  destroy_now(thread, h);
  if (thread.depth == 0) drain_queue(thread);
}

inline void die_slowly(object_header* h) noexcept { die_slowly(this_thread_state(), h); }

/// Is there nothing to be looked at before its destructor? Large objects have a flag.
OURO_DETAIL_INLINE bool is_ordinary(object_header const* h) noexcept {
  return h->flags == static_cast<std::uint8_t>(object_state::live) && h->weak == 0;
}
/// The same, and it is slow but not immortal: one load and one branch.
OURO_DETAIL_INLINE bool is_ordinary_and_slow(object_header const* h) noexcept {
  if constexpr (std::endian::native == std::endian::big) return is_ordinary(h) && h->slot >= slot_oldest;
  constexpr std::uint32_t first = second_word(make_header(0, slot_oldest, object_state::live));
  constexpr std::uint32_t last = second_word(make_header(0, 0xffff, object_state::live));
  return load_second_word(h) - first <= last - first;
}

/// A handle has been dropped. If it was the last one the object dies, at once or, deep inside other destructors, soon.
OURO_DETAIL_NOINLINE inline void drop_slow(object_header* h) noexcept {
  if (is_slow(h->slot)) [[likely]] {
    if (h->word != slow_none || h->slot == slot_slow) return add_candidate(h);
  } else {
    if (count_of(*h) != 0) return make_immortal(h);
    if (is_candidate(*h)) return die_slowly(h);  // it is to leave the buffer
  }
  if (!is_ordinary(h)) return die_slowly(h);
  page_of(h)->die(h);
}

/// The same inside of `depth` destructors.
OURO_DETAIL_NOINLINE inline void drop_inside(object_header* h, std::uint32_t depth) noexcept {
  this_thread_state().depth = depth;
  drop_slow(h);
}

template <class Operations>
void die(object_header* h) noexcept;

/// `destroy_here` for the objects of a chain: the function that calls itself.
template <class Operations>
void destroy_ordinary(object_header* h, std::uint32_t depth) noexcept;

/// An ordinary object has lost its last handle, inside of `depth` destructors.
template <class Operations>
OURO_DETAIL_INLINE void destroy_here(object_header* h, std::uint32_t depth) noexcept {
  *h = make_header(0, slot_slow, object_state::destroying);
  ++depth;
  if constexpr (Operations::is_plain) {
    // Objects of one type are often made of one another: those die without a detour. No code of users runs meanwhile, so
    // the thread learns how deep it is only where some may.
    Operations::for_each_target(h, [depth](object_header* target) OURO_DETAIL_INLINE_LAMBDA {
      if (target->word == slow_word && is_ordinary_and_slow(target) && page_of(target)->die == &die<Operations> &&
          depth < deepest_nesting) [[likely]] {
        destroy_ordinary<Operations>(target, depth);
      } else if (static_cast<std::int32_t>(--target->word) < 0) {
        drop_inside(target, depth);
      }
    });
  } else {
    this_thread_state().depth = depth;
    Operations::destroy(h);
  }
  if (h->word == slow_none) [[likely]] {
    free_in_page(*page_of(h), h);
  } else {
    this_thread_state().depth = depth;
    keep_zombie(*page_of(h)->heap, *page_of(h)->type, h);
  }
}

template <class Operations>
void destroy_ordinary(object_header* h, std::uint32_t depth) noexcept {
  destroy_here<Operations>(h, depth);
}

/// The last handle to an ordinary object of the type `Operations` speaks for has been dropped, and it has no finalizer.
/// One function for each type, so that its destructor is part of it.
template <class Operations>
void die(object_header* h) noexcept {
  thread_state& thread = this_thread_state();
  std::uint32_t const depth = thread.depth;
  if (depth >= deepest_nesting) [[unlikely]]
    return die_slowly(thread, h);
  destroy_here<Operations>(h, depth);
  thread.depth = depth;
  if (depth == 0) drain_queue(thread);
}

OURO_DETAIL_INLINE void add_reference(object_header* h) noexcept {
  if (++h->word == 0) [[unlikely]]
    count_anew(h);
}

/// Immortal, free and dying objects are slow, but for those that wait for their destructor.
OURO_DETAIL_INLINE void drop_reference(object_header* h) noexcept {
  if (static_cast<std::int32_t>(--h->word) < 0) [[unlikely]]
    drop_slow(h);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
