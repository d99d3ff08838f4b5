// One collection from start to stop: seeds, trial, weak references, finalizers, second trial, destruction, figures.
#ifndef OURO_DETAIL_COLLECTOR_HPP
#define OURO_DETAIL_COLLECTOR_HPP

#include <ouro/detail/clock.hpp>
#include <ouro/detail/trial_deletion.hpp>
#include <ouro/detail/values.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Counts of garbage that is being torn down start here, so that no drop brings them to zero.
inline constexpr std::uint32_t condemned_count = 0x10000000u;

inline constexpr unsigned debug_stats = 1, debug_collectable = 2, debug_saveall = 32;

/// Where a collection starts from.
enum class seeds : std::uint8_t {
  candidates,  // objects whose count fell: finds all garbage but what moves have made
  pages        // every tracked object of the generation
};

inline void set_epoch(heap_core& heap, std::uint16_t epoch) noexcept {
  heap.epoch.now = epoch;
  thread_state& thread = this_thread_state();
  if (thread.current == &heap) thread.fresh.slot = static_cast<std::uint16_t>(slot_slow | epoch);
}

/// Epochs have 15 bits: when they run out, ages are folded to the generation they stand for.
inline void renumber_epochs(heap_core& heap) noexcept {
  epochs const before = heap.epoch;
  auto const fold = [&](std::uint16_t slot) {
    auto const birth = static_cast<std::uint16_t>(slot & ~slot_slow);
    int const age = birth <= before.frozen ? 1 : 4 - before.generation_of(birth);
    return static_cast<std::uint16_t>(slot_slow | age);
  };
  for (page* p = heap.pages[true]; p != nullptr; p = p->next) p->last_birth = 4;
  walk_pages(heap, true, [&](object_header* h) {
    if (state_of(*h) != object_state::queued && h->slot >= slot_oldest && h->slot < slot_in_set)
      h->slot = fold(h->slot);
  });
  for (side_record* side = heap.tracked_leaves; side != nullptr; side = side->next) {
    std::uint16_t& slot = side->header->slot;
    if (slot >= slot_oldest && slot < slot_in_set) slot = fold(slot);
  }
  for (std::uint32_t i = 0; i != heap.candidate_count; ++i) {
    candidate& c = heap.candidates[i];
    c = {c.header(), fold(c.birth())};
  }
  heap.epoch = {4, 3, 2, static_cast<std::uint16_t>(before.frozen != 0 ? 1 : 0)};
  set_epoch(heap, 4);
}

inline void next_epoch(heap_core& heap) noexcept {
  if (heap.epoch.now == last_epoch) renumber_epochs(heap);
  set_epoch(heap, static_cast<std::uint16_t>(heap.epoch.now + 1));
}

class collection {
 public:
  collection(heap_core& heap, int generation, seeds from, std::size_t budget) noexcept
      : heap_(heap),
        generation_(generation),
        from_(from),
        oldest_(generation == 0   ? heap.epoch.middle
                : generation == 1 ? heap.epoch.old
                                  : heap.epoch.frozen),
        trial_(heap, faults_, oldest_, budget) {}

  /// The number of objects found unreachable.
  std::size_t run() noexcept {
    double const begin = seconds_now();
    seed();
    trial_.run(from_ == seeds::candidates);
    if (generation_ == 2) heap_.lost = false;
    if (trial_.size() != 0) reclaim();
    if (trial_.was_cut()) heap_.lost = true;
    promote();
    account(seconds_now() - begin);
    faults_.deliver(heap_);
    return collected_;
  }

 private:
  // Candidates leave the buffer before any user code runs. Those that are too old for this collection stay, but for
  // those of generation 2, which full collections find without it.
  void seed() noexcept {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i != heap_.candidate_count; ++i) {
      candidate const c = heap_.candidates[i];
      auto const birth = static_cast<std::uint16_t>(c.birth() & ~slot_slow);
      if (birth <= oldest_ && heap_.epoch.generation_of(birth) == 1) {
        c.header()->slot = static_cast<std::uint16_t>(kept);
        heap_.candidates[kept++] = c;
        continue;
      }
      bool const is_old = birth <= oldest_;
      heap_.old_fell |= is_old;
      candidates_ += !is_old;
      bool const joins = !is_old && from_ == seeds::candidates && trial_.insert(c.header());
      if (!joins) set_slow_slot(*c.header(), c.birth());
    }
    heap_.candidate_count = heap_.aged_candidates = kept;
    heap_.overflowed = false;
    if (generation_ == 2) heap_.old_fell = false;
    if (from_ == seeds::pages) {
      for (page* p = heap_.pages[true]; p != nullptr && !trial_.was_cut(); p = p->next) {
        if (p->mode == page_mode::current || p->last_birth > oldest_) trial_.insert_page(*p, generation_ == 2);
      }
      for (large_prefix* l = heap_.large[true]; l != nullptr; l = l->next) {
        if (trial_.eligible(*l->header())) trial_.insert(l->header());
      }
      for (side_record const* side = heap_.tracked_leaves; side != nullptr; side = side->next) {
        if (trial_.eligible(*side->header)) trial_.insert(side->header);
      }
    }
  }

  void reclaim() noexcept {
    if (tell_of_death()) trial_.run(false);
    collected_ = trial_.size();
    if (collected_ == 0) return;
    if ((heap_.debug & debug_collectable) != 0) print_collectable();
    if ((heap_.debug & debug_saveall) != 0 && heap_.hooks.save_garbage != nullptr) {
      save_all();
    } else {
      destroy_all();
    }
  }

  /// Calls weak callbacks and the finalizers that have not run, on the intact graph. False when there were none.
  bool tell_of_death() noexcept {
    weak_watch* watches = nullptr;
    bool const watched = is_watched();
    if (!watched && !trial_.has_finalizers()) return false;
    if (!trial_.prepare_restore()) {
      trial_.restore(0);
      trial_.rearm();
      trial_.run(false);
    }
    if (watched) take_callbacks(watches);
    trial_.restore(1);
    call_watches(heap_, watches);
    trial_.set().for_each([&](object_header* h) {
      type_descriptor const& type = type_of(h);
      if (type.finalize != nullptr && (h->flags & flag_finalized) == 0) call_finalizer(heap_, type, h);
    });
    trial_.set().for_each([&](object_header* h) {
      if (is_candidate(*h)) remove_candidate(heap_, h);
      if (!is_sticky(*h)) --h->word;
    });
    trial_.rearm();
    return true;
  }

  struct finding_watches {
    void on_edge(edge const&) const noexcept {}
    bool wants(weak_entry&) const noexcept { return true; }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  /// Do weak handles with callbacks lead to garbage?
  bool is_watched() noexcept {
    bool watched = false;
    if (trial_.has_sides() && heap_.watches != 0) {
      trial_.set().for_each([&](object_header* h) {
        side_record const* const side = side_of(h);
        watched |= side != nullptr && side->watches != nullptr;
      });
    }
    return watched;
  }

  /// Clears the weak handles with callbacks that lead to garbage. Those that are garbage themselves are not called.
  void take_callbacks(weak_watch*& pending) noexcept {
    trial_.set().for_each([&](object_header* h) {
      if (side_record* const side = side_of(h); side != nullptr) take_watches(*side, pending);
    });
    if (pending == nullptr) return;
    tracing_scope scope;
    edge_stream<finding_watches> stream({}, trace_pass::find_watches, heap_);
    trial_.set().for_each([&](object_header* h) { stream.trace(type_of(h), h); });
    stream.drain();
  }

  void save_all() noexcept {
    trial_.prepare_restore();
    collected_ = trial_.size();
    trial_.restore(1);
    trial_.set().for_each([&](object_header* h) { heap_.hooks.save_garbage(heap_, h); });
  }

  // Every handle found leads to garbage.
  struct clearing_all {
    checked_trace* checked;

    void on_edge(edge const& e) const noexcept { *e.slot = nullptr; }
    bool wants(weak_entry&) const noexcept { return true; }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };
  struct clearing {
    checked_trace* checked;

    // Garbage has this slot before and after it has been condemned; nothing else has while no user code runs.
    void on_edge(edge const& e) const noexcept {
      if (resolve(e.target)->slot >= slot_in_set) *e.slot = nullptr;
    }
    bool wants(weak_entry& e) const noexcept {
      if (!e.hand_traced || checked == nullptr) return true;
      if (checked->run(e) == trace_fault::none) {
        for (edge const& inner : *checked) on_edge(inner);
      }
      return false;
    }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  void destroy_all() noexcept {
    if (trial_.is_closed()) {
      if (!trial_.has_destructors() && trial_.has_plain_sides()) return free_all<false>();
      clear_references<clearing_all>();
    } else {
      clear_references<clearing>();
    }
    if (trial_.has_keyed_containers()) empty_keyed_containers();
    for_each_run([](type_descriptor const& type, work_entry* first, work_entry* last) {
      if (type.destroy != nullptr) type.destroy(first, last);
      for_each_with_side(first, last, drop_entries);
    });
    free_all<true>();
  }

  /// Calls `f(header)` for those of a run that something hangs on.
  template <class F>
  static void for_each_with_side(work_entry const* first, work_entry const* last, F f) {
    if (!may_have_sides(first->header())) return;
    for (; first != last; ++first) {
      if ((first->header()->flags & flag_side) != 0) f(first->header());
    }
  }

  static void condemn_in_page(work_entry const* first, work_entry const* last) noexcept {
    if (!first->is_large()) page_of(first->header())->condemned += static_cast<std::uint32_t>(last - first);
  }

  /// Calls `f(type, first, last)` for objects of one type that follow one another.
  template <class F>
  void for_each_run(F f) {
    trial_.set().for_each_run([&](work_entry* first, work_entry* last) { f(type_of(first->header()), first, last); });
  }

  /// Condemns the garbage: weak handles to it are dead, and its references to garbage are null. Callbacks that were made
  /// meanwhile are not called.
  template <class Pass>
  void clear_references() noexcept {
    weak_watch* uncalled = nullptr;
    tracing_scope scope;
    Pass pass{&trial_.checked()};
    edge_stream<Pass> stream(pass, trace_pass::clear, heap_);
    for_each_run([&](type_descriptor const& type, work_entry* first, work_entry* last) {
      for (work_entry* entry = first; entry != last; ++entry) {
        object_header& h = *entry->header();
        if ((load_second_word(&h) & weakly_referenced) != 0) [[unlikely]]
          clear_weak_handles(&h, uncalled);
        h = make_header(condemned_count, slot_condemned, h.weak, with_state(h, object_state::destroying));
      }
      if (!type.hand_traced()) return stream.trace(type, first, last);
      for (; first != last; ++first) clear_checked(pass, stream, type, first->header());
    });
    stream.drain();
    stream.trace_tables(trial_.checked());
    stream.drain();
    while (uncalled != nullptr) unlink(uncalled);
  }

  OURO_DETAIL_NOINLINE void clear_weak_handles(object_header* h, weak_watch*& uncalled) noexcept {
    condemned_weak_handles_ |= h->weak;
    clear_weak(h, uncalled);
  }

  template <class Pass>
  OURO_DETAIL_NOINLINE void clear_checked(Pass const& pass, edge_stream<Pass>& stream, type_descriptor const& type,
                                          object_header* h) noexcept {
    if (trial_.checked().run(type, h) == trace_fault::none) {
      for (edge const& e : trial_.checked()) pass.on_edge(e);
    }
    stream.trace_entries(h);
    stream.trace_tables(trial_.checked());
  }

  /// `p`: its page, or null if it is large.
  template <bool Condemned>
  void free_one(type_descriptor const& type, page* p, object_header* h) noexcept {
    if (Condemned && count_of(*h) != condemned_count) {
      keep_zombie(heap_, type, h);
    } else if (p == nullptr || h->weak != 0) {
      release_block(h);
    } else {
      free_in_page(*p, h);
    }
  }

  /// Garbage often fills whole pages, which go back without a look at their blocks. Garbage that is not condemned is
  /// nothing but handles to other garbage, so that nobody notices if it is not torn down.
  template <bool Condemned>
  void free_all() noexcept {
    if (!Condemned && trial_.has_sides()) {
      for_each_run([](type_descriptor const&, work_entry* first, work_entry* last) {
        for_each_with_side(first, last, forget_entries);
      });
    }
    trial_.set().for_each_run_in_list(condemn_in_page);
    // Handles that destructors made to garbage can only come out of keyed containers; freed blocks are to be poisoned.
    bool const every_block = OURO_DETAIL_HARDENED || OURO_DETAIL_ASAN || trial_.has_keyed_containers() ||
                             (Condemned ? condemned_weak_handles_ != 0 : trial_.has_weak_handles());
    page* whole_pages = nullptr;
    auto const goes_whole = [&](page& p, std::uint32_t garbage) {
      if (garbage != p.used || p.mode == page_mode::current || every_block) return false;
      p.next_queued = replace(whole_pages, &p);
      return true;
    };
    trial_.set().for_each_page([&](page& p, std::uint32_t members) {
      if (goes_whole(p, members)) return;
      type_descriptor const& type = *p.type;
      member_set::for_each_run_in_page(p, members, [&](work_entry* first, work_entry* last) {
        for (; first != last; ++first) free_one<Condemned>(type, &p, first->header());
      });
    });
    constexpr std::uint32_t whole = 0xffffffffu;
    trial_.set().for_each_run_in_list([&](work_entry* first, work_entry* last) {
      type_descriptor const& type = type_of(first->header());
      page* const p = first->is_large() ? nullptr : page_of(first->header());
      if (p != nullptr) {
        if (p->condemned == whole) return;
        if (goes_whole(*p, p->condemned)) {
          p->condemned = whole;
          return;
        }
        p->condemned -= static_cast<std::uint32_t>(last - first);
      }
      for (; first != last; ++first) free_one<Condemned>(type, p, first->header());
    });
    while (whole_pages != nullptr) {
      page& p = *replace(whole_pages, whole_pages->next_queued);
      if (heap_.counting) heap_.objects[p.tracked] -= p.used;
      release_whole_page(p);
    }
  }

  struct raising {
    std::uint32_t round;

    void on_edge(edge const& e) const noexcept {
      object_header* h = resolve(e.target);
      if (h->slot >= slot_in_set) ++h->word;
    }
    bool wants(weak_entry& e) const noexcept { return replace(e.round, round) != round; }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  /// The containers drop their handles themselves. Those are counted first, so that the counts of garbage are what they
  /// were unless a destructor of an element has kept a handle.
  void empty_keyed_containers() noexcept {
    {
      tracing_scope scope;
      raising pass{heap_.trace_round += 2};
      edge_stream<raising> stream(pass, trace_pass::visit, heap_);
      trace_keyed(stream);
    }
    clearing pass{nullptr};
    edge_stream<clearing> stream(pass, trace_pass::clear_keyed, heap_);
    trace_keyed(stream);
  }

  template <class Stream>
  void trace_keyed(Stream& stream) noexcept {
    for_each_run([&](type_descriptor const& type, work_entry* first, work_entry* last) {
      if (type.keyed()) type.trace(first, last, stream);
      if (!may_have_sides(first->header())) return;
      for (; first != last; ++first) stream.trace_entries(first->header());
    });
    stream.drain();
  }

  void promote() noexcept {
    if (generation_ >= 1) heap_.epoch.old = heap_.epoch.now;
    heap_.epoch.middle = heap_.epoch.now;
    next_epoch(heap_);
  }

  void account(double seconds) noexcept {
    gc::generation_stats& s = heap_.stats[static_cast<std::size_t>(generation_)];
    ++s.collections;
    s.collected += collected_;
    s.candidates += candidates_;
    s.visited += trial_.visited();
    s.seconds += seconds;
    if (seconds > s.longest_pause) s.longest_pause = seconds;
    if ((heap_.debug & debug_stats) != 0) {
      std::fprintf(stderr, "ouro: collected generation %d: %zu objects visited, %zu unreachable, %.6f s\n", generation_,
                   trial_.visited(), collected_, seconds);
    }
  }

  void print_collectable() noexcept {
    trial_.set().for_each([&](object_header* h) {
      std::string_view const name = type_of(h).name();
      std::fprintf(stderr, "ouro: collectable %.*s at %p\n", static_cast<int>(name.size()), name.data(), object_of(h));
    });
  }

  heap_core& heap_;
  int generation_;
  seeds from_;
  std::uint16_t oldest_;
  fault_list faults_;
  trial trial_;
  std::size_t candidates_ = 0;
  std::size_t collected_ = 0;
  unsigned condemned_weak_handles_ = 0;  // not 0: the header of something condemned counts some
};

/// std::exit has interrupted a collection. What that has not brought to an end nobody looks at any more.
inline void abandon_collection(heap_core& heap) noexcept {
  heap.collecting = false;
  for (bool const tracked : {false, true}) {
    walk_pages(heap, tracked, [](object_header* h) {
      if (h->slot >= slot_in_set) make_immortal(h);
    });
    for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) p->condemned = 0;
  }
}

/// False inside destructors, finalizers, callbacks, traces and collections.
inline bool may_collect(heap_core const& heap) noexcept {
  thread_state const& thread = this_thread_state();
  return thread.depth == 0 && thread.no_collection == 0 && !heap.collecting;
}

/// In a heap that counts exactly.
inline std::size_t tracked_objects(heap_core const& heap) noexcept {
  return heap.objects[1] + heap.large_objects[1] - heap.dead[1];
}

/// Collects; 0 where that is not allowed. The caller keeps the heap in place with a `heap_user`.
OURO_DETAIL_NOINLINE inline std::size_t collect(heap_core& heap, int generation, seeds from,
                                                std::size_t budget = static_cast<std::size_t>(-1)) noexcept {
  if (!may_collect(heap)) return 0;
  thread_state& thread = this_thread_state();
  heap.collecting = true;
  thread.collecting = &heap;
  std::size_t found = 0;
  {
    no_collection_scope scope;
    auto const tell = [&](gc::phase phase) {
      if (heap.hooks.callbacks != nullptr) heap.hooks.callbacks(heap, phase, {generation, found, 0});
    };
    tell(gc::phase::start);
    found = collection(heap, generation, from, budget).run();
    tell(gc::phase::stop);
  }
  heap.collecting = false;
  thread.collecting = nullptr;
  collect_late_heaps(thread);
  if (heap.counting) heap.count0_base = tracked_objects(heap);
  heap.allocated = 0;
  heap.count1 = generation == 0 ? heap.count1 + 1 : 0;
  heap.count2 = generation == 0 ? heap.count2 : generation == 1 ? heap.count2 + 1 : 0;
  if (generation == 2) {
    recount_bytes(heap);
    heap.live_after_full = bytes_held(heap);
    heap.unsuspicious = 0;
    heap.objects_after_full = tracked_objects(heap);
  }
  return found;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
