// Random programs against a model of reachability: nothing reachable may die, everything else must, at the right time.
//
//   differential [--ops N] [--seed S] [--runs R]     (100000 operations, seed 1, one run; run i has the seed S + i)
//
// Every operation is done twice: in the oracle, which knows all handles, and for real. Operations move handles between
// places: roots of the program and slots of objects of many kinds. After each operation
//   - an object is alive if and only if handles lead to it, so that counting has worked at once and nothing was freed
//     under a handle;
// after each collection that was asked for, unless destructors or finalizers changed the graph meanwhile,
//   - exactly the forecast objects have died, and the result is their number;
// and now and then everything that can be asked of the heap is compared with the oracle. Destructors and finalizers
// check what they see, and some of them drop handles, allocate, rewire, resurrect, throw or try to collect.
#include "support/reachability_oracle.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

namespace gc = ouro::gc;
using ouro::gc_interior_ptr;
using ouro::gc_ptr;
using ouro::make_gc;
using ouro_test::nobody;
using ouro_test::object_id;
using ouro_test::program;
using ouro_test::reachability_oracle;

// ==== objects ====================================================================================================

/// Who an object is, and whether its memory is still its own.
struct payload {
  object_id who = nobody;
  std::uint64_t mark = 0;
};
std::uint64_t mark_of(object_id who) { return (std::uint64_t{who} + 1) * 0x9e3779b97f4a7c15u; }

struct node;
struct side;
struct plain;
struct cell;
struct leaf;
struct bare;

/// Every way to hold an object. A null alternative of any type is an empty slot.
using handle = std::variant<gc_ptr<node>, gc_ptr<node const>, gc_ptr<side>, gc_ptr<plain>, gc_ptr<plain const>,
                            gc_ptr<bare>, gc_ptr<cell[]>, gc_ptr<cell const[]>, gc_ptr<leaf>, gc_ptr<void>,
                            gc_ptr<void const>, gc_interior_ptr<payload>, gc_interior_ptr<payload const>>;

/// What the objects tell the world.
void was_finalized(node& self);
void is_dying(node& self);
void is_dying(plain& self);
void is_dying(cell& self);
void is_dying(leaf& self);
object_id newborn(node& self, std::size_t slots);

/// The first base of most kinds. A slot is either a `handle`, or a `gc_ptr<node>`, or a key of a set.
struct node {
  explicit node(std::size_t slots) : data{newborn(*this, slots), 0} { data.mark = mark_of(data.who); }
  node(node const&) = delete;
  node& operator=(node const&) = delete;
  virtual ~node() { data.mark = 0; }

  virtual handle* any_slot(std::size_t) { return nullptr; }
  virtual gc_ptr<node>* node_slot(std::size_t) { return nullptr; }
  virtual gc_ptr<node> load_key(std::size_t) const { return nullptr; }
  virtual gc_ptr<node> exchange_key(std::size_t, gc_ptr<node>) { return nullptr; }
  virtual std::vector<handle>* growing_slots() { return nullptr; }
  virtual side* as_side() { return nullptr; }

  payload data;
  using gc_leaf = node;
};

struct side {
  virtual ~side() = default;
  std::uint64_t canary = 0x5eed;
  using gc_leaf = side;
};

/// Handles of one type in a C array.
struct typed_node final : node {
  typed_node() : node(3) {}
  ~typed_node() override { is_dying(*this); }
  gc_ptr<node>* node_slot(std::size_t i) override { return &slots[i]; }
  gc_ptr<node> slots[3];
  static constexpr auto gc_members = ouro::members(&typed_node::slots);
};

/// A vector that grows and shrinks, and a second base that handles point to.
struct vector_node final : node, side {
  explicit vector_node(std::size_t n) : node(n), slots(n) {}
  ~vector_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override { return &slots[i]; }
  std::vector<handle>* growing_slots() override { return &slots; }
  side* as_side() override { return this; }
  std::vector<handle> slots;
  static constexpr auto gc_members = ouro::members(&vector_node::slots);
};

/// Handles as keys: slot i is the second part of the key whose first part is i.
struct keyed_node final : node {
  keyed_node() : node(3) {}
  ~keyed_node() override { is_dying(*this); }
  gc_ptr<node> load_key(std::size_t i) const override {
    auto const at = keys.lower_bound({i, nullptr});
    return at != keys.end() && at->first == i ? at->second : nullptr;
  }
  gc_ptr<node> exchange_key(std::size_t i, gc_ptr<node> value) override {
    gc_ptr<node> before;
    auto const at = keys.lower_bound({i, nullptr});
    if (at != keys.end() && at->first == i) before = std::move(keys.extract(at).value().second);
    if (value) keys.emplace(i, std::move(value));
    return before;
  }
  std::set<std::pair<std::size_t, gc_ptr<node>>> keys;
  static constexpr auto gc_members = ouro::members(&keyed_node::keys);
};

/// Library types inside one another.
struct boxed_node final : node {
  struct box {
    handle first;
    std::optional<handle> second = handle();
  };
  boxed_node() : node(4) {}
  ~boxed_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override {
    return i == 0 ? &boxed->first : i == 1 ? &*boxed->second : i == 2 ? &queue.back() : &map[7];
  }
  std::unique_ptr<box> boxed = std::make_unique<box>();
  std::deque<handle> queue = std::deque<handle>(2);
  std::map<int, handle> map;
  static constexpr auto gc_members = ouro::members(&boxed_node::boxed, &boxed_node::queue, &boxed_node::map);
};

/// Captures of a function.
struct function_node final : node {
  function_node() : node(2) {}
  ~function_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override { return captures(i); }
  ouro::gc_function<handle*(std::size_t)> captures{[](handle& a, handle& b, std::size_t i) { return i == 0 ? &a : &b; },
                                                   handle(), handle()};
  static constexpr auto gc_members = ouro::members(&function_node::captures);
};

/// A trace written by hand.
struct traced_node final : node {
  traced_node() : node(2) {}
  ~traced_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override { return i == 0 ? &list.front() : &list.back(); }
  void gc_trace(ouro::tracer& t) const noexcept { t(list); }
  std::list<handle> list = std::list<handle>(2);
};

/// A finalizer, inherited by the two kinds below.
struct finalizable_node : node {
  using node::node;
  void gc_finalize() { was_finalized(*this); }
  using gc_leaf = finalizable_node;
};

struct final_node final : finalizable_node {
  final_node() : finalizable_node(2) {}
  ~final_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override { return &slots[i]; }
  std::array<handle, 2> slots;
  static constexpr auto gc_members = ouro::members(&final_node::slots);
};

/// Its handles are the value of an entry in a map, of which it is the key; so a leaf becomes tracked.
struct attached_node : node {
  attached_node() : node(2) {}
  ~attached_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override { return &(*slots)[i]; }
  std::array<handle, 2>* slots = nullptr;  // stays valid in the destructor
  using gc_leaf = attached_node;
};

/// Too large for the pool, with a second base.
struct large_node final : finalizable_node, side {
  large_node() : finalizable_node(3) {}
  ~large_node() override { is_dying(*this); }
  handle* any_slot(std::size_t i) override { return i == 0 ? nullptr : &slots[i - 1]; }
  gc_ptr<node>* node_slot(std::size_t i) override { return i == 0 ? &first : nullptr; }
  side* as_side() override { return this; }
  gc_ptr<node> first;
  std::array<std::uint64_t, 100> padding{};
  std::array<handle, 2> slots;
  static constexpr auto gc_members = ouro::members(&large_node::first, &large_node::slots);
};

/// An aggregate. Its last member dies first and speaks for the whole.
struct plain {
  struct herald {
    plain* whole = nullptr;
    ~herald() {
      if (whole != nullptr) is_dying(*whole);
    }
  };
  payload data{};
  handle a{};
  handle b{};
  herald last{};
};

/// No handle in it. One that watches over a `bare` reports that object's death, too.
struct leaf {
  ~leaf() { is_dying(*this); }
  payload data{};
  object_id watched = nobody;
};

/// Nothing but handles beside trivial members: collectors may take short cuts.
struct bare {
  payload data{};
  gc_ptr<node> a{};
  gc_ptr<node> b{};
  gc_ptr<leaf> watcher{};
};

/// The element of arrays.
struct cell {
  ~cell() { is_dying(*this); }
  payload data{};
  handle link{};
  std::size_t index = 0;
};

enum class kind : std::uint8_t {
  root,
  typed_node,
  vector_node,
  keyed_node,
  boxed_node,
  function_node,
  traced_node,
  final_node,
  large_node,
  attached_node,
  plain,
  bare,
  array,
  leaf
};
bool is_node(kind k) { return kind::typed_node <= k && k <= kind::attached_node; }
bool has_finalizer(kind k) { return k == kind::final_node || k == kind::large_node; }

/// What a destructor or finalizer does beside looking around.
enum class deed : std::uint8_t {
  nothing,
  drop_root,
  new_object_to_root,
  new_cycle,
  copy_a_handle,
  move_a_handle,
  drop_own_slots,
  collect,
  own_handle,         // in a destructor null and reported; in a finalizer resurrection
  neighbour_to_root,  // resurrection, unless the neighbour is alive anyway
  throw_out,          // finalizers only
  temporary_garbage   // finalizers only: a new object that refers to this one, dropped
};

// ==== the world ==================================================================================================

struct place {
  object_id owner;
  std::size_t slot;
};

/// A weak handle that is held outside of the heaps, perhaps with a callback.
struct observer {
  object_id who;
  bool calls_back;
  int called = 0;
  ouro::weak_gc_ptr<void const> weak{};
};

class world {
 public:
  world(std::uint64_t seed, std::uint64_t operations);
  ~world();
  void run();

  // Called by objects.
  object_id newborn(void* address, std::size_t slots);
  void finalizing(node& self);
  void dying(object_id who, payload& data);
  void dying(cell& element);
  void dying(leaf& self);

 private:
  static constexpr std::size_t any_roots = 40;
  static constexpr std::size_t node_roots = 12;
  static constexpr int heap_count = 2;
  static constexpr int closed_heap = heap_count;

  struct entry {
    void* address = nullptr;
    kind what = kind::root;
    deed when_destroyed = deed::nothing;
    deed when_finalized = deed::nothing;
    std::size_t elements = 0;  // of arrays; those that live
  };

  [[noreturn]] void fail(std::string const& what, object_id who = nobody);
  void expect(bool holds, char const* what, object_id who = nobody) {
    if (!holds) fail(what, who);
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool percent(unsigned p) { return below(100) < p; }
  template <class T>
  T pick(std::initializer_list<T> from) {
    return from.begin()[below(from.size())];
  }

  // Places and handles.
  handle* any_slot(place p);
  gc_ptr<node>* node_slot(place p);
  bool accepts(place p, object_id target);
  handle load(place p);
  handle take(place p);
  void store(place p, handle h);
  object_id target(place p) const { return oracle_[p.owner].slots[p.slot]; }
  std::size_t usable_slots(object_id who) const;
  place random_place();
  object_id seen_in(place p);
  object_id identity(handle const& h);
  gc_ptr<void> untyped(handle const& h);
  gc_ptr<node> as_node(handle h);
  handle disguised(handle const& h);

  /// Makes a heap current, for ouro and for this test.
  class in_heap {
   public:
    in_heap(world& w, int h)
        : scope_(w.heaps_[static_cast<std::size_t>(h)]), world_(w), before_(std::exchange(w.current_heap_, h)) {}
    in_heap(in_heap const&) = delete;
    in_heap& operator=(in_heap const&) = delete;
    ~in_heap() { world_.current_heap_ = before_; }

   private:
    ouro::heap::scope scope_;
    world& world_;
    int before_;
  };
  in_heap enter(int h) { return {*this, h}; }

  // Operations.
  void step();
  handle create(kind what);
  template <class T>
  handle create_node();
  kind any_kind();
  void create_into_place();
  void copy();
  void move();
  void swap();
  void drop();
  void assign_directly();
  void grow_or_shrink();
  void build_chain();
  void drop_many_roots();
  void collect(int generation);
  void collect_all();
  void tune();
  void close_heap();
  void look();
  void observe();
  void check(observer const& o);
  void compare_everything();
  void settle();
  void finish();

  // Deeds.
  void check_view(object_id who, bool intact);
  bool may_be_null(object_id who, object_id target);
  void perform(deed what, object_id who, bool finalizing);
  place random_root() { return {program, below(any_roots + node_roots)}; }
  std::size_t collections() const;

  std::uint64_t seed_;
  std::uint64_t operations_;
  std::uint64_t operation_ = 0;
  std::mt19937_64 random_;
  bool lazy_ = below(3) == 0;  // leaves nearly all collections to the heaps, with thresholds of their own choice
  reachability_oracle oracle_{any_roots + node_roots};
  std::vector<entry> entries_{1};
  std::unordered_map<void const*, object_id> ids_;
  std::vector<ouro::heap> heaps_{heap_count};
  std::array<handle, any_roots> any_roots_;
  std::array<gc_ptr<node>, node_roots> node_roots_;
  std::optional<gc::pause_scope> pause_;
  ouro::weak_key_map<attached_node, std::array<handle, 2>> attached_;
  std::vector<std::unique_ptr<observer>> observers_;

  int current_heap_ = 0;
  int depth_ = 0;            // of destructors and finalizers that act
  bool collecting_ = false;  // a collection was asked for
  bool closing_ = false;     // a heap is dropped, which collects as long as it finds something
  bool automatic_ = false;   // one may start by itself: an object is being made
  bool searched_ = false;    // the oracle's search is that of this operation
  int deeds_ = 0;            // done since the operation began that may have changed the graph
  std::size_t reports_ = 0;  // received, and expected
  std::size_t expected_reports_ = 0;
  std::size_t most_living_ = 0;
  std::uint64_t finalizers_ = 0;
  std::uint64_t resurrections_ = 0;
  std::uint64_t exact_collections_ = 0;
  std::uint64_t automatic_collections_ = 0;
  std::uint64_t collected_ = 0;

  static void report(std::exception_ptr, std::string_view, std::string_view) noexcept;
};

world* the_world = nullptr;

object_id newborn(node& self, std::size_t slots) { return the_world->newborn(&self, slots); }
void was_finalized(node& self) { the_world->finalizing(self); }
void is_dying(node& self) { the_world->dying(self.data.who, self.data); }
void is_dying(plain& self) { the_world->dying(self.data.who, self.data); }
void is_dying(cell& self) { the_world->dying(self); }
void is_dying(leaf& self) { the_world->dying(self); }

std::string reproduction(std::uint64_t operations, std::uint64_t seed) {
  return "differential --ops " + std::to_string(operations) + " --seed " + std::to_string(seed) + " --runs 1";
}

void world::fail(std::string const& what, object_id who) {
  std::fprintf(stderr, "differential: operation %llu: %s", static_cast<unsigned long long>(operation_), what.c_str());
  if (who != nobody) {
    auto const& o = oracle_[who];
    std::fprintf(stderr, " [object %u, kind %d, heap %d, generation %d, %zu handles, %s%s%s]", who,
                 static_cast<int>(entries_[who].what), o.heap, o.generation, o.references, o.alive ? "alive" : "dead",
                 o.frozen ? ", frozen" : "", o.finalized ? ", finalized" : "");
  }
  std::fprintf(stderr, "\nreproduce with: %s\n", reproduction(operation_ + 1, seed_).c_str());
  std::fflush(nullptr);
  std::_Exit(1);
}

void world::report(std::exception_ptr, std::string_view, std::string_view) noexcept { ++the_world->reports_; }

// ==== places and handles =========================================================================================

handle* world::any_slot(place p) {
  entry const& e = entries_[p.owner];
  switch (e.what) {
    case kind::root:
      return p.slot < any_roots ? &any_roots_[p.slot] : nullptr;
    case kind::plain:
      return p.slot == 0 ? &static_cast<plain*>(e.address)->a : &static_cast<plain*>(e.address)->b;
    case kind::array:
      return &static_cast<cell*>(e.address)[p.slot].link;
    case kind::bare:
      return nullptr;
    default:
      return static_cast<node*>(e.address)->any_slot(p.slot);
  }
}

gc_ptr<node>* world::node_slot(place p) {
  entry const& e = entries_[p.owner];
  switch (e.what) {
    case kind::root:
      return p.slot >= any_roots ? &node_roots_[p.slot - any_roots] : nullptr;
    case kind::bare:
      return p.slot == 0 ? &static_cast<bare*>(e.address)->a : &static_cast<bare*>(e.address)->b;
    case kind::plain:
    case kind::array:
      return nullptr;
    default:
      return static_cast<node*>(e.address)->node_slot(p.slot);
  }
}

bool world::accepts(place p, object_id target) {
  return target == nobody || is_node(entries_[target].what) || any_slot(p) != nullptr;
}

/// A copy of the handle in a place.
handle world::load(place p) {
  if (handle* const h = any_slot(p)) return *h;
  if (gc_ptr<node>* const n = node_slot(p)) return *n;
  return static_cast<node*>(entries_[p.owner].address)->load_key(p.slot);
}

/// Moves the handle out of a place: no count changes, no destructor runs.
handle world::take(place p) {
  oracle_.set(p.owner, p.slot, nobody);
  if (handle* const h = any_slot(p)) return std::exchange(*h, handle());
  if (gc_ptr<node>* const n = node_slot(p)) return std::move(*n);
  return static_cast<node*>(entries_[p.owner].address)->exchange_key(p.slot, nullptr);
}

/// Puts a handle into a place. What was there goes last, since destructors may change anything.
void world::store(place p, handle h) {
  expect(accepts(p, identity(h)), "a place cannot hold a handle of this kind: an error of the test", p.owner);
  oracle_.set(p.owner, p.slot, identity(h));
  handle before;
  if (handle* const slot = any_slot(p)) {
    before = std::exchange(*slot, std::move(h));
  } else if (gc_ptr<node>* const typed = node_slot(p)) {
    before = std::exchange(*typed, as_node(std::move(h)));
  } else {
    before = static_cast<node*>(entries_[p.owner].address)->exchange_key(p.slot, as_node(std::move(h)));
  }
}

/// Slots that operations may change.
std::size_t world::usable_slots(object_id who) const {
  return entries_[who].what == kind::bare ? 2 : oracle_[who].slots.size();
}

/// A root, or a slot of an object some steps away from one.
place world::random_place() {
  place p{program, below(any_roots + node_roots)};
  for (int steps = 0; steps < 8 && !percent(30); ++steps) {
    object_id const next = target(p);
    if (next == nobody || usable_slots(next) == 0) break;
    p = {next, below(usable_slots(next))};
  }
  return p;
}

/// The object a handle leads to, by its address; whoever it is must be known.
object_id world::identity(handle const& h) {
  return std::visit(
      [this](auto const& p) -> object_id {
        if constexpr (requires { p->who; }) {
          return p ? p->who : nobody;
        } else {
          gc_ptr<void const> const any = p;
          if (!any) return nobody;
          auto const at = ids_.find(any.get());
          if (at == ids_.end()) fail("a handle leads to no living object");
          return at->second;
        }
      },
      h);
}
object_id world::seen_in(place p) { return identity(load(p)); }

template <class T>
gc_ptr<T> writable(gc_ptr<T> const& p) {
  return p;
}
template <class T>
gc_ptr<T> writable(gc_ptr<T const> const& p) {
  return ouro::const_pointer_cast<T>(p);
}

/// The same object by a gc_ptr<void>; null for interior handles to arrays, from which there is no way back.
gc_ptr<void> world::untyped(handle const& h) {
  return std::visit(
      [this](auto const& p) -> gc_ptr<void> {
        if constexpr (requires { p->who; }) {
          if (!p) return nullptr;
          entry const& e = entries_[p->who];
          switch (e.what) {
            case kind::array:
              return nullptr;
            case kind::plain:
              return ouro::gc_from_this(static_cast<plain*>(e.address));
            case kind::bare:
              return ouro::gc_from_this(static_cast<bare*>(e.address));
            case kind::leaf:
              return ouro::gc_from_this(static_cast<leaf*>(e.address));
            default:
              return ouro::gc_from_this(static_cast<node*>(e.address));
          }
        } else {
          return writable(p);
        }
      },
      h);
}

gc_ptr<node> world::as_node(handle h) {
  if (auto* const n = std::get_if<gc_ptr<node>>(&h)) return std::move(*n);
  return ouro::static_pointer_cast<node>(untyped(h));
}

/// A handle of any type that fits to the same object.
handle world::disguised(handle const& h) {
  gc_ptr<void> const any = untyped(h);
  if (!any) return h;
  auto const choose = [&]<class T>(gc_ptr<T> const& p, payload& part) -> handle {
    switch (below(5)) {
      case 0:
        return any;
      case 1:
        return gc_ptr<void const>(p);
      case 2:
        return gc_interior_ptr<payload>(p, &part);
      case 3:
        return gc_interior_ptr<payload const>(p, &part);
      default:
        return p;
    }
  };
  switch (entries_[identity(h)].what) {
    case kind::plain: {
      auto const p = ouro::static_pointer_cast<plain>(any);
      if (percent(20)) return gc_ptr<plain const>(p);
      return choose(p, p->data);
    }
    case kind::bare: {
      auto const p = ouro::static_pointer_cast<bare>(any);
      return choose(p, p->data);
    }
    case kind::leaf: {
      auto const p = ouro::static_pointer_cast<leaf>(any);
      return choose(p, p->data);
    }
    case kind::array: {
      auto const p = ouro::static_pointer_cast<cell[]>(any);
      if (percent(20)) return gc_ptr<cell const[]>(p);
      return choose(p, p[below(p.size())].data);
    }
    default: {
      auto const p = ouro::static_pointer_cast<node>(any);
      if (percent(20)) return gc_ptr<node const>(p);
      if (p->as_side() != nullptr && percent(50)) {
        auto second = ouro::dynamic_pointer_cast<side>(p);
        expect(second && second->canary == 0x5eed, "a cast to the second base went astray", p->data.who);
        return second;
      }
      if (percent(20)) return ouro::gc_from_this(p.get());
      return choose(p, p->data);
    }
  }
}

// ==== objects come =================================================================================================

std::size_t world::collections() const {
  std::size_t n = 0;
  for (auto const& s : gc::get_stats()) n += s.collections;
  return n;
}

object_id world::newborn(void* address, std::size_t slots) {
  object_id const who =
      oracle_.born(current_heap_, true, slots, depth_ == 0 ? 0 : reachability_oracle::unknown_generation);
  entries_.push_back({address, kind::root, deed::nothing, deed::nothing, 0});
  auto const [at, alone] = ids_.emplace(address, who);
  if (!alone) {
    expect(entries_[at->second].what == kind::bare, "a new object lies where a living one does", who);
    oracle_.died(at->second);  // its watcher waits for its destructor still
    at->second = who;
  }
  return who;
}

template <class T>
handle world::create_node() {
  if constexpr (std::is_constructible_v<T, std::size_t>) {
    return gc_ptr<node>(make_gc<T>(std::size_t{1 + below(4)}));
  } else {
    return gc_ptr<node>(make_gc<T>());
  }
}

kind world::any_kind() {
  auto const last = static_cast<std::uint64_t>(kind::leaf);
  return static_cast<kind>(1 + below(last));
}

handle world::create(kind what) {
  if (depth_ == 0) {
    automatic_ = true;
    searched_ = false;
    deeds_ = 0;
  }
  std::size_t const collections_before = collections();
  handle made;
  object_id who = nobody;
  auto const adopt = [&](auto& p, std::size_t slots, payload& data) {
    who = newborn(p.get(), slots);
    data = {who, mark_of(who)};
  };
  switch (what) {
    case kind::typed_node:
      made = create_node<typed_node>();
      break;
    case kind::vector_node:
      made = create_node<vector_node>();
      break;
    case kind::keyed_node:
      made = create_node<keyed_node>();
      break;
    case kind::boxed_node:
      made = create_node<boxed_node>();
      break;
    case kind::function_node:
      made = create_node<function_node>();
      break;
    case kind::traced_node:
      made = create_node<traced_node>();
      break;
    case kind::final_node:
      made = create_node<final_node>();
      break;
    case kind::large_node:
      made = create_node<large_node>();
      break;
    case kind::attached_node: {
      auto p = make_gc<attached_node>();
      p->slots = &(*attached_.try_emplace(p).first).second;
      made = gc_ptr<node>(std::move(p));
      break;
    }
    case kind::plain: {
      auto p = make_gc<plain>();
      adopt(p, 2, p->data);
      p->last.whole = p.get();
      made = std::move(p);
      break;
    }
    case kind::leaf: {
      auto p = make_gc<leaf>();
      adopt(p, 0, p->data);
      oracle_.is_leaf(who);
      made = std::move(p);
      break;
    }
    case kind::bare: {
      auto const watcher = std::get<gc_ptr<leaf>>(create(kind::leaf));
      automatic_ = automatic_ || depth_ == 0;
      auto p = make_gc<bare>();
      adopt(p, 3, p->data);
      watcher->watched = who;
      p->watcher = watcher;
      oracle_.set(who, 2, watcher->data.who);
      made = std::move(p);
      break;
    }
    case kind::array: {
      bool const long_one = percent(lazy_ ? 30 : 5);
      std::size_t const n = 1 + below(!long_one ? 5 : lazy_ ? 2'000 : 50);
      auto p = make_gc<cell[]>(n);
      adopt(p, n, p[0].data);
      for (std::size_t i = 0; i < n; ++i) {
        p[i].data = p[0].data;
        p[i].index = i;
      }
      made = std::move(p);
      break;
    }
    case kind::root:
      fail("the program is made once");
  }
  if (depth_ == 0) automatic_ = false;
  if (std::size_t const n = collections() - collections_before; n != 0) {
    if (depth_ == 0) automatic_collections_ += n;
    oracle_.forget_generations(current_heap_);
  }
  if (who == nobody) who = identity(made);
  entry& e = entries_[who];
  e.what = what;
  if (what == kind::array) e.elements = oracle_[who].slots.size();
  if (what != kind::leaf && what != kind::bare && percent(12)) {
    e.when_destroyed =
        pick({deed::drop_root, deed::new_object_to_root, deed::new_cycle, deed::copy_a_handle, deed::move_a_handle,
              deed::drop_own_slots, deed::collect, deed::own_handle, deed::neighbour_to_root});
  }
  if (has_finalizer(what) && percent(40)) {
    e.when_finalized = pick({deed::drop_root, deed::new_object_to_root, deed::new_cycle, deed::copy_a_handle,
                             deed::move_a_handle, deed::drop_own_slots, deed::collect, deed::own_handle,
                             deed::neighbour_to_root, deed::throw_out, deed::temporary_garbage});
  }
  return made;
}

// ==== objects go ===================================================================================================

/// Whether a handle inside a dying object may have been nulled by a collection: only between garbage, or, where handles
/// are keys, all of them.
bool world::may_be_null(object_id who, object_id target) {
  if (!collecting_ && !automatic_) return false;
  if (closing_ || !std::exchange(searched_, true)) oracle_.search();
  return !oracle_.reachable(who) && (!oracle_.reachable(target) || entries_[who].what == kind::keyed_node);
}

/// Compares the slots of an object that is finalized (everything is intact) or destroyed with what they should hold.
void world::check_view(object_id who, bool finalizing) {
  for (std::size_t i = 0; i < oracle_[who].slots.size(); ++i) {
    object_id const expected = oracle_[who].slots[i];
    object_id const seen = seen_in({who, i});
    if (seen == expected) {
      bool const exact = collecting_ && !finalizing && deeds_ == 0 && expected != nobody;
      expect(!exact || !oracle_.condemned(who) || !oracle_.condemned(expected),
             "a destructor sees a handle from garbage to garbage", who);
      continue;
    }
    expect(!finalizing, "a finalizer finds a handle changed", who);
    expect(seen == nobody, "a destructor finds a handle changed", who);
    expect(may_be_null(who, expected), "a destructor misses a handle", who);
    oracle_.set(who, i, nobody);
  }
}

void world::finalizing(node& self) {
  object_id const who = self.data.who;
  expect(self.data.mark == mark_of(who) && oracle_[who].alive, "a finalizer of a dead object runs", who);
  expect(has_finalizer(entries_[who].what) && !oracle_[who].finalized, "a finalizer runs again", who);
  if (oracle_[who].references != 0 && deeds_ == 0) {  // in a collection, or a `bare` holds it and has not been reported
    oracle_.search();
    expect(!oracle_.reachable(who), "a finalizer of a reachable object runs", who);
  }
  ++finalizers_;
  oracle_.finalized(who);
  check_view(who, true);
  perform(entries_[who].when_finalized, who, true);
}

void world::dying(object_id who, payload& data) {
  expect(who < entries_.size() && data.mark == mark_of(who), "a destructor runs on what is no object");
  expect(oracle_[who].alive, "an object is destroyed twice", who);
  expect(!has_finalizer(entries_[who].what) || oracle_[who].finalized, "an object dies without being finalized", who);
  check_view(who, false);
  perform(entries_[who].when_destroyed, who, false);
  data.mark = 0;
  ids_.erase(entries_[who].address);
  oracle_.died(who);
}

void world::dying(cell& element) {
  object_id const who = element.data.who;
  if (element.index + 1 == entries_[who].elements && oracle_[who].alive) {
    payload data = element.data;
    dying(who, data);
  }
  expect(element.data.mark == mark_of(who), "an element is destroyed twice", who);
  expect(element.index + 1 == entries_[who].elements, "elements are not destroyed last to first", who);
  element.data.mark = 0;
  --entries_[who].elements;
}

void world::dying(leaf& self) {
  if (self.watched != nobody && oracle_[self.watched].alive) {
    ids_.erase(entries_[self.watched].address);
    oracle_.died(self.watched);
  }
  dying(self.data.who, self.data);
}

/// Lets a destructor or finalizer act.
void world::perform(deed what, object_id who, bool finalizing) {
  struct guard {
    int& depth;
    explicit guard(int& d) : depth(d) { ++depth; }
    ~guard() { --depth; }
  } const guard(depth_);
  entry const e = entries_[who];
  bool const changes = what != deed::nothing && what != deed::collect && what != deed::throw_out &&
                       (what != deed::own_handle || finalizing);
  if (changes) ++deeds_;
  switch (what) {
    case deed::nothing:
      break;
    case deed::drop_root:
      store(random_root(), handle());
      break;
    case deed::new_object_to_root: {
      handle const made = create(any_kind());
      place const to = random_root();
      if (accepts(to, identity(made))) store(to, made);
      break;
    }
    case deed::new_cycle: {
      handle const made = create(kind::typed_node);
      store({identity(made), 0}, made);
      break;
    }
    case deed::copy_a_handle:
      copy();
      break;
    case deed::move_a_handle:
      move();
      break;
    case deed::drop_own_slots: {
      std::vector<handle> own;
      for (std::size_t i = 0; i < usable_slots(who); ++i) own.push_back(take({who, i}));
      break;
    }
    case deed::collect:
      expect(gc::collect(static_cast<int>(below(3))) == 0, "a collection inside a destructor or finalizer", who);
      break;
    case deed::own_handle:
      if (finalizing) {
        ++resurrections_;
        store(random_root(), ouro::gc_from_this(static_cast<node*>(e.address)));
      } else if (is_node(e.what)) {
        ++expected_reports_;
        expect(ouro::gc_from_this(static_cast<node*>(e.address)) == nullptr, "a destructor got a handle", who);
      } else if (e.what == kind::plain) {
        ++expected_reports_;
        expect(ouro::gc_from_this(static_cast<plain*>(e.address)) == nullptr, "a destructor got a handle", who);
      }
      break;
    case deed::neighbour_to_root: {
      if (usable_slots(who) == 0) break;
      place const from{who, below(usable_slots(who))};
      place const to = random_root();
      if (accepts(to, target(from))) store(to, load(from));
      break;
    }
    case deed::temporary_garbage: {
      handle const made = create(kind::typed_node);
      store({identity(made), 0}, ouro::gc_from_this(static_cast<node*>(e.address)));
      break;
    }
    case deed::throw_out:
      ++expected_reports_;
      throw std::runtime_error("out of a finalizer");
  }
}

// ==== operations ===================================================================================================

void world::settle() {
  object_id const who = oracle_.contradiction();
  if (who == nobody) return;
  fail(oracle_[who].alive ? "no handle leads to it, but it lives" : "it died while handles led to it", who);
}

void world::create_into_place() {
  handle made = create(any_kind());
  object_id const who = identity(made);
  for (std::size_t i = 0; i < usable_slots(who); ++i) {
    place const from = random_place();
    if (percent(40) && accepts({who, i}, target(from))) store({who, i}, load(from));
  }
  place const to = random_place();
  if (accepts(to, who)) store(to, percent(50) ? disguised(made) : std::move(made));
}

void world::copy() {
  place const from = random_place();
  place const to = random_place();
  if (!accepts(to, target(from))) return;
  store(to, percent(50) ? disguised(load(from)) : load(from));
}

/// Moves and swaps make no candidates: what they cut off is found only by walks.
void world::move() {
  place const from = random_place();
  place const to = random_place();
  if (accepts(to, target(from))) store(to, take(from));
}

void world::swap() {
  place const a = random_place();
  place const b = random_place();
  if ((a.owner == b.owner && a.slot == b.slot) || !accepts(a, target(b)) || !accepts(b, target(a))) return;
  handle from_a = take(a);
  handle from_b = take(b);
  store(a, std::move(from_b));
  store(b, std::move(from_a));
}

void world::drop() { store(random_place(), handle()); }

/// The operators of gc_ptr themselves, where two places hold the same type.
void world::assign_directly() {
  place const a = random_place();
  place const b = random_place();
  gc_ptr<node>* const to = node_slot(a);
  gc_ptr<node>* const from = node_slot(b);
  if (to == nullptr || from == nullptr) return;
  object_id const in_a = target(a);
  object_id const in_b = target(b);
  switch (below(4)) {
    case 0:
      oracle_.set(a.owner, a.slot, in_b);
      *to = *from;
      break;
    case 1:
      oracle_.set(b.owner, b.slot, nobody);
      oracle_.set(a.owner, a.slot, in_b);
      *to = std::move(*from);
      break;
    case 2:
      oracle_.set(a.owner, a.slot, in_b);
      oracle_.set(b.owner, b.slot, in_a);
      to->swap(*from);
      break;
    default:
      oracle_.set(a.owner, a.slot, nobody);
      to->reset();
      break;
  }
}

void world::grow_or_shrink() {
  place const p = random_place();
  if (entries_[p.owner].what != kind::vector_node) return;
  auto& slots = *static_cast<node*>(entries_[p.owner].address)->growing_slots();
  if (percent(60) || slots.size() == 1) {
    slots.emplace_back();
    oracle_.add_slot(p.owner);
    store({p.owner, slots.size() - 1}, load(random_place()));
  } else {
    handle const taken = take(p);
    slots.erase(slots.begin() + static_cast<std::ptrdiff_t>(p.slot));
    oracle_.remove_slot(p.owner, p.slot);
  }
}

/// A long list, perhaps closed to a ring by moving its only handle into its last object.
void world::build_chain() {
  place const root = random_root();
  store(root, handle());
  object_id tail = nobody;
  for (std::uint64_t n = 1 + below(300); n != 0; --n) {
    handle link = create(pick({kind::typed_node, kind::typed_node, kind::final_node, kind::vector_node}));
    object_id const who = identity(link);
    if (tail == nobody) tail = who;
    if (accepts({who, 0}, target(root))) store({who, 0}, take(root));  // a collection may have changed the root
    store(root, std::move(link));
    settle();
  }
  oracle_.search();
  if (percent(50) && oracle_.reachable(tail) && accepts({tail, 0}, target(root))) store({tail, 0}, take(root));
}

void world::drop_many_roots() {
  for (std::size_t i = 0; i < any_roots + node_roots; ++i)
    if (percent(30)) store({program, i}, handle());
}

/// Collects the current heap.
void world::collect(int generation) {
  bool const known = oracle_.can_forecast(current_heap_, generation);
  std::vector<object_id> garbage;
  if (known) {
    garbage = oracle_.forecast(current_heap_, generation);
  } else {
    oracle_.forget_forecast();
  }
  deeds_ = 0;
  searched_ = false;
  collecting_ = true;
  std::size_t const found = gc::collect(generation);
  collecting_ = false;
  collected_ += found;
  settle();
  if (known && deeds_ == 0) {
    ++exact_collections_;
    for (object_id const who : garbage) expect(!oracle_[who].alive, "a collection left garbage", who);
    if (found != garbage.size())
      fail("a collection returned " + std::to_string(found) + " instead of " + std::to_string(garbage.size()));
  }
  oracle_.forget_forecast();
  oracle_.collected(current_heap_, generation);
  if (deeds_ != 0) oracle_.forget_generations(current_heap_);
}

/// Collects all heaps until nothing changes any more.
void world::collect_all() {
  for (int round = 0;; ++round) {
    expect(round < 1'000, "collections do not come to rest");
    std::size_t const before = oracle_.living().size();
    int deeds = 0;
    for (int h = 0; h < heap_count; ++h) {
      auto const scope = enter(h);
      collect(2);
      deeds += deeds_;
    }
    if (oracle_.living().size() == before && deeds == 0) break;
  }
  compare_everything();
}

void world::tune() {
  switch (lazy_ ? 4 + below(5) : below(9)) {
    case 0:
    case 1:
    case 2:
      gc::set_threshold(pick<std::size_t>({0, 0, 1, 2, 10, 100, 700}), pick<std::size_t>({1, 2, 10}),
                        pick<std::size_t>({1, 2, 10}));
      break;
    case 3:
      gc::disable();
      break;
    case 4:
      gc::enable();
      break;
    case 5:
      gc::freeze();
      oracle_.freeze(current_heap_);
      break;
    case 6:
      gc::unfreeze();
      oracle_.unfreeze(current_heap_);
      break;
    case 7:
      if (pause_) {
        pause_.reset();
      } else {
        pause_.emplace();
      }
      break;
    default:
      heaps_[static_cast<std::size_t>(current_heap_)].trim();
      heaps_[static_cast<std::size_t>(current_heap_)].verify();
      break;
  }
}

/// Drops the second heap, whose objects live on as long as they have handles, and begins another one.
void world::close_heap() {
  constexpr int second = 1;
  if (current_heap_ == second || pause_) return;
  for (object_id const who : oracle_.living())
    if (oracle_[who].heap == second && oracle_[who].frozen) return;
  ouro::heap fresh;
  {
    ouro::heap::scope const scope(fresh);
    gc::set_unraisable_hook(&world::report);
  }
  oracle_.rename_heap(second, closed_heap);
  oracle_.forget_forecast();
  deeds_ = 0;
  closing_ = collecting_ = true;
  heaps_[second] = std::move(fresh);
  closing_ = collecting_ = false;
}

/// Looks at one object through a handle.
void world::look() {
  place const p = random_place();
  handle const h = load(p);
  object_id const who = identity(h);
  expect(who == target(p), "a handle leads to another object", p.owner);
  gc_ptr<void> const any = untyped(h);
  if (!any) return;
  expect(any.use_count() == oracle_[who].references + 2, "a count is wrong", who);
  expect(gc::is_tracked(any) == oracle_[who].tracked, "is_tracked is wrong", who);
  expect(gc::is_finalized(any) == oracle_[who].finalized, "is_finalized is wrong", who);

  std::vector<object_id> expected;
  for (object_id const to : oracle_[who].slots)
    if (to != nobody && oracle_[to].tracked) expected.push_back(to);
  std::vector<object_id> found;
  for (auto const& to : gc::get_referents(any))
    if (object_id const id = identity(to); oracle_[id].tracked) found.push_back(id);
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  expect(found == expected, "get_referents is wrong", who);

  if (!percent(10)) return;
  expected.clear();
  found.clear();
  for (object_id const from : oracle_.living()) {
    auto const& o = oracle_[from];
    if (o.frozen) return;
    if (o.tracked && o.heap == current_heap_ && std::count(o.slots.begin(), o.slots.end(), who) != 0)
      expected.push_back(from);
  }
  for (auto const& from : gc::get_referrers(any)) found.push_back(identity(from));
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  expect(found == expected, "get_referrers is wrong", who);
}

/// Makes weak handles, drops some, and looks at others.
void world::observe() {
  handle const h = load(random_place());
  object_id const who = identity(h);
  if (who != nobody && entries_[who].what != kind::bare && observers_.size() < 2'000) {
    auto fresh = std::make_unique<observer>(observer{who, percent(40)});
    gc_ptr<void const> const any = std::visit(
        [](auto const& p) -> gc_ptr<void const> {
          if constexpr (requires { p.owner(); }) {
            return p.owner();
          } else {
            return p;
          }
        },
        h);
    if (fresh->calls_back) {
      fresh->weak = ouro::weak_gc_ptr<void const>(any, [this, o = fresh.get()](auto const& dead) {
        ++o->called;
        expect(dead.expired() && dead == o->weak && !dead.lock(), "a callback gets a handle that is not dead", o->who);
        expect(gc::collect() == 0, "a collection inside a callback", o->who);
      });
    } else {
      fresh->weak = any;
    }
    observers_.push_back(std::move(fresh));
  }
  if (observers_.empty()) return;
  auto& one = observers_[below(observers_.size())];
  check(*one);
  if (percent(45)) {
    std::swap(one, observers_.back());
    observers_.pop_back();
  }
}

/// A weak handle is dead if and only if its object is; one with a callback may have died before its object was resurrected.
void world::check(observer const& o) {
  bool const alive = oracle_[o.who].alive;
  expect(o.called <= 1 && (o.calls_back || o.called == 0), "a callback is called again", o.who);
  if (o.called == 0) {
    expect(o.weak.expired() != alive, alive ? "a weak handle died too early" : "a weak handle outlived its object",
           o.who);
    expect(alive || !o.calls_back, "a callback was not called", o.who);
    if (alive) expect(identity(handle(o.weak.lock())) == o.who, "a weak handle leads to another object", o.who);
  } else {
    expect(o.weak.expired(), "a weak handle is alive after its callback", o.who);
    expect(!alive || oracle_[o.who].finalized || !has_finalizer(entries_[o.who].what), "a callback came too early",
           o.who);
  }
}

/// Every object is what it should be, and the heaps' figures are right.
void world::compare_everything() {
  std::array<std::size_t, heap_count> objects{};
  std::array<std::size_t, heap_count> tracked{};
  std::array<std::size_t, heap_count> frozen{};
  std::array<std::size_t, heap_count> perhaps_thawed{};
  for (object_id const who : std::vector<object_id>(oracle_.living())) {
    auto const& o = oracle_[who];
    for (std::size_t i = 0; i < usable_slots(who); ++i)
      expect(seen_in({who, i}) == o.slots[i], "a handle leads to another object", who);
    if (is_node(entries_[who].what)) {
      auto& self = *static_cast<node*>(entries_[who].address);
      expect(self.data.who == who && self.data.mark == mark_of(who), "an object was overwritten", who);
      expect(ouro::gc_from_this(&self).use_count() == o.references + 1, "a count is wrong", who);
    }
    if (o.heap >= heap_count) continue;
    auto const h = static_cast<std::size_t>(o.heap);
    ++objects[h];
    tracked[h] += o.tracked;
    frozen[h] += o.frozen;
    perhaps_thawed[h] += o.perhaps_thawed;
  }
  for (std::size_t h = 0; h < heap_count; ++h) {
    auto const scope = enter(static_cast<int>(h));
    heaps_[h].verify();
    expect(heaps_[h].stats().objects == objects[h], "the number of objects is wrong");
    expect(gc::get_objects().size() == tracked[h], "get_objects is wrong");
    std::size_t const count = gc::get_freeze_count();
    expect(count <= frozen[h] && count + perhaps_thawed[h] >= frozen[h], "get_freeze_count is wrong");
  }
  expect(reports_ == expected_reports_, "something was reported, or was not");
  for (auto const& o : observers_) check(*o);
  std::size_t attached = 0;
  for (object_id const who : oracle_.living()) attached += entries_[who].what == kind::attached_node;
  expect(attached_.size() == attached, "a map has entries of dead objects, or has lost some");
}

void world::step() {
  std::uint64_t const dice = below(10'000);
  if (dice < 240 && lazy_ && !percent(2)) return;
  if (dice < 12) return collect_all();
  auto const scope = enter(percent(15) ? 1 : 0);
  if (dice < 200) {
    collect(static_cast<int>(below(3)));
  } else if (dice < 240) {
    tune();
  } else if (dice < 243) {
    close_heap();
  } else if (dice < 260) {
    drop_many_roots();
  } else if (dice < 280) {
    build_chain();
  } else if (dice < 400) {
    look();
  } else if (dice < 800) {
    observe();
  } else if (dice < 1'200) {
    grow_or_shrink();
  } else if (dice < 2'700) {
    assign_directly();
  } else if (dice < 4'000) {
    drop();
  } else if (dice < 5'000) {
    swap();
  } else if (dice < 6'000) {
    move();
  } else if (dice < 7'500) {
    copy();
  } else {
    create_into_place();
  }
}

/// Lets go of everything: at the end nothing may be left.
void world::finish() {
  pause_.reset();
  for (int h = 0; h < heap_count; ++h) {
    auto const scope = enter(h);
    gc::unfreeze();
    oracle_.unfreeze(h);
  }
  auto const scope = enter(0);
  for (bool again = true; again;) {  // destructors may fill roots
    again = false;
    for (std::size_t i = 0; i < any_roots + node_roots; ++i) {
      if (oracle_[program].slots[i] == nobody) continue;
      again = true;
      store({program, i}, handle());
      settle();
    }
    if (again) collect_all();
  }
  // Cycles across heaps, and cycles in heaps that are gone, have to be cut.
  for (int round = 0; !oracle_.living().empty(); ++round) {
    expect(round < 1'000, "objects without roots do not come to an end");
    for (object_id const who : std::vector<object_id>(oracle_.living())) {
      if (!oracle_[who].alive) continue;
      std::vector<handle> cut;
      for (std::size_t i = 0; i < usable_slots(who); ++i) cut.push_back(take({who, i}));
      cut.clear();
      settle();
    }
    for (std::size_t i = 0; i < any_roots + node_roots; ++i) store({program, i}, handle());
    settle();
  }
  collect_all();
}

world::world(std::uint64_t seed, std::uint64_t operations) : seed_(seed), operations_(operations), random_(seed) {
  the_world = this;
  for (int h = 0; h < heap_count; ++h) {
    auto const scope = enter(h);
    gc::set_unraisable_hook(&world::report);
  }
}
world::~world() { the_world = nullptr; }

void world::run() {
  for (; operation_ < operations_; ++operation_) {
    deeds_ = 0;
    step();
    settle();
    most_living_ = std::max(most_living_, oracle_.living().size());
  }
  finish();
  auto const number = [](std::uint64_t n) { return std::to_string(n); };
  std::printf(
      "as expected: %s\n",
      (number(entries_.size() - 1) + " objects, at most " + number(most_living_) + " at once, " + number(collected_) +
       " collected on demand, " + number(exact_collections_) + " exact and " + number(automatic_collections_) +
       " automatic collections, " + number(finalizers_) + " finalized, " + number(resurrections_) + " resurrected")
          .c_str());
}

bool read_number(char const* text, std::uint64_t& value) {
  char* end = nullptr;
  value = std::strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0';
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t operations = 100'000;
  std::uint64_t seed = 1;
  std::uint64_t runs = 1;
  for (int i = 1; i < argc; i += 2) {
    std::uint64_t* const value = std::strcmp(argv[i], "--ops") == 0    ? &operations
                                 : std::strcmp(argv[i], "--seed") == 0 ? &seed
                                 : std::strcmp(argv[i], "--runs") == 0 ? &runs
                                                                       : nullptr;
    if (value == nullptr || i + 1 == argc || !read_number(argv[i + 1], *value)) {
      std::fprintf(stderr, "usage: differential [--ops N] [--seed S] [--runs R]\n");
      return 2;
    }
  }
  for (std::uint64_t run = 0; run < runs; ++run) {
    std::printf("%s\n", reproduction(operations, seed + run).c_str());
    std::fflush(stdout);  // known also after a crash
    world(seed + run, operations).run();
  }
  return 0;
}
