// expect: gc_ptr<int>
#include <ouro/ouro.hpp>

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<int> adopt(int* p) { return ouro::gc_ptr<int>(p); }
#else
ouro::gc_ptr<int> adopt(int* p) { return ouro::gc_from_this(p); }
#endif
