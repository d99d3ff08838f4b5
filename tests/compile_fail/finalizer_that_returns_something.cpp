// expect: ouro: gc_finalize of this class is ambiguous, out of reach, or not of the form `void gc_finalize()`
#include <ouro/ouro.hpp>

struct resource {
  resource() = default;
#ifdef OURO_EXPECT_FAIL
  bool gc_finalize() { return true; }
#else
  void gc_finalize() {}
#endif
  ouro::gc_ptr<resource> next;
  static constexpr std::size_t gc_fields = 1;
};

int main() { ouro::make_gc<resource>(); }
