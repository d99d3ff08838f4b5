// expect: ouro: this class is no aggregate, so its members cannot be found
#include <ouro/ouro.hpp>

class hidden {
 public:
  hidden() = default;
#ifdef OURO_EXPECT_FAIL
#else
  static constexpr std::size_t gc_fields = 1;
  friend ouro::access;
#endif

 private:
  ouro::gc_ptr<int> p_;
};

ouro::gc_generator<int> body() {
  ouro::gc_local_value<hidden> const local;
  co_yield 1;
}
