// What the programs of this directory print: one line for every object that dies.
#ifndef OURO_TESTS_LIFETIME_ANNOUNCE_HPP
#define OURO_TESTS_LIFETIME_ANNOUNCE_HPP

#include <cstdio>
#include <utility>

/// Prints "destroyed NAME" when the object that holds it is destroyed.
class announcer {
 public:
  using gc_leaf = announcer;

  explicit announcer(char const* name) noexcept : name_(name) {}
  announcer(announcer&& other) noexcept : name_(std::exchange(other.name_, nullptr)) {}
  announcer& operator=(announcer&&) = delete;
  ~announcer() {
    if (name_ == nullptr) return;
    std::printf("destroyed %s\n", name_);
    std::fflush(stdout);
  }

  char const* name() const noexcept { return name_; }

 private:
  char const* name_;
};

#endif
