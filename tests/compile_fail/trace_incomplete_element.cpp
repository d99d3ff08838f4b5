// expect: ouro: this class is incomplete here, so what it holds cannot be known
#include <ouro/ouro.hpp>

#include <vector>

struct element;
#ifndef OURO_EXPECT_FAIL
struct element {
  ouro::gc_ptr<element> next;
};
#endif
struct whole {
  whole();
  ~whole();
  std::vector<element> elements;
  static constexpr std::size_t gc_fields = 1;
};

int main() { ouro::make_gc<whole>(); }
