// What a collection tells of traces that users wrote.
#ifndef OURO_DETAIL_FAULT_LIST_HPP
#define OURO_DETAIL_FAULT_LIST_HPP

#include <ouro/detail/edge_stream.hpp>

#include <array>
#include <cstddef>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Misuse found while user code must not run; told when the trial is over.
class fault_list {
 public:
  void add(trace_fault fault, type_descriptor const& type) noexcept {
    for (std::size_t i = 0; i != size_; ++i) {
      if (faults_[i].type == &type && faults_[i].fault == fault) return;
    }
    if (size_ != faults_.size()) faults_[size_++] = {fault, &type};
  }

  void deliver(heap_core& heap) noexcept {
    for (std::size_t i = 0; i != size_; ++i) report(heap, text(faults_[i].fault), "gc_trace", faults_[i].type->name());
    size_ = 0;
  }

 private:
  struct entry {
    trace_fault fault;
    type_descriptor const* type;
  };

  static char const* text(trace_fault fault) noexcept {
    switch (fault) {
      case trace_fault::repeated:
        return "a handle was reported twice by the trace of one object, which is kept alive. Name each member once";
      case trace_fault::on_stack:
        return "a copy of a handle was reported (a local variable); the object is kept alive. Pass the members "
               "themselves to the tracer";
      case trace_fault::temporary:
        return "handles were copied and dropped during a trace that reports handles outside of its object, which is "
               "kept alive. Pass the members themselves to the tracer";
      case trace_fault::too_many:
        return "more edges lead to an object than it has handles; it is kept alive. Does some gc_trace report a handle "
               "that belongs to another object, or is shared?";
      case trace_fault::unbalanced:
        return "handles were made or dropped by a trace, so this collection frees nothing. A gc_trace may only pass "
               "members to the tracer";
      case trace_fault::destroyed_handle:
        return "the trace met a handle that has been destroyed";
      default:
        return "the trace could not be recorded";
    }
  }

  std::array<entry, 16> faults_{};
  std::size_t size_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
