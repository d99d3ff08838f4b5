// Very deep structures die, by counting and in a collection, on a thread whose stack is 256 KiB.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#if defined(__unix__) || defined(__APPLE__)

#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pthread.h>

#if defined(__SANITIZE_ADDRESS__)
#define OURO_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OURO_TEST_SANITIZED 1
#endif
#endif
#ifndef OURO_TEST_SANITIZED
#define OURO_TEST_SANITIZED 0
#endif

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::fresh_heap;

constexpr std::size_t stack_size = 256 * 1024;
#if OURO_TEST_SANITIZED
constexpr char const* reduced = "a sanitizer makes objects several times as large";
constexpr int shrink = 20;
#elif !defined(__OPTIMIZE__) && !defined(NDEBUG)
constexpr char const* reduced = "without optimisation everything is slow";
constexpr int shrink = 10;
#else
constexpr char const* reduced = nullptr;
constexpr int shrink = 1;
#endif

constexpr int list_length = 10'000'000 / shrink;
constexpr int nest_depth = 2'000'000 / shrink;

/// What a thread found; assertions belong to the main thread.
struct outcome {
  long made = 0;
  long died = 0;
  std::size_t collected = 0;
  std::size_t left = 99;
};

thread_local long deaths = 0;

struct counts_death {
  using gc_leaf = counts_death;
  ~counts_death() { ++deaths; }
};

template <class F>
outcome on_small_stack(F body) {
  struct job {
    F* body;
    outcome result;
  } work{&body, {}};
  if (reduced != nullptr) {
    static bool const said = (std::fprintf(stderr, "small_stack_test: sizes / %d: %s\n", shrink, reduced), true);
    (void)said;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  REQUIRE(pthread_attr_setstacksize(&attributes, stack_size) == 0);
  pthread_t thread;
  int const error = pthread_create(
      &thread, &attributes,
      [](void* p) -> void* {
        auto& j = *static_cast<job*>(p);
        deaths = 0;
        {
          fresh_heap heap;
          ouro::gc::disable();
          j.result.collected = (*j.body)(j.result.made);
          j.result.left = heap.objects();
        }
        j.result.died = deaths;
        return nullptr;
      },
      &work);
  pthread_attr_destroy(&attributes);
  REQUIRE(error == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  return work.result;
}

template <class F>
void expect_freed(F body) {
  auto const r = on_small_stack(body);
  CHECK(r.collected == 0);
  CHECK(r.died == r.made);
  CHECK(r.left == 0);
}

template <class F>
void expect_collected(F body) {
  auto const r = on_small_stack(body);
  CHECK(r.collected == static_cast<std::size_t>(r.made));
  CHECK(r.died == r.made);
  CHECK(r.left == 0);
}

struct list_node {
  gc_ptr<list_node> next;
  [[no_unique_address]] counts_death d{};
};

gc_ptr<list_node> make_list(int length, long& made) {
  gc_ptr<list_node> list;
  for (int i = 0; i < length; ++i) list = make_gc<list_node>(std::move(list));
  made = length;
  return list;
}

}  // namespace

TEST_CASE("a list of ten million nodes is freed on a stack of 256 KiB") {
  expect_freed([](long& made) {
    auto list = make_list(list_length, made);
    list.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a list of ten million nodes that is a ring is collected on a stack of 256 KiB") {
  expect_collected([](long& made) {
    auto list = make_list(list_length, made);
    auto* last = list.get();
    while (last->next) last = last->next.get();
    last->next = std::move(list);
    return ouro::gc::collect();
  });
}

TEST_CASE("a list of ten million nodes that hangs on a small cycle is collected on a stack of 256 KiB") {
  expect_collected([](long& made) {
    auto list = make_list(list_length, made);
    auto ring = make_gc<list_node>(std::move(list));
    struct holder {
      gc_ptr<list_node> list;
      gc_ptr<holder> self{};
      counts_death d{};
    };
    auto h = make_gc<holder>(std::move(ring));
    h->self = h;
    made += 2;
    h.reset();
    return ouro::gc::collect();
  });
}

namespace {

struct tree {
  gc_ptr<tree> left{};
  gc_ptr<tree> right{};
  gc_ptr<tree> parent{};
  [[no_unique_address]] counts_death d{};
};

/// A tree that goes down on both sides in turn and has a leaf at every level.
gc_ptr<tree> make_deep_tree(int depth, bool parents, long& made) {
  gc_ptr<tree> root;
  for (int i = 0; i < depth; ++i) {
    auto node = make_gc<tree>();
    auto other = make_gc<tree>();
    if (parents) {
      if (root) root->parent = node;
      other->parent = node;
    }
    (i % 2 ? node->left : node->right) = std::move(root);
    (i % 2 ? node->right : node->left) = std::move(other);
    root = std::move(node);
    made += 2;
  }
  return root;
}

}  // namespace

TEST_CASE("a deep tree is freed on a stack of 256 KiB") {
  expect_freed([](long& made) {
    make_deep_tree(nest_depth, false, made).reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a deep tree with parent handles is collected on a stack of 256 KiB") {
  expect_collected([](long& made) {
    make_deep_tree(nest_depth, true, made).reset();
    return ouro::gc::collect();
  });
}

namespace {

struct nest {
  std::vector<gc_ptr<nest>> inner{};
  [[no_unique_address]] counts_death d{};
};
struct map_nest {
  std::map<std::string, gc_ptr<map_nest>> inner{};
  counts_death d{};
};
struct box_nest {
  struct box {
    gc_ptr<box_nest> p;
  };
  std::unique_ptr<box> inner{};
  counts_death d{};
};
struct finalized_nest {
  std::optional<gc_ptr<finalized_nest>> inner{};
  counts_death d{};
  void gc_finalize() {}
};
struct array_nest {
  gc_ptr<array_nest[]> inner{};
  counts_death d{};
};
struct function_nest {
  ouro::gc_function<void()> inner{};
  counts_death d{};
};

template <class Nest, class Put>
void expect_nests_die(int depth, Put put, bool counts_are_exact = true) {
  SECTION("by counting") {
    expect_freed([&](long& made) {
      gc_ptr<Nest> outermost;
      for (int i = 0; i < depth; ++i) {
        auto fresh = make_gc<Nest>();
        put(*fresh, std::move(outermost));
        outermost = std::move(fresh);
        ++made;
      }
      outermost.reset();
      return ouro::gc::collect();
    });
  }
  SECTION("in a collection") {
    auto const r = on_small_stack([&](long& made) {
      auto innermost = make_gc<Nest>();
      auto outermost = innermost;
      ++made;
      for (int i = 1; i < depth; ++i) {
        auto fresh = make_gc<Nest>();
        put(*fresh, std::move(outermost));
        outermost = std::move(fresh);
        ++made;
      }
      put(*innermost, std::move(outermost));
      innermost.reset();
      return ouro::gc::collect();
    });
    if (counts_are_exact) CHECK(r.collected == static_cast<std::size_t>(r.made));
    CHECK(r.died == r.made);
    CHECK(r.left == 0);
  }
}

}  // namespace

TEST_CASE("a deep nest of vectors dies on a stack of 256 KiB") {
  expect_nests_die<nest>(nest_depth, [](nest& n, gc_ptr<nest> p) { n.inner.push_back(std::move(p)); });
}

TEST_CASE("a deep nest of maps dies on a stack of 256 KiB") {
  expect_nests_die<map_nest>(nest_depth / 2, [](map_nest& n, gc_ptr<map_nest> p) { n.inner["key"] = std::move(p); });
}

TEST_CASE("a deep nest of boxes in std::unique_ptr dies on a stack of 256 KiB") {
  expect_nests_die<box_nest>(nest_depth / 2,
                             [](box_nest& n, gc_ptr<box_nest> p) { n.inner.reset(new box_nest::box{std::move(p)}); });
}

TEST_CASE("a deep nest of objects with finalizers dies on a stack of 256 KiB") {
  expect_nests_die<finalized_nest>(nest_depth / 2,
                                   [](finalized_nest& n, gc_ptr<finalized_nest> p) { n.inner = std::move(p); });
}

TEST_CASE("a deep nest of functions dies on a stack of 256 KiB") {
  expect_nests_die<function_nest>(
      nest_depth / 2,
      [](function_nest& n, gc_ptr<function_nest> p) {
        n.inner = ouro::gc_function<void()>([](gc_ptr<function_nest>&) {}, std::move(p));
      },
      false);
}

TEST_CASE("a deep nest of arrays dies on a stack of 256 KiB") {
  expect_freed([](long& made) {
    gc_ptr<array_nest[]> outermost;
    for (int i = 0; i < nest_depth / 2; ++i) {
      auto fresh = make_gc<array_nest[]>(2);
      fresh[1].inner = std::move(outermost);
      outermost = std::move(fresh);
      made += 2;
    }
    outermost.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a deep nest of several types in turn dies on a stack of 256 KiB") {
  struct odd;
  struct even {
    std::vector<gc_ptr<odd>> inner{};
    counts_death d{};
  };
  struct odd {
    std::unique_ptr<std::vector<gc_ptr<even>>> inner{};
    counts_death d{};
  };
  expect_freed([](long& made) {
    gc_ptr<even> outermost;
    for (int i = 0; i < nest_depth / 4; ++i) {
      auto o = make_gc<odd>();
      o->inner = std::make_unique<std::vector<gc_ptr<even>>>();
      o->inner->push_back(std::move(outermost));
      outermost = make_gc<even>();
      outermost->inner.push_back(std::move(o));
      made += 2;
    }
    outermost.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a deep list dies in nested destructors of its own on a stack of 256 KiB") {
  struct drops_list {
    gc_ptr<list_node> list;
    gc_ptr<drops_list> next{};
    counts_death d{};
    ~drops_list() {
      list.reset();
      next.reset();
    }
  };
  expect_freed([](long& made) {
    gc_ptr<drops_list> outermost;
    long total = 0;
    for (int i = 0; i < 1'000; ++i) {
      long part = 0;
      auto fresh = make_gc<drops_list>(make_list(500, part));
      fresh->next = std::move(outermost);
      outermost = std::move(fresh);
      total += part + 1;
    }
    made = total;
    outermost.reset();
    return ouro::gc::collect();
  });
}

// --- generators -----------------------------------------------------------------------------------------------------

namespace {

using ouro::elements_of;
using ouro::gc_generator;

constexpr int generator_count = 1'000'000 / shrink;

gc_generator<int> holding(gc_generator<int> next, counts_death) {
  co_yield 1;
  co_yield next.done();
}

struct ring {
  gc_generator<int> first{};
  counts_death d{};
};

gc_generator<int> closing_ring(gc_ptr<ring> r, counts_death) {
  co_yield 1;
  co_yield r->first.done();
}

gc_generator<int> suspended_chain(gc_generator<int> end, int length) {
  for (int i = 0; i < length; ++i) {
    end = holding(std::move(end), counts_death());
    end.next();
  }
  deaths = 0;  // of the arguments
  return end;
}

gc_generator<int> delegating(gc_ptr<ring> r, int depth, counts_death) {
  if (depth > 0) {
    auto child = delegating(r, depth - 1, counts_death());
    co_yield elements_of(std::move(child));
  }
  co_yield depth;
}

}  // namespace

TEST_CASE("a chain of a million suspended generators that hold one another dies on a stack of 256 KiB") {
  expect_freed([](long& made) {
    auto chain = suspended_chain(nullptr, generator_count);
    made = generator_count;
    chain.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a chain of a million suspended generators is closed from its end on a stack of 256 KiB") {
  expect_freed([](long& made) {
    auto chain = suspended_chain(nullptr, generator_count);
    made = generator_count;
    chain.close();
    chain.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a ring of a million suspended generators is collected on a stack of 256 KiB") {
  expect_collected([](long& made) {
    auto r = make_gc<ring>();
    auto first = closing_ring(r, counts_death());
    first.next();
    r->first = suspended_chain(std::move(first), generator_count - 1);
    made = generator_count + 1;
    r.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("generators that delegate very deeply are dropped, closed and collected on a stack of 256 KiB") {
  constexpr int depth = generator_count / 5;
  expect_freed([](long& made) {
    auto g = delegating(nullptr, depth, counts_death());
    g.next();
    deaths = 0;
    made = depth + 1;
    g.reset();
    return ouro::gc::collect();
  });
  expect_freed([](long& made) {
    auto g = delegating(nullptr, depth, counts_death());
    while (g.next()) {
    }
    deaths -= depth + 1;  // of the arguments
    made = depth + 1;
    return ouro::gc::collect();
  });
  expect_collected([](long& made) {
    auto r = make_gc<ring>();
    r->first = delegating(r, depth, counts_death());
    r->first.next();
    deaths = 0;
    made = depth + 2;
    r.reset();
    return ouro::gc::collect();
  });
}

TEST_CASE("a million empty generators to delegate to need no more of a stack of 256 KiB than one") {
  struct bodies {
    static gc_generator<int> empty(counts_death) { co_return; }
    static gc_generator<int> run(int n) {
      for (int i = 0; i < n; ++i) {
        auto child = empty(counts_death());
        co_yield elements_of(std::move(child));
      }
    }
  };
  expect_freed([](long& made) {
    auto const g = bodies::run(generator_count);
    while (g.next()) {
    }
    deaths -= generator_count;  // of the arguments
    made = generator_count;
    return ouro::gc::collect();
  });
}

#endif
