// expect: gc_ptr<base[]>
#include <ouro/ouro.hpp>

struct base {
  int a = 0;
};
struct derived : base {
  int b = 0;
};

ouro::gc_ptr<const base[]> to_const(ouro::gc_ptr<base[]> const& p) { return p; }
ouro::gc_ptr<void> to_void(ouro::gc_ptr<derived[]> const& p) { return p; }

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<base[]> to_bases(ouro::gc_ptr<derived[]> const& p) { return p; }
#endif
