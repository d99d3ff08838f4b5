// expect: weak_gc_ptr<int>
#include <ouro/ouro.hpp>

ouro::weak_gc_ptr<int const> to_const(ouro::weak_gc_ptr<int> const& p) { return p; }

#ifdef OURO_EXPECT_FAIL
ouro::weak_gc_ptr<int> from_const(ouro::weak_gc_ptr<int const> const& p) { return p; }
#else
ouro::weak_gc_ptr<int> from_const(ouro::weak_gc_ptr<int const> const& p) {
  return ouro::const_pointer_cast<int>(p.lock());
}
#endif
