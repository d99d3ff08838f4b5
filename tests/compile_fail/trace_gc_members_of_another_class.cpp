// expect: ouro: gc_members must list members of this very class
#include <ouro/ouro.hpp>

struct other {
  ouro::gc_ptr<other> link;
};
struct node {
  node() {}
  ouro::gc_ptr<node> next;
#ifdef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(&other::link);
#else
  static constexpr auto gc_members = ouro::members(&node::next);
#endif
};

int main() { ouro::make_gc<node>(); }
