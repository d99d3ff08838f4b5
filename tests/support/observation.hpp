// What the tests of destruction, finalizers and traces watch with: an own heap, a count of live objects, recorded
// reports.
#ifndef OURO_TESTS_SUPPORT_OBSERVATION_HPP
#define OURO_TESTS_SUPPORT_OBSERVATION_HPP

#include <ouro/ouro.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ouro_test {

/// A heap of the test's own, current until the end of the scope, so that counts do not depend on other tests.
class fresh_heap {
 public:
  fresh_heap() = default;
  fresh_heap(fresh_heap const&) = delete;
  fresh_heap& operator=(fresh_heap const&) = delete;

  std::size_t objects() const { return heap_.stats().objects; }
  void verify() const { heap_.verify(); }
  ouro::heap& get() { return heap_; }

 private:
  ouro::heap heap_;
  ouro::heap::scope scope_{heap_};
};

/// A fresh heap that collects only when asked.
class manual_heap : public fresh_heap {
 public:
  manual_heap() { ouro::gc::disable(); }
};

/// How many holders of a `tally` live, were ever born, and have died.
struct census {
  int alive = 0;
  int born = 0;
  int died = 0;
};

/// A member that counts its holder in a census. A copy counts as a holder of its own; a move takes the place along.
class tally {
 public:
  using gc_leaf = tally;

  explicit tally(census& c) noexcept : census_(&c) { count(); }
  tally(tally const& other) noexcept : census_(other.census_) { count(); }
  tally(tally&& other) noexcept : census_(std::exchange(other.census_, nullptr)) {}
  tally& operator=(tally const&) = delete;
  ~tally() {
    if (census_ == nullptr) return;
    --census_->alive;
    ++census_->died;
  }

  census& where() const noexcept { return *census_; }

 private:
  void count() noexcept {
    if (census_ == nullptr) return;
    ++census_->alive;
    ++census_->born;
  }

  census* census_;
};

/// Keeps what the library reports while the scope lasts instead of printing it.
class recorded_reports {
 public:
  struct report {
    std::string exception;  // what(), "?" for other exceptions, empty without one
    std::string where;
    std::string type;
  };

  recorded_reports() : before_(ouro::gc::set_unraisable_hook(&recorded_reports::record)) { list().clear(); }
  recorded_reports(recorded_reports const&) = delete;
  recorded_reports& operator=(recorded_reports const&) = delete;
  ~recorded_reports() { ouro::gc::set_unraisable_hook(before_); }

  std::size_t size() const { return list().size(); }
  bool empty() const { return list().empty(); }
  report const& operator[](std::size_t i) const { return list().at(i); }

  /// How many reports name the type.
  std::size_t about(std::string_view type_name) const {
    std::size_t n = 0;
    for (auto const& r : list()) n += r.type.find(type_name) != std::string::npos;
    return n;
  }
  /// How many reports carry an exception with this text.
  std::size_t with_exception(std::string_view text) const {
    std::size_t n = 0;
    for (auto const& r : list()) n += r.exception == text;
    return n;
  }

 private:
  static std::vector<report>& list() {
    static std::vector<report> reports;
    return reports;
  }

  static void record(std::exception_ptr exception, std::string_view where, std::string_view type) {
    report r{{}, std::string(where), std::string(type)};
    if (exception) {
      try {
        std::rethrow_exception(exception);
      } catch (std::exception const& e) {
        r.exception = e.what();
      } catch (...) {
        r.exception = "?";
      }
    }
    list().push_back(std::move(r));
  }

  ouro::gc::unraisable_hook before_;
};

/// Removes the callbacks that a test has added.
class callbacks_restored {
 public:
  callbacks_restored() : before_(ouro::gc::callbacks().size()) {}
  callbacks_restored(callbacks_restored const&) = delete;
  callbacks_restored& operator=(callbacks_restored const&) = delete;
  ~callbacks_restored() { ouro::gc::callbacks().resize(before_); }

 private:
  std::size_t before_;
};

}  // namespace ouro_test

#endif
