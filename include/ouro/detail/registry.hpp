// Which addresses belong to ouro: asked by gc_from_this and by nothing that is hot.
#ifndef OURO_DETAIL_REGISTRY_HPP
#define OURO_DETAIL_REGISTRY_HPP

#include <ouro/detail/os_memory.hpp>
#include <ouro/detail/page.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Not a std::mutex: that one may have a destructor, and what this guards outlives them all.
class flag_lock {
 public:
  explicit flag_lock(std::atomic_flag& flag) noexcept : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true, std::memory_order_relaxed);
  }
  flag_lock(flag_lock const&) = delete;
  flag_lock& operator=(flag_lock const&) = delete;
  ~flag_lock() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag& flag_;
};

/// Large blocks sorted by address, as a treap: a search tree by address in which no block ranks above its parent. The
/// ranks are scrambled addresses, so the depth is logarithmic whatever order blocks come and go in, and the links lie in
/// the blocks themselves, so nothing can fail. (A std::map took 6 % of the time to compile it all.)
class large_tree {
 public:
  void add(large_prefix* l) noexcept {
    std::uint64_t const rank = rank_of(l);
    large_prefix** place = &root_;
    while (*place != nullptr && rank_of(*place) > rank)
      place = before(*place, l) ? &(*place)->higher : &(*place)->lower;
    large_prefix* rest = *place;  // is split: what lies below `l`, and what lies above
    *place = l;
    large_prefix** lower = &l->lower;
    large_prefix** higher = &l->higher;
    while (rest != nullptr) {
      if (before(rest, l)) {
        *lower = rest;
        lower = &rest->higher;
        rest = *lower;
      } else {
        *higher = rest;
        higher = &rest->lower;
        rest = *higher;
      }
    }
    *lower = *higher = nullptr;
  }

  void remove(large_prefix* l) noexcept {
    large_prefix** place = &root_;
    while (*place != l) place = before(*place, l) ? &(*place)->higher : &(*place)->lower;
    large_prefix* lower = l->lower;
    large_prefix* higher = l->higher;
    while (lower != nullptr && higher != nullptr) {
      if (rank_of(lower) > rank_of(higher)) {
        *place = lower;
        place = &lower->higher;
        lower = *place;
      } else {
        *place = higher;
        place = &higher->lower;
        higher = *place;
      }
    }
    *place = lower != nullptr ? lower : higher;
  }

  /// The block that begins at or before `address`, or null.
  large_prefix* find(void const* address) const noexcept {
    large_prefix* found = nullptr;
    for (large_prefix* l = root_; l != nullptr;) {
      bool const above = before(address, l);
      if (!above) found = l;
      l = above ? l->lower : l->higher;
    }
    return found;
  }

 private:
  static bool before(void const* a, void const* b) noexcept {
    return reinterpret_cast<std::uintptr_t>(a) < reinterpret_cast<std::uintptr_t>(b);
  }
  /// A bijection, so no two ranks are equal. One multiplication would not do: for blocks at some distances it counts up.
  static std::uint64_t rank_of(large_prefix const* l) noexcept {
    std::uint64_t rank = reinterpret_cast<std::uintptr_t>(l) * std::uint64_t{0x9e3779b97f4a7c15};
    rank = (rank ^ (rank >> 32)) * std::uint64_t{0xd6e8feb86659fd93};
    return rank ^ (rank >> 32);
  }

  large_prefix* root_ = nullptr;
};

/// A process-wide set of chunks (read without locks) and of large blocks (under a lock). It is never destroyed:
/// handles in statics may ask it after every other destructor has run.
class registry {
 public:
  /// False when there is no memory to remember the chunk, or its address is out of range (`work_entry` relies on that).
  bool add_chunk(void* chunk) noexcept {
    if (!in_range(chunk)) return false;
    auto const index = index_of(chunk);
    std::atomic<leaf*>& place = top_[index / leaf_bits];
    leaf* bits = place.load(std::memory_order_acquire);
    if (bits == nullptr) {
      leaf* fresh = new (std::nothrow) leaf{};
      if (fresh == nullptr) return false;
      if (place.compare_exchange_strong(bits, fresh, std::memory_order_acq_rel)) {
        bits = fresh;
      } else {
        delete fresh;
      }
    }
    word(*bits, index).fetch_or(mask(index), std::memory_order_release);
    return true;
  }

  void remove_chunk(void* chunk) noexcept {
    auto const index = index_of(chunk);
    leaf* bits = top_[index / leaf_bits].load(std::memory_order_acquire);
    word(*bits, index).fetch_and(~mask(index), std::memory_order_release);
  }

  bool in_chunk(void const* address) const noexcept {
    if (!in_range(address)) return false;
    auto const index = index_of(address);
    leaf* bits = top_[index / leaf_bits].load(std::memory_order_acquire);
    return bits != nullptr && (word(*bits, index).load(std::memory_order_acquire) & mask(index)) != 0;
  }

  /// False when the address is out of range.
  bool add_large(large_prefix* l) noexcept {
    if (!in_range(l)) return false;
    flag_lock lock(locked_);
    large_.add(l);
    return true;
  }

  void remove_large(large_prefix* l) noexcept {
    flag_lock lock(locked_);
    large_.remove(l);
  }

  /// The large block that begins at or before `address`; the caller checks its end.
  large_prefix* find_large(void const* address) noexcept {
    flag_lock lock(locked_);
    return large_.find(address);
  }

 private:
  static constexpr std::size_t leaf_bits = 32 * 1024;
  static constexpr std::size_t address_bits = sizeof(void*) == 8 ? 48 : 32;
  static constexpr std::size_t leaves =
      static_cast<std::size_t>((((std::uint64_t{1} << address_bits) / chunk_bytes) + leaf_bits - 1) / leaf_bits);
  struct leaf {
    std::atomic<std::uint64_t> words[leaf_bits / 64];
  };

  static std::size_t index_of(void const* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) / chunk_bytes;
  }
  static bool in_range(void const* address) noexcept { return index_of(address) / leaf_bits < leaves; }

  static std::atomic<std::uint64_t>& word(leaf& bits, std::size_t index) noexcept {
    return bits.words[index % leaf_bits / 64];
  }
  static std::uint64_t mask(std::size_t index) noexcept { return std::uint64_t{1} << (index % 64); }

  std::atomic<leaf*> top_[leaves]{};
  std::atomic_flag locked_;
  large_tree large_;
};

OURO_VISIBLE inline registry& the_registry() noexcept {
  static constinit registry instance;
  return instance;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
