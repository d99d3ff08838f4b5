// The state of a heap: pages, large blocks, candidates, generations, policy and statistics, and the thread's current heap.
#ifndef OURO_DETAIL_HEAP_CORE_HPP
#define OURO_DETAIL_HEAP_CORE_HPP

#include <ouro/detail/page.hpp>
#include <ouro/detail/registry.hpp>
#include <ouro/detail/work_list.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

namespace gc {

/// What one generation's collections did so far.
struct generation_stats {
  std::size_t collections = 0;    // collections of this generation
  std::size_t collected = 0;      // objects found unreachable
  std::size_t uncollectable = 0;  // always 0, as in CPython since finalizers run on cycles
  std::size_t candidates = 0;     // candidates that collections started from
  std::size_t visited = 0;        // objects traced, each time counted
  double seconds = 0;             // time spent
  double longest_pause = 0;       // seconds of the longest collection
};

/// Where a collection is when it calls a callback.
enum class phase { start, stop };

/// What a callback learns about the collection that starts or has stopped.
struct info {
  int generation;             // that is collected
  std::size_t collected;      // objects found unreachable; 0 at the start
  std::size_t uncollectable;  // always 0
};

/// Called with what nobody can catch: the exception of a finalizer or callback, or a std::logic_error that describes
/// misuse found by the library; where it happened; and the type of the object concerned.
using unraisable_hook = void (*)(std::exception_ptr, std::string_view where, std::string_view type);

}  // namespace gc

namespace detail {

struct bin {
  object_header* free = nullptr;  // blocks ready to be handed out
  page* current = nullptr;        // where they lie
  page* partial = nullptr;        // other pages with free blocks
  page* idle = nullptr;           // pages without objects that keep their free blocks
};

/// Size classes of large blocks, up to 2 GiB; see `large_class`.
inline constexpr std::size_t smallest_large_class = 1024;
inline constexpr std::size_t large_classes = 8 * 23;

/// Sizes of entries of weak containers that have pages of their own.
inline constexpr std::size_t entry_unit = 16;
inline constexpr std::size_t entry_classes = 32;

/// An object whose count fell, and the slot that it had: its birth. One word, as a `work_entry` is.
class candidate {
 public:
  candidate() = default;
  candidate(object_header* h, std::uint16_t birth) noexcept
      : bits_(std::uint64_t{reinterpret_cast<std::uintptr_t>(h)} << 13 | birth) {}

  object_header* header() const noexcept {
    return reinterpret_cast<object_header*>(static_cast<std::uintptr_t>(bits_ >> 16 << 3));
  }
  std::uint16_t birth() const noexcept { return static_cast<std::uint16_t>(bits_); }

 private:
  std::uint64_t bits_;
};

struct thread_state;

/// Generations are intervals of birth epochs. An epoch ends with every collection; an object carries the epoch of its
/// birth, so that promoting and freezing cost nothing:
///
///   frozen | generation 2 | generation 1 | generation 0
///          ^ frozen       ^ old          ^ middle       ^ now
struct epochs {
  std::uint16_t now = 4;
  std::uint16_t middle = 3;
  std::uint16_t old = 2;
  std::uint16_t frozen = 0;

  int generation_of(std::uint16_t birth) const noexcept { return birth > middle ? 0 : birth > old ? 1 : 2; }
};
inline constexpr std::uint16_t last_epoch = slot_epoch_limit - slot_slow;

/// The functions of layers above that a heap calls.
struct heap_hooks {
  void (*callbacks)(heap_core&, gc::phase, gc::info const&) = nullptr;
  void (*save_garbage)(heap_core&, object_header*) = nullptr;  // adopts one count of the object
  void (*drop_all)(heap_core&) = nullptr;                      // lets go of handles held for the user
  void (*destroy)(void* module) = nullptr;
  void* module = nullptr;
};

/// Something that runs when a heap closes. It leaves the list first.
struct exit_record : list_hook<exit_record> {
  virtual void heap_closes() noexcept = 0;

 protected:
  ~exit_record() = default;
};

struct heap_core {
  heap_core() = default;
  heap_core(heap_core const&) = delete;
  heap_core& operator=(heap_core const&) = delete;

  // Allocation.
  bin* bins = nullptr;
  std::uint32_t bin_count = 0;
  page* pages[2] = {};  // leaf, tracked
  large_prefix* large[2] = {};
  chunk* chunks = nullptr;
  std::size_t chunk_count = 0;
  std::size_t dirty_pages = 0;
  std::size_t idle_pages = 0;
  std::size_t used_pages = 0;
  std::size_t large_objects[2] = {};
  std::size_t large_bytes = 0;
  large_prefix* kept_large[large_classes] = {};  // free blocks by size class
  std::size_t kept_large_bytes = 0;
  std::size_t limit = static_cast<std::size_t>(-1);
  std::size_t bytes = 0;        // of blocks in pages; deaths are noticed when a page is used again, empty, or recounted
  bool counting = false;        // `bytes` and `objects` are exact, and every allocation takes the slow path
  std::size_t objects[2] = {};  // dead ones that weak handles keep are counted, too
  std::size_t dead[2] = {};

  // Weak references.
  side_record* tracked_leaves = nullptr;
  std::size_t watches = 0;  // handles with callbacks whose objects live
  std::uint64_t watches_made = 0;
  page* entry_pages[entry_classes] = {};  // with room for more entries of weak containers
  std::size_t entry_page_count = 0;
  std::uint32_t trace_round = 0;        // the trials so far
  exit_record* exit_records = nullptr;  // newest first

  // Candidates and generations.
  candidate* candidates = nullptr;
  std::uint32_t candidate_count = 0;
  std::uint32_t candidate_capacity = 0;
  std::uint32_t aged_candidates = 0;  // those that the last collection left to one of generation 1
  bool overflowed = false;            // some candidate was not recorded since the last collection
  bool lost = false;                  // some garbage may not have been looked at: a full collection is due
  bool old_fell = false;              // the count of some object of generation 2 fell since the last full collection
  epochs epoch;

  // Policy.
  bool enabled = true;
  std::size_t paused = 0;
  std::array<std::size_t, 3> threshold{700, 10, 10};
  std::size_t count0_base = 0;  // tracked objects when counting began anew
  std::size_t count1 = 0;       // collections of generation 0 since the last one of generation 1
  std::size_t count2 = 0;
  std::size_t allocated = 0;        // bytes handed out since the last look, leaves included: they hang on cycles
  std::size_t young_limit = 0;      // look again after so many
  std::size_t live_after_full = 0;  // bytes
  std::size_t unsuspicious = 0;     // bytes when there was last no sign of any garbage
  std::size_t objects_after_full = 0;
  std::size_t growth_percent = 100;
  std::size_t middle_interval = 10;  // young collections between two of generation 1

  // The running collection.
  bool collecting = false;
  chunk_pool work_chunks;

  // Reporting.
  std::array<gc::generation_stats, 3> stats{};
  unsigned debug = 0;
  gc::unraisable_hook hook = nullptr;
  heap_hooks hooks;

  // Life: a heap lives until it has been closed and its last object is gone.
  bool closed = false;
  bool adopted = false;       // by a thread that touched it after its own had ended
  bool collect_late = false;  // closed where collections are forbidden: it still has to collect
  std::size_t users = 0;      // destructors and collections under way that still need this object
  heap_core* next_heap = nullptr;
  heap_core* previous_heap = nullptr;
  std::atomic<thread_state*> owner{nullptr};
  heap* handle = nullptr;       // the public object that speaks for this heap
  heap* home_handle = nullptr;  // the one that heap::current() made for a thread's own heap
  void (*delete_handle)(heap*) = nullptr;
};

/// What a thread needs at hand. Its fast path reads `bins`, `bin_count` and `fresh`.
struct thread_state {
  bin* bins = nullptr;
  std::uint32_t bin_count = 0;
  alignas(8) object_header fresh{};  // the header of a new tracked object; must not straddle cache lines
  heap_core* current = nullptr;      // where allocations go
  heap_core* home = nullptr;         // the thread's default heap
  page* queued_pages = nullptr;      // with objects whose destructors wait
  object_header* queued_large = nullptr;
  std::uint32_t depth = 0;                                 // nested destructors of counted deaths
  bool has_waiting = false;                                // something in the queues, or `collect_late`
  bool dropped_in_trace = false;                           // a handle was dropped while the thread traced
  void (*collect_late)(thread_state&) noexcept = nullptr;  // set while some closed heap of this thread has to collect
  std::uint32_t no_collection = 0;                         // > 0 in finalizers, callbacks, traces and collections
  heap_core* collecting = nullptr;                         // whose collection runs
};

OURO_VISIBLE OURO_DETAIL_INLINE thread_state& this_thread_state() noexcept {
  static constinit thread_local thread_state state;
  return state;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
