// Callbacks of weak handles: called once, newest first, when all such handles are dead already; and not by garbage.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using ouro::gc_function;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro::weak_gc_ptr;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;

struct node {
  gc_ptr<node> next{};
  weak_gc_ptr<node> weak{};
  std::array<char, 8> rest{};
};
struct large {
  gc_ptr<large> next{};
  std::array<char, 1000> rest{};
};

gc_ptr<node> make_ring() {
  auto p = make_gc<node>();
  p->next = p;
  return p;
}

using calls = std::vector<int>;

struct careful {
  careful(weak_gc_ptr<careful>& out, calls& log) {
    out = weak_gc_ptr<careful>(ouro::gc_from_this(this), [&](auto const&) { log.push_back(1); });
    throw std::runtime_error("constructor");
  }
  using gc_leaf = careful;
};

}  // namespace

TEST_CASE("a callback is called once, with a dead handle that is equal to its own") {
  manual_heap heap;
  int called = 0;
  weak_gc_ptr<node> w;
  auto const check = [&](weak_gc_ptr<node> const& dead) {
    ++called;
    CHECK(dead.expired());
    CHECK(dead.lock() == nullptr);
    CHECK(dead == w);
    weak_gc_ptr<node> const copy = dead;
    CHECK(copy.expired());
  };
  bool const in_cycle = GENERATE(false, true);
  auto p = in_cycle ? make_ring() : make_gc<node>();
  w = weak_gc_ptr<node>(p, check);
  CHECK(w.lock() == p);
  p.reset();
  CHECK(called == !in_cycle);
  ouro::gc::collect();
  CHECK(called == 1);
  CHECK(w.expired());
  w.reset();
  CHECK(called == 1);
  heap.verify();
}

TEST_CASE("callbacks are called newest first, over all garbage, and after all their handles have been cleared") {
  manual_heap heap;
  calls log;
  auto p = make_ring();
  auto q = make_ring();
  std::vector<weak_gc_ptr<node>> handles(6);
  for (int i = 0; i < 6; ++i) {
    auto const call = [&, i](weak_gc_ptr<node> const&) {
      log.push_back(i);
      for (auto const& w : handles) CHECK(w.expired());
    };
    handles[static_cast<std::size_t>(i)] = weak_gc_ptr<node>(i % 2 == 0 ? p : q, call);
  }
  p.reset();
  q.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(log == calls{5, 4, 3, 2, 1, 0});
}

TEST_CASE("callbacks on counted death are called newest first, before the destructor") {
  manual_heap heap;
  calls log;
  struct noisy {
    calls* log;
    gc_ptr<node> something{};
    ~noisy() { log->push_back(100); }
  };
  auto p = make_gc<noisy>(&log);
  weak_gc_ptr<noisy> const a(p, [&](auto const&) { log.push_back(1); });
  weak_gc_ptr<noisy> const b(p, [&](auto const&) { log.push_back(2); });
  p.reset();
  CHECK(log == calls{2, 1, 100});
}

TEST_CASE("moves carry the callback, copies have none, and it is not called once its handle is gone") {
  manual_heap heap;
  calls log;
  auto p = make_gc<node>();
  auto first = std::make_optional<weak_gc_ptr<node>>(p, [&](auto const&) { log.push_back(1); });
  weak_gc_ptr<node> const copy = *first;
  weak_gc_ptr<node> second(p, [&](auto const&) { log.push_back(2); });
  weak_gc_ptr<node> const moved = std::move(second);
  CHECK((copy == moved && copy.lock() == p));
  first.reset();
  p.reset();
  CHECK(log == calls{2});
}

TEST_CASE("a handle with a callback that is garbage itself is not called") {
  manual_heap heap;
  calls log;
  auto holder = make_ring();
  auto target = make_ring();
  holder->weak = weak_gc_ptr<node>(target, [&](auto const&) { log.push_back(1); });
  weak_gc_ptr<node> const outside(target, [&](auto const&) { log.push_back(2); });
  holder.reset();
  target.reset();
  CHECK(ouro::gc::collect() == 2);
  CHECK(log == calls{2});
}

TEST_CASE("an object that holds a weak handle with a callback to itself: called by counting, not by collection") {
  manual_heap heap;
  calls log;
  auto p = make_gc<node>();
  p->weak = weak_gc_ptr<node>(p, [&](auto const&) { log.push_back(1); });
  p.reset();
  CHECK(log == calls{1});
  p = make_ring();
  p->weak = weak_gc_ptr<node>(p, [&](auto const&) { log.push_back(2); });
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(log == calls{1});
}

TEST_CASE("a callback may drop its own handle and others that wait to be called, which then are not") {
  manual_heap heap;
  calls log;
  bool const in_cycle = GENERATE(false, true);
  auto p = in_cycle ? make_ring() : make_gc<node>();
  weak_gc_ptr<node> oldest(p, [&](auto const&) { log.push_back(1); });
  weak_gc_ptr<node> middle(p, [&](auto const&) { log.push_back(2); });
  weak_gc_ptr<node> newest(p, [&](auto const&) {
    log.push_back(3);
    newest.reset();
    middle.reset();
  });
  p.reset();
  ouro::gc::collect();
  CHECK(log == calls{3, 1});
  CHECK(oldest.expired());
}

TEST_CASE("what a callback throws is reported, and the others are called") {
  manual_heap heap;
  recorded_reports reports;
  calls log;
  bool const in_cycle = GENERATE(false, true);
  auto p = in_cycle ? make_ring() : make_gc<node>();
  weak_gc_ptr<node> const a(p, [&](auto const&) { log.push_back(1); });
  weak_gc_ptr<node> const b(p, [&](auto const&) { throw std::runtime_error("out of a callback"); });
  p.reset();
  CHECK(ouro::gc::collect() == (in_cycle ? 1 : 0));
  CHECK(log == calls{1});
  CHECK(reports.with_exception("out of a callback") == 1);
  CHECK(reports.size() == 1);
  heap.verify();
}

TEST_CASE("no collection runs inside a callback, whether it is asked for or due") {
  manual_heap heap;
  ouro::gc::set_threshold(1, 1, 1);
  std::size_t found = 99;
  bool const in_cycle = GENERATE(false, true);
  auto p = in_cycle ? make_ring() : make_gc<node>();
  auto other = make_ring();
  weak_gc_ptr<node> const lost = other;
  weak_gc_ptr<node> const w(p, [&](auto const&) {
    other.reset();
    found = ouro::gc::collect();
    ouro::gc::enable();
    for (int i = 0; i < 100; ++i) make_gc<node>();
    ouro::gc::disable();
    CHECK_FALSE(lost.expired());
  });
  p.reset();
  ouro::gc::collect();
  CHECK(found == 0);
  ouro::gc::collect();
  CHECK(lost.expired());
}

TEST_CASE("a callback may watch the object of another callback, or let it die") {
  manual_heap heap;
  calls log;
  auto p = make_gc<node>();
  auto q = make_gc<node>();
  weak_gc_ptr<node> on_q(q, [&](auto const&) { log.push_back(2); });
  weak_gc_ptr<node> on_p(p, [&](auto const&) {
    q.reset();
    log.push_back(1);
  });
  p.reset();
  CHECK(log == calls{2, 1});
}

TEST_CASE("handles with callbacks stay dead when their object is resurrected; handles without stay valid") {
  manual_heap heap;
  struct phoenix {
    gc_ptr<phoenix>* saved;
    gc_ptr<phoenix> cycle{};
    void gc_finalize() { *saved = ouro::gc_from_this(this); }
  };
  calls log;
  gc_ptr<phoenix> saved;
  auto p = make_gc<phoenix>(&saved);
  p->cycle = p;
  weak_gc_ptr<phoenix> const plain = p;
  weak_gc_ptr<phoenix> const watching(p, [&](auto const& dead) {
    log.push_back(1);
    CHECK(dead.expired());
    CHECK_FALSE(plain.expired());
  });
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  REQUIRE(saved);
  CHECK(plain.lock() == saved);
  CHECK(watching.expired());
  weak_gc_ptr<phoenix> const copy = watching;
  CHECK(copy.expired());
  CHECK(watching == plain);
  saved->cycle.reset();
  saved.reset();
  CHECK(log == calls{1});
  heap.verify();
}

namespace {

struct first_base {
  using gc_leaf = first_base;
  virtual ~first_base() = default;
};
struct second_base {
  using gc_leaf = second_base;
  virtual ~second_base() = default;
};
struct derived_phoenix : first_base, second_base {
  gc_ptr<derived_phoenix>* saved = nullptr;
  gc_ptr<derived_phoenix> cycle{};
  static constexpr auto gc_members = ouro::members(ouro::bases<first_base, second_base>, &derived_phoenix::cycle);
  void gc_finalize() { *saved = ouro::gc_from_this(this); }
};

}  // namespace

TEST_CASE("conversions of a handle that is dead stay dead when its object is resurrected") {
  manual_heap heap;
  gc_ptr<derived_phoenix> saved;
  auto p = make_gc<derived_phoenix>();
  p->saved = &saved;
  p->cycle = p;
  weak_gc_ptr<void> inside;
  weak_gc_ptr<derived_phoenix> const watching(p, [&](weak_gc_ptr<derived_phoenix> const& dead) {
    inside = dead;
    CHECK(inside.expired());
  });
  weak_gc_ptr<second_base> const alive = watching;
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  REQUIRE(saved);
  weak_gc_ptr<second_base> const middle = watching;
  weak_gc_ptr<derived_phoenix const> const constant = watching;
  weak_gc_ptr<void> const again = middle;
  CHECK((inside.expired() && middle.expired() && constant.expired() && again.expired()));
  CHECK((inside == watching && middle == watching && constant == watching && again == watching));
  CHECK(alive.lock() == saved);
  CHECK(middle == alive);
  saved->cycle.reset();
  saved.reset();
  CHECK((middle == watching && alive == watching && again == inside));
  CHECK(heap.objects() == 0);
  heap.verify();
}

TEST_CASE("a callback may resurrect its object through a handle without one") {
  manual_heap heap;
  auto p = make_ring();
  weak_gc_ptr<node> const plain = p;
  gc_ptr<node> saved;
  weak_gc_ptr<node> const watching(p, [&](auto const&) { saved = plain.lock(); });
  p.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK(saved);
  saved->next.reset();
  saved.reset();
  CHECK(plain.expired());
}

TEST_CASE("a counted death finalizes first, so an object that is resurrected keeps its callbacks") {
  manual_heap heap;
  struct phoenix {
    gc_ptr<phoenix>* saved;
    void gc_finalize() { *saved = ouro::gc_from_this(this); }
  };
  calls log;
  gc_ptr<phoenix> saved;
  auto p = make_gc<phoenix>(&saved);
  weak_gc_ptr<phoenix> const w(p, [&](auto const&) { log.push_back(1); });
  p.reset();
  CHECK(log.empty());
  CHECK(w.lock() == saved);
  saved.reset();
  CHECK(log == calls{1});
}

TEST_CASE("callbacks that finalizers of garbage register are not called, and their handles are dead") {
  manual_heap heap;
  calls log;
  struct late {
    std::function<void(gc_ptr<late> const&)> watch;
    gc_ptr<late> cycle{};
    void gc_finalize() { watch(ouro::gc_from_this(this)); }
  };
  std::vector<weak_gc_ptr<late>> handles;
  auto p = make_gc<late>(
      [&](gc_ptr<late> const& self) { handles.emplace_back(self, [&](auto const&) { log.push_back(1); }); });
  p->cycle = p;
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(log.empty());
  REQUIRE(handles.size() == 1);
  CHECK(handles[0].expired());
  handles.clear();
  heap.verify();
}

TEST_CASE("large objects call back, too") {
  manual_heap heap;
  calls log;
  bool const in_cycle = GENERATE(false, true);
  auto p = make_gc<large>();
  if (in_cycle) p->next = p;
  weak_gc_ptr<large> w;
  w = weak_gc_ptr<large>(p, [&](weak_gc_ptr<large> const& dead) {
    log.push_back(1);
    CHECK((dead.expired() && dead == w));
  });
  weak_gc_ptr<large> const copy = w;
  CHECK(copy.lock() == p);
  p.reset();
  ouro::gc::collect();
  CHECK(log == calls{1});
  CHECK((copy.expired() && copy == w));
}

TEST_CASE("a callback on an object with hundreds of weak handles") {
  manual_heap heap;
  calls log;
  auto p = make_ring();
  std::vector<weak_gc_ptr<node>> copies(300, weak_gc_ptr<node>(p));
  weak_gc_ptr<node> const w(p, [&](auto const& dead) {
    log.push_back(1);
    CHECK(dead == copies.back());
  });
  p.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(log == calls{1});
}

TEST_CASE("a gc_function as callback is traced: a cycle through its captures is collected") {
  manual_heap heap;
  auto holder = make_gc<node>();
  auto target = make_ring();
  weak_gc_ptr<node> const alive = holder;
  using callback = gc_function<void(weak_gc_ptr<node> const&)>;
  holder->weak = weak_gc_ptr<node>(target, callback([](gc_ptr<node>&, weak_gc_ptr<node> const&) {}, holder));
  holder.reset();
  CHECK_FALSE(alive.expired());
  CHECK(ouro::gc::collect() == 1);
  CHECK(alive.expired());
  target.reset();
  CHECK(ouro::gc::collect() == 1);
  CHECK(heap.objects() == 0);
}

TEST_CASE("a gc_function callback whose captures cannot be traced blindly is a root") {
  struct hand {
    gc_ptr<node> p{};
    void gc_trace(ouro::tracer& t) const noexcept { t(p); }
  };
  manual_heap heap;
  auto holder = make_gc<node>();
  auto target = make_ring();
  weak_gc_ptr<node> const alive = holder;
  using callback = gc_function<void(weak_gc_ptr<node> const&)>;
  SECTION("a trace written by hand") {
    holder->weak = weak_gc_ptr<node>(target, callback([](hand&, weak_gc_ptr<node> const&) {}, hand{holder}));
  }
  SECTION("handles as keys") {
    holder->weak = weak_gc_ptr<node>(
        target, callback([](std::set<gc_ptr<node>>&, weak_gc_ptr<node> const&) {}, std::set<gc_ptr<node>>{holder}));
  }
  holder.reset();
  CHECK(ouro::gc::collect() == 0);
  CHECK_FALSE(alive.expired());
  target.reset();
  CHECK(ouro::gc::collect() == 1);  // the callback is called and dropped, and what it held with it
  CHECK(alive.expired());
  heap.verify();
}

TEST_CASE("a plain callable is a root: what it captures stays alive as long as its handle") {
  manual_heap heap;
  auto target = make_gc<node>();
  auto captured = make_gc<node>();
  weak_gc_ptr<node> const alive = captured;
  auto w = std::make_optional<weak_gc_ptr<node>>(target, [captured](auto const&) {});
  captured.reset();
  ouro::gc::collect();
  CHECK_FALSE(alive.expired());
  w.reset();
  CHECK(alive.expired());
}

TEST_CASE("a hundred thousand callbacks on garbage are found and called once each") {
  manual_heap heap;
  std::vector<weak_gc_ptr<node>> handles;
  std::size_t called = 0;
  for (int i = 0; i < 100'000; ++i) handles.emplace_back(make_ring(), [&](auto const&) { ++called; });
  CHECK(ouro::gc::collect() == 100'000);
  CHECK(called == 100'000);
  CHECK(ouro::gc::collect() == 0);
  CHECK(called == 100'000);
}

TEST_CASE("a callback of a null handle is dropped") {
  calls log;
  weak_gc_ptr<node> const w(gc_ptr<node>(), [&](auto const&) { log.push_back(1); });
  CHECK(w.expired());
  CHECK(log.empty());
}

TEST_CASE("a constructor that throws calls back who has watched its object") {
  manual_heap heap;
  calls log;
  weak_gc_ptr<careful> w;
  CHECK_THROWS_AS(make_gc<careful>(w, log), std::runtime_error);
  CHECK(log == calls{1});
  CHECK(w.expired());
  heap.verify();
}
