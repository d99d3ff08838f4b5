// The same graph with std::shared_ptr, for comparison: what it costs, and what it leaks.
#ifndef OURO_EXAMPLES_PKGGRAPH_SHARED_GRAPH_HPP
#define OURO_EXAMPLES_PKGGRAPH_SHARED_GRAPH_HPP

#include "cycles.hpp"
#include "measure.hpp"

namespace pkggraph {

/// As `run_gc_graph`, but nothing collects: `alive` is what leaked. It is freed by hand before the function returns.
graph_figures run_shared_graph(dependency_graph const& graph, cycle_summary const& cycles);

}  // namespace pkggraph

#endif
