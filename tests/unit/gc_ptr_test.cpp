// The handle: counting, conversions, casts, arrays, untyped and interior handles, gc_from_this.
#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>
#if __has_include(<format>)
#include <format>
#endif

namespace {

using ouro::gc_interior_ptr;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct incomplete;

struct thing {
  tally t;
  int value = 0;
  gc_ptr<thing> next{};
};

// A hierarchy with a second base and a virtual one; each class has data, so that no base is empty.
struct left {
  explicit left(int l = 1) : l_(l) {}
  virtual ~left() = default;
  virtual int number() const { return l_; }
  int l_;
  using gc_leaf = left;
};
struct right {
  explicit right(int r = 2) : r_(r) {}
  virtual ~right() = default;
  virtual int other_number() const { return r_; }
  int r_;
  using gc_leaf = right;
};
struct both : left, right {
  explicit both(census& c, int v = 3) : t(c), v_(v) {}
  int number() const override { return 10 * v_; }
  int other_number() const override { return 100 * v_; }
  tally t;
  int v_;
  gc_ptr<right> held;
  static constexpr auto gc_members = ouro::members(&both::held);
};
struct most_derived final : both {
  using both::both;
  std::string name = "most derived, with a name that needs memory";
  static constexpr auto gc_members = ouro::members<most_derived>(ouro::bases<both>);
};

struct virtual_root {
  virtual ~virtual_root() = default;
  int root = 7;
  using gc_leaf = virtual_root;
};
struct diamond_left : virtual virtual_root {
  int a = 1;
  using gc_leaf = diamond_left;
};
struct diamond_right : virtual virtual_root {
  int b = 2;
  using gc_leaf = diamond_right;
};
struct diamond final : diamond_left, diamond_right {
  explicit diamond(census& c) : t(c) {}
  tally t;
  using gc_leaf = diamond;
};

// A plain hierarchy, no virtual function in it.
struct plain_base {
  int base_value = 4;
};
struct plain_derived : plain_base {
  explicit plain_derived(census& c) : t(c) {}
  tally t;
  std::string text = "a text that is too long for the string's own buffer";
  using gc_leaf = plain_derived;
};

}  // namespace

// ---- decided at compile time ------------------------------------------------------------------------------------

static_assert(sizeof(gc_ptr<int>) == sizeof(void*));
static_assert(sizeof(gc_ptr<thing>) == sizeof(void*));
static_assert(sizeof(gc_ptr<both>) == sizeof(void*));
static_assert(sizeof(gc_ptr<void>) == sizeof(void*));
static_assert(sizeof(gc_ptr<int[]>) == sizeof(void*));
static_assert(sizeof(gc_ptr<incomplete>) == sizeof(void*));
static_assert(sizeof(gc_interior_ptr<int>) == 2 * sizeof(void*));

template <class P>
constexpr bool is_well_behaved_handle =
    std::is_nothrow_default_constructible_v<P> && std::is_nothrow_copy_constructible_v<P> &&
    std::is_nothrow_move_constructible_v<P> && std::is_nothrow_copy_assignable_v<P> &&
    std::is_nothrow_move_assignable_v<P> && std::is_nothrow_destructible_v<P> && std::is_nothrow_swappable_v<P> &&
    std::is_nothrow_constructible_v<P, std::nullptr_t> && std::is_convertible_v<std::nullptr_t, P> &&
    !std::is_trivially_copyable_v<P> && std::is_constructible_v<bool, P const&> && !std::is_convertible_v<P, bool>;
static_assert(is_well_behaved_handle<gc_ptr<int>>);
static_assert(is_well_behaved_handle<gc_ptr<thing>>);
static_assert(is_well_behaved_handle<gc_ptr<thing const>>);
static_assert(is_well_behaved_handle<gc_ptr<both>>);
static_assert(is_well_behaved_handle<gc_ptr<void>>);
static_assert(is_well_behaved_handle<gc_ptr<void const>>);
static_assert(is_well_behaved_handle<gc_ptr<thing[]>>);
static_assert(is_well_behaved_handle<gc_ptr<thing const[]>>);
static_assert(is_well_behaved_handle<gc_interior_ptr<int>>);
static_assert(is_well_behaved_handle<gc_interior_ptr<int const>>);

// Never from a raw pointer: only make_gc and gc_from_this make objects known.
static_assert(!std::is_constructible_v<gc_ptr<int>, int*>);
static_assert(!std::is_constructible_v<gc_ptr<void>, void*>);
static_assert(!std::is_constructible_v<gc_ptr<int>, std::shared_ptr<int>>);
static_assert(!std::is_constructible_v<gc_ptr<int>, int>);

template <class From, class To>
constexpr bool converts =
    std::is_convertible_v<gc_ptr<From>, gc_ptr<To>> && std::is_convertible_v<gc_ptr<From> const&, gc_ptr<To>> &&
    std::is_assignable_v<gc_ptr<To>&, gc_ptr<From>> && std::is_nothrow_constructible_v<gc_ptr<To>, gc_ptr<From>>;
template <class From, class To>
constexpr bool never_converts =
    !std::is_constructible_v<gc_ptr<To>, gc_ptr<From>> && !std::is_assignable_v<gc_ptr<To>&, gc_ptr<From>>;

static_assert(converts<both, left> && converts<both, right> && converts<most_derived, right>);
static_assert(never_converts<left, both> && never_converts<right, both> && never_converts<left, right>);
static_assert(converts<plain_derived, plain_base> && never_converts<plain_base, plain_derived>);
static_assert(converts<diamond, virtual_root> && never_converts<virtual_root, diamond>);
static_assert(converts<thing, thing const> && never_converts<thing const, thing>);
static_assert(converts<both, right const> && never_converts<both const, right>);
static_assert(converts<int, void> && converts<int, void const> && converts<int const, void const>);
static_assert(never_converts<int const, void> && never_converts<void const, void>);
static_assert(converts<void, void const> && never_converts<void, int>);
static_assert(never_converts<int, long> && never_converts<thing, int>);
static_assert(converts<int[], int const[]> && never_converts<int const[], int[]>);
static_assert(converts<int[], void> && converts<int[], void const> && converts<int const[], void const>);
static_assert(never_converts<int const[], void>);
static_assert(never_converts<plain_derived[], plain_base[]> && never_converts<both[], left[]>);
static_assert(never_converts<int[], int> && never_converts<int, int[]>);

static_assert(std::is_same_v<gc_ptr<int>::element_type, int>);
static_assert(std::is_same_v<gc_ptr<int const[]>::element_type, int const>);
static_assert(std::is_same_v<decltype(*std::declval<gc_ptr<thing const> const&>()), thing const&>);
static_assert(std::is_same_v<decltype(std::declval<gc_ptr<thing> const&>().get()), thing*>);
static_assert(std::is_same_v<decltype(std::declval<gc_ptr<int const[]> const&>()[0]), int const&>);
static_assert(std::is_same_v<decltype(make_gc<int const>(1)), gc_ptr<int const>>);
static_assert(std::is_same_v<decltype(make_gc<int[]>(1)), gc_ptr<int[]>>);

static_assert(std::three_way_comparable<gc_ptr<int>, std::strong_ordering>);
static_assert(std::totally_ordered_with<gc_ptr<both>, gc_ptr<left>>);
static_assert(std::equality_comparable_with<gc_ptr<thing>, gc_ptr<void>>);
template <class A, class B>
constexpr bool comparable = requires(gc_ptr<A> const& a, gc_ptr<B> const& b) { a == b; };
static_assert(comparable<thing, thing const> && comparable<int[], int const[]> && comparable<left, void>);
static_assert(!comparable<int, long> && !comparable<thing, left>);

static_assert(std::is_base_of_v<std::logic_error, ouro::bad_gc_from_this>);

namespace {
constinit gc_ptr<thing> a_constant_initialised_handle;
}

// ---- counting ---------------------------------------------------------------------------------------------------

TEST_CASE("a handle is null unless it was given an object") {
  gc_ptr<thing> const empty;
  gc_ptr<thing> const from_null = nullptr;
  gc_ptr<thing> const& constant = a_constant_initialised_handle;
  for (auto const* p : {&empty, &from_null, &constant}) {
    CHECK_FALSE(*p);
    CHECK(p->get() == nullptr);
    CHECK(p->use_count() == 0);
    CHECK(*p == nullptr);
  }
}

TEST_CASE("make_gc passes its arguments to the constructor, or initialises an aggregate") {
  manual_heap heap;
  census c;
  auto const built = make_gc<both>(c, 5);
  CHECK(built->v_ == 5);
  auto const aggregate = make_gc<thing>(tally{c}, 6);
  CHECK(aggregate->value == 6);
  CHECK(aggregate->next == nullptr);
  CHECK(*make_gc<int>() == 0);
  CHECK(*make_gc<int>(7) == 7);
  CHECK(*make_gc<std::string>(3, 'x') == "xxx");
  auto moved_in = std::make_unique<int>(8);
  CHECK(**make_gc<std::unique_ptr<int>>(std::move(moved_in)) == 8);
  CHECK(moved_in == nullptr);
}

TEST_CASE("an object dies with its last handle, at once") {
  manual_heap heap;
  census c;
  auto a = make_gc<thing>(tally{c});
  CHECK(a.use_count() == 1);
  {
    auto const b = a;
    CHECK(a.use_count() == 2);
    CHECK(b.get() == a.get());
    std::vector<gc_ptr<thing>> const many(100, a);
    CHECK(a.use_count() == 102);
    CHECK(b.use_count() == 102);
  }
  CHECK(a.use_count() == 1);
  CHECK(c.alive == 1);
  a.reset();
  CHECK(c.alive == 0);
  CHECK(c.died == 1);
  CHECK(a == nullptr);
  a.reset();
  CHECK(heap.objects() == 0);
}

TEST_CASE("a handle that was moved from is null, and moves do not count") {
  manual_heap heap;
  census c;
  auto a = make_gc<thing>(tally{c});
  auto const* const address = a.get();
  gc_ptr<thing> b(std::move(a));
  CHECK(a == nullptr);
  CHECK(b.get() == address);
  CHECK(b.use_count() == 1);
  gc_ptr<thing> d;
  d = std::move(b);
  CHECK(b == nullptr);
  CHECK(d.use_count() == 1);
  gc_ptr<thing const> e = std::move(d);
  CHECK(d == nullptr);
  CHECK(e.use_count() == 1);
  e = gc_ptr<thing>();
  CHECK(c.alive == 0);
}

TEST_CASE("assignment drops the old object and takes the new one") {
  manual_heap heap;
  census first;
  census second;
  auto a = make_gc<thing>(tally{first});
  auto const b = make_gc<thing>(tally{second});
  a = b;
  CHECK(first.alive == 0);
  CHECK(b.use_count() == 2);
  a = make_gc<thing>(tally{first});
  CHECK(b.use_count() == 1);
  a = nullptr;
  CHECK(first.alive == 0);
  CHECK(second.alive == 1);
}

TEST_CASE("a handle may be assigned to itself, by copy and by move") {
  manual_heap heap;
  census c;
  auto a = make_gc<thing>(tally{c});
  auto& same = a;
  a = same;
  CHECK(a.use_count() == 1);
  CHECK(c.alive == 1);
  a = std::move(same);
  CHECK(a.use_count() == 1);
  CHECK(c.alive == 1);
  a.swap(same);
  CHECK(a.use_count() == 1);
  gc_ptr<thing> empty;
  auto& same_empty = empty;
  empty = same_empty;
  empty = std::move(same_empty);
  CHECK(empty == nullptr);
}

TEST_CASE("a list may be walked and cut through its own head") {
  manual_heap heap;
  census c;
  gc_ptr<thing> head;
  for (int i = 0; i < 10; ++i) head = make_gc<thing>(tally{c}, i, head);
  CHECK(c.alive == 10);
  head = head->next;  // the right side dies with the left side's old object
  CHECK(c.alive == 9);
  head = std::move(head->next);
  CHECK(c.alive == 8);
  CHECK(head->value == 7);
  head->next = head->next->next;
  CHECK(c.alive == 7);
  gc_ptr<thing const> reader = head;
  while (reader) reader = reader->next;
  CHECK(c.alive == 7);
  head.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("swap exchanges objects without counting") {
  manual_heap heap;
  census c;
  auto a = make_gc<thing>(tally{c}, 1);
  auto b = make_gc<thing>(tally{c}, 2);
  gc_ptr<thing> empty;
  a.swap(b);
  CHECK(a->value == 2);
  swap(a, b);
  CHECK(a->value == 1);
  std::swap(a, empty);
  CHECK(a == nullptr);
  CHECK(empty->value == 1);
  CHECK(empty.use_count() == 1);
  CHECK(b.use_count() == 1);
}

TEST_CASE("containers of handles may be sorted, shuffled and erased from") {
  manual_heap heap;
  census c;
  std::vector<gc_ptr<thing>> v;
  for (int i = 0; i < 100; ++i) v.push_back(make_gc<thing>(tally{c}, (i * 37) % 100));
  std::sort(v.begin(), v.end(), [](auto const& a, auto const& b) { return a->value < b->value; });
  for (int i = 0; i < 100; ++i) CHECK(v[static_cast<std::size_t>(i)]->value == i);
  std::rotate(v.begin(), v.begin() + 30, v.end());
  v.erase(std::remove_if(v.begin(), v.end(), [](auto const& p) { return p->value % 2 == 0; }), v.end());
  CHECK(v.size() == 50);
  CHECK(c.alive == 50);
  CHECK(std::all_of(v.begin(), v.end(), [](auto const& p) { return p.use_count() == 1; }));
}

namespace {

struct mortal_leaf {
  int* deaths;
  ~mortal_leaf() { ++*deaths; }
};
struct mortal_in_cycle {
  int* deaths;
  gc_ptr<mortal_in_cycle> self{};
  ~mortal_in_cycle() { ++*deaths; }
};

/// As if there were `count` handles already, to which some more are added: to make them takes a minute.
template <class T>
void saturate(gc_ptr<T> p, int& deaths, std::uint32_t count) {
  ouro::detail::set_count(*ouro::detail::handle_access::header(p), count);
  alignas(gc_ptr<T>) std::byte storage[sizeof(gc_ptr<T>)];
  for (int i = 0; i != 1000; ++i) ::new (static_cast<void*>(storage)) gc_ptr<T>(p);
  CHECK(p.use_count() > 1'000'000'000);
  for (int i = 0; i < 100; ++i) {
    auto const copy = p;
    CHECK(copy);
  }
  CHECK(ouro::gc::collect() == 0);
  CHECK(deaths == 0);
  T const* const raw = p.get();
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(deaths == 0);
  CHECK(raw->deaths == &deaths);
}

}  // namespace

TEST_CASE("a count saturates: an object that had too many handles is immortal and never freed early") {
  manual_heap heap;
  int deaths = 0;
  SECTION("a leaf") { saturate(make_gc<mortal_leaf>(&deaths), deaths, 0xffff'ff00u); }
  SECTION("a tracked object") { saturate(make_gc<mortal_in_cycle>(&deaths), deaths, 0x3fff'ff00u); }
  SECTION("a candidate") {
    auto p = make_gc<mortal_in_cycle>(&deaths);
    p->self = p;
    p->self.reset();
    saturate(std::move(p), deaths, 0xffff'ff00u);
  }
  heap.verify();
}

TEST_CASE("an object with more handles than a collection can count survives it, with its count") {
  manual_heap heap;
  int deaths = 0;
  auto p = make_gc<mortal_in_cycle>(&deaths);
  bool const candidate = GENERATE(false, true);
  if (candidate) gc_ptr<mortal_in_cycle>(p).reset();
  auto* const header = ouro::detail::handle_access::header(p);
  for (std::uint32_t const count : {0x2000'0000u, 0x3000'0000u}) {
    ouro::detail::set_count(*header, count);
    CHECK(ouro::gc::collect(0) == 0);
    CHECK(ouro::gc::collect() == 0);
    CHECK(deaths == 0);
    CHECK(p.use_count() >= count);
  }
  ouro::detail::set_count(*header, 1);
  p.reset();
  CHECK(deaths == 1);
}

// ---- comparing, hashing, printing -------------------------------------------------------------------------------

TEST_CASE("handles compare as the addresses of their objects do") {
  manual_heap heap;
  std::vector<gc_ptr<int>> handles;
  for (int i = 0; i < 50; ++i) handles.push_back(make_gc<int>(i));
  handles.push_back(nullptr);
  std::less<int*> const address_less;
  for (auto const& a : handles) {
    for (auto const& b : handles) {
      CHECK((a == b) == (a.get() == b.get()));
      CHECK((a != b) == (a.get() != b.get()));
      CHECK((a < b) == address_less(a.get(), b.get()));
      CHECK((a <=> b == 0) == (a == b));
    }
    CHECK((a == nullptr) == (a.get() == nullptr));
    CHECK((nullptr == a) == (a.get() == nullptr));
  }
}

TEST_CASE("handles of different types compare as their pointers do, and with gc_ptr<void> by identity") {
  manual_heap heap;
  census c;
  auto const whole = make_gc<both>(c);
  gc_ptr<left> const first = whole;
  gc_ptr<right> const second = whole;
  gc_ptr<right const> const constant = second;
  gc_ptr<void> const anything = whole;
  gc_ptr<void const> const anything_constant = second;
  CHECK(whole == first);
  CHECK(whole == second);
  CHECK(second == constant);
  CHECK(static_cast<void*>(first.get()) != static_cast<void*>(second.get()));
  CHECK(anything == whole);
  CHECK(anything == first);
  CHECK(anything == second);
  CHECK(second == anything);
  CHECK(anything == anything_constant);
  CHECK(anything <=> second == std::strong_ordering::equal);
  CHECK_FALSE(anything == gc_ptr<right>());
  CHECK_FALSE(anything == gc_ptr<right>(make_gc<both>(c)));
  CHECK(gc_ptr<void>() == gc_ptr<right>());
}

TEST_CASE("handles are keys of ordered and unordered containers") {
  manual_heap heap;
  std::vector<gc_ptr<int>> handles;
  for (int i = 0; i < 100; ++i) handles.push_back(make_gc<int>(i));
  std::set<gc_ptr<int>> const ordered(handles.begin(), handles.end());
  std::unordered_set<gc_ptr<int>> const unordered(handles.begin(), handles.end());
  std::unordered_map<gc_ptr<void>, int> by_identity;
  std::map<gc_ptr<int const>, int> ordered_map;
  for (auto const& p : handles) {
    by_identity[p] = *p;
    ordered_map[p] = *p;
  }
  CHECK(ordered.size() == 100);
  CHECK(unordered.size() == 100);
  for (auto const& p : handles) {
    CHECK(ordered.contains(p));
    CHECK(unordered.contains(p));
    CHECK(by_identity.at(p) == *p);
    CHECK(ordered_map.at(p) == *p);
    CHECK(std::hash<gc_ptr<int>>()(p) == std::hash<gc_ptr<int>>()(gc_ptr<int>(p)));
    CHECK(std::hash<gc_ptr<int>>()(p) == std::hash<int*>()(p.get()));
  }
  CHECK_FALSE(ordered.contains(nullptr));
}

TEST_CASE("a handle prints as its address") {
  manual_heap heap;
  census c;
  auto const p = make_gc<both>(c);
  gc_ptr<right> const second = p;
  std::ostringstream expected;
  expected << static_cast<void const*>(p.get()) << ' ' << static_cast<void const*>(second.get()) << ' '
           << static_cast<void const*>(nullptr);
  std::ostringstream printed;
  printed << p << ' ' << second << ' ' << gc_ptr<int[]>();
  CHECK(printed.str() == expected.str());
  std::wostringstream wide;
  wide << p;
  CHECK_FALSE(wide.str().empty());
  std::ostringstream interior;
  interior << gc_interior_ptr<int>(p, &p->v_);
  std::ostringstream expected_interior;
  expected_interior << static_cast<void const*>(&p->v_);
  CHECK(interior.str() == expected_interior.str());
}

#if defined(__cpp_lib_format)
static_assert(std::is_default_constructible_v<std::formatter<gc_ptr<int>, char>>, "handles have no std::formatter");

TEST_CASE("a handle formats as its address") {
  manual_heap heap;
  auto const p = make_gc<int>(1);
  void const* const address = p.get();
  CHECK(std::format("<{}>", p) == std::format("<{}>", address));
  CHECK(std::format("{:>30}", p) == std::format("{:>30}", address));
  CHECK(std::format("{}", gc_ptr<int[]>()) == std::format("{}", nullptr));
}
#endif

// ---- bases, casts, const ----------------------------------------------------------------------------------------

TEST_CASE("a handle to a plain first base destroys the whole object, without a virtual destructor") {
  manual_heap heap;
  census c;
  gc_ptr<plain_base> p = make_gc<plain_derived>(c);
  CHECK(p->base_value == 4);
  CHECK(p.use_count() == 1);
  p.reset();
  CHECK(c.died == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a handle to a second base is one of the object's handles like any other") {
  manual_heap heap;
  census c;
  auto whole = make_gc<most_derived>(c, 3);
  gc_ptr<right> second = whole;
  CHECK(second.use_count() == 2);
  CHECK(whole.use_count() == 2);
  CHECK(second->other_number() == 300);
  CHECK(second->r_ == 2);
  whole.reset();
  CHECK(c.alive == 1);
  auto another = second;
  another = second;
  second = std::move(another);
  CHECK(second.use_count() == 1);
  gc_ptr<right const> const constant = second;
  second.reset();
  CHECK(c.alive == 1);
  CHECK(constant->other_number() == 300);
  CHECK(ouro::gc::collect() == 0);
  CHECK(constant.use_count() == 1);
}

TEST_CASE("an object that holds itself by a second base is one object of garbage") {
  manual_heap heap;
  census c;
  auto p = make_gc<most_derived>(c);
  p->held = p;
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("a handle to a virtual base keeps and drops the whole") {
  manual_heap heap;
  census c;
  auto p = make_gc<diamond>(c);
  gc_ptr<virtual_root> root = p;
  gc_ptr<diamond_right> half = p;
  CHECK(root->root == 7);
  CHECK(half->b == 2);
  CHECK(half == p);
  p.reset();
  half.reset();
  CHECK(c.alive == 1);
  CHECK(root.use_count() == 1);
  root.reset();
  CHECK(c.alive == 0);
}

TEST_CASE("pointer casts go up, down and across and count as the handles they are") {
  manual_heap heap;
  census c;
  gc_ptr<left> const first = make_gc<most_derived>(c, 4);
  auto const down = ouro::static_pointer_cast<both>(first);
  static_assert(std::is_same_v<decltype(down), gc_ptr<both> const>);
  CHECK(down->v_ == 4);
  CHECK(first.use_count() == 2);
  auto const further = ouro::dynamic_pointer_cast<most_derived>(first);
  REQUIRE(further);
  CHECK(further->name.size() > 20);
  auto const across = ouro::dynamic_pointer_cast<right>(first);
  REQUIRE(across);
  CHECK(across->other_number() == 400);
  CHECK(across.use_count() == 4);
  auto const back = ouro::dynamic_pointer_cast<left>(across);
  CHECK(back == first);
  auto const up = ouro::static_pointer_cast<right>(down);
  CHECK(up == across);
  CHECK(first.use_count() == 6);
}

TEST_CASE("a dynamic cast that fails gives null and counts nothing") {
  manual_heap heap;
  census c;
  gc_ptr<left> const p = make_gc<left>(9);
  CHECK(ouro::dynamic_pointer_cast<both>(p) == nullptr);
  CHECK(ouro::dynamic_pointer_cast<right>(p) == nullptr);
  CHECK(p.use_count() == 1);
  gc_ptr<left> const whole = make_gc<both>(c);
  CHECK(ouro::dynamic_pointer_cast<most_derived>(whole) == nullptr);
  CHECK(whole.use_count() == 1);
}

TEST_CASE("casts of null are null") {
  manual_heap heap;
  CHECK(ouro::static_pointer_cast<both>(gc_ptr<right>()) == nullptr);
  CHECK(ouro::dynamic_pointer_cast<both>(gc_ptr<right>()) == nullptr);
  CHECK(ouro::const_pointer_cast<both>(gc_ptr<both const>()) == nullptr);
  CHECK(ouro::static_pointer_cast<both>(gc_ptr<void>()) == nullptr);
  gc_ptr<right> const from_null = gc_ptr<both>();
  CHECK(from_null == nullptr);
  CHECK(from_null.get() == nullptr);
}

TEST_CASE("casts of temporaries neither lose nor leak the object") {
  manual_heap heap;
  census c;
  auto p = ouro::static_pointer_cast<both>(gc_ptr<left>(make_gc<both>(c)));
  CHECK(p.use_count() == 1);
  auto q = ouro::dynamic_pointer_cast<right>(std::move(p));
  CHECK(p == nullptr);
  CHECK(q.use_count() == 1);
  auto r = ouro::const_pointer_cast<right>(gc_ptr<right const>(std::move(q)));
  CHECK(r.use_count() == 1);
  r.reset();
  CHECK(c.alive == 0);
  CHECK(ouro::const_pointer_cast<thing>(gc_ptr<thing const>(make_gc<thing>(tally{c})))->value == 0);
  CHECK(c.alive == 0);
}

TEST_CASE("a dynamic cast of a moved handle that fails leaves the handle as it was") {
  manual_heap heap;
  census c;
  gc_ptr<left> p = make_gc<both>(c);
  CHECK(ouro::dynamic_pointer_cast<most_derived>(std::move(p)) == nullptr);
  CHECK(c.alive == 1);
  REQUIRE(p);
  CHECK(p.use_count() == 1);
}

TEST_CASE("handles to const objects: read, not written; const_pointer_cast takes const away") {
  manual_heap heap;
  census c;
  auto const writer = make_gc<thing>(tally{c}, 1);
  gc_ptr<thing const> const reader = writer;
  static_assert(std::is_same_v<decltype((reader->value)), int const&>);
  writer->value = 2;
  CHECK(reader->value == 2);
  CHECK(reader == writer);
  auto const again = ouro::const_pointer_cast<thing>(reader);
  again->value = 3;
  CHECK(reader->value == 3);
  CHECK(writer.use_count() == 3);
  auto const constant = make_gc<thing const>(tally{c}, 4);
  CHECK(constant->value == 4);
}

TEST_CASE("a const handle still gives access to a mutable object") {
  manual_heap heap;
  census c;
  gc_ptr<thing> const p = make_gc<thing>(tally{c});
  p->value = 5;
  (*p).value += 1;
  CHECK(p->value == 6);
}

// ---- untyped handles --------------------------------------------------------------------------------------------

TEST_CASE("gc_ptr<void> holds any object, by the address of the complete one") {
  manual_heap heap;
  census c;
  auto whole = make_gc<both>(c);
  gc_ptr<right> second = whole;
  gc_ptr<void> anything = second;
  CHECK(anything.get() == static_cast<void*>(whole.get()));
  CHECK(anything.use_count() == 3);
  gc_ptr<void> moved = std::move(second);
  CHECK(second == nullptr);
  CHECK(moved == anything);
  CHECK(moved.use_count() == 3);
  whole.reset();
  moved.reset();
  CHECK(c.alive == 1);
  anything = make_gc<int[]>(5);
  CHECK(c.alive == 0);
  anything = make_gc<std::string>("a string that is too long to be stored in place");
  CHECK(heap.objects() == 1);
  anything = nullptr;
  CHECK(heap.objects() == 0);
}

TEST_CASE("gc_ptr<void> casts back to the type that was made, and to bases at offset zero") {
  manual_heap heap;
  census c;
  gc_ptr<void> const anything = gc_ptr<right>(make_gc<most_derived>(c, 6));
  CHECK(ouro::static_pointer_cast<most_derived>(anything)->v_ == 6);
  CHECK(ouro::static_pointer_cast<both>(anything)->v_ == 6);
  CHECK(ouro::static_pointer_cast<left>(anything)->number() == 60);
  CHECK(anything.use_count() == 1);
  gc_ptr<void const> const constant = anything;
  CHECK(ouro::static_pointer_cast<both const>(constant)->v_ == 6);
  gc_ptr<void> const array = make_gc<int[]>(3);
  auto const typed = ouro::static_pointer_cast<int[]>(array);
  CHECK(typed.size() == 3);
  gc_ptr<void> const plain = make_gc<plain_derived>(c);
  CHECK(ouro::static_pointer_cast<plain_base>(plain)->base_value == 4);
}

#if defined(OURO_HARDENED) && OURO_TEST_HAS_FORK
TEST_CASE("hardened: a cast of gc_ptr<void> to a type that the object is not ends the program with the names") {
  manual_heap heap;
  auto const child = ouro_test::run_in_child([] {
    gc_ptr<void> const anything = make_gc<int>(1);
    (void)ouro::static_pointer_cast<std::string>(anything);
  });
  CHECK(child.aborted());
  CHECK(child.says("int"));
  auto const to_second_base = ouro_test::run_in_child([] {
    census c;
    gc_ptr<void> const anything = make_gc<both>(c);
    (void)ouro::static_pointer_cast<right>(anything);
  });
  CHECK(to_second_base.aborted());
  CHECK(to_second_base.says("both"));
  auto const null = ouro_test::run_in_child([] { (void)*gc_ptr<int>(); });
  CHECK(null.aborted());
  CHECK(null.says("null"));
}
#endif

// ---- arrays -----------------------------------------------------------------------------------------------------

TEST_CASE("an array knows its size and its elements start value-initialised") {
  manual_heap heap;
  auto const numbers = make_gc<int[]>(1'000);
  CHECK(numbers.size() == 1'000);
  CHECK(numbers.end() - numbers.begin() == 1'000);
  CHECK(numbers.begin() == numbers.get());
  CHECK(std::all_of(numbers.begin(), numbers.end(), [](int n) { return n == 0; }));
  std::iota(numbers.begin(), numbers.end(), 0);
  CHECK(numbers[999] == 999);
  int sum = 0;
  for (int const n : numbers) sum += n;
  CHECK(sum == 499'500);
  auto const texts = make_gc<std::string[]>(3);
  texts[1] = "a text that is too long to be stored in place, so that it has to be freed";
  CHECK(texts[0].empty());
  CHECK(texts[2].empty());
}

TEST_CASE("array memory that is used again is value-initialised again") {
  manual_heap heap;
  for (int round = 0; round < 10; ++round) {
    auto const a = make_gc<std::uint64_t[]>(7);
    CHECK(std::all_of(a.begin(), a.end(), [](std::uint64_t n) { return n == 0; }));
    std::fill(a.begin(), a.end(), ~std::uint64_t{0});
  }
}

TEST_CASE("an array may be empty, and a null handle has no elements") {
  manual_heap heap;
  auto const empty = make_gc<std::string[]>(0);
  CHECK(empty);
  CHECK(empty.size() == 0);
  CHECK(empty.begin() == empty.end());
  CHECK(empty.use_count() == 1);
  CHECK(heap.objects() == 1);
  gc_ptr<int[]> const null;
  CHECK(null.size() == 0);
  CHECK(null.begin() == null.end());
}

TEST_CASE("arrays of every size keep their elements apart: in the pool and beyond") {
  manual_heap heap;
  std::vector<gc_ptr<std::uint32_t[]>> arrays;
  for (std::size_t n = 0; n < 400; ++n) {
    arrays.push_back(make_gc<std::uint32_t[]>(n));
    std::fill(arrays.back().begin(), arrays.back().end(), static_cast<std::uint32_t>(n));
  }
  for (std::size_t n = 0; n < 400; ++n) {
    CHECK(arrays[n].size() == n);
    CHECK(std::all_of(arrays[n].begin(), arrays[n].end(), [&](std::uint32_t v) { return v == n; }));
  }
  heap.verify();
}

TEST_CASE("an array is shared, and read through handles to const elements and to void") {
  manual_heap heap;
  auto array = make_gc<int[]>(4);
  array[2] = 9;
  gc_ptr<int const[]> const reader = array;
  gc_ptr<void> anything = array;
  CHECK(array.use_count() == 3);
  CHECK(reader[2] == 9);
  CHECK(reader.size() == 4);
  CHECK(reader == array);
  CHECK(anything == array);
  array.reset();
  CHECK(reader[2] == 9);
  CHECK(ouro::static_pointer_cast<int[]>(anything)[2] == 9);
  auto const writer = ouro::const_pointer_cast<int[]>(reader);
  writer[0] = 1;
  CHECK(reader[0] == 1);
}

namespace {

struct element {
  element() {
    if (made == failing_at) throw std::runtime_error("no more elements");
    number = made++;
  }
  ~element() { order.push_back(number); }
  element(element const&) = delete;

  int number;
  gc_ptr<element[]> whole;

  static inline int made = 0;
  static inline int failing_at = -1;
  static inline std::vector<int> order;
  static constexpr std::size_t gc_fields = 2;
};

void start_elements(int failing_at = -1) {
  element::made = 0;
  element::failing_at = failing_at;
  element::order.clear();
}

}  // namespace

TEST_CASE("the elements of an array are made first to last and destroyed last to first") {
  manual_heap heap;
  start_elements();
  auto array = make_gc<element[]>(4);
  for (int i = 0; i < 4; ++i) CHECK(array[static_cast<std::size_t>(i)].number == i);
  array.reset();
  CHECK(element::order == std::vector<int>{3, 2, 1, 0});
}

TEST_CASE("an array whose elements hold it is one object of garbage, destroyed last to first") {
  manual_heap heap;
  start_elements();
  auto array = make_gc<element[]>(3);
  for (auto& e : array) e.whole = array;
  CHECK(array.use_count() == 4);
  array.reset();
  CHECK(element::order.empty());
  CHECK(ouro::gc::collect() == 1);
  CHECK(element::order == std::vector<int>{2, 1, 0});
  CHECK(heap.objects() == 0);
}

TEST_CASE("an element's constructor that throws: the elements before it die, the memory is given back") {
  manual_heap heap;
  for (int const failing_at : {0, 1, 5}) {
    start_elements(failing_at);
    CHECK_THROWS_AS(make_gc<element[]>(10), std::runtime_error);
    CHECK(element::order.size() == static_cast<std::size_t>(failing_at));
    CHECK(std::is_sorted(element::order.rbegin(), element::order.rend()));
    CHECK(heap.objects() == 0);
  }
  heap.verify();
}

TEST_CASE("an array too large for the address space is refused with bad_alloc") {
  manual_heap heap;
  constexpr auto most = static_cast<std::size_t>(-1);
  CHECK_THROWS_AS(make_gc<std::uint64_t[]>(most), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<std::uint64_t[]>(most / 8), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<std::uint64_t[]>(most / 8 + 2), std::bad_alloc);  // 8 bytes if it wrapped around
  CHECK_THROWS_AS(make_gc<char[]>(most), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<char[]>(most - 20), std::bad_alloc);
  CHECK_THROWS_AS(make_gc<thing const*[]>(most / sizeof(void*) - 1), std::bad_alloc);
  CHECK(heap.objects() == 0);
  CHECK(make_gc<char[]>(10).size() == 10);
}

TEST_CASE("elements with alignment of their own are aligned in every block") {
  manual_heap heap;
  struct alignas(64) wide {
    int value = 3;
  };
  std::vector<gc_ptr<wide[]>> arrays;
  for (std::size_t n = 0; n < 40; ++n) {
    arrays.push_back(make_gc<wide[]>(n));
    CHECK(reinterpret_cast<std::uintptr_t>(arrays.back().get()) % 64 == 0);
    CHECK(arrays.back().size() == n);
    CHECK(std::all_of(arrays.back().begin(), arrays.back().end(), [](wide const& w) { return w.value == 3; }));
  }
}

// ---- interior handles -------------------------------------------------------------------------------------------

TEST_CASE("an interior handle points to a part and keeps the whole") {
  manual_heap heap;
  census c;
  auto owner = make_gc<thing>(tally{c}, 5);
  gc_interior_ptr<int> part(owner, &owner->value);
  CHECK(owner.use_count() == 2);
  CHECK(part.get() == &owner->value);
  owner.reset();
  CHECK(c.alive == 1);
  CHECK(*part == 5);
  *part = 6;
  auto copy = part;
  part.reset();
  CHECK_FALSE(part);
  CHECK(part.get() == nullptr);
  CHECK(*copy == 6);
  gc_interior_ptr<int const> const reader = copy;
  copy = nullptr;
  CHECK(c.alive == 1);
  CHECK(*reader == 6);
}

TEST_CASE("an interior handle that was moved from is null, and assignments drop what was held") {
  manual_heap heap;
  census c;
  auto const whole = make_gc<both>(c, 8);
  gc_interior_ptr<int> a(whole, &whole->v_);
  gc_interior_ptr<int> b(std::move(a));
  CHECK_FALSE(a);
  CHECK(a.get() == nullptr);
  CHECK(*b == 8);
  CHECK(whole.use_count() == 2);
  auto const other = make_gc<thing>(tally{c}, 9);
  b = gc_interior_ptr<int>(other, &other->value);
  CHECK(whole.use_count() == 1);
  CHECK(*b == 9);
  auto& same = b;
  b = same;
  b = std::move(same);
  CHECK(*b == 9);
  CHECK(other.use_count() == 2);
  swap(a, b);
  CHECK_FALSE(b);
  CHECK(*a == 9);
  b.reset();
  CHECK(other.use_count() == 2);
}

TEST_CASE("an interior handle reaches elements, bases and what an object owns") {
  manual_heap heap;
  census c;
  auto array = make_gc<std::string[]>(5);
  array[3] = "three";
  gc_interior_ptr<std::string> const element_three(array, &array[3]);
  array.reset();
  CHECK(element_three->size() == 5);
  auto list = make_gc<std::vector<int>>(10, 4);
  gc_interior_ptr<int> const number(list, &(*list)[9]);
  list.reset();
  CHECK(*number == 4);
  gc_ptr<right> second = make_gc<both>(c);
  gc_interior_ptr<int> const in_base(second, &second->r_);
  second.reset();
  CHECK(*in_base == 2);
  CHECK(c.alive == 1);
}

TEST_CASE("an interior handle of a null owner is null") {
  manual_heap heap;
  int outside = 1;
  gc_interior_ptr<int> const p(gc_ptr<thing>(), &outside);
  CHECK_FALSE(p);
  CHECK(p.get() == nullptr);
  CHECK(gc_interior_ptr<int>() == gc_interior_ptr<int>(nullptr));
}

namespace {

struct self_observer {
  explicit self_observer(census& c) : t(c) {}
  tally t;
  int value = 0;
  gc_interior_ptr<int> observed;
  static constexpr std::size_t gc_fields = 3;
};

}  // namespace

TEST_CASE("an interior handle to its own object is a cycle and is collected") {
  manual_heap heap;
  census c;
  auto p = make_gc<self_observer>(c);
  p->observed = gc_interior_ptr<int>(p, &p->value);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("interior handles are equal if their parts are, and are keys") {
  manual_heap heap;
  auto const array = make_gc<int[]>(10);
  std::unordered_set<gc_interior_ptr<int>> unordered;
  std::set<gc_interior_ptr<int>> ordered;
  for (auto& n : array) {
    unordered.insert(gc_interior_ptr<int>(array, &n));
    ordered.insert(gc_interior_ptr<int>(array, &n));
    ordered.insert(gc_interior_ptr<int>(array, &n));
  }
  CHECK(unordered.size() == 10);
  CHECK(ordered.size() == 10);
  CHECK(ordered.begin()->get() == array.begin());
  CHECK(array.use_count() == 21);
}

// ---- gc_from_this -----------------------------------------------------------------------------------------------

namespace {

struct self_aware {
  explicit self_aware(std::vector<gc_ptr<self_aware>>* registry = nullptr) {
    if (registry != nullptr) registry->push_back(ouro::gc_from_this(this));
  }
  gc_ptr<self_aware> self() { return ouro::gc_from_this(this); }
  gc_ptr<self_aware const> self() const { return ouro::gc_from_this(this); }
  int before = 1;
  gc_ptr<self_aware> link;
  static constexpr std::size_t gc_fields = 2;
};

struct container_of_self_aware {
  int first = 0;
  self_aware member;
  std::vector<self_aware> elements = std::vector<self_aware>(3);
  std::unique_ptr<self_aware> owned = std::make_unique<self_aware>();
};

}  // namespace

TEST_CASE("gc_from_this gives a handle from inside a member function") {
  manual_heap heap;
  auto p = make_gc<self_aware>();
  auto q = p->self();
  CHECK(q == p);
  CHECK(p.use_count() == 2);
  CHECK(gc_ptr<self_aware const>(p)->self() == p);
  p.reset();
  CHECK(q->before == 1);
  q->link = q->self();
  q.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("gc_from_this works in a constructor, and the handle outlives it") {
  manual_heap heap;
  std::vector<gc_ptr<self_aware>> registry;
  auto p = make_gc<self_aware>(&registry);
  REQUIRE(registry.size() == 1);
  CHECK(registry[0] == p);
  CHECK(p.use_count() == 2);
  p.reset();
  CHECK(heap.objects() == 1);
  CHECK(registry[0]->before == 1);
  registry.clear();
  CHECK(heap.objects() == 0);
}

TEST_CASE("gc_from_this throws outside a complete object: stack, static, free store, members, elements") {
  manual_heap heap;
  self_aware local;
  CHECK_THROWS_AS(local.self(), ouro::bad_gc_from_this);
  static self_aware static_one;
  CHECK_THROWS_AS(static_one.self(), ouro::bad_gc_from_this);
  auto const unique = std::make_unique<self_aware>();
  CHECK_THROWS_AS(unique->self(), ouro::bad_gc_from_this);
  auto const holder = make_gc<container_of_self_aware>();
  CHECK_THROWS_AS(holder->member.self(), ouro::bad_gc_from_this);
  CHECK_THROWS_AS(holder->elements[1].self(), ouro::bad_gc_from_this);
  CHECK_THROWS_AS(holder->owned->self(), ouro::bad_gc_from_this);
  auto const array = make_gc<self_aware[]>(3);
  CHECK_THROWS_AS(array[1].self(), ouro::bad_gc_from_this);
  CHECK_THROWS_AS(array[2].self(), ouro::bad_gc_from_this);
  CHECK_THROWS_AS(ouro::gc_from_this(static_cast<self_aware*>(nullptr)), ouro::bad_gc_from_this);
  CHECK(holder.use_count() == 1);
  CHECK(array.use_count() == 1);
  CHECK_THROWS_WITH(local.self(), Catch::Matchers::ContainsSubstring("ouro"));
}

TEST_CASE("gc_from_this works for large objects") {
  manual_heap heap;
  struct large {
    std::array<char, 3'000> before{};
    gc_ptr<large> link{};
    std::array<char, 100'000> after{};
  };
  auto const p = make_gc<large>();
  CHECK(ouro::gc_from_this(p.get()) == p);
  CHECK_THROWS_AS(ouro::gc_from_this(reinterpret_cast<large*>(&p->after[500])), ouro::bad_gc_from_this);
}

namespace {

enum class outcome { handle, null, thrown };

template <class T>
outcome try_from_this(T* self) {
  try {
    return ouro::gc_from_this(self) ? outcome::handle : outcome::null;
  } catch (ouro::bad_gc_from_this const&) {
    return outcome::thrown;
  }
}

struct stages {
  outcome first_base = outcome::null, second_base = outcome::null, complete = outcome::null;
};

struct first_stage {
  explicit first_stage(stages& s) { s.first_base = try_from_this(this); }
  virtual ~first_stage() = default;
  int data = 0;
  using gc_leaf = first_stage;
};
struct second_stage {
  explicit second_stage(stages& s) { s.second_base = try_from_this(this); }
  virtual ~second_stage() = default;
  gc_ptr<second_stage> itself() { return ouro::gc_from_this(this); }
  int data = 0;
  using gc_leaf = second_stage;
};
struct two_stages : first_stage, second_stage {
  explicit two_stages(stages& s) : first_stage(s), second_stage(s) { s.complete = try_from_this(this); }
  using gc_leaf = two_stages;
};
struct virtual_stage : virtual second_stage {
  explicit virtual_stage(stages& s) : second_stage(s) { s.complete = try_from_this(this); }
  int more = 0;
  using gc_leaf = virtual_stage;
};

}  // namespace

TEST_CASE("gc_from_this in constructors of bases: a handle in the first, bad_gc_from_this in a second or virtual one") {
  manual_heap heap;
  stages s;
  auto const p = make_gc<two_stages>(s);
  CHECK(s.first_base == outcome::handle);
  CHECK(s.second_base == outcome::thrown);
  CHECK(s.complete == outcome::handle);
  CHECK(p.use_count() == 1);
  auto const second = p->itself();
  CHECK(second == p);
  CHECK(p.use_count() == 2);

  stages v;
  auto const q = make_gc<virtual_stage>(v);
  CHECK(v.second_base == outcome::thrown);
  CHECK(v.complete == outcome::handle);
  CHECK(q->itself() == q);
}

// ---- incomplete types -------------------------------------------------------------------------------------------

namespace {

struct holder_of_incomplete {
  gc_ptr<incomplete> member;
  std::vector<gc_ptr<incomplete>> more;
  std::map<int, gc_ptr<incomplete[]>> arrays;
};

gc_ptr<incomplete> make_incomplete(int value);
int value_of(gc_ptr<incomplete> const& p);

}  // namespace

TEST_CASE("handles to a type that is completed later in the unit may be declared, copied and dropped") {
  manual_heap heap;
  {
    auto const holder = make_gc<holder_of_incomplete>();
    holder->member = make_incomplete(3);
    holder->more.assign(5, holder->member);
    auto const copy = holder->member;
    CHECK(copy == holder->more[4]);
    CHECK(value_of(copy) == 3);
    CHECK(copy.use_count() == 7);
  }
  CHECK(heap.objects() == 0);
}

namespace {

struct incomplete {
  virtual ~incomplete() = default;
  explicit incomplete(int v) : value(v) {}
  int value;
  gc_ptr<holder_of_incomplete> holder;
  static constexpr std::size_t gc_fields = 2;
};

gc_ptr<incomplete> make_incomplete(int value) { return make_gc<incomplete>(value); }
int value_of(gc_ptr<incomplete> const& p) { return p->value; }

}  // namespace
