// The set S of a collection: its members, and the count that each of them had when it joined.
//
//   pages   | page, 3 members | page, 2 members | ..      counts  | 1 | 2 | 1 | 1 | 1 | ..
//   list    | entry | entry | ..                          counts  | 1 | 4 | ..
//
// A full collection takes its members page by page: one byte each. Which blocks of a page they are, their slots tell: no
// block has the slot of a member without being one. What does not lie in such pages, and all that collections of younger
// generations look at, is in the list.
#ifndef OURO_DETAIL_MEMBER_SET_HPP
#define OURO_DETAIL_MEMBER_SET_HPP

#include <ouro/detail/heap_core.hpp>
#include <ouro/detail/values.hpp>
#include <ouro/detail/work_list.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ouro {
inline namespace OURO_DETAIL_ABI {
namespace detail {

/// Entries that hold a count each; counts that do not fit are in a list of their own. It is read, and written anew, in the
/// order in which it was written.
template <class Entry>
class counted_list {
 public:
  explicit counted_list(chunk_pool& pool, std::size_t most = static_cast<std::size_t>(-1)) noexcept
      : entries_(pool, most), big_(pool) {}

  std::size_t size() const noexcept { return entries_.size(); }

  /// `count`: the entry's. False when there is no memory, or the list is full; it is unchanged then.
  OURO_DETAIL_INLINE bool push(Entry entry, std::uint32_t count) noexcept {
    if (!entries_.push(entry)) [[unlikely]]
      return false;
    if (count < Entry::big_count || big_.push(count)) [[likely]]
      return true;
    entries_.pop();
    return false;
  }

  chunk_list<Entry>& entries() noexcept { return entries_; }

  struct position {
    typename chunk_list<Entry>::cursor entry;
    chunk_list<std::uint32_t>::cursor big;
  };

  /// What was pushed, in order.
  class reader {
   public:
    explicit reader(counted_list& list) noexcept : list_(list) {}
    std::uint32_t count_of(Entry entry) noexcept {
      if (entry.count() != Entry::big_count) [[likely]]
        return entry.count();
      if (big_.empty()) big_ = list_.big_.next_span(at_);
      return *big_.first++;
    }

   private:
    counted_list& list_;
    chunk_list<std::uint32_t>::cursor at_;
    chunk_list<std::uint32_t>::span big_;
  };

  void overwrite(position& at, Entry entry, std::uint32_t count) noexcept {
    entries_.overwrite(at.entry) = entry;
    if (count >= Entry::big_count) big_.overwrite(at.big) = count;
  }
  void cut(position const& at) noexcept {
    entries_.cut(at.entry);
    big_.cut(at.big);
  }
  /// For entries that are to be written anew with other counts: those from `big_count` on have to be pushed then.
  bool push_big(std::uint32_t count) noexcept { return count < Entry::big_count || big_.push(count); }
  void drop_big() noexcept { big_.cut({}); }

 private:
  chunk_list<Entry> entries_;
  chunk_list<std::uint32_t> big_;
};

/// The count of a member whose page and slot say all else.
struct byte_count {
  static constexpr std::uint32_t big_count = 0xff;
  std::uint8_t value;

  static byte_count of(std::uint32_t count) noexcept { return {static_cast<std::uint8_t>(smaller(count, big_count))}; }
  std::uint32_t count() const noexcept { return value; }
};

/// Neighbours in a list are often neighbours in memory: what lies in one page has one type, and is handed to it together.
/// Large objects are on their own: what looks like a page of theirs is shared by any types.
inline work_entry* end_of_run(work_entry* first, work_entry* last) noexcept {
  if (first->is_large()) return first + 1;
  work_entry const start = *first;
  do {
    ++first;
  } while (first != last && first->is_near(start, std::countr_zero(page_bytes)));
  return first;
}

/// The members, and the count of each.
class member_set {
 public:
  using cursor = chunk_list<work_entry>::cursor;

  /// The list takes `most` members at most.
  member_set(chunk_pool& pool, std::size_t most) noexcept : pages_(pool), counts_(pool), list_(pool, most) {}

  std::size_t size() const noexcept { return in_pages_ + list_.size(); }

  /// To the list. `count`: the object's. False when there is no memory, or it is full; it is unchanged then.
  OURO_DETAIL_INLINE bool add(work_entry entry, std::uint32_t count) noexcept { return list_.push(entry, count); }

  /// Calls `join(header, count)` for the objects of the page that are `eligible(header)`; it makes their slot one of a
  /// member. False when there is no memory: the objects that are left are not asked.
  template <class Eligible, class Join>
  bool add_page(page& p, Eligible eligible, Join join) noexcept {
    if (!pages_.push({&p, 0})) return false;
    std::uint32_t number = 0;
    bool room = true;
    for_each_block(p, [&](object_header* h) {
      if (!room || !eligible(*h)) return;
      std::uint32_t const count = count_of(*h);
      room = counts_.push(byte_count::of(count), count);
      if (!room) return;
      join(*h, count);
      ++number;
    });
    in_pages_ += number;
    pages_.last().number = number;
    if (number == 0) pages_.pop();
    return room;
  }

  /// Calls `f(page, members)` for the pages.
  template <class F>
  void for_each_page(F f) {
    pages_.for_each([&](members_of_page& p) { f(*p.where, p.number); });
  }

  /// Calls `f(first, last)` for members of one type, of one page or large, that follow one another.
  template <class F>
  void for_each_run(F f) {
    for_each_run_in_pages(f);
    for_each_run_in_list(f);
  }
  template <class F>
  void for_each_run_in_pages(F f) {
    for_each_page([&](page& p, std::uint32_t members) { for_each_run_in_page(p, members, f); });
  }
  /// `f` may free them, and with the last one the page.
  template <class F>
  static void for_each_run_in_page(page& p, std::uint32_t members, F f) {
    work_entry run[run_length];
    std::uint32_t length = 0;
    std::size_t const step = p.block_bytes;
    char* const end = reinterpret_cast<char*>(p.block(p.carved));
    for (char* block = reinterpret_cast<char*>(p.block(0)); members != 0 && block != end; block += step) {
      auto* const h = reinterpret_cast<object_header*>(block);
      std::uint32_t const is_member = h->slot >= slot_in_set ? 1 : 0;  // no branch: nobody can foretell it
      run[length] = work_entry::of_small(h, 0);
      length += is_member;
      members -= is_member;
      if (length == run_length) f(run, run + replace(length, 0u));
    }
    if (length != 0) f(run, run + length);
  }
  template <class F>
  void for_each_run_in_list(F f) {
    cursor at;
    for_each_run_in_list(at, f);
  }
  /// The same for what lies behind the cursor, which moves to the end. The list may grow meanwhile.
  template <class F>
  void for_each_run_in_list(cursor& at, F f) {
    chunk_list<work_entry>& list = list_.entries();
    for (auto entries = list.next_span(at); !entries.empty(); entries = list.next_span(at)) {
      for (work_entry *first = entries.first, *last; first != entries.last; first = last) {
        last = end_of_run(first, entries.last);
        f(first, last);
      }
    }
  }

  template <class F>
  void for_each(F f) {
    for_each_run_in_pages([&](work_entry* first, work_entry* last) {
      for (; first != last; ++first) f(first->header());
    });
    list_.entries().for_each([&](work_entry entry) { f(entry.header()); });
  }

  /// The members for which `keep(header, count)` is false leave.
  template <class Keep>
  void keep_if(Keep keep) {
    keep_in_pages(keep);
    counted_list<work_entry>::position end;
    counted_list<work_entry>::reader counts(list_);
    list_.entries().for_each([&](work_entry entry) {
      std::uint32_t const count = counts.count_of(entry);
      if (keep(*entry.header(), count)) list_.overwrite(end, entry, count);
    });
    list_.cut(end);
  }

  /// All members are in the list from now on, so that their slots may say what they like. False if some had to leave for want
  /// of memory: `leave(header, count)`.
  template <class Leave>
  bool move_to_list(Leave leave) {
    bool all = true;
    keep_in_pages([&](object_header& h, std::uint32_t count) {
      if (!add(work_entry(&h, count), count)) {
        leave(h, count);
        all = false;
      }
      return false;
    });
    return all;
  }

  /// Calls `f(header, count)`. Precondition: all members are in the list.
  template <class F>
  void for_each_count(F f) {
    counted_list<work_entry>::reader counts(list_);
    list_.entries().for_each([&](work_entry entry) { f(*entry.header(), counts.count_of(entry)); });
  }

  /// Members join anew, with the counts that they have now: `join(header, count)`. Precondition: all are in the list. False
  /// if some had to leave for want of memory.
  template <class Join>
  bool readmit(Join join) {
    bool all = true;
    cursor end;
    list_.drop_big();
    list_.entries().for_each([&](work_entry entry) {
      object_header& h = *entry.header();
      std::uint32_t const count = count_of(h);
      if (!list_.push_big(count)) {
        all = false;
        return;
      }
      list_.entries().overwrite(end) = work_entry(&h, count);
      join(h, count);
    });
    list_.entries().cut(end);
    return all;
  }

  void clear() noexcept {
    in_pages_ = 0;
    pages_.cut({});
    counts_.cut({});
    list_.cut({});
  }

 private:
  static constexpr std::uint32_t run_length = 256;

  struct members_of_page {
    page* where;
    std::uint32_t number;
  };

  template <class Keep>
  void keep_in_pages(Keep keep) {
    chunk_list<members_of_page>::cursor end;
    counted_list<byte_count>::position counts_end;
    counted_list<byte_count>::reader big(counts_);
    chunk_list<byte_count>::cursor at;
    chunk_list<byte_count>::span counts;
    in_pages_ = 0;
    for_each_page([&](page& p, std::uint32_t members) {
      std::uint32_t kept = 0;
      for_each_run_in_page(p, members, [&](work_entry* first, work_entry* last) {
        for (; first != last; ++first) {
          if (counts.empty()) counts = counts_.entries().next_span(at);
          byte_count const entry = *counts.first++;
          std::uint32_t const count = big.count_of(entry);
          if (!keep(*first->header(), count)) continue;
          counts_.overwrite(counts_end, entry, count);
          ++kept;
        }
      });
      if (kept != 0) pages_.overwrite(end) = {&p, kept};
      in_pages_ += kept;
    });
    pages_.cut(end);
    counts_.cut(counts_end);
  }

  chunk_list<members_of_page> pages_;
  counted_list<byte_count> counts_;
  counted_list<work_entry> list_;
  std::size_t in_pages_ = 0;
};

}  // namespace detail
}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
