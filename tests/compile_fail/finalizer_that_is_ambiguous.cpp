// expect: ouro: gc_finalize of this class is ambiguous, out of reach, or not of the form `void gc_finalize()`
#include <ouro/ouro.hpp>

struct first {
  void gc_finalize() {}
};
struct second {
  void gc_finalize() {}
};
struct resource : first, second {
#ifndef OURO_EXPECT_FAIL
  void gc_finalize() {
    first::gc_finalize();
    second::gc_finalize();
  }
#endif
  ouro::gc_ptr<resource> next;
};

int main() { ouro::make_gc<resource>(); }
