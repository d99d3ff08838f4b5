// exit: 0
// expect 2: destroyed by the library
// expect 1: unloaded
// expect 1: still loaded
// expect 1: all was well
//
// A library that makes all the heaps is unloaded: its garbage goes with it. While a thread that has a heap by it runs, it
// stays, since the heap is still to be closed.
#include <dlfcn.h>

#include <cstdio>
#include <future>
#include <thread>

namespace {

bool is_loaded() {
  void* const library = dlopen(OURO_TEST_PLUGIN, RTLD_NOW | RTLD_NOLOAD);
  if (library != nullptr) dlclose(library);
  return library != nullptr;
}

}  // namespace

int main() {
  void* library = dlopen(OURO_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return 1;
  reinterpret_cast<void (*)()>(dlsym(library, "make_garbage"))();
  dlclose(library);
  std::puts(is_loaded() ? "not unloaded" : "unloaded");

  library = dlopen(OURO_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  std::promise<void> made;
  std::promise<void> closed;
  std::thread thread([&] {
    reinterpret_cast<void (*)()>(dlsym(library, "make_garbage"))();
    made.set_value();
    closed.get_future().wait();
  });
  made.get_future().wait();
  dlclose(library);
  std::puts(is_loaded() ? "still loaded" : "unloaded too early");
  closed.set_value();
  thread.join();
  std::puts("all was well");
}
