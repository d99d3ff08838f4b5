// What tools/draw_pictures.py draws of many collections: a program that keeps one object in ten and drops the others as
// cycles. A line for each collection: objects made so far, generation, objects before it and after it.
#include <ouro/ouro.hpp>

#include <cstdio>
#include <vector>

struct Node {
  ouro::gc_ptr<Node> self;
  double payload[4] = {};
};

int main() {
  constexpr int total = 400'000;
  std::vector<ouro::gc_ptr<Node>> kept;
  int made = 0;
  std::size_t before = 0;
  ouro::gc::callbacks().push_back([&](ouro::gc::phase phase, ouro::gc::info const& info) {
    std::size_t const objects = ouro::heap::current().stats().objects;
    if (phase == ouro::gc::phase::start) {
      before = objects;
    } else {
      std::printf("%d %d %zu %zu\n", made, info.generation, before, objects);
    }
  });
  for (; made < total; ++made) {
    auto node = ouro::make_gc<Node>();
    node->self = node;
    if (made % 10 == 0) kept.push_back(node);
  }
  for (auto const& node : kept) node->self.reset();
}
