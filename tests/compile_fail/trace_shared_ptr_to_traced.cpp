// expect: ouro: shared ownership is never traced
#include <ouro/ouro.hpp>

#include <memory>

struct part {
  ouro::gc_ptr<part> next;
};
struct whole {
#ifdef OURO_EXPECT_FAIL
  std::shared_ptr<part> first;
#else
  ouro::gc_ptr<part> first;
  std::weak_ptr<part> observed;
  std::shared_ptr<int> number;
#endif
};

int main() { ouro::make_gc<whole>(); }
