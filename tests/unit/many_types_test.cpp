// A heap with very many types: apart from heap_test because of the time it takes to compile.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <fstream>

#include <unistd.h>
#endif

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::manual_heap;

template <int N>
struct numbered {
  gc_ptr<numbered> self{};
  std::array<char, 1 + N % 100> bytes{};
};

template <int... N>
void make_one_of_each(std::vector<gc_ptr<void>>& objects, std::integer_sequence<int, N...>) {
  (objects.push_back(make_gc<numbered<N>>()), ...);
}

#if defined(__linux__)
std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}
#endif

}  // namespace

TEST_CASE("1,000 types with one object each take less than 16 MiB") {
  manual_heap heap;
  std::vector<gc_ptr<void>> objects;
#if defined(__linux__) && !OURO_DETAIL_ASAN
  auto const before = resident_bytes();
  make_one_of_each(objects, std::make_integer_sequence<int, 1'000>());
  CHECK(resident_bytes() - before < 16 * 1024 * 1024);
#else
  make_one_of_each(objects, std::make_integer_sequence<int, 1'000>());
#endif
  CHECK(heap.objects() == 1'000);
  CHECK(ouro::gc::collect() == 0);
  heap.verify();
  objects.clear();
  CHECK(heap.objects() == 0);
}
