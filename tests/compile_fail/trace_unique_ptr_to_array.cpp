// expect: ouro: a unique_ptr to an array does not know its length
#include <ouro/ouro.hpp>

#include <memory>
#include <vector>

struct node {
#ifdef OURO_EXPECT_FAIL
  std::unique_ptr<ouro::gc_ptr<node>[]> children;
#else
  std::unique_ptr<int[]> numbers;
  std::vector<ouro::gc_ptr<node>> children;
#endif
};

int main() { ouro::make_gc<node>(); }
