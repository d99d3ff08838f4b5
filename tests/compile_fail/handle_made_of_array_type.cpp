// expect: ouro: make_gc of an array takes the number of elements: make_gc<T[]>(n)
#include <ouro/ouro.hpp>

#ifdef OURO_EXPECT_FAIL
auto make() { return ouro::make_gc<int[3]>(); }
#else
auto make() { return ouro::make_gc<int[]>(3); }
#endif
