// expect: ouro: what a lambda captures cannot be traced: use ouro::gc_function
#include <ouro/ouro.hpp>

struct button {
  int presses = 0;
};

int main() {
  auto b = ouro::make_gc<button>();
#ifdef OURO_EXPECT_FAIL
  auto action = [b] { ++b->presses; };
#else
  ouro::gc_function<void()> action([](ouro::gc_ptr<button>& target) { ++target->presses; }, b);
#endif
  ouro::make_gc<decltype(action)>(action);
}
