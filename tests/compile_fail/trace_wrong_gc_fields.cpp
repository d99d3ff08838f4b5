// expect: only 2 names
#include <ouro/ouro.hpp>

// The words are the compilers' own: the number is checked by a structured binding.
class triple {
 public:
  triple() = default;

 private:
  ouro::gc_ptr<triple> first_;
  ouro::gc_ptr<triple> second_;
  ouro::gc_ptr<triple> third_;
#ifdef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 2;
#else
  static constexpr std::size_t gc_fields = 3;
#endif
  friend ouro::access;
};

int main() { ouro::make_gc<triple>(); }
