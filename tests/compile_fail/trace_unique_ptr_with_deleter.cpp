// expect: ouro: a unique_ptr with a deleter of its own
#include <ouro/ouro.hpp>

#include <memory>

struct part {
  ouro::gc_ptr<part> next;
};
struct give_back {
  void operator()(part* p) const { delete p; }
};
struct whole {
#ifdef OURO_EXPECT_FAIL
  std::unique_ptr<part, give_back> first;
#else
  std::unique_ptr<part> first;
#endif
};

int main() { ouro::make_gc<whole>(); }
