// Trial deletion: which objects of a set S are kept alive by nothing but one another.
//
//   insert   S grows; each object's count is saved
//   count    trace S, subtract every edge that stays inside: what is left are references from outside
//   mark     what has some, and all it leads to, is alive
//   split    the rest of S is garbage; counts are restored
//
// Any S will do: references from objects outside it count as external. So an age limit, a budget, a shortage of memory
// and a type that cannot be traced are one operation, and all err on the side of life.
//
// D. F. Bacon, V. T. Rajan, "Concurrent Cycle Collection in Reference Counted Systems" (ECOOP 2001) names the idea;
// subtracting inside a set that is tested as a whole is what CPython's collector does.
#ifndef OURO_DETAIL_TRIAL_DELETION_HPP
#define OURO_DETAIL_TRIAL_DELETION_HPP

#include <ouro/detail/fault_list.hpp>
#include <ouro/detail/member_set.hpp>
#include <ouro/detail/values.hpp>
#include <ouro/detail/work_list.hpp>

#include <cstddef>
#include <cstdint>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

class trial {
 public:
  /// Objects born in an epoch up to `oldest` stay outside.
  trial(heap_core& heap, fault_list& faults, std::uint16_t oldest, std::size_t budget) noexcept
      : heap_(heap),
        faults_(faults),
        first_birth_(oldest == 0 ? slot_old : static_cast<std::uint16_t>((slot_slow | oldest) + 1)),
        birth_(static_cast<std::uint16_t>(slot_slow | heap.epoch.now)),
        checked_(heap),
        set_(heap.work_chunks, budget),
        stack_(heap.work_chunks),
        seen_(heap.work_chunks) {}

  /// Candidates are not: those that may join have left their buffer, the others are too old.
  bool eligible(object_header const& h) const noexcept {
    return h.slot >= first_birth_ && h.slot < slot_in_set && state_of(h) == object_state::live && !is_sticky(h);
  }

  /// False when S is full, or the object is immortal: it stays outside, and what it leads to is alive.
  OURO_DETAIL_INLINE bool insert(object_header* h) noexcept {
    std::uint32_t const count = count_of(*h);
    if (is_large(*h) || count >= work_entry::big_count) [[unlikely]]
      return insert_unusual(h, count);
    if (!set_.add(work_entry::of_small(h, count), count)) [[unlikely]]
      return stay_outside();
    join(*h, count);
    return true;
  }

  /// The same for all objects of a page that may be members. In full collections those of a page that is three quarters in
  /// use stay there: walking others again and again would take longer than the list. What users trace may become opaque,
  /// which only the list can say.
  void insert_page(page& p, bool full) noexcept {
    if (!full || p.type->hand_traced() || p.used < p.carved / 4 * 3) {
      for_each_block(p, [this](object_header* h) {
        if (eligible(*h)) insert(h);
      });
    } else if (!set_.add_page(
                   p, [this](object_header const& h) { return eligible(h); },
                   [this](object_header& h, std::uint32_t count) { join(h, count); })) {
      cut_ = true;
    }
  }

  /// Leaves in S what is garbage.
  void run(bool closure) noexcept {
    count(closure);
    mark();
    if ((traits_ & is_hand_written) != 0 && !counts_agree()) return abandon();
    split();
  }

 private:
  /// Subtracts internal edges. With `closure`, S first grows by all that its members lead to.
  void count(bool closure) noexcept {
    tracing_scope scope;
    first_joining_ = closure ? first_birth_ : slot_in_set;
    heap_.trace_round += 2;
    counting pass{*this};
    edge_stream<counting> stream(pass, trace_pass::visit, heap_);
    auto const count_run = [&](work_entry* first, work_entry* last) { count_from(first, last, pass, stream); };
    set_.for_each_run_in_pages(count_run);
    member_set::cursor at;
    while (true) {
      set_.for_each_run_in_list(at, count_run);
      stream.trace_tables(checked_);
      if (stream.empty()) break;
      stream.drain();  // S may have grown
    }
    found_ += stream.edges();
    visited_ += set_.size();
    check_repeats();
  }

  /// True when nothing in S is alive: every handle to it lies inside it.
  bool all_garbage() const noexcept { return handles_ == edges_ && !rooted_; }

  /// Finds what is alive.
  void mark() noexcept {
    if (all_garbage()) return;
    tracing_scope scope;
    marking pass{*this, (traits_ & is_hand_written) != 0};
    edge_stream<marking> stream(pass, trace_pass::visit, heap_);
    set_.for_each([&](object_header* h) {
      if (h->slot == slot_root || (h->slot == slot_in_set && h->word != slow_none)) trace_reached(stream, h);
    });
    propagate(stream);
    while (missed_) {  // the stack could not grow: start again from what was reached but not traced
      missed_ = false;
      set_.for_each([&](object_header* h) {
        if (h->slot == slot_reached) trace_reached(stream, h);
      });
      propagate(stream);
    }
    found_ -= stream.edges();  // what is left are the handles inside garbage
  }

  /// Restores what is alive, and keeps the rest.
  void split() noexcept {
    if (all_garbage()) return;
    edges_ = 0;
    rooted_ = false;
    weak_handles_ = 0;
    set_.keep_if([&](object_header& h, std::uint32_t count) {
      if (h.slot == slot_in_set) {
        edges_ += count;
        weak_handles_ |= h.weak;
        return true;
      }
      leave(h, count);
      return false;
    });
    handles_ = edges_;
  }

 public:
  member_set& set() noexcept { return set_; }

  /// Makes a member an ordinary object again. It need not be known when it was born: all that a collection looks at is of
  /// one generation afterwards.
  void leave(object_header& h, std::uint32_t count) const noexcept {
    h.slot = birth_;
    h.word = slow_none + count;
  }

  /// To be called before `restore`. False if some members have left S for want of memory, and with them perhaps the reason
  /// why others are garbage.
  bool prepare_restore() noexcept {
    bool const all = set_.move_to_list([this](object_header& h, std::uint32_t count) { leave(h, count); });
    if (!all) cut_ = true;
    return all;
  }
  /// The members become ordinary objects, with `pins` handles more than they have, and stay in S.
  void restore(std::uint32_t pins) noexcept {
    set_.for_each_count([&](object_header& h, std::uint32_t count) { leave(h, count + pins); });
  }

  std::size_t size() const noexcept { return set_.size(); }
  std::size_t visited() const noexcept { return visited_; }
  bool was_cut() const noexcept { return cut_; }
  bool has_sides() const noexcept { return has_sides_; }
  /// Does the header of some member count weak handles?
  bool has_weak_handles() const noexcept { return weak_handles_ != 0; }
  /// True when all that hangs on members of S can go without a destructor.
  bool has_plain_sides() const noexcept { return has_plain_sides_; }
  bool has_finalizers() const noexcept { return (traits_ & has_finalize) != 0; }
  bool has_destructors() const noexcept { return (traits_ & has_destructor) != 0; }
  bool has_keyed_containers() const noexcept { return (traits_ & has_keyed_parts) != 0; }
  /// True when no handle leads from S to an object outside.
  bool is_closed() const noexcept { return found_ == edges_ && (traits_ & is_hand_written) == 0; }
  checked_trace& checked() noexcept { return checked_; }

  /// Puts the objects, whose counts may have changed since, to the test once more. They had left S with one and the same
  /// birth; finalizers may have had the epochs renumbered, or have frozen all that there was.
  void rearm() noexcept {
    birth_ = slot_oldest;
    handles_ = edges_ = found_ = 0;
    weak_handles_ = 0;
    bool const all = set_.readmit([&](object_header& h, std::uint32_t count) {
      birth_ = larger(birth_, h.slot);
      join(h, count);
    });
    if (!all) cut_ = true;
  }

 private:
  struct counting {
    trial& self;

    OURO_DETAIL_INLINE void on_edge(edge const& e) const noexcept {
      if (on_edges(e.target, 1) && OURO_DETAIL_HARDENED) self.seen_.push({e.slot, edge_target(resolve(e.target))});
    }
    /// `number` edges to one object. False if it is outside.
    OURO_DETAIL_INLINE bool on_edges(std::uintptr_t target, std::uint32_t number) const noexcept {
      object_header* h = resolve(target);
      if (h->slot != slot_in_set && !self.joins(h)) return false;
      if (h->word - slow_none < number) [[unlikely]] {
        self.make_root(h, trace_fault::too_many);
      } else {
        h->word -= number;
        self.edges_ += number;
      }
      return true;
    }

    // Once, be it met from its object or from its table.
    bool wants(weak_entry& e) const noexcept {
      if (replace(e.round, self.heap_.trace_round) == self.heap_.trace_round) return false;
      if (e.keyed) self.traits_ |= has_keyed_parts;
      if (!e.hand_traced) return true;
      self.count_checked(*this, e);
      return false;
    }
    void meet(object_header& h) const noexcept {
      self.has_sides_ = true;
      if (!has_plain_side(slot_of(&h))) self.has_plain_sides_ = false;
    }
    void meet(weak_table& table) const noexcept { table.counted_round = self.heap_.trace_round; }
  };

  struct adding {
    std::uint32_t round;

    void on_edge(edge const& e) const noexcept {
      object_header* h = resolve(e.target);
      if (h->slot >= slot_in_set) ++h->word;
    }
    bool wants(weak_entry& e) const noexcept {
      bool const counted = (e.round | 1) == (round | 1);
      if (counted) e.round = 0;
      return counted;
    }
    void meet(object_header&) const noexcept {}
    void meet(weak_table&) const noexcept {}
  };

  struct marking {
    trial& self;
    bool by_hand;  // some trace was written by users

    // What has handles from outside is found without our help, but those may be a trace's own, which users wrote.
    void on_edge(edge const& e) const noexcept { on_edges(e.target, 1); }
    void on_edges(std::uintptr_t target, std::uint32_t) const noexcept {
      object_header* h = resolve(target);
      if (h->slot != slot_in_set || (h->word != slow_none && !by_hand)) return;
      h->slot = slot_reached;
      if (!self.stack_.push(h)) self.missed_ = true;
    }

    // An ephemeron: alive if both its object and its table are. Whichever is reached last finds the other one alive. Those
    // that were not counted need no help.
    bool wants(weak_entry& e) const noexcept {
      std::uint32_t const round = self.heap_.trace_round;
      bool const alive = e.object->slot != slot_in_set &&
                         (e.table == nullptr || e.table->counted_round != round || e.table->reached_round == round);
      if (e.round != round || !alive) return false;
      e.round = round | 1;  // only once: `found_` is exact
      return true;
    }
    void meet(object_header&) const noexcept {}
    void meet(weak_table& table) const noexcept { table.reached_round = self.heap_.trace_round; }
  };

  /// False when a trace that users wrote has made handles that still exist, or has dropped some.
  bool counts_agree() noexcept {
    std::size_t external = 0;
    set_.for_each([&](object_header* h) { external += count_of(*h); });
    return external == handles_ - edges_;
  }

  /// Lets everything live, with the counts that it has now: the saved ones are no longer true.
  void abandon() noexcept {
    tracing_scope scope;
    adding pass{heap_.trace_round};
    edge_stream<adding> stream(pass, trace_pass::visit, heap_);
    set_.for_each_run([&](work_entry* first, work_entry* last) {
      type_descriptor const& type = type_of(first->header());
      for (; first != last; ++first) {
        if (type.hand_traced()) faults_.add(trace_fault::unbalanced, type);
        first->is_opaque() ? stream.trace_entries(first->header()) : stream.trace(type, first->header());
      }
    });
    stream.drain();
    set_.for_each([&](object_header* h) { leave(*h, count_of(*h)); });
    set_.clear();
    cut_ = true;
  }

  OURO_DETAIL_NOINLINE bool insert_unusual(object_header* h, std::uint32_t count) noexcept {
    if (is_sticky(*h)) return false;
    if (!set_.add(work_entry(h, count), count)) return stay_outside();
    join(*h, count);
    return true;
  }
  bool stay_outside() noexcept {
    cut_ = true;
    return false;
  }

  void join(object_header& h, std::uint32_t count) noexcept {
    handles_ += count;
    weak_handles_ |= h.weak;
    h.slot = slot_in_set;
    h.word = slow_none + count;
  }

  /// True when the target of an edge becomes a member of S.
  OURO_DETAIL_INLINE bool joins(object_header* h) noexcept {
    if (h->slot < first_joining_ || h->slot >= slot_in_set) return false;
    if (!is_live_in_page(*h)) [[unlikely]]
      return joins_large(h);
    return page_of(h)->heap == &heap_ && insert(h);
  }
  OURO_DETAIL_NOINLINE bool joins_large(object_header* h) noexcept {
    return is_large(*h) && prefix_of(h)->heap == &heap_ && eligible(*h) && insert(h);
  }

  OURO_DETAIL_NOINLINE void make_root(object_header* h, trace_fault fault) noexcept {
    h->slot = slot_root;
    rooted_ = true;
    faults_.add(fault, type_of(h));
  }

  void count_from(work_entry* first, work_entry* last, counting& pass, edge_stream<counting>& stream) noexcept {
    type_descriptor const& type = type_of(first->header());
    traits_ |= type.traits;
    if (type.hand_traced()) [[unlikely]] {
      for (; first != last; ++first) count_checked(pass, type, *first, stream);
      return;
    }
    stream.trace(type, first, last);
    if constexpr (OURO_DETAIL_HARDENED) {
      stream.drain();
      if (tracer_access::take_destroyed(stream)) faults_.add(trace_fault::destroyed_handle, type);
    }
  }

  void count_checked(counting const& pass, type_descriptor const& type, work_entry& entry,
                     edge_stream<counting>& stream) noexcept {
    stream.trace_entries(entry.header());
    trace_fault const fault = checked_.run(type, entry.header());
    if (tracer_access::take_destroyed(checked_)) faults_.add(trace_fault::destroyed_handle, type);
    if (fault == trace_fault::none) {
      for (edge const& e : checked_) pass.on_edge(e);
      found_ += static_cast<std::size_t>(checked_.end() - checked_.begin());
      return;
    }
    entry.make_opaque();
    entry.header()->slot = slot_root;
    rooted_ = true;
    if (fault == trace_fault::no_memory || fault == trace_fault::in_use) {
      cut_ = true;  // what it keeps alive is no candidate any more
    } else {
      faults_.add(fault, type);
    }
  }

  /// Handles of an entry that are not counted are external: they keep alive what they lead to.
  void count_checked(counting const& pass, weak_entry& e) noexcept {
    traits_ |= is_hand_written;
    trace_fault const fault = checked_.run(e);
    if (fault == trace_fault::none) {
      for (edge const& inner : checked_) pass.on_edge(inner);
      found_ += static_cast<std::size_t>(checked_.end() - checked_.begin());
      return;
    }
    e.round = 0;
    if (fault == trace_fault::no_memory) {
      cut_ = true;
    } else {
      faults_.add(fault, type_of(e.object));
    }
  }

  template <class Stream>
  void trace_reached(Stream& stream, object_header* h) noexcept {
    h->slot = slot_traced;
    stream.trace(type_of(h), h);
  }

  template <class Stream>
  void propagate(Stream& stream) noexcept {
    while (true) {
      while (!stack_.empty()) trace_reached(stream, stack_.pop());
      if (stream.empty()) return;
      stream.drain();
    }
  }

  // Hardened: one handle reported by two objects, which the counts alone need not show.
  void check_repeats() noexcept {
    if constexpr (OURO_DETAIL_HARDENED) {
      std::size_t const n = seen_.size();
      auto* sorted = new (std::nothrow) edge[n == 0 ? 1 : n];
      if (sorted != nullptr) {
        std::size_t i = 0;
        seen_.for_each([&](edge const& e) { sorted[i++] = e; });
        sort_by_slot(sorted, sorted + n);
        for (i = 1; i < n; ++i) {
          if (sorted[i].slot == sorted[i - 1].slot) make_root(resolve(sorted[i].target), trace_fault::too_many);
        }
        delete[] sorted;
      }
      while (!seen_.empty()) seen_.pop();
    }
  }

  heap_core& heap_;
  fault_list& faults_;
  std::uint16_t const first_birth_;            // of objects that may be members
  std::uint16_t birth_;                        // of members that leave S
  std::uint16_t first_joining_ = slot_in_set;  // of those that may become one because an edge leads to them
  checked_trace checked_;
  member_set set_;
  chunk_list<object_header*> stack_;
  chunk_list<edge> seen_;
  std::size_t handles_ = 0;  // to members of S, wherever they are
  std::size_t edges_ = 0;    // those of them that were found inside S
  std::size_t found_ = 0;    // handles found inside S, wherever they lead
  std::size_t visited_ = 0;
  bool rooted_ = false;  // some member is alive whatever its count
  bool cut_ = false;
  type_traits_set traits_ = 0;  // of all members
  bool has_sides_ = false;      // some member has a side slot
  bool has_plain_sides_ = true;
  unsigned weak_handles_ = 0;  // not 0: the header of some member counts some
  bool missed_ = false;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
