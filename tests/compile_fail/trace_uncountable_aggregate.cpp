// expect: ouro: the members of this aggregate cannot be counted
#include <ouro/ouro.hpp>

struct no_copy {
  no_copy() = default;
  no_copy(no_copy const&) = delete;
};
// Neither values nor references fill both a reference and a member that cannot be copied.
struct node {
  explicit operator bool() const { return true; }
  no_copy& a;
  no_copy const b;
  ouro::gc_ptr<node> next;
  int c[4000];
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 4;
#endif
};

int main() {
  no_copy n;
  (void)n;
#ifdef OURO_EXPECT_FAIL
  ouro::detail::assert_traceable<node>();
#else
  ouro::detail::assert_traceable<node>();
#endif
}
