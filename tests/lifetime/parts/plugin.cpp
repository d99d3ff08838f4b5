// The library that plugin_host.cpp loads: the only code of the program that makes objects.
#include "../announce.hpp"

#include <ouro/ouro.hpp>

namespace {

struct loop {
  announcer name{"by the library"};
  ouro::gc_ptr<loop> self{};
};

}  // namespace

extern "C" void make_garbage() {
  auto const p = ouro::make_gc<loop>();
  p->self = p;
}
