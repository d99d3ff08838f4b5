#include "measure.hpp"

#include <cstdlib>
#include <new>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace {

// The program has one thread.
std::size_t allocated = 0;

std::size_t block_size(void* block, std::size_t requested) noexcept {
#ifdef __GLIBC__
  static_cast<void>(requested);
  return ::malloc_usable_size(block) + sizeof(std::size_t);
#else
  static_cast<void>(block);
  return requested;
#endif
}

}  // namespace

// The nothrow forms too: those of a sanitizer would not call these, but what they return is deleted here.
void* operator new(std::size_t size) {
  for (;;) {
    if (void* const block = std::malloc(size != 0 ? size : 1)) {
      allocated += block_size(block, size);
      return block;
    }
    std::new_handler const handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
  try {
    return ::operator new(size);
  } catch (std::bad_alloc const&) {
    return nullptr;
  }
}

void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::nothrow_t const&) noexcept { std::free(block); }

std::size_t pkggraph::allocated_bytes() noexcept { return allocated; }
