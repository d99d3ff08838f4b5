// expect: ouro: elements_of needs a generator or another range
#include <ouro/ouro.hpp>

ouro::gc_generator<int> one(int x) {
#ifdef OURO_EXPECT_FAIL
  co_yield ouro::elements_of(x);
#else
  co_yield x;
#endif
}
