// expect: ouro: bind_generator needs a function that returns a gc_generator
#include <ouro/ouro.hpp>

#ifdef OURO_EXPECT_FAIL
int once(int x) { return x; }
#else
ouro::gc_generator<int> once(int x) { co_yield x; }
#endif

auto const g = ouro::bind_generator(once, 1);
