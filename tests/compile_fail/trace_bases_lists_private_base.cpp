// expect: ouro: a class in ouro::bases<...> is no base of this class, an ambiguous one, or out of reach
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> link;
};
class derived : base {
 public:
  static constexpr auto gc_members = ouro::members<derived>(ouro::bases<base>);
#ifndef OURO_EXPECT_FAIL
  friend ouro::access;
#endif
};

int main() { ouro::make_gc<derived>(); }
