// The collector's lists: they grow chunk by chunk, never move what they hold, and never throw.
#ifndef OURO_DETAIL_WORK_LIST_HPP
#define OURO_DETAIL_WORK_LIST_HPP

#include <ouro/fwd.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

inline constexpr std::size_t work_chunk_bytes = 32 * 1024;

/// Keeps some chunks from one collection to the next.
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
  static constexpr std::size_t most_kept = 32;  // 1 MiB: what young collections need
  struct link {
    link* next;
  };

  void* take_kept() noexcept {
    --kept_;
    return std::exchange(first_, first_->next);
  }

  link* first_ = nullptr;
  std::size_t kept_ = 0;
};

/// A list that is appended to, read in order, and cut at its end.
template <class T>
class chunk_list {
  static_assert(std::is_trivially_copyable_v<T>);
  static constexpr std::size_t chunk_length = (work_chunk_bytes - 2 * sizeof(void*)) / sizeof(T);
  struct chunk_node {
    chunk_node* next = nullptr;
    chunk_node* previous = nullptr;
    T items[chunk_length];
  };
  static_assert(sizeof(chunk_node) <= work_chunk_bytes);

 public:
  explicit chunk_list(chunk_pool& pool) noexcept : pool_(pool) {}
  chunk_list(chunk_list const&) = delete;
  chunk_list& operator=(chunk_list const&) = delete;
  ~chunk_list() {
    for (chunk_node* c = first_; c != nullptr;) {
      chunk_node* next = c->next;
      pool_.give(c);
      c = next;
    }
  }

  /// False when there is no memory; the list is unchanged then.
  bool push(T const& item) noexcept {
    if (used_ == chunk_length || last_ == nullptr) {
      if (!extend()) return false;
    }
    last_->items[used_++] = item;
    ++size_;
    return true;
  }

  /// Precondition: not empty.
  T pop() noexcept {
    if (used_ == 0) {
      last_ = last_->previous;
      used_ = chunk_length;
    }
    --size_;
    return last_->items[--used_];
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// A position that stays valid while the list grows.
  class cursor {
   public:
    explicit cursor(chunk_list& list) noexcept : list_(&list), chunk_(list.first_) {}
    bool at_end() const noexcept { return passed_ == list_->size_; }
    T& operator*() const noexcept { return chunk_->items[index_]; }
    void advance() noexcept {
      ++passed_;
      if (++index_ == chunk_length && chunk_->next != nullptr) {
        chunk_ = chunk_->next;
        index_ = 0;
      }
    }
    /// Call before reading when the list may have been empty, or full, when the cursor got here.
    void refresh() noexcept {
      if (chunk_ == nullptr) chunk_ = list_->first_;
      if (index_ == chunk_length && chunk_->next != nullptr) {
        chunk_ = chunk_->next;
        index_ = 0;
      }
    }

   private:
    friend class chunk_list;
    chunk_list* list_;
    chunk_node* chunk_;
    std::size_t index_ = 0;
    std::size_t passed_ = 0;
  };

  /// The items of one chunk that lie behind the cursor, which moves behind them; none when it is at the end.
  struct span {
    T* first;
    T* last;
  };
  span next_span(cursor& at) noexcept {
    at.refresh();
    if (at.chunk_ == nullptr) return {nullptr, nullptr};
    std::size_t const end = at.chunk_ == last_ ? used_ : chunk_length;
    span const items{at.chunk_->items + at.index_, at.chunk_->items + end};
    at.passed_ += end - at.index_;
    at.index_ = end;
    return items;
  }

  /// Drops everything from the cursor on.
  void cut(cursor const& end) noexcept {
    last_ = end.chunk_;
    used_ = end.index_;
    size_ = end.passed_;
  }

  template <class F>
  void for_each(F f) {
    std::size_t left = size_;
    for (chunk_node* c = first_; left != 0; c = c->next) {
      std::size_t const n = left < chunk_length ? left : chunk_length;
      for (std::size_t i = 0; i != n; ++i) f(c->items[i]);
      left -= n;
    }
  }

 private:
  bool extend() noexcept {
    chunk_node* next = last_ != nullptr ? last_->next : first_;
    if (next == nullptr) {
      void* memory = pool_.take();
      if (memory == nullptr) return false;
      next = ::new (memory) chunk_node;
      next->previous = last_;
      (last_ != nullptr ? last_->next : first_) = next;
    }
    last_ = next;
    used_ = 0;
    return true;
  }

  chunk_pool& pool_;
  chunk_node* first_ = nullptr;
  chunk_node* last_ = nullptr;
  std::size_t used_ = 0;  // items of the last chunk
  std::size_t size_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
