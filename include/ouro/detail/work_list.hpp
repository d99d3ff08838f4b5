// The collector's lists: they grow chunk by chunk, never move what they hold, and never throw.
#ifndef OURO_DETAIL_WORK_LIST_HPP
#define OURO_DETAIL_WORK_LIST_HPP

#include <ouro/fwd.hpp>

#include <cstddef>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// A list that is appended to, read in order, and cut at its end.
template <class T, std::size_t ChunkLength = 2048>
class chunk_list {
  struct chunk_node {
    chunk_node* next = nullptr;
    chunk_node* previous = nullptr;
    T items[ChunkLength];
  };

 public:
  chunk_list() = default;
  chunk_list(chunk_list const&) = delete;
  chunk_list& operator=(chunk_list const&) = delete;
  ~chunk_list() {
    for (chunk_node* c = first_; c != nullptr;) {
      chunk_node* next = c->next;
      delete c;
      c = next;
    }
  }

  /// False when there is no memory; the list is unchanged then.
  bool push(T const& item) noexcept {
    if (used_ == ChunkLength || last_ == nullptr) {
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
      used_ = ChunkLength;
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
      if (++index_ == ChunkLength && chunk_->next != nullptr) {
        chunk_ = chunk_->next;
        index_ = 0;
      }
    }
    /// Call before reading when the list may have been empty, or full, when the cursor got here.
    void refresh() noexcept {
      if (chunk_ == nullptr) chunk_ = list_->first_;
      if (index_ == ChunkLength && chunk_->next != nullptr) {
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
      std::size_t const n = left < ChunkLength ? left : ChunkLength;
      for (std::size_t i = 0; i != n; ++i) f(c->items[i]);
      left -= n;
    }
  }

 private:
  bool extend() noexcept {
    chunk_node* next = last_ != nullptr ? last_->next : first_;
    if (next == nullptr) {
      next = new (std::nothrow) chunk_node;
      if (next == nullptr) return false;
      next->previous = last_;
      (last_ != nullptr ? last_->next : first_) = next;
    }
    last_ = next;
    used_ = 0;
    return true;
  }

  chunk_node* first_ = nullptr;
  chunk_node* last_ = nullptr;
  std::size_t used_ = 0;  // items of the last chunk
  std::size_t size_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
