// expect: ouro: members(...) cannot tell which class it speaks of
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> link;
};
struct derived : base {
#ifdef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(ouro::bases<base>);
#else
  static constexpr auto gc_members = ouro::members<derived>(ouro::bases<base>);
#endif
};

int main() { ouro::make_gc<derived>(); }
