// Prints the figures, for programs and for people.
#ifndef OURO_EXAMPLES_PKGGRAPH_REPORT_HPP
#define OURO_EXAMPLES_PKGGRAPH_REPORT_HPP

#include <string>

#include "cycles.hpp"
#include "measure.hpp"

namespace pkggraph {

struct input_seconds {
  double read = 0;
  double parse = 0;
  double find_cycles = 0;
};

/// One line of JSON on standard output.
void print_json(dependency_graph const& graph, cycle_summary const& cycles, graph_figures const& gc);

/// A table on standard output.
void print_table(std::string const& input, dependency_graph const& graph, cycle_summary const& cycles,
                 input_seconds const& seconds, graph_figures const& gc, graph_figures const& shared);

/// On standard error, what of the input is not in the graph; nothing if all of it is.
void print_skipped(dependency_graph const& graph);

}  // namespace pkggraph

#endif
