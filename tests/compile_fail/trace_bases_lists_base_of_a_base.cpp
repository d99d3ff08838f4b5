// expect: ouro: ouro::bases<...> lists a base together with a base of that base
#include <ouro/ouro.hpp>

struct root {
  ouro::gc_ptr<root> link;
};
struct middle : root {
  static constexpr auto gc_members = ouro::members<middle>(ouro::bases<root>);
};
struct leaf : middle {
#ifdef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members<leaf>(ouro::bases<middle, root>);
#else
  static constexpr auto gc_members = ouro::members<leaf>(ouro::bases<middle>);
#endif
};

int main() { ouro::make_gc<leaf>(); }
