// The memory managers that are compared, each as a policy class, so that one template is the same program for all.
//
// A policy says what an owning handle is (`handle`), what an edge against the direction of ownership is (`back`: a
// handle where cycles are collected, else whatever a careful user writes there), and how an object is made:
//
//   policy            handle               back edge      frees
//   ouro              gc_ptr               gc_ptr         counting, and a cycle collector
//   shared_ptr(_mt)   shared_ptr           weak_ptr       counting; _mt: after a second thread has existed
//   unique_ptr        unique_ptr           raw pointer    scope
//   intrusive_ptr     boost::intrusive_ptr raw pointer    counting, never atomic
//   boehm             raw pointer          raw pointer    conservative collector, no finalizers
//   arena             raw pointer          raw pointer    never: the physical limit
//   counted_arena     a pointer that counts               never, but destroys: the limit of counting (W3 alone)
#ifndef OURO_BENCH_POLICIES_HPP
#define OURO_BENCH_POLICIES_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <ouro/ouro.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif
#ifdef OURO_BENCH_BOEHM
#include <gc/gc.h>
#include <gc/gc_allocator.h>
#endif
#ifdef OURO_BENCH_BOOST
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#endif

namespace ouro_bench {

/// What a memory manager says of itself; two of these enclose a workload.
struct figures {
  std::array<std::size_t, 3> collections{};
  std::size_t visited = 0;
  std::size_t freed = 0;
  double collector_seconds = 0;
  double longest_pause_seconds = 0;
  double longest_young_pause_seconds = 0;
  std::size_t left = 0;  // objects (ouro) or bytes (malloc) in use
};

template <class P, class T>
using handle = typename P::template handle<T>;
template <class P, class T>
using back = typename P::template back<T>;
template <class P, class T>
using vector = typename P::template vector<T>;

/// Bytes in use by malloc, 0 where it does not say.
inline std::size_t malloc_bytes() noexcept {
#ifdef __GLIBC__
  auto const info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

/// What most peers have in common.
struct plain_policy {
  static constexpr bool shares = true;            // a handle can be copied
  static constexpr bool collects_cycles = false;  // garbage cycles are found
  static constexpr bool frees_deep = false;       // a list of any length may be dropped at once
  static constexpr bool frees_all = false;        // `left` is exact, and must be zero after a workload

  template <class T>
  using vector = std::vector<T>;
  using string = std::string;

  /// Bytes that hold no handles, a part of the object that has them.
  template <std::size_t N>
  struct payload {
    payload() noexcept {}  // left as it is: filling it would be all that is measured
    char* data() noexcept { return bytes; }
    char bytes[N];
  };

  static void prepare() {}
  static void collect() {}
  static void pause() {}
  static void resume() {}
  static figures observe() {
    figures result;
    result.left = malloc_bytes();
    return result;
  }
};

struct ouro_policy : plain_policy {
  static constexpr char const* name = "ouro";
  static constexpr bool collects_cycles = true;
  static constexpr bool frees_deep = true;
  static constexpr bool frees_all = true;

  template <class T>
  using handle = ouro::gc_ptr<T>;
  template <class T>
  using back = ouro::gc_ptr<T>;
  template <class T>
  using weak = ouro::weak_gc_ptr<T>;

  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    return ouro::make_gc<T>(std::forward<A>(arguments)...);
  }
  template <class T>
  static back<T> const& as_back(handle<T> const& target) noexcept {
    return target;
  }
  template <class T>
  static T* raw(back<T> const& edge) noexcept {
    return edge.get();
  }

  static void prepare() { ouro::gc::collect(); }
  static void collect() { ouro::gc::collect(); }
  static void pause() { ouro::gc::disable(); }
  static void resume() { ouro::gc::enable(); }
  static figures observe() {
    figures result;
    auto const stats = ouro::gc::get_stats();
    for (std::size_t i = 0; i < stats.size(); ++i) {
      result.collections[i] = stats[i].collections;
      result.visited += stats[i].visited;
      result.freed += stats[i].collected;
      result.collector_seconds += stats[i].seconds;
      result.longest_pause_seconds = std::max(result.longest_pause_seconds, stats[i].longest_pause);
    }
    result.longest_young_pause_seconds = stats[0].longest_pause;
    result.left = ouro::heap::current().stats().objects;
    return result;
  }
};

struct shared_policy : plain_policy {
  static constexpr char const* name = "shared_ptr";

  template <class T>
  using handle = std::shared_ptr<T>;
  template <class T>
  using back = std::weak_ptr<T>;
  template <class T>
  using weak = std::weak_ptr<T>;

  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    return std::make_shared<T>(std::forward<A>(arguments)...);
  }
  template <class T>
  static handle<T> const& as_back(handle<T> const& target) noexcept {
    return target;
  }
  template <class T>
  static T* raw(std::weak_ptr<T> const& edge) noexcept {
    return edge.lock().get();
  }
};

/// libstdc++ counts with plain instructions until the process starts a second thread, and atomically ever after.
struct shared_mt_policy : shared_policy {
  static constexpr char const* name = "shared_ptr_mt";
  static void prepare() {
    std::thread([] {}).join();
  }
};

struct unique_policy : plain_policy {
  static constexpr char const* name = "unique_ptr";
  static constexpr bool shares = false;

  template <class T>
  using handle = std::unique_ptr<T>;
  template <class T>
  using back = T*;

  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    return std::make_unique<T>(std::forward<A>(arguments)...);
  }
  template <class T>
  static T* as_back(handle<T> const& target) noexcept {
    return target.get();
  }
  template <class T>
  static T* raw(T* edge) noexcept {
    return edge;
  }
};

#ifdef OURO_BENCH_BOOST
struct intrusive_policy : plain_policy {
  static constexpr char const* name = "intrusive_ptr";

  /// The count in front of a T, as a base class of T would put it there.
  template <class T>
  struct counted : boost::intrusive_ref_counter<counted<T>, boost::thread_unsafe_counter>, T {
    template <class... A>
    explicit counted(A&&... arguments) : T(std::forward<A>(arguments)...) {}
  };

  template <class T>
  using handle = boost::intrusive_ptr<counted<T>>;
  template <class T>
  using back = counted<T>*;

  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    return handle<T>(new counted<T>(std::forward<A>(arguments)...));
  }
  template <class U>
  static U* as_back(boost::intrusive_ptr<U> const& target) noexcept {
    return target.get();
  }
  template <class T>
  static T* raw(counted<T>* edge) noexcept {
    return edge;
  }
};
#endif

#ifdef OURO_BENCH_BOEHM
struct boehm_policy : plain_policy {
  static constexpr char const* name = "boehm";
  static constexpr bool collects_cycles = true;
  static constexpr bool frees_deep = true;

  template <class T>
  using handle = T*;
  template <class T>
  using back = T*;
  template <class T>
  using vector = std::vector<T, gc_allocator<T>>;
  using string = std::basic_string<char, std::char_traits<char>, gc_allocator<char>>;

  /// As a user of that collector writes it: a block of its own that is not searched for pointers.
  template <std::size_t N>
  struct payload {
    payload() : bytes(static_cast<char*>(GC_MALLOC_ATOMIC(N))) {}
    char* data() noexcept { return bytes; }
    char* bytes;
  };

  template <class T, class... A>
  static T* make(A&&... arguments) {
    return ::new (GC_MALLOC(sizeof(T))) T(std::forward<A>(arguments)...);
  }
  template <class T>
  static T* as_back(T* target) noexcept {
    return target;
  }
  template <class T>
  static T* raw(T* edge) noexcept {
    return edge;
  }

  static void prepare() {
    GC_INIT();
    GC_set_on_collection_event(&on_event);
    GC_gcollect();
    pause_seconds() = 0;
  }
  static void collect() { GC_gcollect(); }
  static void pause() { GC_disable(); }
  static void resume() { GC_enable(); }
  static figures observe() {
    figures result;
    result.collections[2] = GC_get_gc_no();
    result.collector_seconds = total_seconds();
    result.longest_pause_seconds = pause_seconds();
    return result;
  }

 private:
  static double& pause_seconds() {
    static double longest = 0;
    return longest;
  }
  static double& total_seconds() {
    static double total = 0;
    return total;
  }
  static void GC_CALLBACK on_event(GC_EventType event) {
    using clock = std::chrono::steady_clock;
    static clock::time_point start;
    if (event == GC_EVENT_START) start = clock::now();
    if (event == GC_EVENT_END) {
      double const seconds = std::chrono::duration<double>(clock::now() - start).count();
      pause_seconds() = std::max(pause_seconds(), seconds);
      total_seconds() += seconds;
    }
  }
};
#endif

struct arena_policy : plain_policy {
  static constexpr char const* name = "arena";
  static constexpr bool frees_deep = true;

  template <class T>
  using handle = T*;
  template <class T>
  using back = T*;

  template <class T, class... A>
  static T* make(A&&... arguments) {
    return ::new (take(sizeof(T))) T(std::forward<A>(arguments)...);
  }
  template <class T>
  static T* as_back(T* target) noexcept {
    return target;
  }
  template <class T>
  static T* raw(T* edge) noexcept {
    return edge;
  }

  static void prepare() {
    for (char* const chunk : chunks()) std::free(chunk);
    chunks().clear();
    rewind();
  }

  /// Forgets all objects and keeps their memory.
  static void rewind() {
    current = 0;
    position = limit = nullptr;
  }

 protected:
  static constexpr std::size_t chunk_size = std::size_t{1} << 26;
  static inline char* position = nullptr;
  static inline char* limit = nullptr;

  static inline std::size_t current = 0;

  static std::vector<char*>& chunks() {
    static std::vector<char*> all;
    return all;
  }
  static void next_chunk() {
    if (current == chunks().size()) {
      auto* const fresh = static_cast<char*>(std::malloc(chunk_size));
      if (fresh == nullptr) throw std::bad_alloc();
      chunks().push_back(fresh);
    }
    position = chunks()[current++];
    limit = position + chunk_size;
  }
  static void* take(std::size_t size) {
    size = (size + 7) & ~std::size_t{7};
    if (static_cast<std::size_t>(limit - position) < size) next_chunk();
    return std::exchange(position, position + size);
  }
};

/// The same with the least that a count takes: what any counting handle costs, before memory is found and freed.
struct counted_arena_policy : arena_policy {
  static constexpr char const* name = "counted_arena";
  static constexpr bool frees_deep = false;

  template <class T>
  class handle {
   public:
    handle() = default;
    handle(handle&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    handle& operator=(handle&& other) noexcept {
      std::swap(block_, other.block_);
      return *this;
    }
    ~handle() {
      if (block_ != nullptr && --block_->count == 0) destroy(block_);
    }

    T& operator*() const noexcept { return block_->object; }
    T* operator->() const noexcept { return &block_->object; }
    explicit operator bool() const noexcept { return block_ != nullptr; }

   private:
    friend struct counted_arena_policy;
    struct block {
      std::size_t count;
      T object;
    };
    static void destroy(block* b) noexcept { b->~block(); }

    block* block_ = nullptr;
  };

  template <class T, class... A>
  static handle<T> make(A&&... arguments) {
    using block = typename handle<T>::block;
    handle<T> result;
    result.block_ = ::new (take(sizeof(block))) block{1, T{std::forward<A>(arguments)...}};
    return result;
  }
};

}  // namespace ouro_bench

#endif
