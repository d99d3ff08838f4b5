// expect: ouro: a library type that ouro does not know has traced template arguments
#include <ouro/ouro.hpp>

#include <future>

struct node {
#ifdef OURO_EXPECT_FAIL
  std::future<ouro::gc_ptr<node>> next;
#else
  std::future<int> number;
  ouro::gc_ptr<node> next;
#endif
};

int main() { ouro::make_gc<node>(); }
