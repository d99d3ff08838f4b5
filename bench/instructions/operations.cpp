// Single operations for count.py: `operations NAME N` performs one of them N times. The difference of two runs under
// callgrind, divided by the difference of their N, is what one operation takes, loop included.
#include <ouro/ouro.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace {

struct node {
  ouro::gc_ptr<node> next{};
  long value = 0;
};

struct base {
  virtual ~base() = default;
};
struct derived : base {
  using gc_leaf = derived;
  long value = 0;
};

struct leaf {
  char bytes[56];
};

/// The compiler can know nothing of the handle.
template <class Handle>
void use(Handle const& handle) {
  asm volatile("" : : "r"(&handle) : "memory");
}

struct operation {
  char const* name;
  void (*run)(long);
};

operation const operations[] = {
    {"copy_drop",
     [](long n) {
       auto const from = ouro::make_gc<node>();
       for (long i = 0; i != n; ++i) {
         auto const copy = from;
         use(copy);
       }
     }},
    {"copy_drop_polymorphic",
     [](long n) {
       ouro::gc_ptr<base> const from = ouro::make_gc<derived>();
       for (long i = 0; i != n; ++i) {
         auto const copy = from;
         use(copy);
       }
     }},
    {"move_twice",
     [](long n) {
       auto from = ouro::make_gc<node>();
       for (long i = 0; i != n; ++i) {
         auto to = std::move(from);
         use(to);
         from = std::move(to);
       }
     }},
    {"make_drop",
     [](long n) {
       for (long i = 0; i != n; ++i) use(ouro::make_gc<node>());
     }},
    {"make_drop_leaf",
     [](long n) {
       for (long i = 0; i != n; ++i) use(ouro::make_gc<leaf>());
     }},
    {"make_drop_cycle",  // with the collections that free it
     [](long n) {
       for (long i = 0; i != n; ++i) {
         auto const p = ouro::make_gc<node>();
         p->next = p;
       }
       ouro::gc::collect();
     }},
    {"lock_drop",
     [](long n) {
       auto const object = ouro::make_gc<node>();
       ouro::weak_gc_ptr<node> const weak = object;
       for (long i = 0; i != n; ++i) use(weak.lock());
     }},
    {"weak_copy_drop",
     [](long n) {
       auto const object = ouro::make_gc<node>();
       ouro::weak_gc_ptr<node> const weak = object;
       for (long i = 0; i != n; ++i) {
         auto const copy = weak;
         use(copy);
       }
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (operation const& o : operations) std::puts(o.name);
    return 0;
  }
  for (operation const& o : operations) {
    if (argc == 3 && std::strcmp(argv[1], o.name) == 0) {
      o.run(std::atol(argv[2]));
      return 0;
    }
  }
  std::fputs("usage: operations --list | operations NAME N\n", stderr);
  return 2;
}
