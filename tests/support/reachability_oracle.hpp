// What a heap should do, told from who refers to whom: a model for differential tests that knows nothing of ouro.
//
// Objects have numbered slots; object 0 is the program, and its slots are the roots. Of an object that is alive the
// model knows how many handles lead to it, so that "alive if and only if there are handles" can be checked after each
// operation, and which objects a collection must find.
#ifndef OURO_TESTS_SUPPORT_REACHABILITY_ORACLE_HPP
#define OURO_TESTS_SUPPORT_REACHABILITY_ORACLE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ouro_test {

using object_id = std::uint32_t;
inline constexpr object_id nobody = 0xffffffffu;
inline constexpr object_id program = 0;

class reachability_oracle {
 public:
  static constexpr int unknown_generation = -1;

  struct object {
    std::vector<object_id> slots;
    std::size_t references = 0;  // handles in the slots of living objects
    int heap = 0;
    int generation = 0;
    bool tracked = false;
    bool alive = true;
    bool frozen = false;
    bool perhaps_thawed = false;  // frozen or not
    bool finalized = false;

   private:
    friend class reachability_oracle;
    std::size_t position = 0;     // in the list of living objects
    std::uint64_t seen = 0;       // the search that reached it last
    std::uint64_t condemned = 0;  // the forecast that listed it last
  };

  explicit reachability_oracle(std::size_t roots) {
    objects_.emplace_back();
    objects_[program].slots.assign(roots, nobody);
    objects_[program].heap = -1;
  }

  object const& operator[](object_id id) const { return objects_[id]; }
  std::vector<object_id> const& living() const { return living_; }

  // ---- what happens ------------------------------------------------------------------------------------------------

  object_id born(int heap, bool tracked, std::size_t slots, int generation) {
    auto const id = static_cast<object_id>(objects_.size());
    object& o = objects_.emplace_back();
    o.slots.assign(slots, nobody);
    o.heap = heap;
    o.tracked = tracked;
    o.generation = generation;
    o.position = living_.size();
    living_.push_back(id);
    touched_.push_back(id);
    return id;
  }

  void set(object_id owner, std::size_t slot, object_id target) {
    object_id const before = std::exchange(objects_[owner].slots[slot], target);
    if (target != nobody) ++objects_[target].references;
    if (before != nobody) release(before);
  }
  void add_slot(object_id owner) { objects_[owner].slots.push_back(nobody); }
  void remove_slot(object_id owner, std::size_t slot) {
    set(owner, slot, nobody);
    auto& slots = objects_[owner].slots;
    slots.erase(slots.begin() + static_cast<std::ptrdiff_t>(slot));
  }

  /// The object's destructor runs: its handles go, now or soon.
  void died(object_id id) {
    object& o = objects_[id];
    o.alive = false;
    living_[o.position] = living_.back();
    objects_[living_.back()].position = o.position;
    living_.pop_back();
    touched_.push_back(id);
    for (object_id const target : std::exchange(o.slots, {}))
      if (target != nobody) release(target);
  }

  void is_leaf(object_id id) { objects_[id].tracked = false; }
  /// Whether an object that was about to die by counting keeps its age if its finalizer saves it is left open.
  void finalized(object_id id) {
    object& o = objects_[id];
    o.finalized = true;
    // References from an object that has died unnoticed may be left. What is frozen no collection finds.
    if (o.references != 0 && !o.frozen) return;
    o.generation = unknown_generation;
    o.perhaps_thawed = o.frozen;
  }

  void collected(int heap, int generation) {
    for (object_id const id : living_) {
      object& o = objects_[id];
      if (o.heap == heap && (generation == 2 || (0 <= o.generation && o.generation <= generation)))
        o.generation = std::min(generation + 1, 2);
    }
  }
  /// Collections ran that nobody asked for.
  void forget_generations(int heap) {
    for (object_id const id : living_)
      if (objects_[id].heap == heap) objects_[id].generation = unknown_generation;
  }
  void freeze(int heap) {
    for (object_id const id : living_)
      if (objects_[id].heap == heap && objects_[id].tracked) {
        objects_[id].frozen = true;
        objects_[id].perhaps_thawed = false;
      }
  }
  void unfreeze(int heap) {
    for (object_id const id : living_) {
      object& o = objects_[id];
      if (o.heap != heap || !o.frozen) continue;
      o.generation = o.perhaps_thawed ? unknown_generation : 2;
      o.frozen = o.perhaps_thawed = false;
    }
  }
  void rename_heap(int from, int to) {
    for (object_id const id : living_)
      if (objects_[id].heap == from) objects_[id].heap = to;
  }

  // ---- what must hold ----------------------------------------------------------------------------------------------

  /// After an operation: an object is alive if and only if handles lead to it. Returns one that contradicts, or nobody.
  object_id contradiction() {
    for (object_id const id : touched_)
      if (objects_[id].alive != (objects_[id].references != 0)) return id;
    touched_.clear();
    return nobody;
  }

  /// Finds what the program can reach; `reachable` tells.
  void search() {
    ++search_;
    stack_.assign(1, program);
    objects_[program].seen = search_;
    follow([](object const&) { return true; });
  }
  bool reachable(object_id id) const { return objects_[id].seen == search_; }

  /// False if it is not known which objects belong to the generation.
  bool can_forecast(int heap, int generation) const {
    return std::none_of(living_.begin(), living_.end(), [&](object_id id) {
      object const& o = objects_[id];
      return o.heap == heap && o.tracked &&
             (o.perhaps_thawed || (generation != 2 && !o.frozen && o.generation == unknown_generation));
    });
  }
  /// The tracked objects that a collection must find: those to which no way leads from anything it does not look at, be
  /// it the program, another heap, an older generation or a frozen object. `condemned` tells until the next forecast.
  std::vector<object_id> forecast(int heap, int generation) {
    auto const looked_at = [&](object const& o) {
      return o.alive && o.tracked && o.heap == heap && !o.frozen && (generation == 2 || o.generation <= generation);
    };
    ++search_;
    stack_.assign(1, program);
    for (object_id const id : living_)
      if (!looked_at(objects_[id])) stack_.push_back(id);
    for (object_id const id : stack_) objects_[id].seen = search_;
    follow(looked_at);
    ++forecast_;
    std::vector<object_id> garbage;
    for (object_id const id : living_) {
      object& o = objects_[id];
      if (!looked_at(o) || o.seen == search_) continue;
      o.condemned = forecast_;
      garbage.push_back(id);
    }
    return garbage;
  }
  bool condemned(object_id id) const { return objects_[id].condemned == forecast_; }
  void forget_forecast() { ++forecast_; }

 private:
  void release(object_id id) {
    if (--objects_[id].references == 0) touched_.push_back(id);
  }

  template <class Enter>
  void follow(Enter enter) {
    while (!stack_.empty()) {
      object_id const id = stack_.back();
      stack_.pop_back();
      for (object_id const target : objects_[id].slots) {
        if (target == nobody || objects_[target].seen == search_ || !enter(objects_[target])) continue;
        objects_[target].seen = search_;
        stack_.push_back(target);
      }
    }
  }

  std::vector<object> objects_;
  std::vector<object_id> living_;
  std::vector<object_id> touched_;  // born, died, or without handles for a moment, since the last look
  std::vector<object_id> stack_;
  std::uint64_t search_ = 0;
  std::uint64_t forecast_ = 1;
};

}  // namespace ouro_test

#endif
