// expect: await_transform
#include <ouro/ouro.hpp>

ouro::gc_generator<int> body() {
#ifdef OURO_EXPECT_FAIL
  co_await std::suspend_always();
#endif
  co_yield 1;
}
