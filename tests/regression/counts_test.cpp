// Bugs of counts: at their ends, and where handles are copied bytewise or dropped by traces.
#include "support/catch.hpp"
#include "support/observation.hpp"

#include <ouro/ouro.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace {

using ouro::gc_ptr;
using ouro::make_gc;
using ouro::weak_gc_ptr;
using ouro::detail::handle_access;
using ouro_test::census;
using ouro_test::manual_heap;
using ouro_test::recorded_reports;
using ouro_test::tally;

struct leaf {
  tally t;
};
struct tracked {
  tally t;
  gc_ptr<tracked> next{};
};
struct plain {
  gc_ptr<plain> next{};
};

template <class T>
void stays_immortal(gc_ptr<T> const& p, census const& c) {
  auto* const header = handle_access::header(p);
  ouro::detail::make_immortal(header);
  // As after very many copies, none of them dropped.
  for (std::uint32_t const word : {ouro::detail::slow_word, 0xdfff'ffffu, 0xffff'fffeu, 0xffff'ffffu}) {
    header->word = word;
    for (int i = 0; i != 3; ++i) {
      auto copy = p;
      auto another = copy;
      copy.reset();
    }
    header->word = word;
    alignas(gc_ptr<T>) std::byte storage[sizeof(gc_ptr<T>)];
    std::memcpy(storage, static_cast<void const*>(&p), sizeof storage);
    std::launder(reinterpret_cast<gc_ptr<T>*>(storage))->reset();
    CHECK(ouro::gc::collect() == 0);
    CHECK(c.alive == 1);
  }
}

}  // namespace

TEST_CASE("an immortal object stays so after any number of copies and drops") {
  manual_heap const heap;
  census c;
  SECTION("a leaf") { stays_immortal(make_gc<leaf>(tally{c}), c); }
  SECTION("a tracked object") { stays_immortal(make_gc<tracked>(tally{c}), c); }
  heap.verify();
}

TEST_CASE("a plain object's last handle to an immortal one leaves it alone") {
  manual_heap const heap;
  auto immortal = make_gc<plain>();
  auto* const header = handle_access::header(immortal);
  ouro::detail::make_immortal(header);
  header->word = ouro::detail::slow_word;
  auto holder = make_gc<plain>(std::move(immortal));
  holder.reset();
  CHECK(heap.objects() == 1);
  CHECK(ouro::detail::is_immortal(*header));
}

TEST_CASE("an immortal leaf has no referents") {
  manual_heap const heap;
  census c;
  auto const p = make_gc<leaf>(tally{c});
  ouro::detail::make_immortal(handle_access::header(p));
  CHECK(ouro::gc::get_referents(p).empty());
  CHECK(ouro::gc::get_referrers(p).empty());
}

#ifndef OURO_HARDENED  // which ends the program, with the reason

namespace {

void* bytes_of_a_handle;
struct drops_twice {
  gc_ptr<plain> chain{};
  ~drops_twice() {
    chain.reset();
    reinterpret_cast<gc_ptr<plain>*>(&bytes_of_a_handle)->reset();
  }
};

}  // namespace

TEST_CASE("a handle copied bytewise and dropped while its object waits for its destructor is reported, and no more") {
  manual_heap const heap;
  recorded_reports const reports;
  auto deep = make_gc<plain>();
  auto root = deep;
  for (int i = 0; i != 31; ++i) root = make_gc<plain>(std::move(root));
  std::memcpy(&bytes_of_a_handle, static_cast<void const*>(&deep), sizeof bytes_of_a_handle);
  deep.reset();
  auto y = make_gc<drops_twice>();
  y->chain = std::move(root);
  y.reset();
  CHECK(reports.about("plain") == 1);
  CHECK(heap.objects() == 1);
  heap.verify();
}

namespace {

struct swaps_in_its_trace {
  mutable gc_ptr<leaf> held{};
  gc_ptr<swaps_in_its_trace> self{};
  weak_gc_ptr<leaf> weak{};
  void gc_trace(ouro::tracer& t) const noexcept {
    held.reset();
    held = weak.lock();
    t(self);
  }
};

}  // namespace

TEST_CASE("a trace that drops the last handle to a leaf and takes it up again leaves its count as it was") {
  manual_heap const heap;
  recorded_reports const reports;
  census c;
  auto p = make_gc<swaps_in_its_trace>();
  p->held = make_gc<leaf>(tally{c});
  p->weak = p->held;
  ouro::gc::collect();
  CHECK(c.alive == 1);
  CHECK(p->held.use_count() == 1);
  p.reset();
  CHECK(c.alive == 0);
}

#endif
