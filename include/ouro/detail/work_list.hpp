// The collector's lists: they grow chunk by chunk, never move what they hold, and never throw.
#ifndef OURO_DETAIL_WORK_LIST_HPP
#define OURO_DETAIL_WORK_LIST_HPP

#include <ouro/detail/os_memory.hpp>
#include <ouro/detail/values.hpp>

#include <cstddef>
#include <new>
#include <type_traits>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

inline constexpr std::size_t work_chunk_bytes = 32 * 1024;
/// Lists of so many chunks go on in large ones from the system, for which it may have huge pages.
inline constexpr std::size_t most_small_work_chunks = 128;

/// Keeps some small chunks from one collection to the next.
class chunk_pool {
 public:
  chunk_pool() = default;
  chunk_pool(chunk_pool const&) = delete;
  chunk_pool& operator=(chunk_pool const&) = delete;
  ~chunk_pool() {
    while (first_ != nullptr) ::operator delete(take_kept());
  }

  /// Null when there is no memory.
  void* take() noexcept { return first_ != nullptr ? take_kept() : ::operator new(work_chunk_bytes, std::nothrow); }

  void give(void* chunk) noexcept {
    if (kept_ == most_kept) return ::operator delete(chunk);
    first_ = ::new (chunk) link{first_};
    ++kept_;
  }

 private:
  static constexpr std::size_t most_kept = 32;  // 1 MiB: what collections of some 60,000 objects need
  struct link {
    link* next;
  };

  void* take_kept() noexcept {
    --kept_;
    return replace(first_, first_->next);
  }

  link* first_ = nullptr;
  std::size_t kept_ = 0;
};

/// A list that is appended to, read in order, and cut at its end. It holds `most` items at most.
template <class T>
class chunk_list {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(void*));
  struct chunk_node {
    chunk_node* next;
    chunk_node* previous;
    std::size_t length;  // in items
    std::size_t before;  // items of the chunks before

    T* items() noexcept { return reinterpret_cast<T*>(this + 1); }
    T* end() noexcept { return items() + length; }
  };
  static constexpr std::size_t length_of(std::size_t bytes) noexcept {
    return (bytes - sizeof(chunk_node)) / sizeof(T);
  }

 public:
  explicit chunk_list(chunk_pool& pool, std::size_t most = static_cast<std::size_t>(-1)) noexcept
      : pool_(pool), most_(most) {}
  chunk_list(chunk_list const&) = delete;
  chunk_list& operator=(chunk_list const&) = delete;
  ~chunk_list() {
    for (chunk_node* c = first_; c != nullptr;) {
      chunk_node* next = c->next;
      if (c->length == length_of(work_chunk_bytes)) {
        pool_.give(c);
      } else {
        os_release_chunk(c);
      }
      c = next;
    }
  }

  /// False when there is no memory, or the list is full; it is unchanged then.
  bool push(T const& item) noexcept {
    if (end_ == limit_ && !extend()) [[unlikely]]
      return false;
    *end_++ = item;
    return true;
  }

  /// Precondition: not empty.
  T pop() noexcept {
    if (end_ == last_->items()) select(last_->previous, last_->previous->length);
    return *--end_;
  }

  /// Precondition: not empty, and the last change was a `push`.
  T& last() noexcept { return end_[-1]; }

  std::size_t size() const noexcept {
    return last_ != nullptr ? last_->before + static_cast<std::size_t>(end_ - last_->items()) : 0;
  }
  bool empty() const noexcept { return end_ == begin_; }

  /// The items of one chunk.
  struct span {
    T* first = nullptr;
    T* last = nullptr;
    T* begin() const noexcept { return first; }
    T* end() const noexcept { return last; }
    bool empty() const noexcept { return first == last; }
  };

  /// A position that stays valid while the list grows.
  class cursor {
    friend class chunk_list;
    chunk_node* chunk = nullptr;
    T* item = nullptr;
  };

  /// The items of one chunk that lie behind the cursor, which moves behind them; none when it is at the end.
  span next_span(cursor& at) noexcept {
    step(at);
    if (at.chunk == nullptr) return {};
    span const items{at.item, at.chunk == last_ ? end_ : at.chunk->end()};
    at.item = items.last;
    return items;
  }

  /// The place of the next item of a list that is being written anew from its beginning; see `cut`.
  T& overwrite(cursor& at) noexcept {
    step(at);
    return *at.item++;
  }

  /// Drops everything from the cursor on.
  void cut(cursor const& at) noexcept {
    if (at.chunk == nullptr) {
      if (first_ != nullptr) select(first_, 0);
      return;
    }
    select(at.chunk, static_cast<std::size_t>(at.item - at.chunk->items()));
  }

  template <class F>
  void for_each(F f) {
    cursor at;
    for (span items = next_span(at); !items.empty(); items = next_span(at)) {
      for (T& item : items) f(item);
    }
  }

 private:
  void step(cursor& at) noexcept {
    if (at.chunk == nullptr) {
      at.chunk = first_;
      at.item = begin_;
    } else if (at.chunk != last_ && at.item == at.chunk->end()) {
      at.chunk = at.chunk->next;
      at.item = at.chunk->items();
    }
  }

  void select(chunk_node* chunk, std::size_t used) noexcept {
    last_ = chunk;
    end_ = chunk->items() + used;
    limit_ = chunk->items() + smaller(most_ - chunk->before, chunk->length);
  }

  OURO_DETAIL_NOINLINE bool extend() noexcept {
    std::size_t const before = size();
    if (before == most_) return false;
    chunk_node* next = last_ != nullptr ? last_->next : first_;
    if (next == nullptr) {
      bool const large = before >= most_small_work_chunks * length_of(work_chunk_bytes);
      void* memory = large ? os_reserve_chunk() : pool_.take();
      if (memory == nullptr) return false;
      if (large) os_prefer_huge_pages(memory);
      next = ::new (memory) chunk_node{nullptr, last_, length_of(large ? chunk_bytes : work_chunk_bytes), before};
      (last_ != nullptr ? last_->next : first_) = next;
    }
    if (last_ == nullptr) begin_ = next->items();
    select(next, 0);
    return true;
  }

  chunk_pool& pool_;
  std::size_t const most_;
  T* end_ = nullptr;    // behind the last item
  T* limit_ = nullptr;  // where the chunk, or the list, is full
  T* begin_ = nullptr;
  chunk_node* first_ = nullptr;
  chunk_node* last_ = nullptr;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
