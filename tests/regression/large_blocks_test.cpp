// Memory that a heap keeps for reuse is there for allocations of any size. Here memory is short by bytes.
#include "support/catch.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

namespace {

constexpr std::size_t prefix = 16;
std::size_t in_use = 0;
std::size_t most = std::numeric_limits<std::size_t>::max();

void* take(std::size_t bytes) noexcept {
  if (bytes > most || in_use > most - bytes) return nullptr;
  auto* const p = static_cast<char*>(std::malloc(prefix + bytes));
  if (p == nullptr) return nullptr;
  *reinterpret_cast<std::size_t*>(p) = bytes;
  in_use += bytes;
  return p + prefix;
}
void give(void* memory) noexcept {
  if (memory == nullptr) return;
  char* const p = static_cast<char*>(memory) - prefix;
  in_use -= *reinterpret_cast<std::size_t*>(p);
  std::free(p);
}

}  // namespace

void* operator new(std::size_t bytes) {
  void* const p = take(bytes);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(std::size_t bytes, std::nothrow_t const&) noexcept { return take(bytes); }
void operator delete(void* p) noexcept { give(p); }
void operator delete(void* p, std::size_t) noexcept { give(p); }
void operator delete(void* p, std::nothrow_t const&) noexcept { give(p); }

TEST_CASE("free blocks that a heap keeps make room for a block of another size") {
  ouro::heap heap;
  ouro::heap::scope const scope(heap);
  {
    std::vector<ouro::gc_ptr<char[]>> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(ouro::make_gc<char[]>(20'000));
    most = in_use;
  }
  ouro::gc_ptr<char[]> p;
  try {
    p = ouro::make_gc<char[]>(200'000);
  } catch (std::bad_alloc const&) {
  }
  most = std::numeric_limits<std::size_t>::max();
  CHECK(p.size() == 200'000);
  CHECK(heap.stats().bytes_reserved < 1'000'000);
}
