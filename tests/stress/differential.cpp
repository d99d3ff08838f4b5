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
// and now and then everything that can be asked of the heap is compared with the oracle. Destructors and finalizers check
// what they see, and some of them drop handles, allocate, rewire, resurrect, throw or try to collect.
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

/// Every way to hold an object. A null alternative of any type is an empty slot.
using handle = std::variant<gc_ptr<node>, gc_ptr<node const>, gc_ptr<side>, gc_ptr<plain>, gc_ptr<cell[]>,
                            gc_ptr<cell const[]>, gc_ptr<leaf>, gc_ptr<leaf const>, gc_ptr<void>, gc_ptr<void const>,
                            gc_interior_ptr<payload>, gc_interior_ptr<payload const>>;

/// What the objects tell the world. Slots are read through `slot_reader` while an object dies.
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
  root, typed_node, vector_node, keyed_node, boxed_node, function_node, traced_node, final_node, large_node,
  plain, bare, array, leaf
};
bool is_node(kind k) { return kind::typed_node <= k && k <= kind::large_node; }
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
  own_handle,        // in a destructor null and reported; in a finalizer resurrection
  neighbour_to_root  // finalizers: resurrection, unless it is alive anyway
  ,
  throw_out,         // finalizers only
  temporary_garbage  // finalizers only: a new object that refers to this one, dropped
};

// ==== the world ==================================================================================================

struct place {
  object_id owner;
  std::size_t slot;
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

  // Operations.
  void step();
  handle create(kind what);
  handle create_any();
  void create_into_place();
  void copy();
  void move();
  void swap();
  void drop();
  void assign_directly();
  void grow_or_shrink();
  void build_chain();
  void drop_many_roots();
  void collect(int heap, int generation);
  void collect_all();
  void tune();
  void close_heap();
  void look();
  void compare_everything();
  void settle();
  void finish();

  // Deeds.
  void check_view(object_id who, bool intact);
  bool may_be_null(object_id who, object_id target);
  void perform(deed what, object_id who, bool finalizing);

  std::uint64_t seed_;
  std::uint64_t operations_;
  std::uint64_t operation_ = 0;
  std::mt19937_64 random_;
  reachability_oracle oracle_{any_roots + node_roots};
  std::vector<entry> entries_{1};
  std::unordered_map<void const*, object_id> ids_;
  std::vector<ouro::heap> heaps_{heap_count};
  std::array<handle, any_roots> any_roots_;
  std::array<gc_ptr<node>, node_roots> node_roots_;
  std::optional<gc::pause_scope> pause_;

  int current_heap_ = 0;
  kind being_made_ = kind::root;
  bool collecting_ = false;  // a collection was asked for
  bool automatic_ = false;   // one may start by itself: an object is being made
  bool searched_ = false;    // the oracle's search is that of this operation
  int deeds_ = 0;            // that changed the graph
  std::size_t reports_ = 0;  // received, and expected
  std::size_t expected_reports_ = 0;
  std::uint64_t deaths_ = 0, resurrections_ = 0, exact_collections_ = 0, finalizers_ = 0;

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
    case kind::root: return p.slot < any_roots ? &any_roots_[p.slot] : nullptr;
    case kind::plain: return p.slot == 0 ? &static_cast<plain*>(e.address)->a : &static_cast<plain*>(e.address)->b;
    case kind::array: return &static_cast<cell*>(e.address)[p.slot].link;
    case kind::bare: return nullptr;
    default: return static_cast<node*>(e.address)->any_slot(p.slot);
  }
}

gc_ptr<node>* world::node_slot(place p) {
  entry const& e = entries_[p.owner];
  switch (e.what) {
    case kind::root: return p.slot >= any_roots ? &node_roots_[p.slot - any_roots] : nullptr;
    case kind::bare: return p.slot == 0 ? &static_cast<bare*>(e.address)->a : &static_cast<bare*>(e.address)->b;
    case kind::plain:
    case kind::array: return nullptr;
    default: return static_cast<node*>(e.address)->node_slot(p.slot);
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

/// The same object by a gc_ptr<void>; null for interior handles to arrays, from which there is no way.
gc_ptr<void> world::untyped(handle const& h) {
  return std::visit(
      [this](auto const& p) -> gc_ptr<void> {
        using type = std::remove_cvref_t<decltype(p)>;
        if constexpr (requires { p->who; }) {
          if (!p) return nullptr;
          entry const& e = entries_[p->who];
          if (is_node(e.what)) return ouro::gc_from_this(static_cast<node*>(e.address));
          if (e.what == kind::plain) return ouro::gc_from_this(static_cast<plain*>(e.address));
          if (e.what == kind::leaf) return ouro::gc_from_this(static_cast<leaf*>(e.address));
          return nullptr;
        } else {
          return ouro::const_pointer_cast<std::remove_const_t<std::remove_pointer_t<decltype(type().get())>>>(
              [&] {
                if constexpr (std::is_same_v<type, gc_ptr<cell const[]>>) {
                  return gc_ptr<void const>(p);
                } else {
                  return p;
                }
              }());
        }
      },
      h);
}
