// expect: ouro: shared ownership is never traced
#include <ouro/ouro.hpp>

#include <memory>

struct node {
#ifdef OURO_EXPECT_FAIL
  std::shared_ptr<node> next;
#endif
  ouro::gc_ptr<node> other;
};

int main() { ouro::make_gc<node>(); }
