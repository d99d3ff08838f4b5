// expect: ouro: gc_members lists a member twice
#include <ouro/ouro.hpp>

struct node {
  node() {}
  ouro::gc_ptr<node> left;
  ouro::gc_ptr<node> right;
#ifdef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(&node::left, &node::right, &node::left);
#else
  static constexpr auto gc_members = ouro::members(&node::left, &node::right);
#endif
};

int main() { ouro::make_gc<node>(); }
