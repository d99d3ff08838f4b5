// expect: ouro: std::tuple_size is specialised for this class
#include <ouro/ouro.hpp>

#include <utility>

struct edge {
  ouro::gc_ptr<edge> from;
  ouro::gc_ptr<edge> to;
#ifndef OURO_EXPECT_FAIL
  static constexpr auto gc_members = ouro::members(&edge::from, &edge::to);
#endif
};
template <>
struct std::tuple_size<edge> : std::integral_constant<std::size_t, 2> {};

int main() { ouro::make_gc<edge>(); }
