// expect: ouro: no handle can point to this base
#include <ouro/ouro.hpp>

struct first {
  int a = 0;
};
struct second {
  int b = 0;
};
struct both : first, second {};

#ifdef OURO_EXPECT_FAIL
ouro::weak_gc_ptr<second> convert(ouro::weak_gc_ptr<both> const& p) { return p; }
#else
ouro::weak_gc_ptr<first> convert(ouro::weak_gc_ptr<both> const& p) { return p; }
#endif
