// expect: ouro: no handle can point to this base: it does not begin where the object begins, and it is not polymorphic
#include <ouro/ouro.hpp>

struct first {
  int a;
};
struct second {
  int b;
};
struct whole : first, second {
  using gc_leaf = whole;
};

ouro::gc_ptr<first> to_first(ouro::gc_ptr<whole> const& p) { return p; }

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<second> to_second(ouro::gc_ptr<whole> const& p) { return p; }
#else
ouro::gc_interior_ptr<second> to_second(ouro::gc_ptr<whole> const& p) {
  return ouro::gc_interior_ptr<second>(p, p.get());
}
#endif

ouro::gc_ptr<whole> make() { return ouro::make_gc<whole>(); }
