// The cycles of a dependency graph: which packages need each other, in whatever roundabout way.
#ifndef OURO_EXAMPLES_PKGGRAPH_CYCLES_HPP
#define OURO_EXAMPLES_PKGGRAPH_CYCLES_HPP

#include <cstddef>
#include <vector>

#include "control_file.hpp"

namespace pkggraph {

struct cycle_summary {
  std::size_t cycles = 0;                // strongly connected: several packages, or one that depends on itself
  std::size_t members = 0;               // of all cycles together
  std::vector<std::size_t> largest;      // members of the largest (of equals: the earliest in the file), ascending
  std::vector<std::size_t> users_first;  // all packages, each before what it depends on, except within a cycle
};

/// Tarjan's algorithm on an explicit stack, so that a long chain of packages is no deep recursion. Linear.
cycle_summary find_cycles(dependency_graph const& graph);

}  // namespace pkggraph

#endif
