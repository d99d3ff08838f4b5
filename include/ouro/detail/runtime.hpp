// The life of heaps: each thread's own, those that were closed while handles still point into them, and the last one.
//
//   open --close()--> closed, with objects --last object dies--> deleted
//
// A thread's heap closes after the thread's thread_locals, the main heap after all statics: every translation unit
// holds a counter object, as <iostream> does, and the last one that goes closes what is left.
#ifndef OURO_DETAIL_RUNTIME_HPP
#define OURO_DETAIL_RUNTIME_HPP

#include <ouro/detail/collector.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define OURO_DETAIL_PTHREAD 1
#else
#define OURO_DETAIL_PTHREAD 0
#endif

namespace ouro {

// Not in the versioned namespace: translation units of different configurations must meet here.
namespace configuration {
OURO_VISIBLE inline std::atomic<char const*>& registered() noexcept {
  static constinit std::atomic<char const*> name{nullptr};
  return name;
}
}  // namespace configuration

inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- the process ----------------------------------------------------------------------------------------------------

struct process_state {
  std::atomic<std::size_t> units{0};  // translation units that are initialised and not yet torn down
  std::atomic<heap_core*> main_heap{nullptr};
  std::atomic<thread_state*> main_thread{nullptr};
  std::atomic<std::uint32_t> next_bin{0};  // types that have a place in the tables of bins
  std::atomic<std::size_t> makers{0};      // modules that have made a heap
  std::atomic_flag locked{};               // guards the list
  heap_core* closed_heaps = nullptr;
};

OURO_VISIBLE inline process_state& the_process() noexcept {
  static constinit process_state state;
  return state;
}

/// An executable or a library. The last one that has made a heap closes the process, through a pointer: so programs may
/// unload libraries, and code that makes nothing is compiled without the collector.
struct module_state {
  std::atomic<std::size_t> units{0};
  std::atomic<void (*)() noexcept> close{nullptr};  // if it has made a heap
};

OURO_DETAIL_HIDDEN inline constinit module_state this_module{};

struct closed_heaps_lock : flag_lock {
  closed_heaps_lock() noexcept : flag_lock(the_process().locked) {}
};

// --- making, closing, deleting --------------------------------------------------------------------------------------

inline void set_current(thread_state& thread, heap_core* heap) noexcept {
  thread.current = heap;
  bool const fast = heap != nullptr && !heap->counting;
  thread.bins = fast ? heap->bins : nullptr;
  thread.bin_count = fast ? heap->bin_count : 0;
  thread.fresh = make_header(1, static_cast<std::uint16_t>(slot_slow | (heap != nullptr ? heap->epoch.now : 0)),
                             object_state::constructing);
}

inline bool is_empty(heap_core const& heap) noexcept {
  return heap.used_pages == 0 && heap.large_objects[0] + heap.large_objects[1] == 0;
}

inline void delete_heap(heap_core& heap) noexcept {
  if (heap.hooks.destroy != nullptr) heap.hooks.destroy(heap.hooks.module);
  if (heap.home_handle != nullptr) heap.delete_handle(heap.home_handle);
  trim_all_pages(heap);
  trim_large(heap, 0);
  delete[] heap.bins;
  delete[] heap.candidates;
  delete &heap;
}

inline void delete_heap_if_unused(heap_core& heap) noexcept {
  if (!heap.closed || heap.users != 0 || !is_empty(heap)) return;
  {
    closed_heaps_lock lock;
    (heap.previous_heap != nullptr ? heap.previous_heap->next_heap : the_process().closed_heaps) = heap.next_heap;
    if (heap.next_heap != nullptr) heap.next_heap->previous_heap = heap.previous_heap;
  }
  delete_heap(heap);
}

/// Collects until nothing more is found: destructors may have made new garbage.
inline void collect_all(heap_core& heap) noexcept {
  constexpr int rounds = 100;
  for (int i = 0; i != rounds; ++i) {
    if (collect(heap, 2, seeds::pages) == 0) return;
  }
}

/// What `thread_state::collect_late` points to.
inline void collect_closed_heaps(thread_state& thread) noexcept {
  while (thread.collect_late != nullptr && thread.depth == 0 && thread.no_collection == 0) {
    heap_core* late = nullptr;
    {
      closed_heaps_lock lock;
      late = the_process().closed_heaps;
      while (late != nullptr && !(late->collect_late && late->owner.load() == &thread)) late = late->next_heap;
      if (late != nullptr) ++late->users;
    }
    if (late == nullptr) {
      thread.collect_late = nullptr;
      return;
    }
    late->collect_late = false;
    collect_all(*late);
    --late->users;
    delete_heap_if_unused(*late);
  }
}

/// Collects what is garbage. Objects that still have handles live on, and the heap with them.
inline void close_heap(heap_core& heap) noexcept {
  heap_user keep(heap);
  heap.owner.store(&this_thread_state(), std::memory_order_relaxed);
  heap.epoch.frozen = 0;
  thread_state& thread = this_thread_state();
  if (!may_collect(heap)) {
    heap.collect_late = true;
    thread.collect_late = &collect_closed_heaps;
    thread.has_waiting = true;
  }
  while (heap.exit_records != nullptr) heap.exit_records->heap_closes();
  if (heap.hooks.drop_all != nullptr) heap.hooks.drop_all(heap);
  collect_all(heap);
  if (heap.hooks.drop_all != nullptr) heap.hooks.drop_all(heap);
  if (thread.home == &heap) thread.home = nullptr;
  start_counting(heap);  // so that the death of the last object is noticed
  if (thread.current == &heap) set_current(thread, thread.home);
  heap.closed = true;
  {
    closed_heaps_lock lock;
    heap.previous_heap = nullptr;
    heap.next_heap = the_process().closed_heaps;
    if (heap.next_heap != nullptr) heap.next_heap->previous_heap = &heap;
    the_process().closed_heaps = &heap;
  }
}

/// Takes a thread's own heap away from it: it belongs to whoever moves its handle.
inline void detach_home_heap(heap_core& heap) noexcept {
  thread_state& thread = this_thread_state();
  if (thread.home != &heap) fail("only its own thread can move a thread's default heap", "ouro::heap", {});
  thread.home = nullptr;
  heap_core* main_heap = &heap;
  the_process().main_heap.compare_exchange_strong(main_heap, nullptr);
  if (thread.current == &heap) set_current(thread, nullptr);
}

void close_process() noexcept;

/// Throws std::bad_alloc.
inline heap_core& create_heap() {
  auto* heap = new (std::nothrow) heap_core;
  if (heap == nullptr) throw_bad_alloc();
  if (this_module.close.exchange(&close_process) == nullptr) ++the_process().makers;
  heap->owner.store(&this_thread_state(), std::memory_order_relaxed);
  return *heap;
}

// --- the end of a thread --------------------------------------------------------------------------------------------

inline void close_home_heap() noexcept {
  if (heap_core* home = this_thread_state().home) close_heap(*home);
}

/// Arranges that the thread's heap is closed after its thread_locals.
inline void close_at_thread_exit(heap_core& heap) noexcept {
#if OURO_DETAIL_PTHREAD
  struct pin {  // a library that this is part of stays loaded until the thread ends, since a thread_local needs it
    pin() noexcept {}
    ~pin() {}
  };
  static thread_local pin const library;
  (void)library;
  static pthread_key_t const key = [] {
    pthread_key_t k{};
    pthread_key_create(&k, [](void*) { close_home_heap(); });
    return k;
  }();
  pthread_setspecific(key, &heap);
#else
  struct closer {
    ~closer() { close_home_heap(); }
  };
  static thread_local closer at_exit;
  (void)at_exit;
  (void)heap;
#endif
}

/// The heap that allocations of this thread go to. Throws std::bad_alloc when the first one cannot be made.
OURO_DETAIL_NOINLINE inline heap_core& make_home_heap() {
  thread_state& thread = this_thread_state();
  if (thread.home == nullptr) {
    heap_core& heap = create_heap();
    process_state& process = the_process();
    heap_core* none = nullptr;
    bool const is_main =
        process.main_thread.load() == &thread && process.main_heap.compare_exchange_strong(none, &heap);
    thread.home = &heap;
    if (!is_main) close_at_thread_exit(heap);
  }
  set_current(thread, thread.home);
  return *thread.home;
}

inline heap_core& current_heap() {
  heap_core* heap = this_thread_state().current;
  return heap != nullptr ? *heap : make_home_heap();
}

// --- the end of the program -----------------------------------------------------------------------------------------

/// Closes the main heap, then collects what cycles are left in heaps of threads that have ended.
inline void close_process() noexcept {
  process_state& process = the_process();
  thread_state& thread =
      this_thread_state();  // std::exit may have been called inside a destructor, which never returns
  thread.depth = thread.no_collection = 0;
  if (heap_core* heap = replace(thread.collecting, nullptr)) abandon_collection(*heap);
  if (heap_core* heap = process.main_heap.exchange(nullptr)) close_heap(*heap);
  heap_core* first = nullptr;
  {
    closed_heaps_lock lock;
    first = process.closed_heaps;
    for (heap_core* h = first; h != nullptr; h = h->next_heap) ++h->users;  // none is deleted by another's destructors
  }
  for (heap_core *h = first, *next = nullptr; h != nullptr; h = next) {
    collect_all(*h);
    next = h->next_heap;
    --h->users;
    delete_heap_if_unused(*h);
  }
}

/// One in every translation unit that includes ouro.
class unit_counter {
 public:
  unit_counter() noexcept {
    char const* other = nullptr;
    if (!configuration::registered().compare_exchange_strong(other, OURO_DETAIL_ABI_NAME) &&
        std::strcmp(other, OURO_DETAIL_ABI_NAME) != 0) {
      std::fprintf(stderr,
                   "ouro: this program mixes translation units of different configurations: [%s] and [%s]. Define "
                   "OURO_HARDENED and OURO_SYSTEM_ALLOC alike everywhere\n",
                   other, OURO_DETAIL_ABI_NAME);
      std::abort();
    }
    ++this_module.units;
    if (the_process().units++ == 0) the_process().main_thread.store(&this_thread_state());
  }
  unit_counter(unit_counter const&) = delete;
  unit_counter& operator=(unit_counter const&) = delete;
  ~unit_counter() {
    --the_process().units;
    auto* const close = this_module.close.load();
    if (--this_module.units == 0 && close != nullptr && --the_process().makers == 0) close();
  }
};

static unit_counter const this_unit OURO_DETAIL_INIT_FIRST;

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
