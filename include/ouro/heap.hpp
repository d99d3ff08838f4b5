// Heaps as values: own one, make it current, look at its figures, limit it, hand it to another thread.
#ifndef OURO_HEAP_HPP
#define OURO_HEAP_HPP

#include <ouro/detail/values.hpp>
#include <ouro/gc_ptr.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

/// What a heap holds. All sizes in bytes.
struct heap_stats {
  std::size_t objects = 0;         // alive, leaves included
  std::size_t bytes_in_use = 0;    // of their blocks, headers included
  std::size_t bytes_reserved = 0;  // taken from the system: pages, free ones that are kept, and large blocks
  std::size_t pages = 0;           // 64 KiB pages in use
  std::size_t large_objects = 0;   // objects with a block of their own
};

/// Owns objects, the collector's state and its statistics. Each thread has one by default; `heap::scope` makes another
/// one current, so that what the thread allocates goes there.
///
/// A movable handle; when it is destroyed, the heap collects its garbage and lives on unseen until the last object that
/// still has handles dies. Objects die correctly whichever heap is current. References from another heap keep objects
/// alive, so cycles across heaps are never collected. Thread rule: one thread at a time; to hand a heap over, move it
/// and make it current there.
class heap {
 public:
  /// Throws std::bad_alloc.
  heap() : core_(&detail::create_heap()) { core_->handle = this; }
  /// Moving the handle of a thread's default heap takes the heap away from the thread, which then begins a new one.
  heap(heap&& other) noexcept { take(other); }
  /// The heap held before goes the way that the destructor describes.
  heap& operator=(heap&& other) noexcept {
    if (this != &other) {
      close();
      take(other);
    }
    return *this;
  }
  /// Collects the garbage; the heap lives on unseen until its last object dies.
  ~heap() { close(); }

  /// Exchanges two heaps; objects stay where they are.
  void swap(heap& other) noexcept {
    heap before(std::move(other));
    other = std::move(*this);
    *this = std::move(before);
  }
  friend void swap(heap& a, heap& b) noexcept { a.swap(b); }

  /// The heap that allocations of this thread go to. Throws std::bad_alloc when the first one cannot be made.
  static heap& current() {
    detail::heap_core& core = detail::current_heap();
    if (core.handle == nullptr) {
      core.handle = core.home_handle = new heap(core);
      core.delete_handle = [](heap* h) { delete h; };
    }
    return *core.handle;
  }

  /// Makes a heap current on this thread while it lives. Scopes nest, and must end in reverse order.
  class scope {
   public:
    /// Precondition: not moved from. What the thread allocated before stays usable on it.
    explicit scope(heap& h)
        : core_(h.checked()),
          keep_(core_),
          before_(detail::current_heap()),
          keep_before_(before_),
          owner_(core_.owner.exchange(&detail::this_thread_state(), std::memory_order_relaxed)) {
      detail::set_current(detail::this_thread_state(), &core_);
    }
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() {
      detail::thread_state& thread = detail::this_thread_state();
      if (OURO_DETAIL_HARDENED && thread.current != &core_ && !core_.closed) {
        detail::fail("heap scopes must end in reverse order", "ouro::heap::scope", {});
      }
      core_.owner.store(owner_, std::memory_order_relaxed);
      detail::set_current(thread, before_.closed ? thread.home : &before_);
    }

   private:
    detail::heap_core& core_;
    detail::heap_user keep_;
    detail::heap_core& before_;
    detail::heap_user keep_before_;
    detail::thread_state* owner_;
  };

  /// O(pages).
  heap_stats stats() const noexcept {
    detail::block_totals const totals = detail::count_blocks(*core_);
    return {totals.objects[0] + totals.objects[1], totals.bytes,
            (core_->used_pages + core_->dirty_pages + core_->idle_pages) * detail::page_bytes + core_->large_bytes +
                core_->kept_large_bytes,
            core_->used_pages, core_->large_objects[0] + core_->large_objects[1]};
  }

  /// Bounds what pages in use and large blocks may take together. An allocation that would go beyond it runs a full
  /// collection, and throws std::bad_alloc if that does not help. Pages have 64 KiB, one at least for each type. Entries of
  /// weak containers are never refused, but count.
  void set_limit(std::size_t bytes) noexcept { core_->limit = bytes; }

  /// Gives all free pages and large blocks back to the system.
  void trim() noexcept {
    detail::flush_bins(*core_);
    detail::trim_all_pages(*core_);
    detail::trim_large(*core_, 0);
  }

  /// Checks the heap's books against its blocks; ends the program with a message when they do not agree. O(objects).
  void verify() const noexcept;

 private:
  explicit heap(detail::heap_core& core) noexcept : core_(&core), owned_(false) {}

  void take(heap& other) noexcept {
    core_ = detail::replace(other.core_, nullptr);
    if (core_ == nullptr) return;
    if (!detail::replace(other.owned_, true)) detail::detach_home_heap(*core_);
    core_->handle = this;
    owned_ = true;
  }

  void close() noexcept {
    if (core_ == nullptr) return;
    if (!owned_) {  // the heap itself deletes the handle of a default heap; assigning to it has no meaning
      core_->handle = core_->handle == this ? nullptr : core_->handle;
      return;
    }
    core_->handle = nullptr;
    detail::close_heap(*detail::replace(core_, nullptr));
  }

  detail::heap_core& checked() const noexcept {
    if (core_ == nullptr) detail::fail("a heap that was moved from has been made current", "ouro::heap::scope", {});
    return *core_;
  }

  friend struct detail::heap_access;
  detail::heap_core* core_ = nullptr;
  bool owned_ = true;
};

namespace detail {

struct heap_access {
  static heap_core& core(heap& h) noexcept { return *h.core_; }
};

inline void verify_heap(heap_core& heap) noexcept {
  auto const check = [](bool ok, char const* what) {
    if (!ok) fail(what, "heap::verify", {});
  };
  block_totals const totals = count_blocks(heap);
  std::size_t pages = 0;
  std::size_t candidates = 0;
  for (bool const tracked : {false, true}) {
    std::size_t objects = 0;
    std::size_t dead = 0;
    for (page* p = heap.pages[tracked]; p != nullptr; p = p->next) {
      ++pages;
      check(p->heap == &heap && p->tracked == tracked && p->carved <= p->capacity, "a page's header is damaged");
      std::size_t free_blocks = 0;
      for (object_header* h = p->free_list; h != nullptr; h = next_free(h)) {
        check(page_of(h) == p && state_of(*h) == object_state::free, "a page's list of free blocks is damaged");
        ++free_blocks;
      }
      check(p->mode == page_mode::current ? free_blocks == 0 : free_blocks + p->used == p->carved,
            "a page's count of used blocks is wrong");
      bool const has_space = p->free_list != nullptr || p->carved < p->capacity;
      check(p->partial == (has_space && p->mode != page_mode::current), "a page is on the wrong list");
      check((p->mode == page_mode::counted) == heap.counting, "a page is in the wrong mode");
    }
    walk_pages(heap, tracked, [&](object_header* h) {
      if (state_of(*h) == object_state::dead) {
        ++dead;
        check(h->weak != 0, "a dead block is kept that no weak handle leads to");
        return;
      }
      ++objects;
      check(&heap_of(h) == &heap, "an object lies in another heap's page");
      if (state_of(*h) == object_state::queued) return;
      check(h->slot >= slot_leaf || h->slot < heap.candidate_count, "an object's slot is out of range");
      check(is_sticky(*h) || count_of(*h) != 0 || state_of(*h) == object_state::destroying, "a count is wrong");
      if (is_candidate(*h)) {
        ++candidates;
        check(heap.candidates[h->slot].header() == h, "the candidate buffer does not know one of its candidates");
      }
    });
    check(objects == totals.objects[tracked], "the count of objects is wrong");
    check(dead == heap.dead[tracked], "the count of dead blocks is wrong");
    check(!heap.counting || objects + dead == heap.objects[tracked] + heap.large_objects[tracked],
          "the running count of objects is wrong");
  }
  check(pages + heap.entry_page_count == heap.used_pages, "the count of pages is wrong");
  std::size_t idle = 0;
  for (std::uint32_t i = 0; i != heap.bin_count; ++i) {
    for (page* p = heap.bins[i].idle; p != nullptr; p = p->next) {
      ++idle;
      std::size_t free_blocks = 0;
      for (object_header* h = p->free_list; h != nullptr; h = next_free(h)) free_blocks += page_of(h) == p;
      check(p->bin == i && p->used == 0 && !p->partial && free_blocks == p->carved, "an idle page is not empty");
    }
  }
  check(idle == heap.idle_pages, "the count of idle pages is wrong");
  check(candidates == heap.candidate_count, "the count of candidates is wrong");
}

}  // namespace detail

inline void heap::verify() const noexcept { detail::verify_heap(*core_); }

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
