// exit: abort
// expect: OURO_HARDENED]
// expect: [v0
// expect: configuration
// never: main runs
//
// One unit without OURO_HARDENED beside one with it: the program ends before main and names both.
#undef OURO_HARDENED
#include <ouro/ouro.hpp>

#include <cstdio>

namespace {
struct shared_type {
  ouro::gc_ptr<shared_type> self;
};
}  // namespace

int hardened_part();

int main() {
  std::puts("main runs");
  return ouro::make_gc<shared_type>() ? hardened_part() : 1;
}
