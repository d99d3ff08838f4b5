// expect: ouro: gc_members is only inherited
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> first;
  static constexpr auto gc_members = ouro::members(&base::first);
};
struct derived : base {
  ouro::gc_ptr<base> second;
#ifndef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(ouro::bases<base>, &derived::second);
#endif
};

int main() { ouro::make_gc<derived>(); }
