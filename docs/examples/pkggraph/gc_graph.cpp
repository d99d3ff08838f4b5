#include "gc_graph.hpp"

#include <ouro/ouro.hpp>

#include <string_view>
#include <vector>

namespace pkggraph {
namespace {

struct package {  // an aggregate: the collector finds the handles in it by itself
  std::string_view name;
  std::vector<ouro::gc_ptr<package>> depends;
};

}  // namespace

graph_figures run_gc_graph(dependency_graph const& graph) {
  graph_figures figures;
  ouro::gc::disable();  // so that what counting frees and what the collector frees can be told apart
  auto const before = ouro::heap::current().stats();
  std::vector<ouro::gc_ptr<package>> packages;
  packages.reserve(graph.size());

  stopwatch watch;
  for (std::string_view const name : graph.names) packages.push_back(ouro::make_gc<package>(name));
  std::size_t const before_edges = allocated_bytes();
  for (std::size_t i = 0; i < graph.size(); ++i) {
    packages[i]->depends.reserve(graph.depends(i).size());
    for (std::size_t const target : graph.depends(i)) packages[i]->depends.push_back(packages[target]);
  }
  figures.build_seconds = watch.lap();
  // A block of the heap has a header and is rounded up: both count.
  figures.bytes = ouro::heap::current().stats().bytes_in_use - before.bytes_in_use + allocated_bytes() - before_edges;

  watch.lap();
  packages.clear();
  figures.count_down_seconds = watch.lap();
  figures.freed_by_counting = before.objects + graph.size() - ouro::heap::current().stats().objects;

  watch.lap();
  figures.freed_by_collector = ouro::gc::collect();
  figures.collect_seconds = watch.lap();
  figures.alive = ouro::heap::current().stats().objects - before.objects;
  ouro::gc::enable();
  return figures;
}

}  // namespace pkggraph
