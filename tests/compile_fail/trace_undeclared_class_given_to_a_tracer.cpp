// expect: ouro: this class is no aggregate, so its members cannot be found
#include <ouro/ouro.hpp>

#include <string>

class opaque {
 public:
  opaque() {}
  ~opaque() {}

 private:
#ifndef OURO_EXPECT_FAIL
  using gc_leaf = opaque;
  friend ouro::access;
#endif
  std::string value_;
};
struct node {
  node() {}
  void gc_trace(ouro::tracer& t) const noexcept { t(next, other); }
  ouro::gc_ptr<node> next;
  opaque other;
};

int main() { ouro::make_gc<node>(); }
