// expect: ouro: gc_trace is only inherited and not virtual
#include <ouro/ouro.hpp>

struct base {
  ouro::gc_ptr<base> first;
  void gc_trace(ouro::tracer& t) const noexcept { t(first); }
};
struct derived : base {
  ouro::gc_ptr<base> second;
#ifndef OURO_EXPECT_FAIL
  void gc_trace(ouro::tracer& t) const noexcept {
    base::gc_trace(t);
    t(second);
  }
#endif
};

int main() { ouro::make_gc<derived>(); }
