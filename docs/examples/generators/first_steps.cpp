// What a generator is, in the order of docs/generators.md.
#include <ouro/ouro.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using ouro::elements_of;
using ouro::gc_generator;
using ouro::gc_local;
using ouro::gc_local_value;
using ouro::gc_ptr;

namespace {

gc_generator<int> countdown(int n) {
  while (n > 0) co_yield n--;
}

// Yields what it was sent, and returns how much that was.
gc_generator<int, void, int, int> echo() {
  int sum = 0;
  int last = 0;
  while (int const* const sent = co_yield int(last)) {
    last = *sent;
    sum += last;
  }
  co_return sum;
}

gc_generator<int, void, int, int> twice() {
  int const first = co_yield elements_of(echo());
  int const second = co_yield elements_of(echo());
  co_return first + second;
}

struct Account {
  std::string name;
  std::vector<int> amounts;
  gc_generator<int> statement{};  // its frame holds the account: a cycle
};

gc_generator<int> balances(gc_ptr<Account> account) {  // a parameter: traced
  gc_local<Account> const same = account;              // a local with a name of its own: traced
  gc_local_value<std::vector<gc_ptr<Account>>> seen;   // a container: traced
  int balance = 0;
  for (int const amount : same->amounts) {
    seen->push_back(same);
    co_yield balance += amount;
  }
}

struct Node {
  int value = 0;
  gc_ptr<Node> left{}, right{};

  gc_generator<int> in_order() const {  // keeps *this alive
    if (left) co_yield elements_of(left->in_order());
    co_yield int(value);
    if (right) co_yield elements_of(right->in_order());
  }
};

int failures = 0;

void expect(bool holds, char const* what) {
  if (holds) return;
  std::printf("wrong: %s\n", what);
  ++failures;
}

void iterate() {
  int sum = 0;
  for (int const x : countdown(3)) sum += x;  // 3, 2, 1
  expect(sum == 6, "iteration");

  auto const g = countdown(3);
  expect(g.next() && g.value() == 3, "next");
  for (int const x : g) sum -= x;  // goes on: 2, 1
  expect(sum == 3 && g.done(), "begin() continues");
}

void talk() {
  auto const g = twice();
  g.next();   // runs to the first co_yield
  g.send(5);  // the co_yield in the first echo returns a pointer to 5
  g.next();   // ... or null: the first echo returns
  g.send(7);
  expect(!g.next() && g.result() == 12, "send and result");

  auto const h = countdown(3);
  h.next();
  bool caught = false;
  try {
    h.throw_(std::make_exception_ptr(std::runtime_error("stop")));  // the co_yield throws
  } catch (std::runtime_error const&) {
    caught = true;
  }
  expect(caught && h.done(), "throw_");
}

void make_garbage() {
  auto account = ouro::make_gc<Account>("Ada", std::vector<int>{10, -3});
  account->statement = balances(account);
  account->statement.next();
  account.reset();  // the account holds the generator, whose frame holds the account
  expect(ouro::gc::collect() == 2, "the cycle is collected");
}

void bind() {
  std::string word = "lambda";
  // Not `[word]() -> gc_generator<char> { ... }()`: the captures die with the lambda, before the first element.
  auto const letters = ouro::bind_generator(
      [](std::string const& text) -> gc_generator<char> {
        for (char const c : text) co_yield char(c);
      },
      word);
  std::string spelled;
  for (char const c : letters) spelled += c;
  expect(spelled == word, "bind_generator");
}

void watch() {
  int deaths = 0;
  auto g = countdown(3);
  auto const weak = g.weak();  // does not keep the generator alive
  auto const watching = g.weak([&](ouro::weak_gc_generator<int> const&) { ++deaths; });
  weak.lock().next();
  expect(weak.lock() == g && g.value() == 3, "lock");
  g.reset();
  expect(weak.expired() && deaths == 1, "expired");
}

void walk() {
  auto const root = ouro::make_gc<Node>(2, ouro::make_gc<Node>(1), ouro::make_gc<Node>(3));
  std::string seen;
  for (int const x : root->in_order()) seen += std::to_string(x);
  expect(seen == "123", "in_order");
}

}  // namespace

int main() {
  iterate();
  talk();
  make_garbage();
  bind();
  watch();
  walk();
  return failures == 0 ? 0 : 1;
}
