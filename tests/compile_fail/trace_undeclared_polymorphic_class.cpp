// expect: ouro: this class is no aggregate, so its members cannot be found
#include <ouro/ouro.hpp>

struct shape {
  virtual ~shape() = default;
  ouro::gc_ptr<shape> next;
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 1;
#endif
};

int main() { ouro::make_gc<shape>(); }
