// expect: ouro: gc_fields is only inherited
#include <ouro/ouro.hpp>

struct base {
  virtual ~base() = default;
  static constexpr std::size_t gc_fields = 0;
};
struct derived : base {
  ouro::gc_ptr<base> link;
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 1;
#endif
};

int main() { ouro::make_gc<derived>(); }
