// exit: 0
// expect 1: made and destroyed agree
//
// Threads with heaps of their own work, collect and end side by side; none disturbs another.
#include <ouro/ouro.hpp>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<long> made{0};
std::atomic<long> destroyed{0};

class counted {
 public:
  using gc_leaf = counted;
  counted() { ++made; }
  counted(counted const&) = delete;
  counted& operator=(counted const&) = delete;
  ~counted() { ++destroyed; }
};

struct node {
  std::string name;
  std::vector<ouro::gc_ptr<node>> links{};
  counted c{};
};

void work(unsigned seed) {
  std::vector<ouro::gc_ptr<node>> roots(50);
  auto const next = [&seed] { return seed = seed * 1664525u + 1013904223u; };
  for (int i = 0; i < 20'000; ++i) {
    std::size_t const a = next() / 65536u % roots.size();
    std::size_t const b = next() / 65536u % roots.size();
    switch (next() / 65536u % 4u) {
      case 0:
        roots[a] = ouro::make_gc<node>("a name that is long enough to lie on the heap");
        break;
      case 1:
        if (roots[a]) roots[a]->links.push_back(roots[b]);
        break;
      case 2:
        roots[a].reset();
        break;
      default:
        if (roots[a] && !roots[a]->links.empty()) roots[a]->links.pop_back();
    }
    if (i % 5'000 == 0) ouro::gc::collect(i / 5'000 % 3);
  }
}

}  // namespace

int main() {
  for (unsigned round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, 10 * round + i);
    work(100 + round);
    for (auto& t : threads) t.join();
  }
  ouro::gc::collect();
  std::puts(made > 0 && made == destroyed ? "made and destroyed agree" : "made and destroyed differ");
}
