// Which addresses belong to ouro: asked by gc_from_this and by nothing that is hot.
#ifndef OURO_DETAIL_REGISTRY_HPP
#define OURO_DETAIL_REGISTRY_HPP

#include <ouro/detail/os_memory.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <new>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

struct large_prefix;

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

  /// As add_chunk().
  bool add_large(void const* begin, large_prefix* prefix) noexcept {
    if (!in_range(begin)) return false;
    flag_lock lock(locked_);
    OURO_DETAIL_TRY { large().emplace(reinterpret_cast<std::uintptr_t>(begin), prefix); }
    OURO_DETAIL_CATCH_ALL { return false; }
    return true;
  }

  void remove_large(void const* begin) noexcept {
    flag_lock lock(locked_);
    large().erase(reinterpret_cast<std::uintptr_t>(begin));
  }

  /// The large block that begins at or before `address`; the caller checks its end.
  large_prefix* find_large(void const* address) noexcept {
    flag_lock lock(locked_);
    if (large_ == nullptr) return nullptr;
    auto it = large_->upper_bound(reinterpret_cast<std::uintptr_t>(address));
    return it == large_->begin() ? nullptr : std::prev(it)->second;
  }

 private:
  static constexpr std::size_t leaf_bits = 32 * 1024;
  static constexpr std::size_t address_bits = sizeof(void*) == 8 ? 48 : 32;
  static constexpr std::size_t leaves =
      static_cast<std::size_t>((((std::uint64_t{1} << address_bits) / chunk_bytes) + leaf_bits - 1) / leaf_bits);
  using leaf = std::array<std::atomic<std::uint64_t>, leaf_bits / 64>;
  using large_map = std::map<std::uintptr_t, large_prefix*>;

  static std::size_t index_of(void const* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) / chunk_bytes;
  }
  static bool in_range(void const* address) noexcept { return index_of(address) / leaf_bits < leaves; }

  static std::atomic<std::uint64_t>& word(leaf& bits, std::size_t index) noexcept {
    return bits[index % leaf_bits / 64];
  }
  static std::uint64_t mask(std::size_t index) noexcept { return std::uint64_t{1} << (index % 64); }

  large_map& large() {
    if (large_ == nullptr) large_ = new large_map;
    return *large_;
  }

  std::array<std::atomic<leaf*>, leaves> top_{};
  std::atomic_flag locked_;
  large_map* large_ = nullptr;
};

OURO_VISIBLE inline registry& the_registry() noexcept {
  static constinit registry instance;
  return instance;
}

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
