#include <ouro/ouro.hpp>

#include <cstdio>

struct Snake {
  ouro::gc_ptr<Snake> tail;
};

int main() {
  auto ouroboros = ouro::make_gc<Snake>();
  ouroboros->tail = ouroboros;
  ouroboros.reset();
  auto const freed = ouro::gc::collect();
  std::printf("ouro %d.%d.%d: the collector freed %zu object\n", OURO_VERSION_MAJOR, OURO_VERSION_MINOR,
              OURO_VERSION_PATCH, freed);
  return freed == 1 ? 0 : 1;
}
