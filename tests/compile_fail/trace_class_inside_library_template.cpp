// expect: ouro: a class inside a template of the standard library or of Boost is not known
#include <ouro/ouro.hpp>

#include <map>

using map = std::map<int, ouro::gc_ptr<int>>;
#ifndef OURO_EXPECT_FAIL
template <>
struct ouro::trace_traits<map::node_type> {
  static void trace(map::node_type const& n, ouro::tracer& t) noexcept {
    if (!n.empty()) t(n.mapped());
  }
};
#endif
struct holder {
  map::node_type extracted;
};

int main() { ouro::make_gc<holder>(); }
