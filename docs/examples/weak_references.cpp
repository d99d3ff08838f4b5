// Handle, weak handle, interior pointer, ephemeron: the listings of docs/weak_references.md.
#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

struct Window {
  std::string title;
  std::vector<ouro::gc_ptr<Window>> children;
  ouro::gc_ptr<Window> parent;  // a handle: the cycle is collected
};

struct Listener {
  ouro::weak_gc_ptr<Window> target;  // does not keep the window open
  bool notify() {
    auto const window = target.lock();  // a handle while we work with it, or null
    if (!window) return false;
    window->title += '!';
    return true;
  }
};

struct Layout {
  int width = 0;
  ouro::gc_ptr<Window> of;  // leads back to its key
};

int main() {
  bool ok = true;
  auto window = ouro::make_gc<Window>("main");

  Listener listener{window};
  ok = ok && listener.notify();

  ouro::gc_interior_ptr<std::string> title(window, &window->title);  // keeps the whole window

  ouro::weak_key_map<Window, Layout> layouts;  // what we know of windows, without a member in them
  layouts.try_emplace(window, Layout{640, window});
  ok = ok && layouts.at(window).width == 640;

  int closed = 0;
  ouro::weak_gc_ptr<Window> watched(window, [&](ouro::weak_gc_ptr<Window> const&) { ++closed; });

  ouro::death_queue<Window, int> deaths;  // the same, when the program asks
  deaths.watch(window, 17);

  auto cleanup = ouro::finalize(
      window, [](std::string const& file) { std::printf("removes %s\n", file.c_str()); }, std::string("window.tmp"));

  window.reset();
  ouro::gc::collect();
  ok = ok && closed == 0;  // the interior pointer keeps it
  title.reset();
  ouro::gc::collect();  // its layout refers to it, which is no reason to stay
  ok = ok && closed == 1 && watched.expired() && layouts.empty() && !listener.notify();
  ok = ok && deaths.pop() == 17 && !cleanup.alive();
  std::printf("%s\n", ok ? "as expected" : "not as expected");
  return ok ? 0 : 1;
}
