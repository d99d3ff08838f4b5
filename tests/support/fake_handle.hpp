// A handle that the reflection layer takes for one, and a tracer that notes what is reported: no collector needed.
#ifndef OURO_TESTS_SUPPORT_FAKE_HANDLE_HPP
#define OURO_TESTS_SUPPORT_FAKE_HANDLE_HPP

#include <ouro/trace.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace ouro_test {

/// Not trivially copyable, as real handles; `T` may be incomplete.
template <class T>
struct fake_handle {
  fake_handle(std::uintptr_t n = 0) : number(n) {}
  fake_handle(fake_handle const& other) : number(other.number) {}
  fake_handle& operator=(fake_handle const& other) {
    number = other.number;
    return *this;
  }
  ~fake_handle() {}
  auto operator<=>(fake_handle const&) const = default;

  std::uintptr_t number;
};

using places = std::vector<void const*>;

inline places sorted(places p) {
  std::sort(p.begin(), p.end());
  return p;
}

/// Notes the slots reported in one pass.
class noting_tracer : public ouro::tracer {
 public:
  explicit noting_tracer(ouro::detail::trace_pass pass) : tracer(buffer_, buffer_ + capacity, &note, &defer, pass) {}

  places take() {
    note(*this);
    return sorted(noted_);
  }

 private:
  static constexpr std::size_t capacity = 3;  // small, so that flushing is tested too

  static void note(ouro::tracer& t) noexcept {
    auto& self = static_cast<noting_tracer&>(t);
    for (ouro::detail::edge* e = self.first_; e != self.next_; ++e) self.noted_.push_back(e->slot);
    self.next_ = self.first_;
  }

  static bool defer(ouro::tracer&, void const*, part_function) noexcept {
    return false;
  }  // then the part is traced at once

  ouro::detail::edge buffer_[capacity];
  places noted_;
};

/// Where the handles are that tracing `value` reports, in order of their addresses.
template <class T>
places traced(T const& value, ouro::detail::trace_pass pass = ouro::detail::trace_pass::visit) {
  noting_tracer t(pass);
  t(value);
  return t.take();
}

/// The places of these handles, in order of their addresses.
template <class... T>
places of(fake_handle<T> const&... handle) {
  return sorted({static_cast<void const*>(&handle)...});
}

}  // namespace ouro_test

template <class T>
struct std::hash<ouro_test::fake_handle<T>> {
  std::size_t operator()(ouro_test::fake_handle<T> const& h) const noexcept { return h.number; }
};

template <class T>
struct ouro::detail::handle_traits<ouro_test::fake_handle<T>> {
  static constexpr bool is_handle = true;
  static constexpr bool is_traced = true;
  static constexpr bool is_hand_traced = false;
  static void trace(ouro_test::fake_handle<T> const& h, ouro::tracer& t) noexcept {
    void const* const slot = &h;
    ouro::detail::tracer_access::report(t, static_cast<void**>(const_cast<void*>(slot)), h.number);
  }
};

#endif
