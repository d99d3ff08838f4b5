// Where objects come from: the inline fast path, and the slow path that decides whether to collect first.
#ifndef OURO_DETAIL_ALLOCATION_HPP
#define OURO_DETAIL_ALLOCATION_HPP

#include <ouro/detail/runtime.hpp>
#include <ouro/detail/values.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- when to collect ------------------------------------------------------------------------------------------------

/// Young collections wait for so many bytes of objects at least: about what fits a second-level cache.
inline constexpr std::size_t smallest_young_limit = 256 * 1024;
/// Heaps smaller than this are not worth a full collection of its own.
inline constexpr std::size_t smallest_full_heap = 32 * 1024 * 1024;
/// While no count falls to something above zero, garbage cycles can only be made by moves. Heaps are walked for them from
/// this size on, when they have grown so many times.
inline constexpr std::size_t smallest_walked_heap = 64 * 1024 * 1024;
inline constexpr std::size_t unsuspicious_growth = 4;
/// An automatic collection of a younger generation looks at no more objects than this: all candidates, and as many that
/// they lead to. More would take longer than a millisecond.
inline constexpr std::size_t young_budget = 2 * slot_candidate_limit;

/// How much of what a collection looked at was garbage.
enum class worth { little, some, much };

inline worth collect_and_judge(heap_core& heap, int generation, seeds from, std::size_t budget) noexcept {
  auto const& stats = heap.stats[static_cast<std::size_t>(generation)];
  std::size_t const visited = stats.visited;
  std::size_t const found = collect(heap, generation, from, budget);
  std::size_t const looked_at = stats.visited - visited;
  if (looked_at == 0) return worth::some;
  return found * 10 < looked_at ? worth::little : found * 2 < looked_at ? worth::some : worth::much;
}

inline void collect_full(heap_core& heap) noexcept {
  switch (collect_and_judge(heap, 2, seeds::pages, static_cast<std::size_t>(-1))) {
    case worth::little:
      heap.growth_percent = smaller<std::size_t>(heap.growth_percent * 2, 100);
      break;
    case worth::some:
      heap.growth_percent = 50;
      heap.young_limit = larger(heap.young_limit / 4, smallest_young_limit);
      break;
    case worth::much:
      heap.growth_percent = 25;
      heap.young_limit = smallest_young_limit;
      break;
  }
}

/// Collections that find little wait longer the next time, up to a doubling of the heap: so no object is looked at more
/// often than about twice while the heap doubles.
inline void collect_young(heap_core& heap) noexcept {
  // Candidates of generation 1 are not to fill the buffer.
  bool const middle = heap.count1 >= heap.middle_interval || heap.aged_candidates >= slot_candidate_limit / 2;
  // All that was allocated meanwhile can be looked at, while that is little.
  bool const all = heap.overflowed && heap.young_limit <= smallest_young_limit;
  worth const found = collect_and_judge(heap, middle ? 1 : 0, all ? seeds::pages : seeds::candidates, young_budget);
  if (middle) heap.middle_interval = found == worth::little ? smaller<std::size_t>(heap.middle_interval * 2, 1000) : 10;
  if (found == worth::little) {
    heap.young_limit = smaller(heap.young_limit * 4, larger(smallest_young_limit, bytes_held(heap)));
  } else if (found == worth::much) {
    heap.young_limit = larger(heap.young_limit / 2, smallest_young_limit);
  }
}

/// The policy while the user has set no thresholds: by bytes, adapting to what is found.
inline void collect_by_bytes(heap_core& heap) noexcept {
  heap.young_limit = larger(heap.young_limit, smallest_young_limit);
  // While young collections pay, they come before the buffer of candidates overflows.
  bool const crowded = heap.candidate_count >= slot_candidate_limit / 4 * 3 && heap.young_limit <= smallest_young_limit;
  if (heap.allocated < heap.young_limit && !crowded) return;
  std::size_t const held = bytes_held(heap);
  heap.allocated = 0;
  bool const suspicious = heap.candidate_count != 0 || heap.old_fell || heap.lost;
  if (!suspicious) {
    if (held >= smallest_walked_heap && held >= heap.live_after_full * unsuspicious_growth) return collect_full(heap);
    heap.unsuspicious = held;
    return;
  }
  std::size_t const live = larger(heap.live_after_full, heap.unsuspicious);
  if (held >= smallest_full_heap && held >= live + live / 100 * heap.growth_percent && (heap.old_fell || heap.lost)) {
    collect_full(heap);
  } else if (heap.candidate_count != 0) {
    collect_young(heap);
  }
}

/// CPython's policy, once `set_threshold` has been called: by the number of objects.
inline void collect_by_count(heap_core& heap) noexcept {
  std::size_t const first = heap.threshold[0];
  if (first == 0) return;
  std::size_t const tracked = tracked_objects(heap);
  heap.count0_base = smaller(heap.count0_base, tracked);
  if (tracked - heap.count0_base < first && first != 1) return;
  if (heap.count2 > heap.threshold[2] && tracked > heap.objects_after_full + heap.objects_after_full / 4) {
    collect(heap, 2, seeds::pages);
  } else {
    collect(heap, heap.count1 > heap.threshold[1] ? 1 : 0, heap.lost ? seeds::pages : seeds::candidates);
  }
}

inline void collect_if_due(heap_core& heap, type_descriptor const& type) noexcept {
  if (!heap.enabled || heap.paused != 0 || !may_collect(heap)) return;
  heap_user keep(heap);
  if (!heap.counting) {
    collect_by_bytes(heap);
  } else if (type.tracked()) {
    collect_by_count(heap);
  }
}

// --- allocation -----------------------------------------------------------------------------------------------------

/// Gives every type its place in the tables of bins.
inline std::uint32_t bin_of(type_descriptor const& type) noexcept {
  std::uint32_t bin = type.bin.load(std::memory_order_relaxed);
  if (bin != no_bin) return bin;
  std::uint32_t const fresh =
      the_process().next_bin.fetch_add(type.is_array ? array_classes : 1, std::memory_order_relaxed);
  return type.bin.compare_exchange_strong(bin, fresh, std::memory_order_relaxed) ? fresh : bin;
}

inline bool reserve_bins(heap_core& heap, std::uint32_t count) noexcept {
  if (count <= heap.bin_count) return true;
  std::uint32_t const size = larger(count, larger(heap.bin_count * 2, 32));
  bin* bins = new (std::nothrow) bin[size];
  if (bins == nullptr) return false;
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) bins[i] = heap.bins[i];
  delete[] heap.bins;
  heap.bins = bins;
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) {
    if (bins[i].current != nullptr) set_mode(heap, *bins[i].current, page_mode::current);
  }
  heap.bin_count = size;
  thread_state& thread = this_thread_state();
  if (thread.current == &heap) set_current(thread, &heap);
  return true;
}

inline object_header* try_allocate(heap_core& heap, type_descriptor const& type, std::size_t bytes) noexcept {
  std::size_t const block = block_size(type, bytes);
  if (!is_pooled(type, bytes, block)) {
    object_header* h = take_large(heap, type, bytes);
    if (h != nullptr) h->flags = flag_large;
    return h;
  }
  std::uint32_t const index = bin_of(type) + static_cast<std::uint32_t>(type.is_array ? block / array_class_bytes : 0);
  if (!reserve_bins(heap, index + 1)) return nullptr;
  object_header* h = heap.counting ? take_one(heap, type, index, block) : take_from_bin(heap, type, index, block);
  if (h != nullptr) h->flags = 0;
  return h;
}

/// Any allocation that the bin cannot serve. `bytes`: the object, or all elements. Throws std::bad_alloc after one full
/// collection that did not help, and with all free memory given back, since it may have been the wrong size.
OURO_DETAIL_NOINLINE inline object_header* allocate_slow(type_descriptor const& type, std::size_t bytes) {
  collect_if_due(current_heap(), type);
  object_header* h = try_allocate(current_heap(), type, bytes);
  if (h == nullptr) {
    heap_user keep(current_heap());
    collect(current_heap(), 2, seeds::pages);
    trim_all_pages(current_heap());
    trim_large(current_heap(), 0);
    h = try_allocate(current_heap(), type, bytes);
  }
  if (h == nullptr) throw_bad_alloc();
  auto const flags = static_cast<std::uint8_t>(h->flags | static_cast<std::uint8_t>(object_state::constructing));
  *h = make_header(1, slot_of_newborn(current_heap(), type), 0, flags);
  if (!is_large(*h)) unpoison_body(*page_of(h), h);
  return h;
}

/// A block for an object of the type, with a count of one, in the state `constructing`. `size_class`: of an array.
///
/// The fast path is about ten instructions: the bin's first block is taken and its header stored as one word.
template <bool Tracked>
OURO_DETAIL_INLINE object_header* allocate(type_descriptor const& type, std::size_t bytes,
                                           std::uint32_t size_class = 0) {
  thread_state& thread = this_thread_state();
  std::uint32_t const index = type.bin.load(std::memory_order_relaxed) + size_class;
  if (index < thread.bin_count) [[likely]] {
    bin& b = thread.bins[index];
    if (object_header* h = b.free; h != nullptr) [[likely]] {
      b.free = next_free(h);
      *h = Tracked ? thread.fresh : make_header(1, slot_leaf, object_state::constructing);
      unpoison_body(*page_of(h), h);
      return h;
    }
  }
  return allocate_slow(type, bytes);
}

/// A constructor threw: its block goes back, unless handles to the unfinished object have escaped.
inline void abandon(object_header* h) noexcept {
  heap_core& heap = heap_of(h);
  if ((h->flags & flag_side) != 0) {
    set_state(*h, object_state::destroying);
    clear_and_call(heap, h);
    drop_entries(h);
  }
  if (count_of(*h) == 1) {
    if (is_candidate(*h)) remove_candidate(heap, h);
    return release_block(h);
  }
  set_state(*h, object_state::zombie);
  make_immortal(h);
  report(heap, "a constructor threw after a handle to its object had escaped; the memory is never reused", "make_gc",
         type_of(h).name());
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
