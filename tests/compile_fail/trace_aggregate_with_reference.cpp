// expect: ouro: this aggregate has a bit-field or a reference beside traced members
#include <ouro/ouro.hpp>

struct node {
  int& counter;
  ouro::gc_ptr<node> next;
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 2;
#endif
};

int main() {
  int n = 0;
  ouro::make_gc<node>(n);
}
