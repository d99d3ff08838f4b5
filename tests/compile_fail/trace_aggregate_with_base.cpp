// expect: ouro: this aggregate has a base with data
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> link;
};
struct derived : base {
  ouro::gc_ptr<base> other;
#ifndef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(ouro::bases<base>, &derived::other);
#endif
};

int main() { ouro::make_gc<derived>(); }
