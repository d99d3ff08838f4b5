// Weak handles without their types: what their word means, what keeps them valid, and what the death of an object does.
//
//   word & 3   the rest of the word is
//   0          the object, which begins there: its header, right in front, counts the handle
//   1          a weak_view: of a large object, or of one with many weak handles
//   2          a base inside a pooled object: the header is found by the page's arithmetic
//   3          a weak_watch: the handle has a callback
//
// Nothing here reads a vptr: it lies once the destructor of the most derived class has run. An object whose header counts
// weak handles leaves its block behind (`object_state::dead`), so that no other object takes its address: a weak handle is
// valid if the header says so, and compares as it always did.
#ifndef OURO_DETAIL_WEAK_REFERENCE_HPP
#define OURO_DETAIL_WEAK_REFERENCE_HPP

#include <ouro/detail/report.hpp>
#include <ouro/detail/side_slots.hpp>
#include <ouro/detail/values.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

using weak_word = std::uintptr_t;

inline constexpr weak_word weak_kind_mask = 3;
inline constexpr weak_word weak_plain = 0;
inline constexpr weak_word weak_shared = 1;
inline constexpr weak_word weak_inside = 2;
inline constexpr weak_word weak_watched = 3;

/// An object with so many weak handles has further ones share a view, which is counted once.
inline constexpr std::uint8_t many_weak_handles = 64;
/// A weak count that never changes again: its block is never reused. Only a shortage of memory leads here.
inline constexpr std::uint8_t sticky_weak_count = 129;

inline constexpr std::uint32_t one_weak_handle = std::uint32_t{1} << weak_shift;
/// In a header's second word: there may be weak handles, or entries of weak containers.
inline constexpr std::uint32_t weakly_referenced =
    (std::uint32_t{0xff} << weak_shift) | (std::uint32_t{flag_side} << flags_shift);

inline weak_word weak_kind(weak_word w) noexcept { return w & weak_kind_mask; }
inline object_header* header_of_plain(weak_word w) noexcept { return reinterpret_cast<object_header*>(w) - 1; }
inline void* weak_pointer(weak_word w) noexcept { return reinterpret_cast<void*>(w & ~weak_kind_mask); }
inline weak_view* view_of(weak_word w) noexcept { return static_cast<weak_view*>(weak_pointer(w)); }
inline weak_watch* watch_of(weak_word w) noexcept { return static_cast<weak_watch*>(weak_pointer(w)); }
inline weak_word word_of(weak_view const* v) noexcept { return reinterpret_cast<weak_word>(v) | weak_shared; }
inline weak_word word_of(weak_watch const* w) noexcept { return reinterpret_cast<weak_word>(w) | weak_watched; }

/// From its constructor to its finalizer an object can be locked.
OURO_DETAIL_INLINE bool is_lockable(object_header const& h) noexcept {
  static_assert(static_cast<int>(object_state::constructing) == 1 && static_cast<int>(object_state::live) == 2);
  return static_cast<unsigned>(h.flags & state_mask) - 1 <= 1;
}

/// The header of the pooled object, dead or alive, that the address lies in.
inline object_header* pooled_header(void const* inside) noexcept {
  page* const p = page_of(static_cast<object_header const*>(inside));
  return p->block(block_index(*p, inside));
}
// --- blocks that weak handles keep ----------------------------------------------------------------------------------

/// Gives back the block of a destroyed object, now or when the last weak handle goes.
inline void release_block(object_header* h) noexcept {
  if (h->weak == 0) return free_block(h);
  page& p = *page_of(h);
  set_state(*h, object_state::dead);
  h->slot = slot_slow;
  h->word = slow_none;
  ++p.heap->dead[p.tracked];
  poison_body(p, h);
}

/// The header counts one weak handle less, and the next one is none or cannot be counted.
OURO_DETAIL_NOINLINE inline void drop_last_weak(object_header* h) noexcept {
  if (h->weak == sticky_weak_count) return;
  h->weak = 0;
  if (state_of(*h) != object_state::dead) return;
  page& p = *page_of(h);
  --p.heap->dead[p.tracked];
  free_block(h);
}

OURO_DETAIL_INLINE void drop_weak_count(object_header* h) noexcept {
  constexpr std::uint32_t none_or_sticky = std::uint32_t{0x7f} << weak_shift;
  static_assert(((sticky_weak_count - 1) & 0x7f) == 0);
  std::uint32_t const left = load_second_word(h) - one_weak_handle;
  if ((left & none_or_sticky) == 0) [[unlikely]]
    return drop_last_weak(h);
  store_second_word(h, left);
}

/// False for objects whose weak handles share views.
OURO_DETAIL_INLINE bool add_weak_count(object_header* h) noexcept {
  static_assert(many_weak_handles == 0x40);
  constexpr std::uint32_t shares = (std::uint32_t{flag_large} << flags_shift) | (std::uint32_t{0xc0} << weak_shift);
  std::uint32_t const word = load_second_word(h);
  if ((word & shares) != 0) [[unlikely]]
    return false;
  store_second_word(h, word + one_weak_handle);
  return true;
}

// --- views ----------------------------------------------------------------------------------------------------------

/// A view of the object by which `pointer` is reached; null when there is no memory. The caller counts its handle.
inline weak_view* view_through(object_header* h, void* pointer) noexcept {
  side_record* const side = make_side(h);
  if (side == nullptr) return nullptr;
  for (weak_view* v = side->views; v != nullptr; v = v->next) {
    if (v->pointer == pointer) return v;
  }
  bool const can_count = is_large(*h) || h->weak < sticky_weak_count - 1;
  auto* const view = can_count ? new (std::nothrow) weak_view : nullptr;
  if (view == nullptr) {
    drop_side_if_empty(*side);
    return nullptr;
  }
  view->header = h;
  view->pointer = pointer;
  view->identity = side->identity;
  view->side = side;
  link_front(side->views, view);
  if (!is_large(*h)) ++h->weak;
  return view;
}

inline void leave_side(weak_view& view) noexcept {
  unlink(&view);
  drop_side_if_empty(*replace(view.side, nullptr));
}

inline void drop_view(weak_view* view) noexcept {
  if (--view->handles != 0) return;
  object_header* const h = view->header;
  if (view->side != nullptr) leave_side(*view);
  delete view;
  if (h != nullptr && !is_large(*h)) drop_weak_count(h);
}

// --- words ----------------------------------------------------------------------------------------------------------

/// The object of a handle without a callback: null if it was large and has died.
inline object_header* weak_header(weak_word w) noexcept {
  switch (weak_kind(w)) {
    case weak_plain:
      return header_of_plain(w);
    case weak_inside:
      return pooled_header(weak_pointer(w));
    case weak_shared:
      return view_of(w)->header;
    default:
      return weak_header(watch_of(w)->plain);
  }
}

/// What weak handles compare, order and hash by: one number for each object, and 0 for empty handles.
inline std::uintptr_t weak_identity(weak_word w) noexcept {
  if (w == 0) return 0;
  if (weak_kind(w) == weak_watched) w = watch_of(w)->plain;
  return weak_kind(w) == weak_shared ? view_of(w)->identity : reinterpret_cast<std::uintptr_t>(weak_header(w));
}

/// The address that a handle has led to, be its object dead or alive.
inline void* pointer_of(weak_word w) noexcept {
  if (weak_kind(w) == weak_watched) w = watch_of(w)->plain;
  return weak_kind(w) == weak_shared ? view_of(w)->pointer : weak_pointer(w);
}

/// Where `lock` leads: the object, which can be locked, and the pointer of the handle; a null header if it is dead.
struct weak_target {
  object_header* header;
  void* pointer;
};
inline weak_target target_of(weak_word w) noexcept {
  if (weak_kind(w) == weak_watched) {
    if (watch_of(w)->side == nullptr) return {nullptr, nullptr};
    w = watch_of(w)->plain;
  }
  object_header* const h = w != 0 ? weak_header(w) : nullptr;
  if (h == nullptr || !is_lockable(*h)) return {nullptr, nullptr};
  return {h, pointer_of(w)};
}

inline weak_word plain_word(object_header* h, void* pointer) noexcept {
  return reinterpret_cast<weak_word>(pointer) | (pointer == object_of(h) ? weak_plain : weak_inside);
}

/// 0 when there is no memory.
OURO_DETAIL_NOINLINE inline weak_word make_shared_weak(object_header* h, void* pointer) noexcept {
  weak_view* const view = view_through(h, pointer);
  if (view == nullptr) return 0;
  ++view->handles;
  return word_of(view);
}

/// A weak handle to an object that lives. Throws std::bad_alloc, but not for a pooled object with few weak handles.
OURO_DETAIL_INLINE weak_word make_weak(object_header* h, void* pointer) {
  if (add_weak_count(h)) [[likely]]
    return plain_word(h, pointer);
  weak_word const w = make_shared_weak(h, pointer);
  if (w == 0) throw_bad_alloc();
  return w;
}

OURO_DETAIL_INLINE weak_word copy_weak(weak_word w) noexcept;

OURO_DETAIL_NOINLINE inline weak_word copy_weak_slow(weak_word w) noexcept {
  if (weak_kind(w) == weak_watched) {
    if (watch_of(w)->side == nullptr) {  // dead: so is the copy, even if the object is resurrected
      ++watch_of(w)->handles;
      return w;
    }
    return copy_weak(watch_of(w)->plain);
  }
  if (weak_kind(w) == weak_shared) {
    ++view_of(w)->handles;
    return w;
  }
  object_header* const h = weak_header(w);
  if (add_weak_count(h) || h->weak == sticky_weak_count) return w;
  if (weak_word const shared = make_shared_weak(h, weak_pointer(w)); shared != 0) return shared;
  h->weak = sticky_weak_count;
  return w;
}

/// The word of a copy, which has no callback.
OURO_DETAIL_INLINE weak_word copy_weak(weak_word w) noexcept {
  if (w == 0) return 0;
  if (weak_kind(w) == weak_plain && add_weak_count(header_of_plain(w))) [[likely]]
    return w;
  return copy_weak_slow(w);
}

inline void drop_watch(weak_watch* watch) noexcept;

OURO_DETAIL_NOINLINE inline void drop_weak_slow(weak_word w) noexcept {
  switch (weak_kind(w)) {
    case weak_shared:
      return drop_view(view_of(w));
    case weak_watched:
      return drop_watch(watch_of(w));
    default:
      return drop_weak_count(weak_header(w));
  }
}

OURO_DETAIL_INLINE void drop_weak(weak_word w) noexcept {
  if (w == 0) return;
  if (weak_kind(w) != weak_plain) [[unlikely]]
    return drop_weak_slow(w);
  drop_weak_count(header_of_plain(w));
}

/// The handle leads to another base of its object, or to the whole of it. Throws std::bad_alloc as `make_weak`.
inline weak_word copy_weak_to(weak_word w, void* pointer) {
  if (weak_kind(w) == weak_watched) {
    weak_word const plain = copy_weak_to(watch_of(w)->plain, pointer);
    if (watch_of(w)->side != nullptr) return plain;
    auto* const dead = new (std::nothrow) weak_watch;  // so is the copy, even if the object is resurrected
    if (dead == nullptr) {
      drop_weak(plain);
      throw_bad_alloc();
    }
    dead->plain = plain;
    return word_of(dead);
  }
  object_header* const h = weak_header(w);
  if (h != nullptr && !is_large(*h)) {
    weak_word const copy = copy_weak(w);
    if (weak_kind(copy) != weak_shared) return plain_word(h, pointer);
    drop_weak(copy);
  }
  weak_view* view = view_of(w);
  if (h != nullptr) {
    view = view_through(h, pointer);
  } else if (view->pointer != pointer) {  // nobody will follow it any more; it only has to compare equal
    std::uintptr_t const identity = view->identity;
    view = new (std::nothrow) weak_view;
    if (view != nullptr) {
      view->pointer = pointer;
      view->identity = identity;
    }
  }
  if (view == nullptr) throw_bad_alloc();
  ++view->handles;
  return word_of(view);
}

// --- callbacks ------------------------------------------------------------------------------------------------------

/// Takes over the callback. Throws std::bad_alloc.
inline weak_word make_watch(object_header* h, void* pointer, weak_callback* callback) {
  struct cleanup {
    weak_callback* callback;
    weak_watch* watch = nullptr;
    weak_word plain = 0;
    ~cleanup() {
      delete callback;
      delete watch;
      drop_weak(plain);
    }
  } undo{callback};
  undo.watch = new (std::nothrow) weak_watch;
  if (undo.watch == nullptr) throw_bad_alloc();
  undo.plain = make_weak(h, pointer);
  side_record* const side = make_side(h);
  if (side == nullptr) throw_bad_alloc();
  weak_watch* const watch = replace(undo.watch, nullptr);
  watch->callback = replace(undo.callback, nullptr);
  watch->plain = replace(undo.plain, weak_word{0});
  watch->side = side;
  watch->serial = ++heap_of(h).watches_made;
  ++heap_of(h).watches;
  link_front(side->watches, watch);
  return word_of(watch);
}

inline void drop_watch(weak_watch* watch) noexcept {
  if (--watch->handles != 0) return;
  if (watch->link != nullptr) unlink(watch);
  if (watch->side != nullptr) {
    --heap_of(watch->side->header).watches;
    drop_side_if_empty(*watch->side);
  }
  weak_callback* const callback = watch->callback;
  weak_word const plain = watch->plain;
  delete watch;
  drop_weak(plain);
  delete callback;
}

/// A callback is part of what holds its handle.
inline void trace_weak(weak_word w, tracer& t) noexcept {
  if (weak_kind(w) != weak_watched) return;
  weak_watch* const watch = watch_of(w);
  if (watch->callback == nullptr || watch->handles != 1) return;  // of copies none owns the callback
  bool const is_pending = watch->side == nullptr && watch->link != nullptr;
  if (is_pending && tracer_access::pass(t) == trace_pass::find_watches) unlink(watch);
  watch->callback->trace(t);
}
}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
