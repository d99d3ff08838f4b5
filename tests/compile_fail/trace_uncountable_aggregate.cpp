// expect: ouro: the members of this aggregate cannot be counted
#include <ouro/ouro.hpp>

struct fixed {
  explicit fixed(int n) : value(n) {}
  fixed(fixed const&) = delete;
  int value;
};
// What fills a reference does not fill a member that can neither be copied nor made from nothing.
struct node {
  int& counter;
  fixed limit;
  ouro::gc_ptr<node> next;
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 3;
#endif
};

void trace(ouro::tracer& t, node const& n) { t(n); }
