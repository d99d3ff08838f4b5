// expect: ouro: a parameter of a generator is aligned to more than 16 bytes
#include <ouro/ouro.hpp>

struct alignas(64) line {
  char bytes[64];
};

#ifdef OURO_EXPECT_FAIL
ouro::gc_generator<char> bytes(line l) {
#else
ouro::gc_generator<char> bytes(line const& l) {
#endif
  for (char const c : l.bytes) co_yield char(c);
}
