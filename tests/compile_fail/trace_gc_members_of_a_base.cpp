// expect: ouro: gc_members must list members of this very class
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> first;
};
struct derived : base {
  ouro::gc_ptr<base> second;
#ifdef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members<derived>(&derived::first, &derived::second);
#else
  static constexpr auto gc_members = ouro::members<derived>(ouro::bases<base>, &derived::second);
#endif
};

int main() { ouro::make_gc<derived>(); }
