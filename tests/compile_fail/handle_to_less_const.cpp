// expect: gc_ptr<int>
#include <ouro/ouro.hpp>

ouro::gc_ptr<int const> to_const(ouro::gc_ptr<int> const& p) { return p; }

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<int> from_const(ouro::gc_ptr<int const> const& p) { return p; }
#else
ouro::gc_ptr<int> from_const(ouro::gc_ptr<int const> const& p) { return ouro::const_pointer_cast<int>(p); }
#endif
