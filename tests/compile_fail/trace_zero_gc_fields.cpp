// expect: ouro: gc_fields is 0, but this class has data
#include <ouro/ouro.hpp>

class node {
 public:
  node() = default;

 private:
  ouro::gc_ptr<node> next_;
#ifdef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 0;
#else
  static constexpr std::size_t gc_fields = 1;
#endif
  friend ouro::access;
};

int main() { ouro::make_gc<node>(); }
