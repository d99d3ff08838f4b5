// exit: 4
// expect 1: leaving
//
// std::exit in a destructor of garbage that shares pages with what lives, some of it led to from nowhere but memory that is
// never freed: the collections at the end of the program leave that alone.
#include "announce.hpp"

#include <ouro/ouro.hpp>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;

struct node {
  gc_ptr<node> next{};
  bool leaves = false;
  bool stays = false;
  ~node() {
    if (stays) std::puts("destroyed, but a handle leads to it");
    if (!leaves) return;
    std::puts("leaving");
    std::fflush(stdout);
    std::exit(4);
  }
};

struct ring {
  gc_ptr<ring> self{};
};

auto& kept = *new std::vector<gc_ptr<node>>;
gc_ptr<ring> in_static;  // garbage at the end, so that there is more than one collection then

}  // namespace

int main() {
  in_static = make_gc<ring>();
  in_static->self = in_static;
  std::vector<gc_ptr<node>> dropped;
  for (int i = 0; i != 300; ++i) {
    auto p = make_gc<node>(nullptr, i % 3 == 0, i % 3 != 0);
    if (i % 3 != 2) p->next = p;
    (i % 3 == 0 ? dropped : kept).push_back(p);
  }
  dropped.clear();
  ouro::gc::collect();
}
