// The other half of plain_unit.cpp.
#ifndef OURO_HARDENED
#define OURO_HARDENED
#endif
#include <ouro/ouro.hpp>

namespace {
struct shared_type {
  ouro::gc_ptr<shared_type> self;
};
}  // namespace

#if defined(__GNUC__) && !defined(_WIN32)
__attribute__((visibility("default")))
#elif defined(_WIN32)
__declspec(dllexport)
#endif
int hardened_part();

int hardened_part() { return ouro::make_gc<shared_type>() ? 0 : 1; }
