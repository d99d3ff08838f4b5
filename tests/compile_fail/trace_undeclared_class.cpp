// expect: ouro: this class is no aggregate, so its members cannot be found
#include <ouro/ouro.hpp>

class account {
 public:
  account() = default;

 private:
  ouro::gc_ptr<account> owner_;
  int balance_ = 0;
#ifndef OURO_EXPECT_FAIL
  static constexpr std::size_t gc_fields = 2;
  friend ouro::access;
#endif
};

int main() { ouro::make_gc<account>(); }
