#include "shared_graph.hpp"

#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

namespace pkggraph {
namespace {

struct package {
  std::string_view name;
  std::vector<std::shared_ptr<package>> depends;

  static inline std::size_t destroyed = 0;

  explicit package(std::string_view n) : name(n) {}
  package(package const&) = delete;
  package& operator=(package const&) = delete;
  ~package() { ++destroyed; }
};

// Breaks the cycles by hand, as a program with shared_ptr has to, so that leak checkers stay quiet. All handles are
// taken out before the first one is dropped: then no object dies while it is still needed here, nor inside another.
void free_leaked(std::vector<package*> const& leaked) {
  std::vector<std::shared_ptr<package>> handles;
  for (package* const p : leaked) {
    handles.insert(handles.end(), std::make_move_iterator(p->depends.begin()),
                   std::make_move_iterator(p->depends.end()));
  }
}

}  // namespace

graph_figures run_shared_graph(dependency_graph const& graph, cycle_summary const& cycles) {
  graph_figures figures;
  std::vector<std::shared_ptr<package>> packages;
  packages.reserve(graph.size());
  std::vector<package*> leaked;
  leaked.reserve(graph.size());

  stopwatch watch;
  std::size_t const bytes_before = allocated_bytes();
  for (std::string_view const name : graph.names) packages.push_back(std::make_shared<package>(name));
  for (std::size_t i = 0; i < graph.size(); ++i) {
    packages[i]->depends.reserve(graph.depends(i).size());
    for (std::size_t const target : graph.depends(i)) packages[i]->depends.push_back(packages[target]);
  }
  figures.build_seconds = watch.lap();
  figures.bytes = allocated_bytes() - bytes_before;

  // Users first, so that no object dies inside the destructor of another: shared_ptr frees a chain by recursion, and a
  // file may name a chain that no stack is deep enough for. So whatever still has another owner here will never die.
  std::size_t const destroyed_before = package::destroyed;
  watch.lap();
  for (std::size_t const i : cycles.users_first) {
    if (packages[i].use_count() > 1) leaked.push_back(packages[i].get());
    packages[i].reset();
  }
  figures.count_down_seconds = watch.lap();
  figures.freed_by_counting = package::destroyed - destroyed_before;
  figures.alive = graph.size() - figures.freed_by_counting;

  free_leaked(leaked);
  return figures;
}

}  // namespace pkggraph
