// The single header alone. Half of a cycle is made here, the other half in unit.cpp.
#include "unit.hpp"

#if defined(OURO_DETAIL_ABI) || \
    OURO_VERSION != OURO_VERSION_MAJOR * 10000 + OURO_VERSION_MINOR * 100 + OURO_VERSION_PATCH
#error "private macros are left over, or the version is not whole"
#endif

int main() {
  auto root = ouro::make_gc<Node>("root");
  make_child(root);
  root.reset();
  return ouro::gc::collect() == 2 && ouro::heap::current().stats().objects == 0 ? 0 : 1;
}
