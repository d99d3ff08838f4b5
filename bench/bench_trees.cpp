// W3 binary trees (the program of the benchmarks game), W4 trees with parent handles, W8 GCBench.
#include <bit>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace {

using namespace ouro_bench;

constexpr std::size_t nodes_of(int depth) { return (std::size_t{2} << depth) - 1; }

template <class P>
struct tree {
  handle<P, tree> left = {}, right = {};
};

template <class P>
handle<P, tree<P>> grow(int depth) {
  if (depth == 0) return P::template make<tree<P>>();
  return P::template make<tree<P>>(grow<P>(depth - 1), grow<P>(depth - 1));
}

template <class P>
std::size_t count(tree<P> const& node) {
  return node.left ? 1 + count(*node.left) + count(*node.right) : 1;
}

template <class P>
bool binary_trees(int max_depth) {
  constexpr int min_depth = 4;
  bool right = count(*grow<P>(max_depth + 1)) == nodes_of(max_depth + 1);
  auto const long_lived = grow<P>(max_depth);
  for (int depth = min_depth; depth <= max_depth; depth += 2) {
    std::size_t const trees = std::size_t{1} << (max_depth - depth + min_depth);
    std::size_t nodes = 0;
    for (std::size_t i = 0; i < trees; ++i) nodes += count(*grow<P>(depth));
    right = right && nodes == trees * nodes_of(depth);
  }
  return right && count(*long_lived) == nodes_of(max_depth);
}

template <class P>
struct family {
  handle<P, family> left = {}, right = {};
  back<P, family> parent = {};
};

template <class P>
handle<P, family<P>> grow_family(int depth) {
  auto node = P::template make<family<P>>();
  if (depth > 0) {
    node->left = grow_family<P>(depth - 1);
    node->left->parent = P::as_back(node);
    node->right = grow_family<P>(depth - 1);
    node->right->parent = P::as_back(node);
  }
  return node;
}

/// Nodes below and with `node`, 0 if one of them has another parent than it should.
template <class P>
std::size_t count_family(family<P>& node) {
  if (!node.left) return 1;
  if (P::template raw<family<P>>(node.left->parent) != &node || P::template raw<family<P>>(node.right->parent) != &node)
    return 0;
  return 1 + count_family(*node.left) + count_family(*node.right);
}

template <class P>
bool parent_trees() {
  bool right = true;
  for (int const depth : {4, 6, 8, 10}) {
    std::size_t const trees = std::size_t{1} << (15 - depth);
    std::size_t nodes = 0;
    for (std::size_t i = 0; i < trees; ++i) nodes += count_family(*grow_family<P>(depth));
    right = right && nodes == trees * nodes_of(depth);
  }
  P::collect();
  return right;
}

template <class P>
struct gcbench_node {
  handle<P, gcbench_node> left, right;
  int first = 0, second = 0;
};

template <class P>
handle<P, gcbench_node<P>> bottom_up(int depth) {
  if (depth == 0) return P::template make<gcbench_node<P>>();
  return P::template make<gcbench_node<P>>(bottom_up<P>(depth - 1), bottom_up<P>(depth - 1));
}

template <class P>
void top_down(int depth, gcbench_node<P>& node) {
  if (depth == 0) return;
  node.left = P::template make<gcbench_node<P>>();
  node.right = P::template make<gcbench_node<P>>();
  top_down(depth - 1, *node.left);
  top_down(depth - 1, *node.right);
}

template <class P>
bool gcbench() {
  constexpr int stretch_depth = 18, long_lived_depth = 16, min_depth = 4, max_depth = 16;
  constexpr std::size_t array_size = 500'000;
  benchmark::DoNotOptimize(bottom_up<P>(stretch_depth));

  auto const long_lived = P::template make<gcbench_node<P>>();
  top_down(long_lived_depth, *long_lived);
  vector<P, double> array(array_size);
  for (std::size_t i = 1; i < array_size / 2; ++i) array[i] = 1.0 / static_cast<double>(i);

  for (int depth = min_depth; depth <= max_depth; depth += 2) {
    std::size_t const trees = 2 * nodes_of(stretch_depth) / nodes_of(depth);
    for (std::size_t i = 0; i < trees; ++i) {
      auto const root = P::template make<gcbench_node<P>>();
      top_down(depth, *root);
      benchmark::DoNotOptimize(root);
    }
    for (std::size_t i = 0; i < trees; ++i) benchmark::DoNotOptimize(bottom_up<P>(depth));
  }
  return long_lived->left && long_lived->right && array[1000] == 1.0 / 1000.0;
}

template <class P>
void add_binary_trees() {
  for (int const depth : {10, 16, 18, 21}) {
    // 10 GB and more of never freed memory say nothing new.
    if (std::is_base_of_v<arena_policy, P> && depth > 18) continue;
    add<P>("W3", std::to_string(depth), [depth] { return binary_trees<P>(depth); });
  }
}

template <class P>
void add_all() {
  add_scales<P>("W3", [](benchmark::State& state, std::size_t n) {
    int const depth = static_cast<int>(std::bit_width(n)) - 1;
    loop(state, [depth] { return count(*grow<P>(depth)) == nodes_of(depth); });
    return nodes_of(depth);
  });
  add_binary_trees<P>();
  add<P>("W4", "4-10", &parent_trees<P>);
  add<P>("W8", "18", &gcbench<P>);
}

}  // namespace

int main(int argc, char** argv) {
  for_all_peers([]<class P>() { add_all<P>(); });
  add_binary_trees<counted_arena_policy>();
  return run(argc, argv);
}
