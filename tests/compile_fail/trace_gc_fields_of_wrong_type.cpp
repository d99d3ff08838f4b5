// expect: ouro: gc_fields is no constant
#include <ouro/ouro.hpp>

class node {
 public:
  node() = default;

 private:
  ouro::gc_ptr<node> next_;
#ifdef OURO_EXPECT_FAIL
  static constexpr char const* gc_fields = "next_";
#else
  static constexpr int gc_fields = 1;
#endif
  friend ouro::access;
};

int main() { ouro::make_gc<node>(); }
