// What tools/draw_pictures.py draws of one collection: the objects of a heap, their counts and their handles, before and
// after. A line for each object: stage, name, count, and the names of what it points to.
#include <ouro/ouro.hpp>

#include <cstdio>
#include <vector>

struct Node {
  char const* name;
  std::vector<ouro::gc_ptr<Node>> to;
};

void print(char const* stage) {
  auto const objects = ouro::gc::get_objects();  // one more handle to each
  for (auto const& object : objects) {
    auto const node = ouro::static_pointer_cast<Node>(object);
    std::printf("%s %s %zu", stage, node->name, node.use_count() - 2);
    for (auto const& target : node->to) std::printf(" %s", target->name);
    std::printf("\n");
  }
}

int main() {
  auto root = ouro::make_gc<Node>("root");
  {
    auto x = ouro::make_gc<Node>("x"), y = ouro::make_gc<Node>("y");  // a cycle that root holds
    root->to = {x};
    x->to = {y};
    y->to = {x};
    auto a = ouro::make_gc<Node>("a"), b = ouro::make_gc<Node>("b"), c = ouro::make_gc<Node>("c");
    auto d = ouro::make_gc<Node>("d");  // hangs on the cycle
    a->to = {b, y};                     // garbage may point to what lives
    b->to = {c};
    c->to = {a, d};
  }
  print("before");
  std::printf("freed %zu\n", ouro::gc::collect());
  print("after");
}
