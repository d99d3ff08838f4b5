// How classes that are no aggregates say what they hold.
#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

class Account {
 public:
  explicit Account(std::string name) : name_(std::move(name)) {}
  virtual ~Account() = default;
  void partner(ouro::gc_ptr<Account> other) { partners_.push_back(std::move(other)); }

 private:
  friend ouro::access;
  static constexpr std::size_t gc_fields = 2;  // the compiler checks the number: no member can be forgotten

  std::string name_;
  std::vector<ouro::gc_ptr<Account>> partners_;
};

class Savings : public Account {  // a base with data: list what is traced
 public:
  using Account::Account;
  void guarantor(ouro::gc_ptr<Account> other) { guarantor_ = std::move(other); }

 private:
  friend ouro::access;
  ouro::gc_ptr<Account> guarantor_;
  static constexpr auto gc_members = ouro::members(ouro::bases<Account>, &Savings::guarantor_);
};

int main() {
  auto current = ouro::make_gc<Account>("current");
  auto savings = ouro::make_gc<Savings>("savings");
  current->partner(savings);
  savings->guarantor(current);
  current.reset();
  savings.reset();
  std::size_t const freed = ouro::gc::collect();
  std::printf("the collector freed %zu objects\n", freed);
  return freed == 2 ? 0 : 1;
}
