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

struct cannot_be_made {
  explicit cannot_be_made(int);
};
template <class Value>
struct is_never_made_of_nothing {
  is_never_made_of_nothing() { static_assert(sizeof(Value) == 0, "nobody has asked for that"); }
  explicit is_never_made_of_nothing(Value);
};
struct should_not_be_made_of_nothing {
  [[deprecated]] should_not_be_made_of_nothing();
  explicit should_not_be_made_of_nothing(int);
};
struct assigned_an_int {
  gc_ptr<plain> p;
  void operator=(int);
};
static_assert(drops_only_handles<holds<cannot_be_made>>);
static_assert(drops_only_handles<holds<is_never_made_of_nothing<int>>>);
static_assert(drops_only_handles<holds<should_not_be_made_of_nothing>>);
static_assert(drops_only_handles<assigned_an_int>);

struct destructor_outside {
  gc_ptr<plain> p;
  ~destructor_outside() {}
};
struct defaulted_destructor {
  gc_ptr<plain> p;
  ~defaulted_destructor() = default;
};
// Compilers warn of implicit copies of the next two: none is made.
struct copy_assignment {
  gc_ptr<plain> p;
  copy_assignment& operator=(copy_assignment const&);
};
struct destructor_and_copy_assignment {
  gc_ptr<plain> p;
  ~destructor_and_copy_assignment() {}
  destructor_and_copy_assignment& operator=(destructor_and_copy_assignment const&) = default;
};
struct destructor_and_assignments {
  gc_ptr<plain> p;
  ~destructor_and_assignments() {}
  destructor_and_assignments& operator=(destructor_and_assignments&&) = default;
  destructor_and_assignments& operator=(destructor_and_assignments const&) = default;
};
struct destructor_and_others {
  gc_ptr<plain> p;
  ~destructor_and_others() {}
  destructor_and_others& operator=(int);
  destructor_and_others& operator=(destructor_and_others const&&);
};
struct destructor_and_template {
  gc_ptr<plain> p;
  ~destructor_and_template() {}
  template <class U>
  destructor_and_template& operator=(U&&);
};
struct destructor_and_templates {
  gc_ptr<plain> p;
  ~destructor_and_templates() {}
  template <class U = destructor_and_templates>
  destructor_and_templates& operator=(U&&) noexcept;
  template <int = 0, class U>
    requires(sizeof(U) != 1)
  destructor_and_templates& operator=(U&&) noexcept;
};
template <class Value>
struct chooses_destructor {
  gc_ptr<plain> p;
  Value value;
  ~chooses_destructor() = default;
  ~chooses_destructor()
    requires(sizeof(Value) == 4)
  {}
};
static_assert(!drops_only_handles<defaulted_destructor>);
static_assert(!drops_only_handles<copy_assignment>);
static_assert(!drops_only_handles<destructor_and_copy_assignment>);
static_assert(!drops_only_handles<destructor_and_others>);
static_assert(!drops_only_handles<destructor_and_templates>);
static_assert(!drops_only_handles<chooses_destructor<std::int32_t>>);
static_assert(!drops_only_handles<chooses_destructor<char>>);

// Of constants, too: they are no handles, and their copies are constants.
struct owner {
  int* owned = nullptr;
  constexpr ~owner() { delete owned; }
};
struct says_goodbye {
  constexpr ~says_goodbye() {}
};
struct has_base : says_goodbye {
  gc_ptr<plain> p;
};
struct has_base_and_array : says_goodbye {
  gc_ptr<plain> p[2];
};
// It is refused, with no more said than that.
struct has_base_with_data : plain {
  gc_ptr<plain> p;
};
static_assert(!drops_only_handles<owner>);
static_assert(!drops_only_handles<holds<owner>>);
static_assert(!drops_only_handles<holds<owner[2]>>);
static_assert(!drops_only_handles<holds<std::array<owner, 2>>>);
static_assert(!drops_only_handles<holds<says_goodbye>>);
static_assert(!drops_only_handles<has_base>);
static_assert(!drops_only_handles<has_base_and_array>);
static_assert(!drops_only_handles<has_base_with_data>);

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
struct marked_as_leaf {};
struct const_handle {
  gc_ptr<plain> const p;
};
}  // namespace

template <>
inline constexpr bool ouro::is_leaf<std::array<ouro::gc_ptr<marked_as_leaf>, 2>> = true;

namespace {

static_assert(!drops_only_handles<destructor_outside>);
static_assert(!drops_only_handles<destructor_and_assignments>);
static_assert(!drops_only_handles<destructor_and_template>);
static_assert(!drops_only_handles<has_member_with_destructor>);
static_assert(!drops_only_handles<not_an_aggregate>);
static_assert(!drops_only_handles<lists_some_of_its_members>);
static_assert(!drops_only_handles<traced_by_hand>);
static_assert(!drops_only_handles<const_handle>);

static_assert(!drops_only_handles<holds<std::array<gc_ptr<marked_as_leaf>, 2>>>);

// Handles that no trace reports, and those whose drop is more than that.
static_assert(!drops_only_handles<gc_ptr<int>>);
static_assert(!drops_only_handles<holds<gc_ptr<int>>>);
static_assert(!drops_only_handles<holds<ouro::weak_gc_ptr<plain>>>);
static_assert(!drops_only_handles<holds<ouro::gc_interior_ptr<int>>>);
static_assert(!drops_only_handles<holds<std::string>>);
static_assert(!drops_only_handles<holds<std::vector<gc_ptr<plain>>>>);
static_assert(!drops_only_handles<holds<std::unique_ptr<plain>>>);

}  // namespace
