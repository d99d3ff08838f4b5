// The example at the top of the README.
#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

struct Node {  // an aggregate: nothing to declare
  std::string name;
  std::vector<ouro::gc_ptr<Node>> children;
  ouro::gc_ptr<Node> parent;  // a cycle; no weak_ptr needed
};

int main() {
  auto root = ouro::make_gc<Node>("root");
  root->children.push_back(ouro::make_gc<Node>("leaf", std::vector<ouro::gc_ptr<Node>>{}, root));
  root.reset();                                   // counting alone would leak here
  std::size_t const freed = ouro::gc::collect();  // 2; it also runs by itself
  std::printf("the collector freed %zu objects\n", freed);
  return freed == 2 ? 0 : 1;
}
