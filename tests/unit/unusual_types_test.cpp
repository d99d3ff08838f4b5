// Types at the edge of what a class can be: each is made, collected and destroyed like any other.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::tally;

struct empty {};
struct empty_with_destructor {
  ~empty_with_destructor() { ++destroyed; }
  static inline int destroyed = 0;
};
struct empty_base_only : empty {};

}  // namespace

TEST_CASE("objects without members have addresses of their own") {
  manual_heap heap;
  std::set<void const*> addresses;
  std::vector<gc_ptr<empty>> keep;
  for (int i = 0; i < 1'000; ++i) {
    keep.push_back(make_gc<empty>());
    addresses.insert(keep.back().get());
  }
  CHECK(addresses.size() == 1'000);
  CHECK_FALSE(ouro::gc::is_tracked(keep[0]));
  CHECK_FALSE(ouro::gc::is_tracked(make_gc<empty_base_only>()));
  CHECK(heap.objects() == 1'000);
  keep.clear();
  CHECK(heap.objects() == 0);
}

TEST_CASE("an object without members has its destructor run") {
  manual_heap heap;
  empty_with_destructor::destroyed = 0;
  make_gc<empty_with_destructor>().reset();
  CHECK(empty_with_destructor::destroyed == 1);
  make_gc<empty_with_destructor[]>(7).reset();
  CHECK(empty_with_destructor::destroyed == 8);
  CHECK(heap.objects() == 0);
}

TEST_CASE("scalars, pointers, enumerators and library types are objects too") {
  manual_heap heap;
  enum class colour : unsigned char { red, green };
  int target = 1;
  CHECK(*make_gc<int>(5) == 5);
  CHECK(*make_gc<int>() == 0);
  CHECK(*make_gc<double>(2.5) == 2.5);
  CHECK(*make_gc<colour>(colour::green) == colour::green);
  CHECK(*make_gc<int*>(&target) == &target);
  CHECK(*make_gc<std::string>(3u, 'x') == "xxx");
  CHECK(*make_gc<std::unique_ptr<int>>(std::make_unique<int>(4)).get()->get() == 4);
  CHECK(make_gc<std::pair<int, std::string>>(1, "one")->second == "one");
  gc_ptr<int const> const c = make_gc<int>(8);
  CHECK(*c == 8);
  CHECK(heap.objects() == 1);
}

TEST_CASE("library containers are objects too: a vector of handles to itself is collected") {
  struct box {
    gc_ptr<std::vector<gc_ptr<box>>> list;
  };
  manual_heap heap;
  auto list = make_gc<std::vector<gc_ptr<box>>>();
  list->push_back(make_gc<box>(list));
  list->push_back(make_gc<box>(list));
  CHECK(list.use_count() == 3);
  list.reset();
  CHECK(heap.objects() == 3);
  CHECK(ouro::gc::collect() == 3);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a handle to a handle is an object, and may be a cycle of length one") {
  manual_heap heap;
  auto p = make_gc<gc_ptr<void>>();
  *p = p;
  p.reset();
  CHECK(heap.objects() == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}

namespace {

class final_class final {
 public:
  static constexpr std::size_t gc_fields = 2;
  friend ouro::access;
  explicit final_class(census& c) : t_(c) {}
  gc_ptr<final_class>& link() { return link_; }

 private:
  tally t_;
  gc_ptr<final_class> link_{};
};

class not_movable {
 public:
  static constexpr std::size_t gc_fields = 4;
  friend ouro::access;
  explicit not_movable(census& c) : t_(c) {}
  not_movable(not_movable const&) = delete;
  not_movable& operator=(not_movable const&) = delete;
  gc_ptr<not_movable>& link() { return link_; }

 private:
  tally t_;
  std::atomic<int> counter_{0};
  std::mutex mutex_{};
  gc_ptr<not_movable> link_{};
};

struct not_movable_aggregate {
  tally t;
  std::atomic<int> counter{0};
  std::mutex mutex{};
  gc_ptr<not_movable_aggregate> link{};
};

}  // namespace

TEST_CASE("final classes and classes that cannot be moved are collected") {
  manual_heap heap;
  census c;
  SECTION("final") {
    auto p = make_gc<final_class>(c);
    p->link() = p;
  }
  SECTION("not movable") {
    auto p = make_gc<not_movable>(c);
    p->link() = p;
  }
  SECTION("an aggregate with members that cannot be moved") {
    auto p = make_gc<not_movable_aggregate>(tally{c});
    p->link = p;
  }
  CHECK(c.alive == 1);
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

namespace {

class with_private_constructor {
 public:
  static constexpr std::size_t gc_fields = 2;
  static gc_ptr<with_private_constructor> create(census& c) { return make_gc<with_private_constructor>(key{}, c); }
  gc_ptr<with_private_constructor>& link() { return link_; }

 private:
  friend ouro::access;
  struct key {
    explicit key() = default;
  };

 public:
  with_private_constructor(key, census& c) : t_(c) {}

 private:
  tally t_;
  gc_ptr<with_private_constructor> link_{};
};

}  // namespace

TEST_CASE("a class with a pass key for a constructor is made by its factory") {
  manual_heap heap;
  census c;
  auto p = with_private_constructor::create(c);
  p->link() = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

namespace {

struct explicit_constructor {
  static constexpr std::size_t gc_fields = 2;
  explicit explicit_constructor(int n) : number(n) {}
  explicit explicit_constructor(std::string const& s, double) : number(static_cast<int>(s.size())) {}
  int number;
  std::string text{};
};

struct takes_list {
  static constexpr std::size_t gc_fields = 2;
  takes_list(std::initializer_list<int> l) : numbers(l), by_list(true) {}
  takes_list(int n, int value) : numbers(static_cast<std::size_t>(n), value), by_list(false) {}
  std::vector<int> numbers;
  bool by_list;
};

struct takes_unique {
  static constexpr std::size_t gc_fields = 2;
  takes_unique(std::unique_ptr<int> p, gc_ptr<int> q) : number(std::move(p)), handle(std::move(q)) {}
  std::unique_ptr<int> number;
  gc_ptr<int> handle;
};

struct takes_references {
  static constexpr std::size_t gc_fields = 1;
  takes_references(int& a, int const& b, int&& d) : ok(true) {
    ++a;
    ok = b == 2 && d == 3;
  }
  bool ok;
  ~takes_references() {}
};

}  // namespace

TEST_CASE("make_gc forwards: explicit constructors, move-only arguments, references, initializer lists") {
  manual_heap heap;
  CHECK(make_gc<explicit_constructor>(4)->number == 4);
  CHECK(make_gc<explicit_constructor>("four", 1.0)->number == 4);

  // Parentheses come first, as for std::make_shared.
  auto const by_parentheses = make_gc<takes_list>(3, 7);
  CHECK_FALSE(by_parentheses->by_list);
  CHECK(by_parentheses->numbers == std::vector{7, 7, 7});
  auto const by_list = make_gc<takes_list>(std::initializer_list<int>{3, 7});
  CHECK(by_list->by_list);
  CHECK(by_list->numbers == std::vector{3, 7});
  CHECK(make_gc<std::vector<int>>(3u, 7)->size() == 3);

  auto handle = make_gc<int>(9);
  auto const u = make_gc<takes_unique>(std::make_unique<int>(8), std::move(handle));
  CHECK(*u->number == 8);
  CHECK(*u->handle == 9);
  CHECK(handle == nullptr);
  CHECK(u->handle.use_count() == 1);

  int a = 1;
  int const b = 2;
  CHECK(make_gc<takes_references>(a, b, 3)->ok);
  CHECK(a == 2);
}

namespace {

struct many_members {
  int number = 1;
  std::string text = "default";
  gc_ptr<many_members> link{};
  std::vector<gc_ptr<many_members>> links{};
  double last = 0.5;
};

}  // namespace

TEST_CASE("aggregates: no arguments, some arguments, a designated value moved in") {
  manual_heap heap;
  auto const none = make_gc<many_members>();
  CHECK(none->number == 1);
  CHECK(none->text == "default");
  CHECK(none->last == 0.5);
  auto const some = make_gc<many_members>(2, "given", none);
  CHECK(some->number == 2);
  CHECK(some->text == "given");
  CHECK(some->link == none);
  CHECK(some->last == 0.5);
  auto const whole = make_gc<many_members>(many_members{.number = 3, .links = {none, some}, .last = 1.5});
  CHECK(whole->number == 3);
  CHECK(whole->text == "default");
  CHECK(whole->links.size() == 2);
  CHECK(whole->last == 1.5);
  auto const copy = make_gc<many_members>(*whole);
  CHECK(copy->links == whole->links);
  CHECK(none.use_count() == 4);
}

namespace {

/// Converts from anything: the counting of fields must not be taken in by it.
struct greedy {
  using gc_leaf = greedy;
  greedy() = default;
  template <class T>
  greedy(T&&) noexcept {}
  greedy(greedy const&) noexcept {}
  ~greedy() {}
};
struct with_greedy_members {
  tally t;
  greedy first{};
  gc_ptr<with_greedy_members> link{};
  greedy second{};
  gc_ptr<with_greedy_members> other{};
};

struct hostile {
  static constexpr std::size_t gc_fields = 2;
  explicit hostile(census& c) : t(c) {}
  tally t;
  gc_ptr<hostile> link{};
  void operator&() const = delete;
  template <class T>
  friend void operator,(hostile const&, T&&) = delete;
  template <class T>
  friend void operator,(T&&, hostile const&) = delete;
  static void* operator new(std::size_t) = delete;
  static void operator delete(void*) = delete;
};

struct no_default_members {
  struct needy {
    using gc_leaf = needy;
    explicit needy(int n) : number(n) {}
    needy(needy&& o) noexcept : number(o.number) {}
    int number;
    ~needy() {}
  };
  needy first;
  gc_ptr<no_default_members> link;
  needy last;
};

struct address_free {
  [[no_unique_address]] empty nothing{};
  tally t;
  [[no_unique_address]] empty_base_only nothing_either{};
  gc_ptr<address_free> link{};
};

struct with_flags {
  bool a : 1 = true;
  unsigned b : 7 = 100;
  long long number = 7;
};

struct reference_holder {
  tally t;
  std::string& text;
  gc_ptr<reference_holder> link{};
  reference_holder(census& c, std::string& s) : t(c), text(s) {}
  static constexpr auto gc_members = ouro::members(&reference_holder::link);
};

}  // namespace

TEST_CASE("members that convert from everything are counted as one member each") {
  manual_heap heap;
  census c;
  auto p = make_gc<with_greedy_members>(tally{c});
  p->link = p;
  p->other = p;
  CHECK(ouro::gc::get_referents(p).size() == 2);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("deleted operator&, comma and operator new do not matter") {
  manual_heap heap;
  census c;
  auto p = make_gc<hostile>(c);
  p->link = p;
  CHECK(p->link == p);
  CHECK(std::addressof(*p) == p.get());
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("members without default constructors, first and last, are no hindrance") {
  manual_heap heap;
  auto p = make_gc<no_default_members>(no_default_members::needy(1), nullptr, no_default_members::needy(3));
  p->link = p;
  CHECK(p->first.number == 1);
  CHECK(p->last.number == 3);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("members without addresses are no hindrance") {
  manual_heap heap;
  census c;
  auto p = make_gc<address_free>(address_free{.nothing = {}, .t = tally{c}});
  p->link = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

TEST_CASE("bit-fields make a leaf like any other trivially copyable class") {
  manual_heap heap;
  auto const p = make_gc<with_flags>();
  CHECK(p->a);
  CHECK(p->b == 100);
  CHECK(p->number == 7);
  CHECK_FALSE(ouro::gc::is_tracked(p));
}

TEST_CASE("a class with a reference member lists its traced members") {
  manual_heap heap;
  census c;
  std::string text = "outside";
  auto p = make_gc<reference_holder>(c, text);
  p->link = p;
  p->text += " changed";
  CHECK(text == "outside changed");
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(c.alive == 0);
}

namespace {

template <class T, std::size_t N>
struct parametrised {
  tally t;
  T value[N]{};
  gc_ptr<parametrised> link{};
};

struct outer {
  struct inner {
    tally t;
    gc_ptr<outer> owner{};
  };
  tally t;
  gc_ptr<inner> part{};
};

}  // namespace

TEST_CASE("class templates, nested classes and local classes are collected") {
  struct local {
    tally t;
    gc_ptr<local> link{};
  };
  manual_heap heap;
  census c;
  {
    auto const p = make_gc<parametrised<std::string, 5>>(tally{c});
    p->link = p;
    p->value[4] = "a string that is long enough to lie on the heap";
    auto const o = make_gc<outer>(tally{c});
    o->part = make_gc<outer::inner>(tally{c}, o);
    auto const l = make_gc<local>(tally{c});
    l->link = l;
  }
  CHECK(c.alive == 4);
  CHECK(ouro::gc::collect() == 4);
  CHECK(c.alive == 0);
  CHECK(heap.objects() == 0);
}

namespace {

struct throws_on_copy {
  using gc_leaf = throws_on_copy;
  throws_on_copy() = default;
  throws_on_copy(throws_on_copy const&) { throw std::runtime_error("copy"); }
  ~throws_on_copy() {}
};

struct takes_throwing {
  tally t;
  throws_on_copy part;
  gc_ptr<int> after{};
};

}  // namespace

TEST_CASE("an argument whose copy throws leaves nothing behind") {
  manual_heap heap;
  census c;
  throws_on_copy const part;
  auto const handle = make_gc<int>(3);
  for (int i = 0; i < 100; ++i) CHECK_THROWS_WITH(make_gc<takes_throwing>(tally{c}, part, handle), "copy");
  CHECK(c.alive == 0);
  CHECK(handle.use_count() == 1);
  CHECK(heap.objects() == 1);
  CHECK(ouro::gc::collect() == 0);
  heap.verify();
}

namespace {

/// 64 members: the widest aggregate that is found automatically.
struct wide {
  gc_ptr<wide> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
  gc_ptr<wide> c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7;
  gc_ptr<wide> e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7;
  gc_ptr<wide> g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, h7;
};

}  // namespace

TEST_CASE("an aggregate of 64 handles is traced to the last") {
  manual_heap heap;
  auto p = make_gc<wide>();
  p->a0 = p;
  p->d3 = p;
  p->h7 = p;
  CHECK(ouro::gc::get_referents(p).size() == 3);
  CHECK(ouro::gc::collect() == 0);
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}
