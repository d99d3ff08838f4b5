// A search tree of words with links to parents that is walked lazily: in order, over a range, and by a cursor that the
// tree keeps itself, which makes a cycle through a coroutine frame.
//
// Usage: tree_walker [WORD ...]
#include <ouro/ouro.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using ouro::elements_of;
using ouro::gc_generator;
using ouro::gc_ptr;

namespace {

struct Node {
  std::string word;
  gc_ptr<Node> parent;
  gc_ptr<Node> left{}, right{};

  gc_generator<Node const&> in_order() const {
    if (left) co_yield elements_of(left->in_order());
    co_yield *this;
    if (right) co_yield elements_of(right->in_order());
  }

  // Goes down only where words of the range may be.
  gc_generator<Node const&> between(std::string_view first, std::string_view last) const {
    if (left && first <= word) co_yield elements_of(left->between(first, last));
    if (first <= word && word <= last) co_yield *this;
    if (right && word <= last) co_yield elements_of(right->between(first, last));
  }

  gc_generator<Node const&> ancestors() const {
    for (auto p = ouro::gc_local(parent); p; p = p->parent) co_yield *p;
  }
};

struct Tree {
  gc_ptr<Node> root{};
  gc_generator<std::string const&> cursor{};  // where a reader has stopped

  void insert(std::string_view word) {
    gc_ptr<Node> parent;
    gc_ptr<Node>* place = &root;
    while (*place) {
      parent = *place;
      if (word == parent->word) return;
      place = word < parent->word ? &parent->left : &parent->right;
    }
    *place = ouro::make_gc<Node>(std::string(word), parent);
  }
};

gc_generator<std::string const&> read(gc_ptr<Tree> tree) {
  if (!tree->root) co_return;
  // Not a range-for, whose hidden variables would be roots: the tree would hold itself through the frame.
  ouro::gc_local_value const nodes(tree->root->in_order());
  while (nodes->next()) co_yield nodes->value().word;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.empty()) words = {"mango", "cherry", "plum", "apple", "fig", "quince", "olive", "date"};

  auto tree = ouro::make_gc<Tree>();
  for (auto const word : words) tree->insert(word);

  std::printf("in order: ");
  for (Node const& node : tree->root->in_order()) std::printf(" %s", node.word.c_str());
  std::printf("\nfrom c to o:");
  for (Node const& node : tree->root->between("c", "o")) std::printf(" %s", node.word.c_str());
  std::printf("\nabove the first:");
  for (Node const& first : tree->root->in_order()) {
    for (Node const& node : first.ancestors()) std::printf(" %s", node.word.c_str());
    break;  // the rest of the walk is never done
  }

  tree->cursor = read(tree);
  tree->cursor.next();
  std::printf("\nthe cursor stands at: %s\n", tree->cursor.value().c_str());
  tree.reset();  // nodes and parents, tree and cursor hold one another
  std::printf("collected: %s\n", ouro::gc::collect() != 0 ? "the tree, its nodes and its cursor" : "nothing");
  return 0;
}
