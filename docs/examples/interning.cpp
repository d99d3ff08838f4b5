// An intern table and a cache, both of which forget what nobody uses any more.
#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

struct Symbol {
  std::string text;
};

class Interner {  // equal names give the same object, while anybody holds it
 public:
  ouro::gc_ptr<Symbol> operator()(std::string const& text) {
    if (auto const at = table_.find(text); at != table_.end()) return (*at).second;
    auto fresh = ouro::make_gc<Symbol>(text);
    table_.try_emplace(text, fresh);
    return fresh;
  }
  std::size_t size() const { return table_.size(); }

 private:
  ouro::weak_value_map<std::string, Symbol> table_;
};

struct Image {
  std::string file;
  std::string pixels;
};

class ImageCache {  // loads a file once, as long as its image is in use
 public:
  ouro::gc_ptr<Image> load(std::string const& file) {
    if (auto const at = images_.find(file); at != images_.end()) return (*at).second;
    ++loads_;
    auto fresh = ouro::make_gc<Image>(file, std::string(1000, '.'));
    images_.try_emplace(file, fresh);
    return fresh;
  }
  int loads() const { return loads_; }
  std::size_t size() const { return images_.size(); }

 private:
  ouro::weak_value_map<std::string, Image> images_;
  int loads_ = 0;
};

int main() {
  Interner intern;
  auto a = intern("lambda");
  auto b = intern("lambda");
  bool ok = a == b && intern.size() == 1;
  a.reset();
  b.reset();
  ok = ok && intern.size() == 0;

  ImageCache cache;
  auto first = cache.load("cat.png");
  auto again = cache.load("cat.png");
  ok = ok && first == again && cache.loads() == 1;
  first.reset();
  again.reset();
  ok = ok && cache.size() == 0;
  auto later = cache.load("cat.png");
  ok = ok && cache.loads() == 2;
  std::printf("symbols: %zu, images: %zu, loads: %d\n", intern.size(), cache.size(), cache.loads());
  return ok ? 0 : 1;
}
