// What the death of an object means for all that leads to it weakly, or hangs on it: handles, callbacks, entries.
#ifndef OURO_DETAIL_WEAK_DEATH_HPP
#define OURO_DETAIL_WEAK_DEATH_HPP

#include <ouro/detail/values.hpp>
#include <ouro/detail/weak_reference.hpp>

#include <exception>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

// --- callbacks ------------------------------------------------------------------------------------------------------

/// The callbacks of an object join a list of those that are to be called; their handles are dead from now on.
inline void take_watches(side_record& side, weak_watch*& pending) noexcept {
  while (weak_watch* const watch = side.watches) {
    unlink(watch);
    watch->side = nullptr;
    link_front(pending, watch);
    --heap_of(side.header).watches;
  }
}

/// Merge sort, newest first. Links backwards are not kept up.
inline weak_watch* sort_watches(weak_watch* first) noexcept {
  if (first == nullptr || first->next == nullptr) return first;
  weak_watch* middle = first;
  for (weak_watch* end = first->next; end != nullptr && end->next != nullptr; end = end->next->next)
    middle = middle->next;
  weak_watch* b = sort_watches(replace(middle->next, nullptr));
  weak_watch* a = sort_watches(first);
  weak_watch* sorted = nullptr;
  weak_watch** last = &sorted;
  while (a != nullptr && b != nullptr) {
    weak_watch*& newer = a->serial > b->serial ? a : b;
    *last = newer;
    last = &newer->next;
    newer = newer->next;
  }
  *last = a != nullptr ? a : b;
  return sorted;
}

inline void sort_pending(weak_watch*& pending) noexcept {
  pending = sort_watches(pending);
  for (weak_watch** link = &pending; *link != nullptr; link = &(*link)->next) (*link)->link = link;
}

/// Calls them, newest first. They may drop any weak handle, their own and waiting ones included.
inline void call_watches(heap_core& heap, weak_watch*& pending) noexcept {
  sort_pending(pending);
  no_collection_scope scope;
  while (weak_watch* const watch = pending) {
    unlink(watch);
    weak_callback* const callback = replace(watch->callback, nullptr);
    OURO_DETAIL_TRY { callback->call(copy_weak(word_of(watch))); }
    OURO_DETAIL_CATCH_ALL { report_exception(heap, std::current_exception(), "weak_gc_ptr callback", {}); }
    delete callback;
  }
}

// --- entries of weak containers -------------------------------------------------------------------------------------

/// Puts an entry into its table and onto its object, which lives. Throws std::bad_alloc; nothing has changed then.
inline void attach(object_header* h, weak_table& table, weak_entry& e) {
  table.reserve_one();
  bool const becomes_tracked = e.traced && h->slot == slot_leaf;
  side_slot* const slot = make_slot(h);
  side_record* const side = slot != nullptr && becomes_tracked ? make_side(h) : nullptr;
  if (slot == nullptr || (becomes_tracked && side == nullptr)) throw_bad_alloc();
  e.object = h;
  table.link(e);
  link_front(slot->entries, &e);
  h->flags |= flag_side;
  if (becomes_tracked) {
    heap_core& heap = heap_of(h);
    link_front(heap.tracked_leaves, side);
    set_slow_slot(*h, static_cast<std::uint16_t>(slot_slow | heap.epoch.now));
  }
}

/// Takes an entry out of both.
inline void detach(weak_entry& e) noexcept {
  e.table->unlink(e);
  unlink(&e);
  drop_empty_slot(e.object);
}

// --- death ----------------------------------------------------------------------------------------------------------

/// All that leads weakly to the object is cleared; no code of the user runs. Callbacks join `pending`.
inline void clear_weak(object_header* h, weak_watch*& pending) noexcept {
  if (side_record* const side = side_of(h); side != nullptr) {
    if (is_large(*h)) {
      while (weak_view* const view = side->views) {
        unlink(view);
        view->header = nullptr;
        view->side = nullptr;
      }
    }
    take_watches(*side, pending);
  }
  for (weak_entry *e = entries_of(h), *next = nullptr; e != nullptr; e = next) {
    next = e->next;
    if (e->table != nullptr) e->table->lose(*e);
  }
}

/// The destructor of the object has run: what hung on it goes, too.
OURO_DETAIL_NOINLINE inline void drop_entries(object_header* h) noexcept {
  side_slot& slot = slot_of(h);
  weak_entry* entries = replace(slot.entries, nullptr);
  if (entries != nullptr) entries->link = &entries;
  if (side_record* const side = slot.record; side != nullptr) {
    if (side->tracked_leaf()) unlink(side);
    drop_side_if_empty(*side);
  } else {
    drop_empty_slot(h);
  }
  while (weak_entry* const e = entries) {
    unlink(e);
    delete e;
  }
}

/// Is there nothing but entries that need no destructor?
inline bool has_plain_side(side_slot const& slot) noexcept {
  weak_entry const* e = slot.entries;
  while (e != nullptr && e->plain) e = e->next;
  return e == nullptr && slot.record == nullptr;
}

/// What `clear_weak` and `drop_entries` do, for an object with a plain side.
OURO_DETAIL_NOINLINE inline void forget_entries(object_header* h) noexcept {
  weak_entry* e = replace(slot_of(h).entries, nullptr);
  h->flags = static_cast<std::uint8_t>(h->flags & ~flag_side);
  while (e != nullptr) {
    weak_entry& gone = *replace(e, e->next);
    if (gone.table != nullptr) gone.table->lose(gone);
    gone.forget();
  }
}

/// Before the destructor of an object that dies by counting, or whose constructor threw.
OURO_DETAIL_NOINLINE inline void clear_and_call(heap_core& heap, object_header* h) noexcept {
  weak_watch* pending = nullptr;
  clear_weak(h, pending);
  call_watches(heap, pending);
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
