// expect: include the definition of T in this translation unit
#include <ouro/ouro.hpp>

struct never_completed;
struct completed_later;

struct holder {
  ouro::gc_ptr<completed_later> a;
#ifdef OURO_EXPECT_FAIL
  ouro::gc_ptr<never_completed> b;
#endif
};

void use() { holder const dropped_here; }

struct completed_later {
  int a = 0;
};
