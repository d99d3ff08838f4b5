// expect: ouro: this aggregate has a bit-field or a reference beside traced members
#include <ouro/ouro.hpp>

struct node {
  ouro::gc_ptr<node> next;
  unsigned color : 1;
  unsigned rank : 7;
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 3;
#endif
};

int main() { ouro::make_gc<node>(); }
