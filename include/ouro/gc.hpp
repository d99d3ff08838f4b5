// The gc module: run the collector, tune it, ask what it knows. Names and meaning are those of CPython's `gc`.
#ifndef OURO_GC_HPP
#define OURO_GC_HPP

#include <ouro/detail/values.hpp>
#include <ouro/gc_ptr.hpp>
#include <ouro/heap.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// All functions speak of the current heap (`heap::current()`), and may be called by the thread that owns it.
namespace gc {

/// What the collector prints to the standard error stream, and whether it keeps what it finds.
enum class debug_flags : unsigned {
  none = 0,
  stats = 1,          // a line for every collection
  collectable = 2,    // a line for every object found unreachable
  uncollectable = 4,  // accepted; nothing is uncollectable
  saveall = 32,       // unreachable objects go to garbage() instead of being destroyed
  leak = 38
};
/// A union of flags.
// Templates, so that a program's own operators are preferred.
template <std::same_as<debug_flags> F>
constexpr F operator|(F a, F b) noexcept {
  return static_cast<F>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
/// An intersection of flags.
template <std::same_as<debug_flags> F>
constexpr F operator&(F a, F b) noexcept {
  return static_cast<F>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}

/// What `callbacks()` holds.
using callback_list = std::vector<std::function<void(phase, info const&)>>;

}  // namespace gc

namespace detail {

/// What this layer keeps for a heap.
struct gc_module {
  gc::callback_list callbacks;
  std::vector<gc_ptr<void>> garbage;
};

inline void run_callbacks(heap_core& heap, gc::phase phase, gc::info const& info) noexcept {
  auto& module = *static_cast<gc_module*>(heap.hooks.module);
  OURO_DETAIL_TRY {
    auto const callbacks = module.callbacks;  // one of them may change the list
    for (auto const& f : callbacks) {
      OURO_DETAIL_TRY { f(phase, info); }
      OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "gc callback", {}); }
    }
  }
  OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "gc callbacks", {}); }
}

/// Throws std::bad_alloc.
inline gc_module& module_of(heap_core& heap) {
  if (heap.hooks.module == nullptr) {
    heap.hooks.module = new gc_module;
    heap.hooks.callbacks = run_callbacks;
    heap.hooks.save_garbage = [](heap_core& h, object_header* object) {
      auto handle = handle_access::adopt<void>(object);
      OURO_DETAIL_TRY { static_cast<gc_module*>(h.hooks.module)->garbage.push_back(std::move(handle)); }
      OURO_DETAIL_CATCH_ALL { report(h, "no memory to keep garbage; it stays for the next collection", "saveall", {}); }
    };
    heap.hooks.drop_all = [](heap_core& h) {
      auto& module = *static_cast<gc_module*>(h.hooks.module);
      h.debug &= ~debug_saveall;
      gc::callback_list().swap(module.callbacks);
      std::vector<gc_ptr<void>>().swap(module.garbage);
    };
    heap.hooks.destroy = [](void* module) { delete static_cast<gc_module*>(module); };
  }
  return *static_cast<gc_module*>(heap.hooks.module);
}

inline void check_generation(int generation) {
  if (generation < 0 || generation > 2) throw_error(std::invalid_argument("ouro: a generation is 0, 1 or 2"));
}

template <class F>
void walk_live(heap_core& heap, F f) {
  auto const visit = [&](object_header* h) {
    if (state_of(*h) == object_state::live && h->slot != slot_condemned) f(h);
  };
  walk_pages(heap, true, visit);
  for (side_record const* side = heap.tracked_leaves; side != nullptr; side = side->next) visit(side->header);
}

/// Tracked objects that have been made since the last collection and live.
inline std::size_t count_newborn(heap_core& heap) {
  std::size_t newborn = 0;
  walk_live(heap, [&](object_header* h) { newborn += type_of(h).tracked() && birth_of(heap, *h) > heap.epoch.middle; });
  return newborn;
}

/// Gives the targets of an object's handles to a function.
template <class F>
struct edge_visitor {
  F f;
  void on_edge(edge const& e) noexcept { f(resolve(e.target)); }
};

template <class F>
void visit_edges(object_header* h, F f) {
  type_descriptor const& type = type_of(h);
  if (!type.tracked() && (h->flags & flag_side) == 0) return;
  edge_visitor<F> visitor{f};
  edge_stream<edge_visitor<F>> stream(visitor, trace_pass::visit, heap_of(h));
  tracing_scope scope;
  stream.trace(type, h);
  stream.drain();
}

/// A list of headers that the collector's own walk can fill: it reports a shortage of memory at the end.
class header_list {
 public:
  explicit header_list(heap_core& heap) noexcept : list_(heap.work_chunks) {}
  void add(object_header* h) noexcept { complete_ = list_.push(h) && complete_; }
  std::vector<gc_ptr<void>> handles() {
    if (!complete_) throw_bad_alloc();
    std::vector<gc_ptr<void>> result;
    result.reserve(list_.size());
    list_.for_each([&](object_header* h) { result.push_back(handle_access::share<void>(h)); });
    return result;
  }

 private:
  chunk_list<object_header*> list_;
  bool complete_ = true;
};

}  // namespace detail

namespace gc {

/// Collects a generation and all younger ones; returns the number of objects found unreachable, those that only hang on
/// a cycle included, resurrected ones not.
///
/// Works while automatic collection is disabled or paused. Skips what is frozen. Returns 0 inside destructors,
/// finalizers, callbacks and traces of GC objects. Runs destructors and finalizers. Throws `std::invalid_argument`.
/// Complexity: linear in the objects of the generation and their handles. CPython: `gc.collect`.
inline std::size_t collect(int generation = 2) {
  detail::check_generation(generation);
  detail::heap_user keep(detail::current_heap());
  return detail::collect(detail::current_heap(), generation, detail::seeds::pages);
}

/// Allows automatic collections, as is the default. CPython: `gc.enable`.
inline void enable() { detail::current_heap().enabled = true; }
/// Forbids automatic collections; explicit ones still work. CPython: `gc.disable`.
inline void disable() { detail::current_heap().enabled = false; }
/// Are automatic collections allowed? CPython: `gc.isenabled`.
inline bool is_enabled() { return detail::current_heap().enabled; }

/// Fixes when to collect, as CPython does: generation 0 once t0 more tracked objects live than after the last
/// collection (0: never; 1: at every allocation of a tracked type), generation 1 after more than t1 collections of
/// generation 0, generation 2 after more than t2 of generation 1 and a growth by a quarter.
///
/// Without this call ouro decides by bytes and by what collections find, which is faster: afterwards every allocation
/// of the heap takes the slow path, and there is no way back. CPython: `gc.set_threshold`.
inline void set_threshold(std::size_t t0, std::size_t t1 = 10, std::size_t t2 = 10) {
  detail::heap_core& heap = detail::current_heap();
  if (!heap.counting) {
    std::size_t const newborn = detail::count_newborn(heap);
    detail::start_counting(heap);
    heap.count0_base = detail::tracked_objects(heap) - newborn;
    detail::set_current(detail::this_thread_state(), &heap);
  }
  heap.threshold = {t0, t1, t2};
}

/// Before `set_threshold` the first figure is only where CPython begins.
inline std::array<std::size_t, 3> get_threshold() { return detail::current_heap().threshold; }

/// Tracked objects made and not freed since the last collection; collections of generation 0 since the last of
/// generation 1; collections of generation 1 since the last of generation 2. CPython: `gc.get_count`.
inline std::array<std::size_t, 3> get_count() {
  detail::heap_core& heap = detail::current_heap();
  if (!heap.counting) return {detail::count_newborn(heap), heap.count1, heap.count2};
  std::size_t const tracked = detail::tracked_objects(heap);
  heap.count0_base = detail::smaller(heap.count0_base, tracked);
  return {tracked - heap.count0_base, heap.count1, heap.count2};
}

/// For each generation what its collections did so far. CPython: `gc.get_stats`.
inline std::array<generation_stats, 3> get_stats() { return detail::current_heap().stats; }

/// Handles to all tracked objects of a generation, or with -1 of all; objects that are being built or are dying are
/// left out. Throws `std::invalid_argument`, `std::bad_alloc`. O(objects). CPython: `gc.get_objects`.
inline std::vector<gc_ptr<void>> get_objects(int generation = -1) {
  if (generation != -1) detail::check_generation(generation);
  detail::heap_core& heap = detail::current_heap();
  detail::header_list found(detail::current_heap());
  detail::walk_live(heap, [&](detail::object_header* h) {
    std::uint16_t const birth = detail::birth_of(heap, *h);
    bool const frozen = birth <= heap.epoch.frozen;
    if (generation == -1 || (!frozen && heap.epoch.generation_of(birth) == generation)) found.add(h);
  });
  return found.handles();
}

/// The tracked objects of the heap that hold a handle to one of the arguments, each once. Throws `std::bad_alloc`.
/// O(objects and handles). CPython: `gc.get_referrers`.
template <class... P>
std::vector<gc_ptr<void>> get_referrers(P const&... p) {
  std::array<detail::object_header*, sizeof...(P)> const targets{detail::handle_access::header(p)...};
  detail::header_list found(detail::current_heap());
  detail::walk_live(detail::current_heap(), [&](detail::object_header* h) {
    bool refers = false;
    detail::visit_edges(h, [&](detail::object_header* to) {
      for (detail::object_header* target : targets) refers = refers || target == to;
    });
    if (refers) found.add(h);
  });
  return found.handles();
}

/// What the arguments hold handles to, one entry for each handle. Throws `std::bad_alloc`. CPython: `gc.get_referents`.
template <class... P>
std::vector<gc_ptr<void>> get_referents(P const&... p) {
  detail::header_list found(detail::current_heap());
  for (detail::object_header* h : std::initializer_list<detail::object_header*>{detail::handle_access::header(p)...}) {
    if (h != nullptr) detail::visit_edges(h, [&](detail::object_header* to) { found.add(to); });
  }
  return found.handles();
}

/// False for null and for leaves, unless they are keys of a weak_key_map whose values hold handles. CPython:
/// `gc.is_tracked`.
template <class T>
bool is_tracked(gc_ptr<T> const& p) {
  detail::object_header* const h = detail::handle_access::header(p);
  return h != nullptr && (detail::type_of(h).tracked() || h->slot != detail::slot_leaf);
}

/// True once `gc_finalize` of the object has been called. CPython: `gc.is_finalized`.
template <class T>
bool is_finalized(gc_ptr<T> const& p) {
  detail::object_header* const h = detail::handle_access::header(p);
  return h != nullptr && (h->flags & detail::flag_finalized) != 0;
}

/// All objects that live now are left out of collections, until `unfreeze`. O(1) amortised. CPython: `gc.freeze`.
inline void freeze() {
  detail::heap_core& heap = detail::current_heap();
  heap.epoch.frozen = heap.epoch.old = heap.epoch.middle = heap.epoch.now;
  detail::next_epoch(heap);
}
/// Puts frozen objects into generation 2. O(1). CPython: `gc.unfreeze`.
inline void unfreeze() {
  detail::heap_core& heap = detail::current_heap();
  heap.old_fell |= heap.epoch.frozen != 0;  // collections in between have forgotten whose count fell
  heap.epoch.frozen = 0;
}

/// The number of frozen objects. O(objects). CPython: `gc.get_freeze_count`.
inline std::size_t get_freeze_count() {
  detail::heap_core& heap = detail::current_heap();
  std::size_t frozen = 0;
  if (heap.epoch.frozen != 0) {
    detail::walk_live(heap,
                      [&](detail::object_header* h) { frozen += detail::birth_of(heap, *h) <= heap.epoch.frozen; });
  }
  return frozen;
}

/// Called before and after every collection, in order; what they throw goes to the unraisable hook. They may change
/// this list; the change counts from the next phase on. CPython: `gc.callbacks`.
inline callback_list& callbacks() { return detail::module_of(detail::current_heap()).callbacks; }

/// What collections have found while `debug_flags::saveall` was set; yours to look at and to clear. CPython:
/// `gc.garbage`.
inline std::vector<gc_ptr<void>>& garbage() { return detail::module_of(detail::current_heap()).garbage; }

/// Sets what collections print and keep. Throws `std::bad_alloc`. CPython: `gc.set_debug`.
inline void set_debug(debug_flags flags) {
  detail::module_of(detail::current_heap());
  detail::current_heap().debug = static_cast<unsigned>(flags);
}
/// The flags that `set_debug` has set. CPython: `gc.get_debug`.
inline debug_flags get_debug() { return static_cast<debug_flags>(detail::current_heap().debug); }

/// Who is told of exceptions in finalizers and callbacks, and of misuse that was found; null: print to the standard
/// error stream. Returns the one before. The hook may not collect, and what it throws is printed. CPython:
/// `sys.unraisablehook`.
inline unraisable_hook set_unraisable_hook(unraisable_hook hook) {
  return detail::replace(detail::current_heap().hook, hook);
}

/// Forbids automatic collections of the current heap while it lives; explicit ones work. Scopes nest.
struct pause_scope {
  pause_scope() : core_(detail::current_heap()), keep_(core_) { ++core_.paused; }
  pause_scope(pause_scope const&) = delete;
  pause_scope& operator=(pause_scope const&) = delete;
  ~pause_scope() { --core_.paused; }

 private:
  detail::heap_core& core_;
  detail::heap_user keep_;
};

}  // namespace gc
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
