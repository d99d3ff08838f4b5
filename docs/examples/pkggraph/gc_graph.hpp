// The graph as garbage-collected objects: counting frees most of them, the collector the cycles.
#ifndef OURO_EXAMPLES_PKGGRAPH_GC_GRAPH_HPP
#define OURO_EXAMPLES_PKGGRAPH_GC_GRAPH_HPP

#include "control_file.hpp"
#include "measure.hpp"

namespace pkggraph {

/// Builds one object per package with a handle per dependency, drops all handles of the program, and collects.
graph_figures run_gc_graph(dependency_graph const& graph);

}  // namespace pkggraph

#endif
