// expect: ouro: gc_trace is only inherited and not virtual
#include <ouro/ouro.hpp>

struct base {
  virtual ~base() = default;
#ifdef OURO_EXPECT_FAIL
  void gc_trace(ouro::tracer& t) const noexcept { t(first); }
#else
  virtual void gc_trace(ouro::tracer& t) const noexcept { t(first); }
#endif
  ouro::gc_ptr<base> first;
};
struct derived : base {};

int main() { ouro::make_gc<derived>(); }
