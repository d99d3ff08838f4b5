// expect: ouro: gc_leaf names another class, or is only inherited
#include <ouro/ouro.hpp>

struct counter {
  using gc_leaf = counter;
  int value = 0;
};
struct linked_counter : counter {
  ouro::gc_ptr<linked_counter> next;
#ifndef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(&linked_counter::next);
#endif
};

int main() { ouro::make_gc<linked_counter>(); }
