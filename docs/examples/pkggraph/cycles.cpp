#include "cycles.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace pkggraph {
namespace {

class tarjan {
 public:
  explicit tarjan(dependency_graph const& graph)
      : graph_(graph), order_(graph.size(), unvisited), low_(graph.size()), next_edge_(graph.first_edge) {
    summary_.users_first.reserve(graph.size());
  }

  cycle_summary run() {
    for (std::size_t root = 0; root < graph_.size(); ++root) {
      if (order_[root] == unvisited) visit_from(root);
    }
    // A component is complete only after everything it depends on is.
    std::reverse(summary_.users_first.begin(), summary_.users_first.end());
    return std::move(summary_);
  }

 private:
  static constexpr std::size_t unvisited = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t completed = unvisited - 1;

  void enter(std::size_t package) {
    order_[package] = low_[package] = visited_++;
    path_.push_back(package);
    open_.push_back(package);
  }

  void visit_from(std::size_t root) {
    enter(root);
    while (!path_.empty()) {
      std::size_t const package = path_.back();
      if (next_edge_[package] != graph_.first_edge[package + 1]) {
        std::size_t const target = graph_.targets[next_edge_[package]++];
        if (order_[target] == unvisited) {
          enter(target);
        } else if (order_[target] != completed) {
          low_[package] = std::min(low_[package], order_[target]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) low_[path_.back()] = std::min(low_[path_.back()], low_[package]);
      if (low_[package] == order_[package]) complete(package);
    }
  }

  // What was opened since `first` is one strongly connected component.
  void complete(std::size_t first) {
    std::size_t start = open_.size();
    while (open_[--start] != first) {
    }
    auto const component = open_.begin() + static_cast<std::ptrdiff_t>(start);
    for (auto member = component; member != open_.end(); ++member) order_[*member] = completed;
    summary_.users_first.insert(summary_.users_first.end(), component, open_.end());
    std::size_t const size = open_.size() - start;
    if (size > 1 || depends_on_itself(first)) {
      ++summary_.cycles;
      summary_.members += size;
      std::vector<std::size_t> members(component, open_.end());
      std::sort(members.begin(), members.end());
      auto& largest = summary_.largest;
      if (size > largest.size() || (size == largest.size() && members < largest)) largest = std::move(members);
    }
    open_.resize(start);
  }

  bool depends_on_itself(std::size_t package) const {
    auto const targets = graph_.depends(package);
    return std::find(targets.begin(), targets.end(), package) != targets.end();
  }

  dependency_graph const& graph_;
  std::vector<std::size_t> order_;      // of the first visit
  std::vector<std::size_t> low_;        // the earliest open package that is known to be reachable
  std::vector<std::size_t> next_edge_;  // of each package: the first one not followed yet
  std::vector<std::size_t> path_;       // what a recursion would have on its stack
  std::vector<std::size_t> open_;       // visited, component not yet known
  std::size_t visited_ = 0;
  cycle_summary summary_;
};

}  // namespace

cycle_summary find_cycles(dependency_graph const& graph) { return tarjan(graph).run(); }

}  // namespace pkggraph
