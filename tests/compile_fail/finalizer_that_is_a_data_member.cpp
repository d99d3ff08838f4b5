// expect: ouro: gc_finalize of this class is ambiguous, out of reach, or not of the form `void gc_finalize()`
#include <ouro/ouro.hpp>

struct resource {
  resource() = default;
  ouro::gc_ptr<resource> next;
#ifdef OURO_EXPECT_FAIL
  bool gc_finalize = false;
#else
  bool finalized = false;
  void gc_finalize() { finalized = true; }
#endif
  static constexpr std::size_t gc_fields = 2;
};

int main() { ouro::make_gc<resource>(); }
