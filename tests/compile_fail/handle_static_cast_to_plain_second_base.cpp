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

ouro::gc_ptr<first> to_first(ouro::gc_ptr<whole> const& p) { return ouro::static_pointer_cast<first>(p); }
ouro::gc_ptr<whole> back(ouro::gc_ptr<first> const& p) { return ouro::static_pointer_cast<whole>(p); }

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<second> to_second(ouro::gc_ptr<whole> const& p) { return ouro::static_pointer_cast<second>(p); }
#endif
