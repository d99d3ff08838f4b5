// expect: ouro: the keys of a death_queue are not traced
#include <ouro/ouro.hpp>

struct node {
  ouro::gc_ptr<node> next;
};

#ifdef OURO_EXPECT_FAIL
using key = ouro::gc_ptr<node>;
#else
using key = int;
#endif

void watch(ouro::death_queue<node, key>& queue, ouro::gc_ptr<node> const& p) { queue.watch(p, key()); }
