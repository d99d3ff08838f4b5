// expect: ouro: the result of a generator is aligned to more than 16 bytes
#include <ouro/ouro.hpp>

struct alignas(64) line {
  char bytes[64];
};

#ifdef OURO_EXPECT_FAIL
ouro::gc_generator<int, void, line> read() {
  co_yield 1;
  co_return line{};
}
#else
ouro::gc_generator<int, void, ouro::gc_ptr<line>> read() {
  co_yield 1;
  co_return ouro::make_gc<line>();
}
#endif
