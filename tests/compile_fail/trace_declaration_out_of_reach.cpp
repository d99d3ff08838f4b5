// expect: friend ouro::access;
#include <ouro/ouro.hpp>

class account {
 public:
  account() = default;

 private:
  ouro::gc_ptr<account> owner_;
  static constexpr std::size_t gc_fields = 1;
#ifndef OURO_EXPECT_FAIL
  friend ouro::access;
#endif
};

int main() { ouro::make_gc<account>(); }
