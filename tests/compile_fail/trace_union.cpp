// expect: ouro: nobody knows which member of a union is alive
#include <ouro/ouro.hpp>

#include <variant>

union slot {
  slot() : number(0) {}
  ~slot() {}
  int number;
  ouro::gc_ptr<int> handle;
};
struct holder {
#ifdef OURO_EXPECT_FAIL
  slot value;
#else
  std::variant<int, ouro::gc_ptr<int>> value;
#endif
};

int main() { ouro::make_gc<holder>(); }
