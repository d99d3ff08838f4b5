// expect: include the definition of T in this translation unit
#include <ouro/ouro.hpp>

struct never_completed;
struct completed_later;

struct holder {  // declaring is fine
  ouro::gc_ptr<never_completed> a;
  ouro::gc_ptr<completed_later> b;
};

ouro::gc_ptr<completed_later> copy(ouro::gc_ptr<completed_later> const& p) { return p; }

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<never_completed> copy(ouro::gc_ptr<never_completed> const& p) { return p; }
#else
ouro::gc_ptr<never_completed> const& pass(ouro::gc_ptr<never_completed> const& p) { return p; }
#endif

struct completed_later {
  int a = 0;
};
