// What is a leaf, what has traced parts, and what is refused.
#include "support/fake_handle.hpp"

#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <condition_variable>
#include <deque>
#include <exception>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <random>
#include <regex>
#include <set>
#include <shared_mutex>
#include <span>
#include <stack>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>

namespace {

struct node;
using handle = ouro_test::fake_handle<node>;

template <class T>
constexpr bool is_leaf_type = ouro::traceable<T> && !ouro::is_traced<T>;
template <class T>
constexpr bool is_traced_type = ouro::traceable<T> && ouro::is_traced<T>;

// --- leaves
// -----------------------------------------------------------------------------------------------------------

struct point {
  double x, y;
};
enum class color { red };
union trivial_union {
  int a;
  float b;
};
static_assert(is_leaf_type<int> && is_leaf_type<int const> && is_leaf_type<color> && is_leaf_type<int[3]>);
static_assert(is_leaf_type<void*> && is_leaf_type<std::nullptr_t> && is_leaf_type<int point::*>);
static_assert(is_leaf_type<void (*)()> && is_leaf_type<point> && is_leaf_type<trivial_union>);

// What points to traced objects without owning them.
static_assert(is_leaf_type<handle*> && is_leaf_type<handle const&> && is_leaf_type<std::span<handle>>);
static_assert(is_leaf_type<std::string_view> && is_leaf_type<std::reference_wrapper<handle>>);
static_assert(is_leaf_type<std::weak_ptr<handle>> && is_leaf_type<std::weak_ptr<node>>);
static_assert(is_leaf_type<std::vector<handle>::iterator> && is_leaf_type<std::list<handle>::iterator>);
static_assert(is_leaf_type<std::deque<handle>::iterator> && is_leaf_type<std::map<int, handle>::const_iterator>);
static_assert(is_leaf_type<std::unordered_map<int, handle>::iterator>);
static_assert(is_leaf_type<std::reverse_iterator<std::list<handle>::iterator>>);
static_assert(is_leaf_type<std::back_insert_iterator<std::vector<handle>>>);
static_assert(is_leaf_type<std::allocator<handle>> && is_leaf_type<std::less<handle>>);
static_assert(is_leaf_type<std::tuple<handle&, int>> && is_leaf_type<std::pair<handle const&, handle&>>);
static_assert(is_leaf_type<std::initializer_list<handle>>);

// Roots: what they hold is kept alive, and not seen.
static_assert(is_leaf_type<std::function<void(handle)>> && is_leaf_type<std::any>);

// The rest of the library.
static_assert(is_leaf_type<std::string> && is_leaf_type<std::u32string> && is_leaf_type<std::vector<bool>>);
static_assert(is_leaf_type<std::vector<std::string>> && is_leaf_type<std::map<int, std::vector<point>>>);
static_assert(is_leaf_type<std::array<std::string, 2>> && is_leaf_type<std::array<int, 0>>);
static_assert(is_leaf_type<std::bitset<100>> && is_leaf_type<std::valarray<int>> && is_leaf_type<std::complex<float>>);
static_assert(is_leaf_type<std::mutex> && is_leaf_type<std::shared_mutex> && is_leaf_type<std::recursive_mutex>);
static_assert(is_leaf_type<std::unique_lock<std::mutex>> && is_leaf_type<std::condition_variable>);
static_assert(is_leaf_type<std::thread> && is_leaf_type<std::once_flag> && is_leaf_type<std::future<int>>);
static_assert(is_leaf_type<std::promise<void>> && is_leaf_type<std::packaged_task<int(handle)>>);
static_assert(is_leaf_type<std::atomic<int>> && is_leaf_type<std::atomic<node*>> && is_leaf_type<std::atomic_flag>);
static_assert(is_leaf_type<std::chrono::system_clock::time_point> && is_leaf_type<std::chrono::milliseconds>);
static_assert(is_leaf_type<std::filesystem::path> && is_leaf_type<std::ofstream> && is_leaf_type<std::locale>);
static_assert(is_leaf_type<std::regex> && is_leaf_type<std::smatch> && is_leaf_type<std::exception_ptr>);
static_assert(is_leaf_type<std::mt19937> && is_leaf_type<std::random_device> && is_leaf_type<std::stringstream>);
static_assert(is_leaf_type<std::uniform_int_distribution<int>> && is_leaf_type<std::discrete_distribution<>>);
static_assert(is_leaf_type<std::shared_ptr<int>> && is_leaf_type<std::shared_ptr<std::string[]>>);
static_assert(is_leaf_type<std::unique_ptr<int[]>> && is_leaf_type<std::unique_ptr<std::string>>);
static_assert(is_leaf_type<std::unique_ptr<std::ostream>> &&
              is_leaf_type<std::unique_ptr<std::FILE, int (*)(std::FILE*)>>);
static_assert(is_leaf_type<std::unique_ptr<void, void (*)(void*)>>);
static_assert(is_leaf_type<std::optional<int>> && is_leaf_type<std::variant<int, std::string>>);

// --- traced parts
// -----------------------------------------------------------------------------------------------------

struct aggregate {
  std::string a;
  handle b;
};
struct leaf_aggregate {
  std::string a;
  std::vector<leaf_aggregate> b;
  std::unique_ptr<leaf_aggregate> c;
};
static_assert(is_traced_type<handle> && is_traced_type<handle const> && is_traced_type<handle[2][3]>);
static_assert(is_traced_type<aggregate> && is_traced_type<aggregate[2]> && is_leaf_type<leaf_aggregate>);
static_assert(is_traced_type<std::vector<handle>> && is_traced_type<std::deque<aggregate>>);
static_assert(is_traced_type<std::list<handle>> && is_traced_type<std::forward_list<handle>>);
static_assert(is_traced_type<std::set<handle>> && is_traced_type<std::multiset<handle>>);
static_assert(is_traced_type<std::map<int, handle>> && is_traced_type<std::multimap<handle, int>>);
static_assert(is_traced_type<std::unordered_set<handle>> && is_traced_type<std::unordered_multiset<handle>>);
static_assert(is_traced_type<std::unordered_map<handle, int>> && is_traced_type<std::unordered_multimap<int, handle>>);
static_assert(is_traced_type<std::stack<handle>> && is_traced_type<std::queue<handle, std::list<handle>>>);
static_assert(is_traced_type<std::priority_queue<handle>> && is_traced_type<std::array<handle, 2>>);
static_assert(is_traced_type<std::optional<handle>> && is_traced_type<std::variant<int, aggregate>>);
static_assert(is_traced_type<std::pair<int, handle>> && is_traced_type<std::tuple<int, handle const>>);
static_assert(is_traced_type<std::unique_ptr<aggregate>> && is_traced_type<std::unique_ptr<handle const>>);
static_assert(is_leaf_type<std::tuple<>> && is_traced_type<std::vector<std::map<int, std::optional<handle>>>>);

// Types that contain themselves.
struct tree {
  std::map<std::string, tree> named;
  std::vector<std::optional<tree>> children;
  handle owner;
};
struct ping;
struct pong {
  std::vector<ping> pings;
};
struct ping {
  std::unique_ptr<pong> next;
  handle owner;
};
static_assert(is_traced_type<tree> && is_traced_type<ping> && is_traced_type<pong>);

// Classes of one name in different functions are different classes.
template <class T>
struct wrapper {
  std::vector<T> a;
};
[[maybe_unused]] auto inner_local() {
  struct local {
    handle a;
  };
  return wrapper<local>();
}
constexpr bool outer_local() {
  struct local {
    decltype(inner_local()) a;
  };
  return is_traced_type<local>;
}
static_assert(outer_local());

// --- what the core asks besides
// ----------------------------------------------------------------------------------------

using ouro::detail::has_keyed_container;
using ouro::detail::is_hand_traced;

struct keyed_deep_inside {
  std::vector<std::pair<int, std::set<aggregate*>>> plain;
  std::unique_ptr<std::map<std::pair<int, handle>, int>> keyed;
};
struct keyed_by_itself {
  std::set<keyed_by_itself> children;
  handle a;
};
static_assert(has_keyed_container<std::set<handle>> && has_keyed_container<std::unordered_map<handle, int>>);
static_assert(!has_keyed_container<std::map<int, handle>> && !has_keyed_container<std::set<int>>);
static_assert(has_keyed_container<keyed_deep_inside> && has_keyed_container<keyed_by_itself>);
static_assert(!has_keyed_container<aggregate> && !is_hand_traced<aggregate> && !is_hand_traced<tree>);

class traced_by_hand {
 public:
  traced_by_hand() {}
  void gc_trace(ouro::tracer& t) const noexcept { t(a_); }

 private:
  handle a_;
};
struct holds_one_by_value {
  std::vector<traced_by_hand> a;
};
static_assert(is_traced_type<traced_by_hand> && is_hand_traced<traced_by_hand>);
static_assert(is_traced_type<holds_one_by_value> && is_hand_traced<holds_one_by_value>);
static_assert(has_keyed_container<traced_by_hand>);  // nobody knows

struct foreign {
  foreign();
  handle a;
};
struct foreign_leaf {
  foreign_leaf();
};
struct foreign_container {
  foreign_container();
  using value_type = handle;
  handle const* begin() const;
  handle const* end() const;
};

}  // namespace

template <>
struct ouro::trace_traits<foreign> {
  static void trace(foreign const& f, ouro::tracer& t) noexcept { t(f.a); }
};
template <>
inline constexpr bool ouro::is_leaf<foreign_leaf> = true;
template <>
inline constexpr bool ouro::is_container<foreign_container> = true;

namespace {

static_assert(is_traced_type<foreign> && is_hand_traced<foreign>);
static_assert(is_leaf_type<foreign_leaf> && is_leaf_type<std::vector<foreign_leaf>>);
static_assert(is_traced_type<foreign_container> && is_hand_traced<std::vector<foreign_container>>);

// --- declarations
// -----------------------------------------------------------------------------------------------------

class counted {
 public:
  counted() {}

 private:
  int a_ = 0;
  handle b_;
  static constexpr std::size_t gc_fields = 2;
  friend ouro::access;
};
class marked {
 public:
  using gc_leaf = marked;
  marked() {}
  ~marked() {}
  virtual void f() {}
};
template <class T>
class marked_template {
 public:
  using gc_leaf = marked_template;
  marked_template() {}
  T* a;
};
template <class T>
class counted_template {
  counted_template() {}
  T a;
  static constexpr std::size_t gc_fields = 1;
  friend ouro::access;
};
static_assert(is_traced_type<counted> && !is_hand_traced<counted>);
static_assert(is_leaf_type<marked> && is_leaf_type<marked_template<handle>>);
static_assert(is_traced_type<counted_template<handle>> && is_leaf_type<counted_template<int>>);
static_assert(is_traced_type<counted_template<counted_template<std::vector<handle>>>>);

// Declarations of a class win over those it inherits.
struct base_by_hand {
  handle a;
  void gc_trace(ouro::tracer& t) const noexcept { t(a); }
};
struct lists_its_own : base_by_hand {
  handle b;
  static constexpr auto gc_members = ouro::members(ouro::bases<base_by_hand>, &lists_its_own::b);
};
struct leaf_base {
  using gc_leaf = leaf_base;
};
struct leaf_base_but_counted : leaf_base {
  handle b;
  static constexpr std::size_t gc_fields = 1;
};
static_assert(is_traced_type<lists_its_own> && is_hand_traced<lists_its_own>);
static_assert(is_traced_type<leaf_base_but_counted>);

// Bit-fields and references are no hindrance where nothing is traced, or where gc_fields counts them.
struct plain_bits {
  std::string a;
  int b : 3;
  std::string& c;
};
struct counted_bits {
  handle a;
  int b : 3;
  handle& c;
  static constexpr std::size_t gc_fields = 3;
};
static_assert(is_leaf_type<plain_bits> && is_traced_type<counted_bits>);

// Polymorphic classes in a unique_ptr.
struct virtual_base_trace {
  virtual ~virtual_base_trace() = default;
  virtual void gc_trace(ouro::tracer&) const noexcept {}
};
struct inherits_virtual_trace : virtual_base_trace {
  handle a;
};
struct final_node final : virtual_base_trace {
  handle a;
  static constexpr auto gc_members = ouro::members(&final_node::a);
};
static_assert(is_traced_type<virtual_base_trace> && is_traced_type<inherits_virtual_trace>);
static_assert(is_hand_traced<std::unique_ptr<virtual_base_trace>> && !is_hand_traced<std::unique_ptr<final_node>>);
static_assert(is_traced_type<std::unique_ptr<final_node>> && is_leaf_type<std::unique_ptr<marked>>);

// --- refused (the words are tested in tests/compile_fail)
// -------------------------------------------------------------

class undeclared {
  undeclared() {}
  std::string a;
};
class undeclared_polymorphic {
  virtual void f();
};
struct derived_from_data : aggregate {
  int b;
};
struct bits {
  handle a;
  int b : 3;
};
struct reference {
  handle a;
  int& b;
};
union traced_union {
  traced_union();
  ~traced_union();
  handle a;
};
struct shares_itself {
  std::shared_ptr<shares_itself> a;
  handle b;
};
struct shares_far_away {
  std::vector<std::map<int, std::shared_ptr<aggregate>>> a;
};
static_assert(!ouro::traceable<undeclared> && !ouro::traceable<undeclared_polymorphic>);
static_assert(!ouro::traceable<derived_from_data> && !ouro::traceable<bits> && !ouro::traceable<reference>);
static_assert(!ouro::traceable<traced_union> && !ouro::traceable<std::shared_ptr<handle>>);
static_assert(!ouro::traceable<shares_itself> && !ouro::traceable<std::vector<shares_itself>>);
static_assert(!ouro::traceable<shares_far_away> && !ouro::traceable<std::unique_ptr<handle[]>>);
static_assert(!ouro::traceable<std::unique_ptr<undeclared_polymorphic>> && !ouro::traceable<std::vector<undeclared>>);
static_assert(!ouro::traceable<std::future<handle>> && !ouro::traceable<std::valarray<handle>>);
static_assert(ouro::traceable<std::shared_ptr<undeclared>> && ouro::traceable<std::weak_ptr<shares_itself>>);

}  // namespace
