// expect: ouro: gc_leaf names another class, or is only inherited
#include <ouro/ouro.hpp>

#include <string>

struct other {};
class file {
 public:
  file() = default;
  ~file() {}
#ifdef OURO_EXPECT_FAIL
  using gc_leaf = other;
#else
  using gc_leaf = file;
#endif

 private:
  std::string path_;
};

int main() { ouro::make_gc<file>(); }
