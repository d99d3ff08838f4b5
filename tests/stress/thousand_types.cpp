// A thousand types with one object each stay below 16 MiB: a page that holds one object takes one page of the system.
#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace {

template <std::size_t N>
struct numbered {
  ouro::gc_ptr<void> next;
  std::size_t number = N;
};

template <std::size_t Begin, std::size_t... N>
void make_hundred(std::vector<ouro::gc_ptr<void>>& all, std::index_sequence<N...>) {
  (all.push_back(ouro::make_gc<numbered<Begin + N>>()), ...);
}

// In portions, since compilers limit the depth of a fold.
template <std::size_t... Hundred>
void make_all(std::vector<ouro::gc_ptr<void>>& all, std::index_sequence<Hundred...>) {
  (make_hundred<Hundred * 100>(all, std::make_index_sequence<100>()), ...);
}

/// Resident memory of this process at its highest, in KiB; 0 where the system does not say.
long peak_resident_kib() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) return 0;
  char line[256];
  long kib = 0;
  while (std::fgets(line, sizeof line, status) != nullptr) std::sscanf(line, "VmHWM: %ld", &kib);
  std::fclose(status);
  return kib;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

}  // namespace

int main() {
  std::vector<ouro::gc_ptr<void>> all;
  make_all(all, std::make_index_sequence<10>());
  auto const stats = ouro::heap::current().stats();
  long const peak = peak_resident_kib();
  std::printf("%zu objects of as many types, %zu pages, peak resident memory %ld KiB\n", stats.objects, stats.pages,
              peak);
  if (stats.objects != 1000) return 1;
  if (sanitized || peak == 0) {
    std::puts("memory is not judged: a sanitizer takes its own, or the system does not tell");
    return 0;
  }
  return peak < 16 * 1024 ? 0 : 1;
}
