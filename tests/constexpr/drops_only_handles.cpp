// Which destructors do nothing but drop handles: those of aggregates that declare none, all the way down.
#include <ouro/ouro.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::detail::drops_only_handles;

int next_number() { return 1; }

struct plain {
  gc_ptr<plain> first{};
  std::int64_t value;
  gc_ptr<plain> second{};
};
struct two_handles {
  gc_ptr<two_handles> first;
  gc_ptr<plain> second;
  int number = next_number();
};
struct nested {
  plain inner;
  int numbers[3];
};
struct with_array {
  gc_ptr<plain> handles[2];
};
struct with_std_array {
  std::array<gc_ptr<plain>, 4> handles;
  std::array<int, 3> numbers;
};
template <class Value>
struct holds {
  gc_ptr<holds> next;
  Value value;
};
static_assert(drops_only_handles<int>);
static_assert(drops_only_handles<gc_ptr<plain>>);
static_assert(drops_only_handles<plain>);
static_assert(drops_only_handles<two_handles>);
static_assert(drops_only_handles<nested>);
static_assert(drops_only_handles<with_array>);
static_assert(drops_only_handles<with_std_array>);
static_assert(drops_only_handles<holds<double>>);

struct destructor_outside {
  gc_ptr<plain> p;
  ~destructor_outside() {}
};
struct constexpr_destructor {
  gc_ptr<plain> p;
  constexpr ~constexpr_destructor() {}
};
struct destructor_and_assignments {
  gc_ptr<plain> p;
  constexpr ~destructor_and_assignments() {}
  destructor_and_assignments& operator=(destructor_and_assignments&&) = default;
  destructor_and_assignments& operator=(destructor_and_assignments const&) = default;
};
struct destructor_and_template {
  gc_ptr<plain> p;
  constexpr ~destructor_and_template() {}
  template <class U>
  constexpr destructor_and_template& operator=(U&&) {
    return *this;
  }
};
struct has_member_with_destructor {
  destructor_outside d;
};
class not_an_aggregate {
 public:
  not_an_aggregate() = default;

 private:
  gc_ptr<plain> p_;
  static constexpr auto gc_members = ouro::members(&not_an_aggregate::p_);
  friend ouro::access;
};
struct lists_some_of_its_members {
  gc_ptr<plain> p;
  std::string not_listed;
  static constexpr auto gc_members = ouro::members(&lists_some_of_its_members::p);
};
struct traced_by_hand {
  gc_ptr<plain> p;
  void gc_trace(ouro::tracer& t) const noexcept { t(p); }
};
struct cannot_be_made {
  explicit cannot_be_made(int);
};
struct const_handle {
  gc_ptr<plain> const p;
};
static_assert(!drops_only_handles<destructor_outside>);
static_assert(!drops_only_handles<constexpr_destructor>);
static_assert(!drops_only_handles<destructor_and_assignments>);
static_assert(!drops_only_handles<destructor_and_template>);
static_assert(!drops_only_handles<has_member_with_destructor>);
static_assert(!drops_only_handles<not_an_aggregate>);
static_assert(!drops_only_handles<lists_some_of_its_members>);
static_assert(!drops_only_handles<traced_by_hand>);
static_assert(!drops_only_handles<holds<cannot_be_made>>);
static_assert(!drops_only_handles<const_handle>);

// Handles that no trace reports, and those whose drop is more than that.
static_assert(!drops_only_handles<gc_ptr<int>>);
static_assert(!drops_only_handles<holds<gc_ptr<int>>>);
static_assert(!drops_only_handles<holds<ouro::weak_gc_ptr<plain>>>);
static_assert(!drops_only_handles<holds<ouro::gc_interior_ptr<int>>>);
static_assert(!drops_only_handles<holds<std::string>>);
static_assert(!drops_only_handles<holds<std::vector<gc_ptr<plain>>>>);
static_assert(!drops_only_handles<holds<std::unique_ptr<plain>>>);

}  // namespace
