// Runs trace functions and hands what they report to a pass of the collector, some edges later.
//
// Ordinary objects are traced by code that the library generated from the type: each handle is reported once, so its
// edges go straight to the pass. Code that users wrote is checked first (see `checked_trace`): an edge that is counted
// twice would free a live object, and the counts cannot always tell.
#ifndef OURO_DETAIL_EDGE_STREAM_HPP
#define OURO_DETAIL_EDGE_STREAM_HPP

#include <ouro/detail/destruction.hpp>
#include <ouro/detail/values.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// While it lives, the thread's drops neither free nor record anything.
class tracing_scope {
 public:
  tracing_scope() noexcept { this_thread_state().depth += tracing_depth; }
  tracing_scope(tracing_scope const&) = delete;
  tracing_scope& operator=(tracing_scope const&) = delete;
  ~tracing_scope() { this_thread_state().depth -= tracing_depth; }
};

/// What was wrong with the edges that an object's trace reported.
enum class trace_fault : std::uint8_t {
  none,
  repeated,
  on_stack,
  temporary,
  no_memory,
  destroyed_handle,
  too_many,
  unbalanced,
  in_use
};

/// Parts of an object that wait for being traced, so that long chains of parts need no stack.
class deferred_parts {
 public:
  using part_function = void (*)(void const*, tracer&) noexcept;

  explicit deferred_parts(chunk_pool& pool) noexcept : parts_(pool) {}
  bool add(void const* part, part_function trace) noexcept { return parts_.push({part, trace}); }
  bool empty() const noexcept { return parts_.empty(); }
  void trace_all(tracer& t) noexcept {
    while (!parts_.empty()) {
      deferred const d = parts_.pop();
      d.trace(d.part, t);
    }
  }

 private:
  struct deferred {
    void const* part;
    part_function trace;
  };
  chunk_list<deferred> parts_;
};

inline void trace_object(type_descriptor const& type, object_header* h, tracer& t) noexcept {
  work_entry const entry(h);
  type.trace(&entry, &entry + 1, t);
}

/// Buffers edges so that their targets are in the cache when the pass looks at them.
template <class Pass>
class edge_stream : public tracer {
 public:
  edge_stream(Pass const& pass, trace_pass kind, heap_core& heap) noexcept
      : tracer(buffer_, buffer_ + capacity, &edge_stream::flush, &edge_stream::defer, kind, &edge_stream::meet_table,
               &edge_stream::take_array),
        pass_of_edges_(pass),
        deferred_(heap.work_chunks) {}

  void trace(type_descriptor const& type, object_header* h) noexcept {
    if ((h->flags & flag_side) != 0) [[unlikely]]
      return trace_with_entries(type, h);
    trace_object(type, h, *this);
  }

  /// Objects of one page, or a large one.
  void trace(type_descriptor const& type, work_entry* first, work_entry* last) noexcept {
    if (type.tracked()) type.trace(first, last, *this);
    if (!may_have_sides(first->header())) return;
    for (; first != last; ++first) trace_entries(first->header());
  }

  /// What hangs on an object as entry of a weak container.
  void trace_entries(object_header* h) noexcept {
    if ((h->flags & flag_side) == 0) return;
    if constexpr (chooses_entries) pass_of_edges_.meet(*h);
    for (weak_entry* e = entries_of(h); e != nullptr; e = e->next) trace_entry(*e);
  }

  /// The weak containers that a checked trace has reported.
  template <class Checked>
  void trace_tables(Checked& checked) noexcept {
    while (weak_table* const table = checked.take_table()) meet_table(*this, *table);
  }

  void drain() noexcept {
    process();
    deferred_.trace_all(*this);
    process();
  }

  bool empty() const noexcept { return next_ == first_ && deferred_.empty(); }
  /// Edges that have been handed to the pass.
  std::size_t edges() const noexcept { return edges_; }

 private:
  static constexpr std::size_t capacity = 128;

  static void flush(tracer& t) noexcept { static_cast<edge_stream&>(t).process(); }
  static bool defer(tracer& t, void const* part, part_function trace) noexcept {
    return static_cast<edge_stream&>(t).deferred_.add(part, trace);
  }

  /// Many handles need no buffer: which ones come next is known. Those to one object are often neighbours.
  static void take_array(tracer& t, void** first, std::size_t n, bool polymorphic) noexcept {
    constexpr std::ptrdiff_t ahead = 16;
    auto& self = static_cast<edge_stream&>(t);
    Pass pass = self.pass_of_edges_;
    for (void **const last = first + n, **next = first; first != last; first = next) {
      void* const word = *first;
      do ++next;
      while (next != last && *next == word);
      if (last - next > ahead) {
        auto const later = reinterpret_cast<std::uintptr_t>(next[ahead]) - sizeof(object_header);  // may be null
        OURO_DETAIL_PREFETCH(reinterpret_cast<void const*>(later));
      }
      if (word == nullptr) continue;
      self.edges_ += static_cast<std::size_t>(next - first);
      std::uintptr_t const target = polymorphic ? edge_target_polymorphic(word) : edge_target(header_of(word));
      if constexpr (requires { pass.on_edges(target, std::uint32_t{}); }) {
        pass.on_edges(target, static_cast<std::uint32_t>(next - first));
      } else {
        for (; first != next; ++first) pass.on_edge({first, target});
      }
    }
  }

  // Entries are met from their objects and from their tables. Passes of the collector say when they want them.
  static constexpr bool chooses_entries = requires(Pass const& pass, weak_entry& e) { pass.wants(e); };

  static void meet_table(tracer& t, weak_table& table) noexcept {
    auto& self = static_cast<edge_stream&>(t);
    if constexpr (chooses_entries) self.pass_of_edges_.meet(table);
    for (weak_entry* e = table.first(); e != nullptr; e = e->next_in_table) self.trace_entry(*e);
  }

  void trace_entry(weak_entry& e) noexcept {
    if (!e.traced) return;
    if constexpr (chooses_entries) {
      if (!pass_of_edges_.wants(e)) return;
    }
    e.trace(*this);
  }

  OURO_DETAIL_NOINLINE void trace_with_entries(type_descriptor const& type, object_header* h) noexcept {
    trace_entries(h);
    if (type.tracked()) trace_object(type, h, *this);
  }

  OURO_DETAIL_INLINE void process() noexcept {
    edge* const end = replace(next_, first_);
    edges_ += static_cast<std::size_t>(end - first_);
    Pass pass = pass_of_edges_;  // a copy that the compiler can keep in registers
    for (edge* e = first_; e != end; ++e) pass.on_edge(*e);
  }

  Pass const pass_of_edges_;
  std::size_t edges_ = 0;
  deferred_parts deferred_;
  edge buffer_[capacity];
};

/// Quicksort of our own: std::sort took 5 % of the time to compile it all, and std::qsort sorts half as fast. The
/// pivot's place is arbitrary, so no order that programs make is a bad one.
inline void sort_by_slot(edge* first, edge* last) noexcept {
  auto const key = [](edge const& e) { return reinterpret_cast<std::uintptr_t>(e.slot); };
  while (last - first > 16) {
    auto const n = static_cast<std::uint64_t>(last - first);
    std::uintptr_t const pivot = key(first[(n * 0x9e3779b97f4a7c15u >> 32) % n]);
    edge* low = first;
    edge* high = last;
    while (low < high) {
      while (key(*low) < pivot) ++low;
      while (key(high[-1]) > pivot) --high;
      if (low >= high) break;
      edge const e = *low;
      *low++ = *--high;
      *high = e;
    }
    if (high - first < last - low) {  // the smaller part is left to the recursion, which stays shallow
      sort_by_slot(first, high);
      first = low;
    } else {
      sort_by_slot(low, last);
      last = high;
    }
  }
  for (edge* end = first; end != last; ++end) {
    edge const e = *end;
    edge* place = end;
    for (; place != first && key(place[-1]) > key(e); --place) *place = place[-1];
    *place = e;
  }
}

/// Runs a trace function that users wrote, keeps all its edges and judges them.
class checked_trace : public tracer {
 public:
  explicit checked_trace(heap_core& heap) noexcept
      : tracer(&last_edge_, &last_edge_ + 1, &checked_trace::flush, &checked_trace::defer, trace_pass::visit,
               &checked_trace::meet_table),
        deferred_(heap.work_chunks),
        tables_(heap.work_chunks) {}
  ~checked_trace() { delete[] edges_; }

  trace_fault run(type_descriptor const& type, object_header* h) noexcept {
    return judge([&] { trace_object(type, h, *this); }, [&] { return reports_outside(h); });
  }

  trace_fault run(weak_entry const& e) noexcept {
    return judge([&] { e.trace(*this); }, [] { return true; });
  }

  edge const* begin() const noexcept { return edges_; }
  edge const* end() const noexcept { return edges_ + count_; }

  /// One of the weak containers that were reported, in reverse order; null when there are none left.
  weak_table* take_table() noexcept { return tables_.empty() ? nullptr : tables_.pop(); }

 private:
  template <class Trace, class ReportsOutside>
  trace_fault judge(Trace trace, ReportsOutside reports_outside_of_it) noexcept {
    std::size_t const tables_before = tables_.size();
    trace_fault const fault = find_fault(trace, reports_outside_of_it);
    while (fault != trace_fault::none && tables_.size() != tables_before) tables_.pop();
    return fault;
  }

  template <class Trace, class ReportsOutside>
  trace_fault find_fault(Trace trace, ReportsOutside reports_outside_of_it) noexcept {
    count_ = 0;
    fault_ = trace_fault::none;
    char here = 0;
    stack_top_ = reinterpret_cast<std::uintptr_t>(&here);
    thread_state& thread = this_thread_state();
    thread.dropped_in_trace = false;
    trace();
    deferred_.trace_all(*this);
    if (fault_ != trace_fault::none) return fault_;
    if (tracer_access::take_in_use(*this)) return trace_fault::in_use;
    if (thread.dropped_in_trace && reports_outside_of_it()) return trace_fault::temporary;
    sort_by_slot(edges_, edges_ + count_);
    for (std::size_t i = 1; i < count_; ++i) {
      if (edges_[i].slot == edges_[i - 1].slot) return trace_fault::repeated;
    }
    return trace_fault::none;
  }

  // Called with every edge, while the reporting frame is on the stack: a slot that lies between it and our own
  // frame is a local variable, a copy of some handle.
  OURO_DETAIL_NOINLINE static void flush(tracer& t) noexcept {
    auto& self = static_cast<checked_trace&>(t);
    char here = 0;
    auto const bottom = reinterpret_cast<std::uintptr_t>(&here);
    auto const slot = reinterpret_cast<std::uintptr_t>(self.last_edge_.slot);
    self.next_ = self.first_;
    if ((slot > bottom && slot < self.stack_top_) || (slot < bottom && slot > self.stack_top_) || in_fake_stack(slot)) {
      self.fault_ = trace_fault::on_stack;
    }
    if (self.count_ == self.capacity_ && !self.grow()) {
      self.fault_ = trace_fault::no_memory;
      return;
    }
    self.edges_[self.count_++] = self.last_edge_;
  }

  static bool defer(tracer& t, void const* part, part_function trace) noexcept {
    return static_cast<checked_trace&>(t).deferred_.add(part, trace);
  }

  static void meet_table(tracer& t, weak_table& table) noexcept {
    auto& self = static_cast<checked_trace&>(t);
    if (!self.tables_.push(&table)) self.fault_ = trace_fault::no_memory;
  }

  // AddressSanitizer moves locals to a stack of its own to find uses after return.
  static bool in_fake_stack([[maybe_unused]] std::uintptr_t slot) noexcept {
#if OURO_DETAIL_ASAN
    void* fake = __asan_get_current_fake_stack();
    return fake != nullptr && __asan_addr_is_in_fake_stack(fake, reinterpret_cast<void*>(slot), nullptr, nullptr);
#else
    return false;
#endif
  }

  bool reports_outside(object_header* h) const noexcept {
    auto const begin_of_block = reinterpret_cast<std::uintptr_t>(h);
    auto const end_of_block = begin_of_block + bytes_of(h);
    for (edge const& e : *this) {
      auto const slot = reinterpret_cast<std::uintptr_t>(e.slot);
      if (slot < begin_of_block || slot >= end_of_block) return true;
    }
    return false;
  }

  bool grow() noexcept {
    std::size_t const capacity = larger<std::size_t>(64, capacity_ * 2);
    auto* bigger = new (std::nothrow) edge[capacity];
    if (bigger == nullptr) return false;
    for (std::size_t i = 0; i != count_; ++i) bigger[i] = edges_[i];
    delete[] edges_;
    edges_ = bigger;
    capacity_ = capacity;
    return true;
  }

  deferred_parts deferred_;
  chunk_list<weak_table*> tables_;
  edge last_edge_{};
  edge* edges_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::uintptr_t stack_top_ = 0;
  trace_fault fault_ = trace_fault::none;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
