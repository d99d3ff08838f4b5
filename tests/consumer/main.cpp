// The program of every consumer: makes a cycle, drops it and collects it.
#include <ouro/ouro.hpp>

#include <vector>

struct Node {
  std::vector<ouro::gc_ptr<Node>> children;
  ouro::gc_ptr<Node> parent;
};

int main() {
  auto root = ouro::make_gc<Node>();
  root->children.push_back(ouro::make_gc<Node>(std::vector<ouro::gc_ptr<Node>>{}, root));
  root.reset();
  return ouro::gc::collect() == 2 ? 0 : 1;
}
