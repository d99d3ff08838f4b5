// expect: ouro: gc_leaf names another class, or is only inherited
#include <ouro/ouro.hpp>

struct other {};
class file {
 public:
  file() = default;
  ~file() {}
#ifdef OURO_EXPECT_FAIL
  using gc_leaf = other;
#else
  using gc_leaf = file;
#endif

 private:
  int descriptor_ = -1;
};

int main() { ouro::make_gc<file>(); }
