// Which classes have a finalizer.
#include "support/fake_handle.hpp"

#include <string>
#include <vector>

namespace {

using ouro::detail::has_finalizer;

struct none {
  std::string a;
};
struct plain {
  void gc_finalize() {}
};
struct exact {
  void gc_finalize() const noexcept {}
};
struct inherited : plain {};
struct hidden_twice : plain, exact {
  void gc_finalize() {}
};
struct through_virtual_base_a : virtual plain {};
struct through_virtual_base_b : virtual plain {};
struct diamond : through_virtual_base_a, through_virtual_base_b {};
class private_one {
  void gc_finalize() {}
  friend ouro::access;
};
struct final_one final {
  void gc_finalize() {}
};
struct virtual_one {
  virtual ~virtual_one() = default;
  virtual void gc_finalize() = 0;
};

static_assert(!has_finalizer<int> && !has_finalizer<none> && !has_finalizer<std::vector<plain>>);
static_assert(has_finalizer<plain> && has_finalizer<plain const> && has_finalizer<exact>);
static_assert(has_finalizer<inherited> && has_finalizer<hidden_twice> && has_finalizer<diamond>);
static_assert(has_finalizer<private_one> && has_finalizer<final_one> && has_finalizer<virtual_one>);

}  // namespace
