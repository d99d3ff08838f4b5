// Which handles tracing a value reports, seen without a collector: a fake handle, and a tracer that notes places.
#include "support/catch.hpp"
#include "support/fake_handle.hpp"

#include <any>
#include <array>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <stack>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#if __has_include(<expected>)
#include <expected>
#endif

#if __has_include(<boost/container/vector.hpp>) && __has_include(<boost/heap/d_ary_heap.hpp>)
#define OURO_TEST_HAS_BOOST 1
#include <boost/array.hpp>
#include <boost/circular_buffer.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/static_vector.hpp>
#include <boost/container/vector.hpp>
#include <boost/heap/d_ary_heap.hpp>
#include <boost/optional.hpp>
#include <boost/shared_ptr.hpp>
#include <boost/weak_ptr.hpp>
#endif

namespace {

using handle = ouro_test::fake_handle<int>;
using ouro::bases;
using ouro::members;
using ouro::tracer;
using ouro::detail::trace_pass;
using ouro_test::of;
using ouro_test::places;
using ouro_test::sorted;
using ouro_test::traced;

/// The places of the handles in a range.
template <class Range>
places of_all(Range const& range) {
  places result;
  for (handle const& h : range) result.push_back(&h);
  return sorted(result);
}

// --- aggregates
// ---------------------------------------------------------------------------------------------------------

struct inner {
  int number = 0;
  handle a;
};
struct mark {};
struct aggregate : mark {
  std::string name;
  handle a;
  inner b;
  handle c[2];
  inner d[2][2];
  handle const e;
  int f = 0;
};

TEST_CASE("the handles of an aggregate are reported, nested ones and those in C arrays too, each once") {
  aggregate const x;
  CHECK(traced(x) == of(x.a, x.b.a, x.c[0], x.c[1], x.d[0][0].a, x.d[0][1].a, x.d[1][0].a, x.d[1][1].a, x.e));
}

struct not_default_constructible {
  explicit not_default_constructible(int n) : number(n) {}
  int number;
};
struct awkward_aggregate {
  handle a[3];
  not_default_constructible b;
  handle c;
  std::optional<handle> d;
};

TEST_CASE("the handles around a member without a default constructor are reported") {
  awkward_aggregate const x{{}, not_default_constructible(1), {}, handle(1)};
  CHECK(traced(x) == of(x.a[0], x.a[1], x.a[2], x.c, *x.d));
}

TEST_CASE("a C array is reported element by element") {
  handle const x[2][2] = {};
  CHECK(traced(x) == of(x[0][0], x[0][1], x[1][0], x[1][1]));
}

// --- the standard library
// ----------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a sequence reports its elements", "", std::vector<handle>, std::deque<handle>, std::list<handle>,
                   std::forward_list<handle>, std::set<handle>, std::multiset<handle>, std::unordered_set<handle>,
                   std::unordered_multiset<handle>) {
  TestType const x = {handle(1), handle(2), handle(3), handle(4)};
  CHECK(traced(x) == of_all(x));
  CHECK(traced(x).size() == 4);
  CHECK(traced(TestType()).empty());
}

TEMPLATE_TEST_CASE("a map reports its keys and values", "", (std::map<handle, handle>), (std::multimap<handle, handle>),
                   (std::unordered_map<handle, handle>), (std::unordered_multimap<handle, handle>)) {
  TestType const x = {{handle(1), handle(2)}, {handle(3), handle(4)}};
  places expected;
  for (auto const& [key, value] : x) expected.insert(expected.end(), {&key, &value});
  CHECK(traced(x) == sorted(expected));
}

TEST_CASE("a map of plain keys reports its values") {
  std::map<int, std::vector<handle>> const x = {{1, {1, 2}}, {2, {3}}};
  CHECK(traced(x) == of(x.at(1)[0], x.at(1)[1], x.at(2)[0]));
}

struct open_stack : std::stack<handle> {
  using stack::c;
};
struct open_heap : std::priority_queue<handle> {
  using priority_queue::c;
};

TEST_CASE("container adaptors report what they hold") {
  open_stack s;
  s.push(handle(1));
  s.push(handle(2));
  CHECK(traced<std::stack<handle>>(s) == of_all(s.c));
  open_heap p;
  p.push(handle(1));
  p.push(handle(2));
  CHECK(traced<std::priority_queue<handle>>(p) == of_all(p.c));
  std::queue<handle, std::list<handle>> q;
  q.push(handle(1));
  CHECK(traced(q) == of(q.front()));
}

TEST_CASE("optional, variant, pair, tuple and array report what they hold") {
  std::optional<handle> o;
  CHECK(traced(o).empty());
  o.emplace(1u);
  CHECK(traced(o) == of(*o));

  std::variant<int, handle, std::vector<handle>, handle> v;
  CHECK(traced(v).empty());
  v.emplace<1>();
  CHECK(traced(v) == of(std::get<1>(v)));
  v.emplace<2>(3u);
  CHECK(traced(v) == of_all(std::get<2>(v)));
  v.emplace<3>();
  CHECK(traced(v) == of(std::get<3>(v)));

  std::pair<int, handle> const p;
  CHECK(traced(p) == of(p.second));
  std::tuple<handle, int, handle const, std::pair<handle, int>> const t;
  CHECK(traced(t) == of(std::get<0>(t), std::get<2>(t), std::get<3>(t).first));
  std::array<handle, 3> const a = {};
  CHECK(traced(a) == of_all(a));
}

struct throws_when_made {
  operator handle() const { throw 1; }
};

TEST_CASE("a variant without a value reports nothing") {
  std::variant<int, handle> v;
  CHECK_THROWS_AS(v.emplace<1>(throws_when_made()), int);
  REQUIRE(v.valueless_by_exception());
  CHECK(traced(v).empty());
}

#if defined(__cpp_lib_expected)
TEST_CASE("an expected reports its value or its error") {
  std::expected<handle, std::vector<handle>> const value(handle(1));
  CHECK(traced(value) == of(*value));
  std::expected<handle, std::vector<handle>> const error(std::unexpect, 2u);
  CHECK(traced(error) == of_all(error.error()));
  std::expected<void, handle> const nothing;
  CHECK(traced(nothing).empty());
}
#endif

TEST_CASE("a unique_ptr reports the handles of the object it owns") {
  std::unique_ptr<aggregate const> x;
  CHECK(traced(x).empty());
  x = std::make_unique<aggregate const>();
  CHECK(traced(x) == traced(*x));
  CHECK(traced(x).size() == 9);
}

struct owns_nothing {
  handle* pointer;
  std::span<handle> span;
  std::vector<handle>::iterator iterator;
  std::reference_wrapper<handle> wrapper;
  std::tuple<handle&> reference;
  std::weak_ptr<handle> weak;
  std::function<handle()> function;
  std::any any;
  std::mutex mutex;
};

TEST_CASE("pointers, views, iterators, references and std::function are not looked into") {
  std::vector<handle> all(1);
  owns_nothing const x{&all[0], all, all.begin(), all[0], all[0], {}, [all] { return all[0]; }, all, {}};
  CHECK(traced(x).empty());
}

struct tree {
  handle a;
  std::vector<tree> children;
  std::map<std::string, std::unique_ptr<tree>> named;
};

TEST_CASE("types that contain themselves are followed to the end") {
  tree x;
  x.children = std::vector<tree>(2);
  x.children[1].named.emplace("x", std::make_unique<tree>());
  CHECK(traced(x) == of(x.a, x.children[0].a, x.children[1].a, x.children[1].named["x"]->a));
}

// --- declarations
// --------------------------------------------------------------------------------------------------------

class counted {
 public:
  explicit counted(handle& r) : reference_(r) {}
  virtual ~counted() = default;
  places expected() const { return of(a_, b_[0], b_[1]); }

 private:
  unsigned bits_ : 3 = 0;
  handle a_;
  handle& reference_;
  handle const b_[2];
  static constexpr std::size_t gc_fields = 4;
  friend ouro::access;
};

TEST_CASE("gc_fields: private members are reported, references and bit-fields passed over") {
  handle other;
  counted const x(other);
  CHECK(traced(x) == x.expected());
}

struct listed_base {
  handle a;
  handle unlisted;
  static constexpr auto gc_members = members(&listed_base::a);
};
class listed : inner, listed_base {
 public:
  places expected() const { return of(inner::a, listed_base::a, own_, array_[0], array_[1]); }

 private:
  handle own_;
  handle array_[2];
  static constexpr auto gc_members = members(bases<inner>, &listed::own_, bases<listed_base>, &listed::array_);
  friend ouro::access;
};

TEST_CASE("gc_members: what is listed is reported, private bases and members too") {
  listed const x;
  CHECK(traced(x) == x.expected());
}

struct vector_of_handles : std::vector<handle> {
  using vector::vector;
  static constexpr auto gc_members = members<vector_of_handles>(bases<std::vector<handle>>);
};
struct derived_handle : handle {
  static constexpr auto gc_members = members<derived_handle>(bases<handle>);
};

TEST_CASE("gc_members: bases may be containers or handles") {
  vector_of_handles const x(3);
  CHECK(traced(x) == of_all(x));
  derived_handle const y;
  CHECK(traced(y) == of(y));
}

struct by_hand {
  by_hand() {}
  void gc_trace(tracer& t) const noexcept { t(a, b); }
  handle a;
  std::vector<handle> b{1};
};
struct by_hand_not_const {
  by_hand_not_const() {}
  void gc_trace(tracer& t) { t(a); }
  handle a;
};
class by_hand_in_private {
 public:
  by_hand_in_private() {}
  handle a;

 private:
  void gc_trace(tracer& t) const noexcept { t(a); }
  friend ouro::access;
};
struct by_hand_as_template {
  by_hand_as_template() {}
  template <class Tracer>
  void gc_trace(Tracer& t) const {
    t(a);
  }
  handle a;
};

TEST_CASE("gc_trace is called: const or not, private, as a template, of members and of bases") {
  by_hand const a;
  CHECK(traced(a) == of(a.a, a.b[0]));
  by_hand_not_const const b;
  CHECK(traced(b) == of(b.a));
  by_hand_in_private const c;
  CHECK(traced(c) == of(c.a));
  by_hand_as_template const d;
  CHECK(traced(d) == of(d.a));
  std::vector<by_hand> const e(2);
  CHECK(traced(e) == of(e[0].a, e[0].b[0], e[1].a, e[1].b[0]));
}

struct shape {
  virtual ~shape() = default;
  virtual void gc_trace(tracer& t) const noexcept { t(a); }
  handle a;
};
struct circle : shape {
  void gc_trace(tracer& t) const noexcept override {
    shape::gc_trace(t);
    t(b);
  }
  handle b;
};
struct ring : circle {
  handle c;
  static constexpr auto gc_members = members(bases<circle>, &ring::c);
};

TEST_CASE("a virtual gc_trace reaches the derived object that a unique_ptr owns") {
  std::unique_ptr<shape> const x = std::make_unique<circle>();
  CHECK(traced(x) == of(x->a, static_cast<circle&>(*x).b));
  std::unique_ptr<shape> const null;
  CHECK(traced(null).empty());
}

TEST_CASE("a base with a virtual gc_trace is visited as that base, not sent back to the derived class") {
  ring const x;
  CHECK(traced(x) == of(x.a, x.b, x.c));
}

class foreign {
 public:
  handle const& get() const { return a_; }
  foreign() {}

 private:
  handle a_;
};
struct two {
  two() {}
  using value_type = handle;
  handle const* begin() const { return elements; }
  handle const* end() const { return elements + 2; }
  handle elements[2];
};
/// As std::flat_map, whose iterators yield no references.
struct flat {
  using key_type = handle;
  using value_type = std::pair<handle, handle>;
  struct iterator {
    value_type operator*() const;
    bool operator!=(iterator) const;
  };
  iterator begin() const;
  iterator end() const;
  std::vector<handle> const& keys() const { return keys_; }
  std::deque<handle> const& values() const { return values_; }
  void clear() {
    keys_.clear();
    values_.clear();
  }

  flat() : keys_(2), values_(2) {}

 private:
  std::vector<handle> keys_;
  std::deque<handle> values_;
};
struct declared_leaf {
  using gc_leaf = declared_leaf;
  declared_leaf() {}
  handle a;
};
struct foreign_leaf {
  foreign_leaf() {}
  handle a;
};

}  // namespace

template <>
struct ouro::trace_traits<foreign> {
  static void trace(foreign const& f, tracer& t) noexcept { t(f.get()); }
};
template <>
inline constexpr bool ouro::is_container<two> = true;
template <>
inline constexpr bool ouro::is_container<flat> = true;
template <>
inline constexpr bool ouro::is_leaf<foreign_leaf> = true;

namespace {

TEST_CASE("trace_traits, is_container and is_leaf describe foreign types") {
  foreign const a;
  CHECK(traced(a) == of(a.get()));
  two const b;
  CHECK(traced(b) == of_all(b));
  flat const c;
  CHECK(traced(c) == of(c.keys()[0], c.keys()[1], c.values()[0], c.values()[1]));
  std::pair<declared_leaf, foreign_leaf> const d;
  CHECK(traced(d).empty());
}

// --- virtual bases
// --------------------------------------------------------------------------------------------------------

struct top {
  handle t;
};
struct left : virtual top {
  handle l;
  static constexpr auto gc_members = members(bases<top>, &left::l);
};
struct right : virtual top {
  handle r;
  static constexpr auto gc_members = members(bases<top>, &right::r);
};
struct diamond : left, right {
  handle d;
  static constexpr auto gc_members = members(bases<left, right>, &diamond::d);
};
struct names_top_again : left, right, virtual top {
  static constexpr auto gc_members = members<names_top_again>(bases<top, left, right>);
};

TEST_CASE("a virtual base is visited once by the complete object: diamond") {
  diamond const x;
  CHECK(traced(x) == of(x.t, x.l, x.r, x.d));
  names_top_again const y;
  CHECK(traced(y) == of(y.t, y.l, y.r));
}

struct lists_apart : left, inner {
  handle own;
  static constexpr auto gc_members = members(bases<left>, &lists_apart::own, bases<inner>);
};

TEST_CASE("a virtual base is found through any of several lists") {
  lists_apart const x;
  CHECK(traced(x) == of(x.t, x.l, x.own, x.a));
}

TEST_CASE("half of a diamond, complete in itself, visits its virtual base") {
  left const x;
  CHECK(traced(x) == of(x.t, x.l));
}

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winaccessible-base"
#endif
struct below : diamond {
  handle b;
  static constexpr auto gc_members = members(bases<diamond>, &below::b);
};
struct beside : virtual left {
  handle s;
  static constexpr auto gc_members = members(bases<left>, &beside::s);
};
struct deep : below, beside {  // two lefts, one of them virtual; one top
  static constexpr auto gc_members = members<deep>(bases<below, beside>);
};

struct plain_top_a : top {
  static constexpr auto gc_members = members<plain_top_a>(bases<top>);
};
struct plain_top_b : top {
  static constexpr auto gc_members = members<plain_top_b>(bases<top>);
};
struct two_tops : plain_top_a, plain_top_b {
  static constexpr auto gc_members = members<two_tops>(bases<plain_top_a, plain_top_b>);
};
struct three_tops : plain_top_a, left {
  static constexpr auto gc_members = members<three_tops>(bases<plain_top_a, left>);
};
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

TEST_CASE("a virtual base is visited once at any depth, and bases that are no virtual ones each time") {
  deep const x;
  below const& b = x;
  beside const& s = x;
  left const& l1 = b;
  left const& l2 = s;
  CHECK(traced(x) == of(x.t, l1.l, b.r, b.d, b.b, l2.l, s.s));
}

TEST_CASE("a base that an object has several times is visited for each") {
  two_tops const x;
  CHECK(traced(x) == of(static_cast<plain_top_a const&>(x).t, static_cast<plain_top_b const&>(x).t));
  three_tops const y;
  CHECK(traced(y) == of(static_cast<plain_top_a const&>(y).t, static_cast<left const&>(y).t, y.l));
}

struct polymorphic_top {
  virtual ~polymorphic_top() = default;
  handle t;
  static constexpr std::size_t gc_fields = 1;
};
class private_left : virtual polymorphic_top {
 public:
  places expected() const { return of(t, l_); }

 private:
  handle l_;
  static constexpr auto gc_members = members(bases<polymorphic_top>, &private_left::l_);
  friend ouro::access;
};

TEST_CASE("private virtual bases with virtual functions are visited") {
  private_left const x;
  CHECK(traced(x) == x.expected());
}

// --- passes
// ---------------------------------------------------------------------------------------------------------------

struct keyed {
  handle a;
  std::set<handle> b{1, 2};
  std::map<int, std::unordered_map<handle, handle>> c{{1, {{3, 4}}}};
  std::map<int, handle> d{{1, 5}};
  std::unique_ptr<std::vector<std::set<handle>>> e{new std::vector<std::set<handle>>{{6}}};
};

TEST_CASE("a pass that clears does not see keyed containers") {
  keyed const x;
  CHECK(traced(x).size() == 2 + 1 + 2 + 1 + 1);
  CHECK(traced(x, trace_pass::clear) == of(x.a, x.d.at(1)));
}

TEST_CASE("a pass that clears keyed containers empties them and reports nothing") {
  keyed x;
  CHECK(traced(x, trace_pass::clear_keyed).empty());
  CHECK(x.b.empty());
  CHECK(x.c.at(1).empty());
  CHECK(x.e->at(0).empty());
  CHECK(x.d.size() == 1);
  CHECK(traced(x) == of(x.a, x.d.at(1)));
}

struct keyed_by_hand {
  keyed_by_hand() : b{1} {}
  void gc_trace(tracer& t) const noexcept { t(a, b); }
  handle a;
  std::set<handle> b;
};

TEST_CASE("keyed containers are emptied behind a hand-written trace too") {
  std::vector<keyed_by_hand> const x(2);
  CHECK(traced(x, trace_pass::clear) == of(x[0].a, x[1].a));
  CHECK(traced(x, trace_pass::clear_keyed).empty());
  CHECK(x[1].b.empty());
}

TEST_CASE("a container of one's own is emptied if its keys are traced") {
  flat const x;
  CHECK(traced(x, trace_pass::clear).empty());
  CHECK(traced(x, trace_pass::clear_keyed).empty());
  CHECK(x.keys().empty());
}

TEST_CASE("types without keyed containers do nothing in the pass that empties them") {
  aggregate const x;
  CHECK(traced(x, trace_pass::clear) == traced(x));
  CHECK(traced(x, trace_pass::clear_keyed).empty());
}

// --- finalizers
// -----------------------------------------------------------------------------------------------------------

struct finalized {
  int runs = 0;
  void gc_finalize() { ++runs; }
};
struct finalized_again : finalized {
  int own_runs = 0;
  void gc_finalize() { ++own_runs; }
};
struct inherits_finalizer : finalized {};

TEST_CASE("the most derived finalizer runs, once; an inherited one runs") {
  finalized_again x;
  ouro::detail::run_finalizer(x);
  CHECK(x.own_runs == 1);
  CHECK(x.runs == 0);
  inherits_finalizer y;
  ouro::detail::run_finalizer(y);
  CHECK(y.runs == 1);
}

// --- Boost
// ----------------------------------------------------------------------------------------------------------------

#if defined(OURO_TEST_HAS_BOOST)
TEMPLATE_TEST_CASE("a container of Boost reports its elements", "", boost::container::vector<handle>,
                   boost::container::stable_vector<handle>, (boost::container::small_vector<handle, 2>),
                   (boost::container::static_vector<handle, 4>), (boost::array<handle, 4>),
                   (boost::heap::d_ary_heap<handle, boost::heap::arity<2>>)) {
  TestType x;
  if constexpr (requires { x.push(handle(1)); }) {
    for (unsigned i = 0; i != 4; ++i) x.push(handle(i));
  } else if constexpr (requires { x.resize(4); }) {
    x.resize(4);
  }
  CHECK(traced(x) == of_all(x));
  CHECK(traced(x).size() == 4);
}

TEST_CASE("other types of Boost are traced, or not looked into") {
  boost::container::flat_map<handle, handle> const map = {{1, 2}};
  CHECK(traced(map) == of(map.begin()->first, map.begin()->second));
  boost::circular_buffer<handle> ring(4);
  ring.push_back(handle(1));
  CHECK(traced(ring) == of(ring[0]));
  boost::optional<handle> optional;
  CHECK(traced(optional).empty());
  optional.emplace(1u);
  CHECK(traced(optional) == of(*optional));
  CHECK(traced(boost::weak_ptr<handle>()).empty());
  STATIC_REQUIRE(!ouro::traceable<boost::shared_ptr<handle>>);
  STATIC_REQUIRE(ouro::traceable<boost::shared_ptr<int>>);
}
#else
TEST_CASE("other types of Boost are traced, or not looked into") { WARN("skipped: Boost is not installed"); }
#endif

}  // namespace
