// expect: ouro: a class in ouro::bases<...> is no base of this class
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> link;
};
struct stranger {
  ouro::gc_ptr<base> link;
};
struct derived : base {
#ifdef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members<derived>(ouro::bases<base, stranger>);
#else
  static constexpr auto gc_members = ouro::members<derived>(ouro::bases<base>);
#endif
};

int main() { ouro::make_gc<derived>(); }
