// Every place a handle may lie in: found by the collector, once, and not torn apart while it lives.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <forward_list>
#include <functional>
#include <future>
#include <iterator>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <sstream>
#include <stack>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#if __has_include(<boost/container/vector.hpp>)
#define OURO_TEST_HAS_BOOST 1
#include <boost/circular_buffer.hpp>
#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/vector.hpp>
#else
#define OURO_TEST_HAS_BOOST 0
#endif
#if OURO_TEST_HAS_BOOST && \
    !defined(_LIBCPP_VERSION)  // older Boost.Unordered wants std::unary_function, gone from libc++
#define OURO_TEST_HAS_BOOST_UNORDERED 1
#include <boost/unordered_map.hpp>
#include <boost/unordered_set.hpp>
#else
#define OURO_TEST_HAS_BOOST_UNORDERED 0
#endif

namespace {

using ouro::gc_interior_ptr;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

/// An object whose only handles lie in `link`, in the way that `How` says.
template <class How>
struct node {
  tally t;
  typename How::template type<gc_ptr<node>> link{};
};

struct direct {
  template <class P>
  using type = P;
  template <class P>
  static void put(P& link, P const& p) {
    link = p;
  }
};
template <class P>
struct aggregate_in_aggregate {
  int before;
  struct inner {
    char c;
    P p;
  } parts[2];
};
struct in_nested_aggregate {
  template <class P>
  using type = aggregate_in_aggregate<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.parts[1].p = p;
  }
};
struct in_optional {
  template <class P>
  using type = std::optional<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = p;
  }
};
struct in_variant {
  template <class P>
  using type = std::variant<std::monostate, int, P, std::string>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.template emplace<2>(p);
  }
};
struct in_variant_alternative_of_two_kinds {
  template <class P>
  using type = std::variant<P, std::vector<P>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = std::vector<P>{p};
  }
};
struct in_pair {
  template <class P>
  using type = std::pair<int, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.second = p;
  }
};
struct in_tuple {
  template <class P>
  using type = std::tuple<std::string, int, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    std::get<2>(link) = p;
  }
};
struct in_array {
  template <class P>
  using type = std::array<P, 4>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[3] = p;
  }
};
struct in_vector {
  template <class P>
  using type = std::vector<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push_back(p);
  }
};
struct in_reserved_vector {
  template <class P>
  using type = std::vector<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.assign(5, p);  // what lies beyond the end is no edge any more
    link.resize(1);
    link.reserve(100);
  }
};
struct in_deque {
  template <class P>
  using type = std::deque<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push_front(p);
  }
};
struct in_list {
  template <class P>
  using type = std::list<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push_back(p);
  }
};
struct in_forward_list {
  template <class P>
  using type = std::forward_list<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push_front(p);
  }
};
struct in_set {
  template <class P>
  using type = std::set<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.insert(p);
  }
};
struct in_multiset {
  template <class P>
  using type = std::multiset<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.insert(p);
  }
};
struct in_map_value {
  template <class P>
  using type = std::map<std::string, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link["a key that is long enough to lie on the heap"] = p;
  }
};
struct in_map_key {
  template <class P>
  using type = std::map<P, std::string>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[p] = "value";
  }
};
struct in_multimap {
  template <class P>
  using type = std::multimap<int, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.emplace(1, p);
  }
};
struct in_unordered_set {
  template <class P>
  using type = std::unordered_set<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.insert(p);
  }
};
struct in_unordered_multiset {
  template <class P>
  using type = std::unordered_multiset<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.insert(p);
  }
};
struct in_unordered_map_value {
  template <class P>
  using type = std::unordered_map<int, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[7] = p;
  }
};
struct in_unordered_map_key {
  template <class P>
  using type = std::unordered_map<P, int>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[p] = 7;
  }
};
struct in_unordered_multimap {
  template <class P>
  using type = std::unordered_multimap<std::string, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.emplace("k", p);
  }
};
struct in_stack {
  template <class P>
  using type = std::stack<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push(p);
  }
};
struct in_queue {
  template <class P>
  using type = std::queue<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push(p);
  }
};
struct in_priority_queue {
  template <class P>
  using type = std::priority_queue<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push(p);
  }
};
template <class P>
struct plain_box {
  std::string name;
  P p;
};
struct in_unique_ptr {
  template <class P>
  using type = std::unique_ptr<plain_box<P>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.reset(new plain_box<P>{"box", p});
  }
};
struct in_unique_ptr_to_handle {
  template <class P>
  using type = std::unique_ptr<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = std::make_unique<P>(p);
  }
};
struct in_unique_ptr_to_vector {
  template <class P>
  using type = std::unique_ptr<std::vector<std::unique_ptr<P>>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = std::make_unique<std::vector<std::unique_ptr<P>>>(3);
    (*link)[2] = std::make_unique<P>(p);
  }
};
struct in_everything_nested {
  template <class P>
  using type =
      std::map<int, std::vector<std::optional<std::tuple<std::string, std::variant<int, std::pair<P, bool>>>>>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[3].resize(2);
    link[3][1] = std::tuple<std::string, std::variant<int, std::pair<P, bool>>>{"s", std::pair{p, true}};
  }
};
struct in_vector_of_sets {
  template <class P>
  using type = std::vector<std::set<P>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.resize(2);
    link[1].insert(p);
  }
};
struct in_map_of_maps {
  template <class P>
  using type = std::map<std::pair<int, int>, std::unordered_map<std::string, std::vector<P>>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[{1, 2}]["x"].push_back(p);
  }
};
struct in_key_pair {
  template <class P>
  using type = std::set<std::pair<int, P>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.emplace(4, p);
  }
};
struct in_gc_array {
  template <class P>
  using type = gc_ptr<P[]>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = make_gc<P[]>(3);
    link[2] = p;
  }
};
struct in_interior_pointer {
  template <class P>
  using type = gc_interior_ptr<tally>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = type<P>(p, &p->t);
  }
};
struct in_handle_to_const {
  template <class P>
  using type = gc_ptr<typename P::element_type const>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = p;
  }
};
struct in_handle_to_void {
  template <class P>
  using type = gc_ptr<void>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link = p;
  }
};

/// Objects beside the nodes themselves that a link brings along.
template <class How>
inline constexpr std::size_t extra_objects = 0;
template <>
inline constexpr std::size_t extra_objects<in_gc_array> = 1;

template <class How>
void put(gc_ptr<node<How>> const& from, gc_ptr<node<How>> const& to) {
  How::template put<gc_ptr<node<How>>>(from->link, to);
}

/// Collects what does not hold. Assertions of the framework in templates would cost seconds of compiling for each type.
class findings {
 public:
  void expect(bool holds, char const* what);
  void expect_equal(std::size_t a, std::size_t b, char const* what);
  std::vector<std::string> const& faults() const { return faults_; }

 private:
  std::vector<std::string> faults_;
};

void findings::expect(bool holds, char const* what) {
  if (!holds) faults_.push_back(what);
}

void findings::expect_equal(std::size_t a, std::size_t b, char const* what) {
  if (a != b) faults_.push_back(std::string(what) + ": " + std::to_string(a) + " is not " + std::to_string(b));
}

/// A self cycle: alive while held, collected when dropped.
template <class How>
void check_self_cycle(findings& f) {
  manual_heap heap;
  census c;
  auto p = make_gc<node<How>>(tally{c});
  f.expect(ouro::gc::is_tracked(p), "a new object is tracked");
  put<How>(p, p);
  f.expect_equal(p.use_count(), 2, "the count of an object that holds itself");
  for (int i = 0; i < 3; ++i) f.expect_equal(ouro::gc::collect(i), 0, "collected while held");
  f.expect(c.alive == 1, "a self cycle lives while it is held");
  f.expect_equal(p.use_count(), 2, "the count after collections");
  p.reset();
  f.expect(c.alive == 1, "a self cycle waits for a collection");
  f.expect_equal(ouro::gc::collect(), 1 + extra_objects<How>, "collected when dropped");
  f.expect(c.alive == 0 && c.died == 1, "a self cycle dies once");
  f.expect_equal(heap.objects(), 0, "objects left");
}

/// A ring of three: alive through a handle into it, collected when that is dropped.
template <class How>
void check_ring(findings& f) {
  manual_heap heap;
  census c;
  auto a = make_gc<node<How>>(tally{c});
  {
    auto const b = make_gc<node<How>>(tally{c});
    auto const d = make_gc<node<How>>(tally{c});
    put<How>(a, b);
    put<How>(b, d);
    put<How>(d, a);
  }
  f.expect_equal(ouro::gc::collect(), 0, "collected of a ring that is held");
  f.expect(c.alive == 3, "a ring lives while it is held");
  heap.verify();
  a.reset();
  f.expect_equal(ouro::gc::collect(), 3 * (1 + extra_objects<How>), "collected of a ring that is dropped");
  f.expect(c.alive == 0 && c.died == 3, "a ring dies once");
  f.expect_equal(heap.objects(), 0, "objects left of a ring");
}

/// Every edge is reported once.
template <class How>
void check_referents(findings& f) {
  manual_heap heap;
  census c;
  auto const a = make_gc<node<How>>(tally{c});
  auto const b = make_gc<node<How>>(tally{c});
  f.expect(ouro::gc::get_referents(a).empty(), "an empty place is no edge");
  put<How>(a, b);
  auto const referents = ouro::gc::get_referents(a);
  f.expect_equal(referents.size(), 1, "edges");
  if (extra_objects<How> == 0) {
    auto const referrers = ouro::gc::get_referrers(b);
    f.expect(referents.size() == 1 && referents[0] == b, "the edge leads to the target");
    f.expect(referrers.size() == 1 && referrers[0] == a, "the target knows who refers to it");
  }
}

/// A collection of other garbage leaves a survivor's handles alone.
template <class How>
void check_survivor(findings& f) {
  manual_heap heap;
  census c;
  auto survivor = make_gc<node<How>>(tally{c});
  {
    auto const garbage = make_gc<node<How>>(tally{c});
    auto const back = make_gc<node<How>>(tally{c});
    put<How>(garbage, back);
    put<How>(back, garbage);
  }
  put<How>(survivor, survivor);
  f.expect_equal(ouro::gc::collect(), 2 * (1 + extra_objects<How>), "collected beside a survivor");
  f.expect(c.alive == 1, "the survivor lives");
  f.expect_equal(survivor.use_count(), 2, "the survivor's count");
  f.expect_equal(ouro::gc::get_referents(survivor).size(), 1, "the survivor's edges");
  heap.verify();
  survivor.reset();
  f.expect_equal(ouro::gc::collect(), 1 + extra_objects<How>, "collected of the survivor");
  f.expect_equal(heap.objects(), 0, "objects left of the survivor");
}

template <class How>
findings check_place() {
  findings f;
  check_self_cycle<How>(f);
  check_ring<How>(f);
  check_referents<How>(f);
  check_survivor<How>(f);
  return f;
}

}  // namespace

#define OURO_TEST_COVERS(how, place) \
  TEST_CASE("a handle is traced in " place) { CHECK(check_place<how>().faults() == std::vector<std::string>{}); }

OURO_TEST_COVERS(direct, "a member")
OURO_TEST_COVERS(in_nested_aggregate, "an array of aggregates inside an aggregate")
OURO_TEST_COVERS(in_optional, "a std::optional")
OURO_TEST_COVERS(in_variant, "a std::variant")
OURO_TEST_COVERS(in_variant_alternative_of_two_kinds, "a std::variant whose alternatives are all traced")
OURO_TEST_COVERS(in_pair, "a std::pair")
OURO_TEST_COVERS(in_tuple, "a std::tuple")
OURO_TEST_COVERS(in_array, "a std::array")
OURO_TEST_COVERS(in_vector, "a std::vector")
OURO_TEST_COVERS(in_reserved_vector, "a std::vector that has shrunk and has room")
OURO_TEST_COVERS(in_deque, "a std::deque")
OURO_TEST_COVERS(in_list, "a std::list")
OURO_TEST_COVERS(in_forward_list, "a std::forward_list")
OURO_TEST_COVERS(in_set, "a std::set")
OURO_TEST_COVERS(in_multiset, "a std::multiset")
OURO_TEST_COVERS(in_map_value, "the values of a std::map")
OURO_TEST_COVERS(in_map_key, "the keys of a std::map")
OURO_TEST_COVERS(in_multimap, "a std::multimap")
OURO_TEST_COVERS(in_unordered_set, "a std::unordered_set")
OURO_TEST_COVERS(in_unordered_multiset, "a std::unordered_multiset")
OURO_TEST_COVERS(in_unordered_map_value, "the values of a std::unordered_map")
OURO_TEST_COVERS(in_unordered_map_key, "the keys of a std::unordered_map")
OURO_TEST_COVERS(in_unordered_multimap, "a std::unordered_multimap")
OURO_TEST_COVERS(in_stack, "a std::stack")
OURO_TEST_COVERS(in_queue, "a std::queue")
OURO_TEST_COVERS(in_priority_queue, "a std::priority_queue")
OURO_TEST_COVERS(in_unique_ptr, "a plain struct held by std::unique_ptr")
OURO_TEST_COVERS(in_unique_ptr_to_handle, "a handle held by std::unique_ptr")
OURO_TEST_COVERS(in_unique_ptr_to_vector, "a vector of std::unique_ptr held by std::unique_ptr")
OURO_TEST_COVERS(in_everything_nested, "map, vector, optional, tuple, variant and pair, nested")
OURO_TEST_COVERS(in_vector_of_sets, "a vector of sets")
OURO_TEST_COVERS(in_map_of_maps, "a map of maps of vectors")
OURO_TEST_COVERS(in_key_pair, "a pair that is a set's key")
OURO_TEST_COVERS(in_gc_array, "an array that is an object of its own: gc_ptr<T[]>")
OURO_TEST_COVERS(in_interior_pointer, "a gc_interior_ptr")
OURO_TEST_COVERS(in_handle_to_const, "a gc_ptr<T const>")
OURO_TEST_COVERS(in_handle_to_void, "a gc_ptr<void>")

#if OURO_TEST_HAS_BOOST

namespace {

template <template <class...> class C>
struct in_sequence {
  template <class P>
  using type = C<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push_back(p);
  }
};
template <template <class...> class C>
struct in_boost_set {
  template <class P>
  using type = C<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.insert(p);
  }
};
template <template <class...> class C>
struct in_boost_map {
  template <class P>
  using type = C<int, P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link[1] = p;
  }
};
struct in_boost_small_vector {
  template <class P>
  using type = boost::container::small_vector<P, 4>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.push_back(p);
  }
};
struct in_boost_circular_buffer {
  template <class P>
  using type = boost::circular_buffer<P>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.set_capacity(2);
    link.push_back(nullptr);
    link.push_back(nullptr);
    link.push_back(p);
  }
};

}  // namespace

OURO_TEST_COVERS(in_sequence<boost::container::vector>, "a boost::container::vector")
OURO_TEST_COVERS(in_sequence<boost::container::deque>, "a boost::container::deque")
OURO_TEST_COVERS(in_sequence<boost::container::list>, "a boost::container::list")
OURO_TEST_COVERS(in_sequence<boost::container::stable_vector>, "a boost::container::stable_vector")
OURO_TEST_COVERS(in_boost_small_vector, "a boost::container::small_vector")
OURO_TEST_COVERS(in_boost_circular_buffer, "a boost::circular_buffer")
OURO_TEST_COVERS(in_boost_set<boost::container::flat_set>, "a boost::container::flat_set")
OURO_TEST_COVERS(in_boost_map<boost::container::flat_map>, "a boost::container::flat_map")
OURO_TEST_COVERS(in_boost_map<boost::container::map>, "a boost::container::map")

#endif

#if OURO_TEST_HAS_BOOST_UNORDERED

namespace {

struct in_boost_unordered_set {
  template <class P>
  using type = boost::unordered_set<P, std::hash<P>>;
  template <class P>
  static void put(type<P>& link, P const& p) {
    link.insert(p);
  }
};

}  // namespace

OURO_TEST_COVERS(in_boost_unordered_set, "a boost::unordered_set")
OURO_TEST_COVERS(in_boost_map<boost::unordered_map>, "a boost::unordered_map")

#endif

// ---- C arrays: not assignable, so not in the table ---------------------------------------------------------------

TEST_CASE("handles in C arrays are traced, each once") {
  struct rows {
    tally t;
    gc_ptr<rows> flat[3];
    gc_ptr<rows> nested[2][3];
    std::vector<gc_ptr<rows>> vectors[2];
    int after = 5;
  };
  manual_heap heap;
  census c;
  auto p = make_gc<rows>(tally{c});
  p->flat[1] = p;
  p->nested[1][2] = p;
  p->nested[0][0] = p;
  p->vectors[1] = {p, p};
  CHECK(p.use_count() == 6);
  CHECK(p->after == 5);
  CHECK(ouro::gc::get_referents(p).size() == 5);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

// ---- inheritance ------------------------------------------------------------------------------------------------

namespace {

struct shape {
  tally t;
  gc_ptr<shape> base_link{};
  explicit shape(census& c) : t(c) {}
  virtual ~shape() = default;
  static constexpr std::size_t gc_fields = 2;
};
struct circle : shape {
  gc_ptr<shape> own_link{};
  std::vector<gc_ptr<circle>> friends{};
  explicit circle(census& c) : shape(c) {}
  static constexpr auto gc_members = ouro::members(ouro::bases<shape>, &circle::own_link, &circle::friends);
};
struct ball final : circle {
  explicit ball(census& c) : circle(c) {}
  static constexpr auto gc_members = ouro::members<ball>(ouro::bases<circle>);
};

}  // namespace

TEST_CASE("handles of a base and of the derived class are traced, through handles to either") {
  manual_heap heap;
  census c;
  SECTION("an object that holds itself through its base's member") {
    auto p = make_gc<circle>(c);
    p->base_link = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("an object that holds itself through its own member") {
    gc_ptr<shape> p = make_gc<circle>(c);
    ouro::static_pointer_cast<circle>(p)->own_link = p;
    CHECK(ouro::gc::collect() == 0);
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("three levels, every member in use") {
    auto a = make_gc<ball>(c);
    auto b = make_gc<ball>(c);
    a->base_link = b;
    a->own_link = b;
    a->friends = {b, a, b};
    b->base_link = a;
    b->own_link = a;
    b->friends = {a, b, a};
    CHECK(a.use_count() == 6);
    CHECK(ouro::gc::get_referents(a).size() == 5);
    CHECK(ouro::gc::collect() == 0);
    a.reset();
    CHECK(ouro::gc::collect() == 0);
    b.reset();
    CHECK(ouro::gc::collect() == 2);
  }
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct top {
  tally t;
  gc_ptr<top> link{};
  explicit top(census& c) : t(c) {}
  virtual ~top() = default;
  static constexpr std::size_t gc_fields = 2;
};
struct left : virtual top {
  gc_ptr<top> left_link{};
  explicit left(census& c) : top(c) {}
  static constexpr auto gc_members = ouro::members(ouro::bases<top>, &left::left_link);
};
struct right : virtual top {
  gc_ptr<top> right_link{};
  explicit right(census& c) : top(c) {}
  static constexpr auto gc_members = ouro::members(ouro::bases<top>, &right::right_link);
};
struct bottom : left, right {
  gc_ptr<top> bottom_link{};
  explicit bottom(census& c) : top(c), left(c), right(c) {}
  static constexpr auto gc_members = ouro::members(ouro::bases<left, right>, &bottom::bottom_link);
};

}  // namespace

TEST_CASE("a diamond whose virtual base holds a handle: that handle is traced once") {
  manual_heap heap;
  census c;
  auto p = make_gc<bottom>(c);
  auto const other = make_gc<top>(c);
  p->link = other;
  CHECK(ouro::gc::get_referents(p).size() == 1);
  CHECK(ouro::gc::collect() == 0);
  CHECK(other.use_count() == 2);
  // If the edge were counted twice, it would stand in for the handle `other`.
  p->left_link = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 1);
  CHECK(other.use_count() == 1);
  heap.verify();
}

TEST_CASE("a diamond that holds itself through each of its parts is collected") {
  manual_heap heap;
  census c;
  auto p = make_gc<bottom>(c);
  CHECK(c.alive == 1);
  SECTION("virtual base") { p->link = p; }
  SECTION("left") { p->left_link = p; }
  SECTION("right") { p->right_link = p; }
  SECTION("bottom") { p->bottom_link = p; }
  SECTION("all") { p->link = p->left_link = p->right_link = p->bottom_link = p; }
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a half of a diamond, made alone, traces its virtual base") {
  manual_heap heap;
  census c;
  auto p = make_gc<left>(c);
  p->link = p;
  p->left_link = p;
  CHECK(ouro::gc::get_referents(p).size() == 2);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

namespace {

struct engine {
  virtual ~engine() = default;
  gc_ptr<engine> engine_link{};
  static constexpr std::size_t gc_fields = 1;
};
struct cabin {
  virtual ~cabin() = default;
  gc_ptr<cabin> cabin_link{};
  static constexpr std::size_t gc_fields = 1;
};
struct car : engine, cabin {
  tally t;
  gc_ptr<car> car_link{};
  explicit car(census& c) : t(c) {}
  static constexpr auto gc_members = ouro::members(ouro::bases<engine, cabin>, &car::car_link);
};

}  // namespace

TEST_CASE("a handle to a second base keeps the whole, drops it, and closes cycles") {
  manual_heap heap;
  census c;
  gc_ptr<cabin> second = make_gc<car>(c);
  CHECK(c.alive == 1);
  SECTION("by counting") { second.reset(); }
  SECTION("a cycle through the second base") {
    second->cabin_link = second;
    CHECK(ouro::gc::collect() == 0);
    second.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("a cycle of two, each held through its second base") {
    gc_ptr<cabin> other = make_gc<car>(c);
    second->cabin_link = other;
    other->cabin_link = second;
    CHECK(second.use_count() == 2);
    second.reset();
    CHECK(ouro::gc::collect() == 0);
    CHECK(c.alive == 2);
    other.reset();
    CHECK(ouro::gc::collect() == 2);
  }
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("casts up, down and cross give handles to the same object") {
  manual_heap heap;
  census c;
  auto whole = make_gc<car>(c);
  gc_ptr<engine> first = whole;
  gc_ptr<cabin> second = whole;
  CHECK(whole.use_count() == 3);
  CHECK(second.get() == static_cast<cabin*>(whole.get()));
  CHECK(static_cast<void*>(second.get()) != static_cast<void*>(whole.get()));
  CHECK(second == whole);
  CHECK(ouro::static_pointer_cast<car>(second) == whole);
#if defined(__GXX_RTTI) || defined(_CPPRTTI)
  CHECK(ouro::dynamic_pointer_cast<car>(second) == whole);
  CHECK(ouro::dynamic_pointer_cast<cabin>(first) == second);
  CHECK(ouro::dynamic_pointer_cast<engine>(second) == first);
  CHECK(ouro::dynamic_pointer_cast<car>(gc_ptr<cabin>(make_gc<cabin>())) == nullptr);
#endif
  gc_ptr<void> nothing_known = second;
  CHECK(nothing_known == gc_ptr<void>(whole));
  CHECK(nothing_known.get() == static_cast<void*>(whole.get()));
  CHECK(ouro::static_pointer_cast<car>(nothing_known) == whole);
  CHECK(whole.use_count() == 4);
  whole->car_link = whole;
  whole->engine_link = whole;
  whole->cabin_link = whole;
  CHECK(ouro::gc::get_referents(whole).size() == 3);
  whole.reset();
  first.reset();
  second.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 1);
  nothing_known = nullptr;
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

// ---- interior pointers, const members, arrays ---------------------------------------------------------------------

TEST_CASE("an interior pointer keeps the whole object") {
  struct whole {
    tally t;
    int numbers[4] = {1, 2, 3, 4};
    gc_ptr<whole> self{};
  };
  manual_heap heap;
  census c;
  auto p = make_gc<whole>(tally{c});
  gc_interior_ptr<int> part(p, &p->numbers[2]);
  CHECK(p.use_count() == 2);
  bool const cyclic = GENERATE(false, true);
  if (cyclic) p->self = p;
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(c.alive == 1);
  CHECK(*part == 3);
  auto copy = part;
  part.reset();
  CHECK(c.alive == 1);
  CHECK(*copy == 3);
  copy.reset();
  CHECK(ouro::gc::collect() == (cyclic ? 1u : 0u));
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("const members are traced and let go") {
  struct target;
  struct holder {
    tally t;
    gc_ptr<target> const link;
    std::vector<gc_ptr<target>> const links;
    int const number = 4;
  };
  struct target {
    tally t;
    gc_ptr<holder> back{};
  };
  manual_heap heap;
  census c;
  {
    auto const target_object = make_gc<target>(tally{c});
    auto const holder_object = make_gc<holder>(tally{c}, target_object, std::vector{target_object, target_object});
    target_object->back = holder_object;
    CHECK(ouro::gc::get_referents(holder_object).size() == 3);
    CHECK(ouro::gc::collect() == 0);
    CHECK(holder_object->number == 4);
  }
  CHECK(c.alive == 2);
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("const objects in cycles are collected") {
  struct frozen {
    tally t;
    std::vector<gc_ptr<frozen const>> mutable links{};
  };
  manual_heap heap;
  census c;
  gc_ptr<frozen const> p = make_gc<frozen>(tally{c});
  p->links.push_back(p);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("arrays of aggregates are traced element by element") {
  struct item {
    int n = 3;
    gc_ptr<item[]> block{};
    std::vector<gc_ptr<item[]>> more{};
  };
  manual_heap heap;
  auto p = make_gc<item[]>(1'000);
  REQUIRE(p.size() == 1'000);
  CHECK(p[999].n == 3);
  p[0].block = p;
  p[500].more = {p, p};
  p[999].block = p;
  CHECK(p.use_count() == 5);
  CHECK(ouro::gc::get_referents(p).size() == 4);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("an array of length zero is an object like any other") {
  struct holder {
    tally t;
    gc_ptr<gc_ptr<holder>[]> none{};
    gc_ptr<holder> self{};
  };
  manual_heap heap;
  census c;
  auto h = make_gc<holder>(tally{c});
  h->none = make_gc<gc_ptr<holder>[]>(0);
  REQUIRE(h->none != nullptr);
  CHECK(h->none.size() == 0);
  CHECK(h->none.begin() == h->none.end());
  auto const other = make_gc<gc_ptr<holder>[]>(0);
  CHECK(other != h->none);
  auto const leaf = make_gc<int[]>(0);
  CHECK(leaf.size() == 0);
  h->self = h;
  h.reset();
  CHECK(ouro::gc::collect() >= 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 2);
}

// ---- what owns nothing, and what is opaque ------------------------------------------------------------------------

namespace {

struct viewer {
  tally t;
  std::vector<gc_ptr<viewer>> own{};
  std::span<gc_ptr<viewer>> span{};
  gc_ptr<viewer>* raw = nullptr;
  std::vector<gc_ptr<viewer>>::iterator iterator{};
  std::optional<std::reference_wrapper<gc_ptr<viewer>>> wrapper{};
  std::string_view text{};
};

}  // namespace

TEST_CASE("spans, raw pointers, iterators, views and reference wrappers own nothing and are no edges") {
  manual_heap heap;
  census c;
  auto p = make_gc<viewer>(tally{c});
  auto const q = make_gc<viewer>(tally{c});
  p->own = {q, p};
  p->span = p->own;
  p->raw = p->own.data();
  p->iterator = p->own.begin();
  p->wrapper = p->own.front();
  CHECK(ouro::gc::get_referents(p).size() == 2);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(q.use_count() == 1);
  CHECK(c.alive == 1);
  heap.verify();
}

TEST_CASE("a shared_ptr to a leaf is a leaf beside traced members") {
  struct holder {
    tally t;
    std::shared_ptr<std::string> text{};
    gc_ptr<holder> self{};
  };
  manual_heap heap;
  census c;
  auto const text = std::make_shared<std::string>("text");
  auto p = make_gc<holder>(tally{c}, text);
  p->self = p;
  CHECK(text.use_count() == 2);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(text.use_count() == 1);
}

TEST_CASE("what a std::function holds is alive while the function is, and freed after") {
  struct listener {
    tally t;
    std::function<int()> call{};
    gc_ptr<listener> self{};
  };
  manual_heap heap;
  census c;
  auto p = make_gc<listener>(tally{c});
  auto* const raw = p.get();
  SECTION("a function on the stack") {
    std::function<int()> f = [p] { return static_cast<int>(p.use_count()); };
    p->self = p;
    p.reset();
    CHECK(ouro::gc::collect() == 0);
    CHECK(c.alive == 1);
    CHECK(f() == 2);
    f = nullptr;
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("a function in another object of the heap is a root") {
    auto holder = make_gc<listener>(tally{c});
    holder->call = [p] { return 4; };
    p->self = p;
    p.reset();
    CHECK(ouro::gc::collect() == 0);
    CHECK(c.alive == 2);
    CHECK(holder->call() == 4);
    holder.reset();
    CHECK(c.alive == 1);
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("a function that holds its own object leaks it until it is cleared, and nothing else goes wrong") {
    p->call = [p] { return 5; };
    p.reset();
    CHECK(ouro::gc::collect() == 0);
    CHECK(c.alive == 1);
    CHECK(raw->call() == 5);
    auto const call = std::exchange(raw->call, nullptr);
  }
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

/// A foreign type that opens itself through trace_traits.
class foreign_list {
 public:
  void add(gc_ptr<void> p) { items_.push_back(std::move(p)); }
  std::vector<gc_ptr<void>> const& items() const { return items_; }

 private:
  std::vector<gc_ptr<void>> items_;
};

/// A container that opts in by name.
template <class T>
class opted_container {
 public:
  using value_type = T;
  using allocator_type = std::allocator<T>;
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;
  iterator begin() { return items_.begin(); }
  iterator end() { return items_.end(); }
  const_iterator begin() const { return items_.begin(); }
  const_iterator end() const { return items_.end(); }
  void push_back(T value) { items_.push_back(std::move(value)); }

 private:
  std::vector<T> items_;
};

}  // namespace

template <>
struct ouro::trace_traits<foreign_list> {
  static void trace(foreign_list const& list, ouro::tracer& t) noexcept { t(list.items()); }
};

template <class T>
inline constexpr bool ouro::is_container<opted_container<T>> = true;

TEST_CASE("a foreign type is traced through trace_traits") {
  struct holder {
    tally t;
    foreign_list list{};
  };
  manual_heap heap;
  census c;
  auto p = make_gc<holder>(tally{c});
  p->list.add(p);
  p->list.add(make_gc<holder>(tally{c}));
  CHECK(ouro::gc::get_referents(p).size() == 2);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a container of another namespace is traced after it opted in") {
  struct holder {
    tally t;
    opted_container<gc_ptr<holder>> list{};
  };
  manual_heap heap;
  census c;
  auto p = make_gc<holder>(tally{c});
  p->list.push_back(p);
  CHECK(ouro::gc::get_referents(p).size() == 1);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

class hand_traced {
 public:
  explicit hand_traced(census& c) : t_(c) {}
  void gc_trace(ouro::tracer& t) const noexcept { t(first_, many_); }
  gc_ptr<hand_traced>& first() { return first_; }
  std::vector<gc_ptr<hand_traced>>& many() { return many_; }

 private:
  tally t_;
  gc_ptr<hand_traced> first_{};
  std::vector<gc_ptr<hand_traced>> many_{};
};

struct virtually_traced {
  tally t;
  gc_ptr<virtually_traced> link{};
  explicit virtually_traced(census& c) : t(c) {}
  virtual ~virtually_traced() = default;
  virtual void gc_trace(ouro::tracer& tr) const noexcept { tr(link); }
};
struct virtually_traced_derived : virtually_traced {
  std::vector<gc_ptr<virtually_traced>> more{};
  using virtually_traced::virtually_traced;
  void gc_trace(ouro::tracer& tr) const noexcept override {
    virtually_traced::gc_trace(tr);
    tr(more);
  }
};

}  // namespace

TEST_CASE("a hand-written gc_trace is used") {
  manual_heap heap;
  census c;
  auto p = make_gc<hand_traced>(c);
  p->first() = p;
  p->many() = {p, p, make_gc<hand_traced>(c)};
  CHECK(ouro::gc::get_referents(p).size() == 4);
  p.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 0);
}

TEST_CASE("a virtual gc_trace reaches the derived members, also of what a unique_ptr to the base holds") {
  struct owner {
    tally t;
    std::unique_ptr<virtually_traced> part{};
  };
  manual_heap heap;
  census c;
  SECTION("an object") {
    auto p = make_gc<virtually_traced_derived>(c);
    p->more = {p};
    p->link = p;
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("a part of an object") {
    auto whole = make_gc<virtually_traced_derived>(c);
    auto const o = make_gc<owner>(tally{c}, std::make_unique<virtually_traced_derived>(c));
    static_cast<virtually_traced_derived&>(*o->part).more = {whole, whole};
    CHECK(ouro::gc::get_referents(o).size() == 2);
    CHECK(ouro::gc::collect() == 0);
    whole->more = {whole};
    whole.reset();
    o->part.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(c.alive == 0);
}

// ---- over-aligned and large objects -------------------------------------------------------------------------------

namespace {

template <std::size_t Align, std::size_t Size>
struct alignas(Align) block {
  tally t;
  gc_ptr<block> link{};
  unsigned char payload[Size]{};
};

template <std::size_t Align, std::size_t Size>
findings check_blocks() {
  using B = block<Align, Size>;
  findings f;
  manual_heap heap;
  census c;
  std::vector<gc_ptr<B>> all;
  bool aligned = true;
  for (std::size_t i = 0; i < 100; ++i) {
    all.push_back(make_gc<B>(tally{c}));
    aligned = aligned && reinterpret_cast<std::uintptr_t>(all.back().get()) % Align == 0;
    for (auto& byte : all.back()->payload) byte = static_cast<unsigned char>(i);
    all.back()->link = all[i / 2];
  }
  f.expect(aligned, "objects are aligned");
  all[0]->link = all[99];
  f.expect_equal(ouro::gc::collect(), 0, "collected while held");
  bool intact = true;
  for (std::size_t i = 0; i < 100; ++i)
    for (auto const byte : all[i]->payload) intact = intact && byte == static_cast<unsigned char>(i);
  f.expect(intact, "payloads are intact");
  heap.verify();
  auto one = all[99];
  all.clear();
  // 99 -> 49 -> 24 -> 12 -> 6 -> 3 -> 1 -> 0 -> 99 is alive; the rest hung on it and fell by counting.
  f.expect(c.alive == 8, "eight objects live");
  f.expect_equal(ouro::gc::collect(), 0, "collected while one is held");
  one.reset();
  f.expect_equal(ouro::gc::collect(), 8, "collected when dropped");
  f.expect(c.alive == 0, "none lives");
  f.expect_equal(heap.objects(), 0, "objects left");
  f.expect_equal(heap.get().stats().large_objects, 0, "large objects left");
  return f;
}

std::vector<std::string> const no_faults{};

}  // namespace

TEST_CASE("over-aligned objects in cycles: 16 bytes") { CHECK(check_blocks<16, 1>().faults() == no_faults); }
TEST_CASE("over-aligned objects in cycles: 64 bytes") { CHECK(check_blocks<64, 64>().faults() == no_faults); }
TEST_CASE("over-aligned objects in cycles: 256 bytes") { CHECK(check_blocks<256, 1>().faults() == no_faults); }
TEST_CASE("over-aligned objects in cycles: 4096 bytes") { CHECK(check_blocks<4096, 1>().faults() == no_faults); }
TEST_CASE("over-aligned large objects in cycles") { CHECK(check_blocks<4096, 70'000>().faults() == no_faults); }
TEST_CASE("objects at the upper end of the pool in cycles") {
  CHECK(check_blocks<8, 480>().faults() == no_faults);
  CHECK(check_blocks<8, 487>().faults() == no_faults);
  CHECK(check_blocks<8, 488>().faults() == no_faults);
  CHECK(check_blocks<8, 496>().faults() == no_faults);
}
TEST_CASE("objects beyond the pool in cycles") { CHECK(check_blocks<8, 600>().faults() == no_faults); }
TEST_CASE("objects larger than a page in cycles") { CHECK(check_blocks<8, 100'000>().faults() == no_faults); }
TEST_CASE("objects of about the size of a page in cycles") {
  CHECK(check_blocks<8, 65'536 - 64>().faults() == no_faults);
  CHECK(check_blocks<8, 65'536 - 16>().faults() == no_faults);
  CHECK(check_blocks<8, 65'536>().faults() == no_faults);
}

// ---- more kinds of members and bases ------------------------------------------------------------------------------

namespace {

struct named;
struct by_name {
  bool operator()(gc_ptr<named> const& a, gc_ptr<named> const& b) const;
};
struct hash_name {
  std::size_t operator()(gc_ptr<named> const& p) const;
};
struct same_name {
  bool operator()(gc_ptr<named> const& a, gc_ptr<named> const& b) const;
};
struct loud_value {
  using gc_leaf = loud_value;
  int* deaths = nullptr;
  ~loud_value() {
    if (deaths) ++*deaths;
  }
};
struct named {
  tally t;
  std::string name;
  std::set<gc_ptr<named>, by_name> ordered{};
  std::unordered_map<gc_ptr<named>, loud_value, hash_name, same_name> hashed{};
  std::map<gc_ptr<named>, std::vector<gc_ptr<named>>, by_name> both{};
};
bool by_name::operator()(gc_ptr<named> const& a, gc_ptr<named> const& b) const { return a->name < b->name; }
std::size_t hash_name::operator()(gc_ptr<named> const& p) const { return std::hash<std::string>{}(p->name); }
bool same_name::operator()(gc_ptr<named> const& a, gc_ptr<named> const& b) const { return a->name == b->name; }

}  // namespace

TEST_CASE("containers whose comparator and hash look into the objects are torn down without calling them") {
  manual_heap heap;
  census c;
  int deaths = 0;
  {
    std::vector<gc_ptr<named>> all;
    for (int i = 0; i < 30; ++i) all.push_back(make_gc<named>(tally{c}, "a name that is long " + std::to_string(i)));
    for (auto const& p : all)
      for (auto const& q : all) {
        p->ordered.insert(q);
        p->hashed[q].deaths = &deaths;
        p->both[q] = {p, q};
      }
    CHECK(ouro::gc::collect() == 0);
    CHECK(all[3]->ordered.count(all[29]) == 1);
    CHECK(ouro::gc::get_referents(all[0]).size() == 30 * 5);
  }
  CHECK(c.alive == 30);
  CHECK(ouro::gc::collect() == 30);
  CHECK(c.alive == 0);
  CHECK(deaths == 900);
  CHECK(heap.objects() == 0);
}

TEST_CASE("allocators other than the default are no hindrance") {
  struct holder {
    tally t;
    std::pmr::vector<gc_ptr<holder>> list{};
    std::pmr::map<int, gc_ptr<holder>> map{};
    std::pmr::string text{};
  };
  manual_heap heap;
  census c;
  std::pmr::monotonic_buffer_resource buffer;
  auto p = make_gc<holder>(tally{c}, std::pmr::vector<gc_ptr<holder>>(&buffer));
  p->list.assign(3, p);
  p->map[4] = p;
  CHECK(ouro::gc::get_referents(p).size() == 4);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("library types without handles are leaves beside traced members") {
  struct holder {
    tally t;
    std::vector<bool> bits{};
    std::bitset<100> set{};
    std::any anything{};
    std::atomic<int> counter{};
    std::chrono::steady_clock::time_point when{};
    std::exception_ptr error{};
    std::filesystem::path path{};
    std::future<int> future{};
    std::locale locale{};
    std::mutex mutex{};
    std::thread thread{};
    std::unique_ptr<int> one{};
    std::unique_ptr<char[]> many{};
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{nullptr, nullptr};
    std::shared_ptr<int> shared{};
    std::weak_ptr<int> weak{};
    std::function<void()> function{};
    std::variant<int, std::string> variant{};
    std::complex<double> number{};
    std::ostringstream stream{};
    gc_ptr<holder> self{};
  };
  manual_heap heap;
  census c;
  auto p = make_gc<holder>(tally{c});
  p->self = p;
  p->bits.assign(100, true);
  p->many = std::make_unique<char[]>(10);
  p->stream << "text";
  CHECK(ouro::gc::get_referents(p).size() == 1);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

namespace {

struct interface {
  virtual ~interface() = default;
  virtual int answer() const = 0;
};
struct other_interface {
  virtual ~other_interface() = default;
  virtual gc_ptr<interface> partner() const = 0;
};
class implementation : public interface, public other_interface {
 public:
  static constexpr std::size_t gc_fields = 3;
  friend ouro::access;
  explicit implementation(census& c) : t_(c) {}
  int answer() const override { return 42; }
  gc_ptr<interface> partner() const override { return partner_; }
  void meet(gc_ptr<interface> p, gc_ptr<other_interface> o) {
    partner_ = std::move(p);
    other_ = std::move(o);
  }

 private:
  tally t_;
  gc_ptr<interface> partner_{};
  gc_ptr<other_interface> other_{};
};

/// A leaf whose derived class is none.
struct plain_base {
  int number = 1;
};
struct plain_derived : plain_base {
  std::vector<gc_ptr<plain_base>> links{};
  tally t;
  explicit plain_derived(census& c) : t(c) {}
  static constexpr auto gc_members = ouro::members(&plain_derived::links);
};
struct leaf_base {
  virtual ~leaf_base() = default;
  int number = 2;
};
struct leaf_derived : leaf_base {
  gc_ptr<leaf_base> link{};
  tally t;
  explicit leaf_derived(census& c) : t(c) {}
  static constexpr auto gc_members = ouro::members(&leaf_derived::link);
};

}  // namespace

TEST_CASE("handles to interfaces close cycles, through the first and the second of them") {
  manual_heap heap;
  census c;
  gc_ptr<interface> last;
  {
    auto const a = make_gc<implementation>(c);
    auto const b = make_gc<implementation>(c);
    a->meet(b, b);
    b->meet(a, a);
    last = a;
    CHECK(ouro::gc::get_referents(a).size() == 2);
  }
  CHECK(ouro::gc::collect() == 0);
  CHECK(last->answer() == 42);
  last.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a handle to a leaf class may point to a derived object that is none: cycles are found, destructors right") {
  manual_heap heap;
  census c;
  SECTION("a plain base") {
    gc_ptr<plain_base> p = make_gc<plain_derived>(c);
    CHECK(ouro::gc::is_tracked(p));
    CHECK_FALSE(ouro::gc::is_tracked(gc_ptr<plain_base>(make_gc<plain_base>())));
    ouro::static_pointer_cast<plain_derived>(p)->links = {p, make_gc<plain_base>()};
    CHECK(ouro::gc::collect() == 0);
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  SECTION("a plain base, by counting") {
    gc_ptr<plain_base> p = make_gc<plain_derived>(c);
    p.reset();
  }
  SECTION("a polymorphic base") {
    gc_ptr<leaf_base> p = make_gc<leaf_derived>(c);
    static_cast<leaf_derived&>(*p).link = p;
    CHECK(ouro::gc::collect() == 0);
    p.reset();
    CHECK(ouro::gc::collect() == 1);
  }
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("an array of very many handles is traced to its end") {
  struct holder {
    tally t;
    gc_ptr<gc_ptr<holder>[]> all{};
  };
  manual_heap heap;
  census c;
  constexpr std::size_t many = 100'000;
  auto p = make_gc<holder>(tally{c});
  p->all = make_gc<gc_ptr<holder>[]>(many);
  for (std::size_t i = 0; i < many; ++i) p->all[i] = make_gc<holder>(tally{c}, p->all);
  p->all[many - 1] = p;
  CHECK(c.alive == many);
  CHECK(ouro::gc::collect() == 0);
  CHECK(p.use_count() == 2);
  p.reset();
  CHECK(ouro::gc::collect() == many + 1);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

TEST_CASE("contents swapped between objects keep the graph right") {
  struct pair_of {
    std::vector<gc_ptr<pair_of>> list{};
    std::unique_ptr<gc_ptr<pair_of>> box{};
  };
  manual_heap heap;
  auto a = make_gc<pair_of>();
  auto b = make_gc<pair_of>();
  a->list = {a, b, a};
  b->box = std::make_unique<gc_ptr<pair_of>>(a);
  std::swap(*a, *b);
  CHECK(b->list.size() == 3);
  CHECK(*a->box == a);
  CHECK(ouro::gc::collect() == 0);
  b.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(a.use_count() == 2);
  a.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}
