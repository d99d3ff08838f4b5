// expect: ouro: a unique_ptr to a polymorphic class may own an object of a derived one
#include <ouro/ouro.hpp>

#include <memory>

struct part {
  virtual ~part() = default;
  ouro::gc_ptr<part> next;
#ifdef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 1;
#else
  virtual void gc_trace(ouro::tracer& t) const noexcept { t(next); }
#endif
};
struct whole {
  std::unique_ptr<part> first;
};

int main() { ouro::make_gc<whole>(); }
