// Cleanup from outside: a function that runs once, when an object dies or when its heap closes.
#ifndef OURO_FINALIZE_HPP
#define OURO_FINALIZE_HPP

#include <ouro/weak_gc_ptr.hpp>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

namespace detail {

/// Owns itself until it has run or was detached.
struct finalizer_record : exit_record {
  finalizer_record() = default;
  finalizer_record(finalizer_record const&) = delete;
  finalizer_record& operator=(finalizer_record const&) = delete;
  virtual ~finalizer_record() = default;
  virtual void call() = 0;

  bool alive() const noexcept { return self != nullptr; }

  /// Nothing calls it any more; the result keeps it in place.
  std::shared_ptr<finalizer_record> retire() noexcept {
    watch.reset();
    if (link != nullptr) unlink<exit_record>(this);
    return std::move(self);
  }
  void run() {
    auto const keep = retire();
    call();
  }
  void heap_closes() noexcept override {
    heap_core& core = *heap;
    OURO_DETAIL_TRY { run(); }
    OURO_DETAIL_CATCH_ALL { report_exception(core, std::current_exception(), "finalize", {}); }
  }

  std::shared_ptr<finalizer_record> self;
  weak_gc_ptr<void const> watch;
  heap_core* heap = nullptr;
};

template <class F, class... A>
struct finalizer_of final : finalizer_record {
  explicit finalizer_of(F&& f, A&&... args) : function(std::move(f)), arguments(std::move(args)...) {}
  void call() override {
    std::apply([this](A&... args) { std::invoke(std::move(function), std::move(args)...); }, arguments);
  }
  F function;
  std::tuple<A...> arguments;
};

}  // namespace detail

/// What `finalize` returns. It may be dropped: the function stays registered. Copies speak of the same registration.
class finalizer {
 public:
  /// It holds no handles.
  using gc_leaf = finalizer;

  finalizer() noexcept = default;

  /// The function has not run, and was not detached.
  bool alive() const noexcept { return record_ != nullptr && record_->alive(); }

  /// The function will not run. False if it has, or was detached before.
  bool detach() noexcept { return alive() && record_->retire() != nullptr; }

  /// Runs the function now, if it is alive. Exceptions: what the function throws.
  void operator()() {
    if (alive()) record_->run();
  }

  /// Does it run when the heap closes and the object is still alive? True unless it was told otherwise.
  bool at_exit() const noexcept { return alive() && record_->link != nullptr; }
  /// Says whether it runs when the heap closes.
  void at_exit(bool wanted) noexcept {
    if (!alive() || wanted == at_exit()) return;
    if (wanted) {
      detail::link_front<detail::exit_record>(record_->heap->exit_records, record_.get());
    } else {
      detail::unlink<detail::exit_record>(record_.get());
    }
  }

 private:
  template <class T, class F, class... A>
  friend finalizer finalize(gc_ptr<T> const& p, F f, A... args);
  explicit finalizer(std::shared_ptr<detail::finalizer_record> record) noexcept : record_(std::move(record)) {}

  std::shared_ptr<detail::finalizer_record> record_;
};

/// Arranges that `f(args...)` is called once when the object dies, before its own finalizer if it is found by a
/// collection, or when its heap closes (a thread's when the thread ends, the main heap after all statics), newest first.
///
/// `f` and `args` are kept alive; they must not hold a handle to the object, which would never die. Exceptions:
/// `std::bad_alloc`, those of moving the arguments; nothing is registered then. What `f` throws when nobody called it goes
/// to the unraisable hook. A null handle gives a finalizer that is not alive. Thread rule: that of the object's heap.
/// CPython's counterpart is `weakref.finalize`.
template <class T, class F, class... A>
finalizer finalize(gc_ptr<T> const& p, F f, A... args) {
  static_assert(std::is_invocable_v<F, A...>,
                "ouro: finalize(p, f, args...) needs a function that can be called with copies of the arguments");
  if (!p) return {};
  auto record = std::make_shared<detail::finalizer_of<F, A...>>(std::move(f), std::move(args)...);
  detail::finalizer_record* const raw = record.get();
  raw->heap = &detail::heap_of(detail::handle_access::header(p));
  raw->watch = weak_gc_ptr<void const>(p, [raw](auto const&) { raw->run(); });
  raw->self = record;
  detail::link_front<detail::exit_record>(raw->heap->exit_records, raw);
  return finalizer(std::move(record));
}

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
