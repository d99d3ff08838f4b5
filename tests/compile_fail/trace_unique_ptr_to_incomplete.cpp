// expect: ouro: the class that this unique_ptr owns is incomplete here
#include <ouro/ouro.hpp>

#include <memory>

struct hidden;
#ifndef OURO_EXPECT_FAIL
template <>
inline constexpr bool ouro::is_leaf<hidden> = true;
#endif
struct whole {
  whole();
  ~whole();
  std::unique_ptr<hidden> parts;
  static constexpr std::size_t gc_fields = 1;
};

int main() { ouro::make_gc<whole>(); }
