// The visitor that every trace function feeds: it only records which handle lies where and what it points to.
//
//   trace function --> report(slot, target) --> [ edge | edge | edge ... ] --> flush: one pass of the collector
//
// Recording first and looking at the targets later gives the memory system time: the target's header is
// prefetched when the edge is recorded and read some dozens of edges later.
#ifndef OURO_DETAIL_TRACER_HPP
#define OURO_DETAIL_TRACER_HPP

#include <ouro/detail/values.hpp>
#include <ouro/fwd.hpp>

#include <cstdint>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// One handle that lies inside a traced object.
struct edge {
  void** slot;            // the word of the handle; nulled when garbage is torn down
  std::uintptr_t target;  // the complete object's header, or (lowest bit set) a polymorphic subobject
};

/// What the trace functions run for. Only keyed containers (whose order or hash depends on handles) look at it.
enum class trace_pass : unsigned char {
  visit,        // report every edge
  clear,        // report edges that are to be nulled: skip keyed containers
  clear_keyed,  // empty keyed containers, report nothing
  find_watches  // weak handles with callbacks: their own are not called
};

/// Specialised by every handle type: `is_handle`, `is_traced`, `is_hand_traced`, `trace(handle, tracer)`.
template <class T>
struct handle_traits {
  static constexpr bool is_handle = false;
};

template <class T>
void trace_value(T const& value, tracer& t) noexcept;

struct tracer_access;

}  // namespace detail

/// What a hand-written `gc_trace` calls with each traced member, once: `t(children_, parent_)`.
///
/// Precondition: called with members of the object being traced, not with copies. A member named twice, or a copy of a
/// handle, is reported and makes the object count as alive. Complexity: linear in the number of handles.
/// CPython's counterpart is `tp_traverse` with `Py_VISIT`.
class tracer {
 public:
  tracer(tracer const&) = delete;
  tracer& operator=(tracer const&) = delete;

  /// Visits these members. Compiles only for types that are `traceable`.
  template <class... M>
  void operator()(M const&... member) noexcept {
    (detail::trace_value(member, *this), ...);
  }

 protected:
  friend struct detail::tracer_access;
  using flush_function = void (*)(tracer&) noexcept;

  // Puts a part aside until the trace has come back; false when there is no memory to remember it.
  using part_function = void (*)(void const* part, tracer&) noexcept;
  using defer_function = bool (*)(tracer&, void const* part, part_function) noexcept;
  // Takes a weak container; what its entries hold is traced when their objects are alive, too.
  using table_function = void (*)(tracer&, detail::weak_table&) noexcept;

  // Takes `n` handles in a row, null ones too; null where each of them is to be reported.
  using array_function = void (*)(tracer&, void** first, std::size_t n, bool polymorphic) noexcept;

  tracer(detail::edge* first, detail::edge* last, flush_function flush, defer_function defer, detail::trace_pass pass,
         table_function meet_table = nullptr, array_function take_array = nullptr) noexcept
      : next_(first),
        first_(first),
        last_(last),
        flush_(flush),
        defer_(defer),
        meet_table_(meet_table),
        take_array_(take_array),
        pass_(pass) {}
  ~tracer() = default;

  detail::edge* next_;
  detail::edge* first_;
  detail::edge* last_;
  flush_function flush_;
  defer_function defer_;
  table_function meet_table_;
  array_function take_array_;
  unsigned nesting_ = 0;
  detail::trace_pass pass_;
  bool met_destroyed_ = false;
  bool in_use_ = false;
};

namespace detail {

/// The side of a tracer that handles and containers talk to.
struct tracer_access {
  /// Records an edge; `target` as in `edge`, never null.
  static void report(tracer& t, void** slot, std::uintptr_t target) noexcept {
    OURO_DETAIL_PREFETCH(reinterpret_cast<void const*>(target));
    *t.next_++ = edge{slot, target};
    if (t.next_ == t.last_) t.flush_(t);
  }

  /// Records the edges of many handles at once, `polymorphic` as above. False when it does not.
  static bool report_array(tracer& t, void** first, std::size_t n, bool polymorphic) noexcept {
    if (t.take_array_ == nullptr) return false;
    t.take_array_(t, first, n, polymorphic);
    return true;
  }

  /// Traces a part that lies on the free store, as an element of a chain of them may: deep ones wait in a list.
  static void descend(tracer& t, void const* part, tracer::part_function trace) noexcept {
    constexpr unsigned deepest = 32;
    if (t.nesting_ >= deepest && t.defer_(t, part, trace)) return;
    ++t.nesting_;
    trace(part, t);
    --t.nesting_;
  }

  static void report_table(tracer& t, weak_table& table) noexcept {
    if (t.meet_table_ != nullptr) t.meet_table_(t, table);
  }

  /// A handle that has been destroyed is still reachable (hardened builds see it).
  static void report_destroyed(tracer& t) noexcept { t.met_destroyed_ = true; }

  static bool take_destroyed(tracer& t) noexcept { return replace(t.met_destroyed_, false); }

  /// The object counts as alive: somebody uses it without a handle. Only types with `hand_traced` may say so.
  static void report_in_use(tracer& t) noexcept { t.in_use_ = true; }

  static bool take_in_use(tracer& t) noexcept { return replace(t.in_use_, false); }

  static trace_pass pass(tracer const& t) noexcept { return t.pass_; }
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
