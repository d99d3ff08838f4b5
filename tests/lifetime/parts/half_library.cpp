// The library's half of the cycles: see half_program.cpp.
#include "half.hpp"

#include <utility>

ouro::gc_ptr<half> make_in_library(char const* name, ouro::gc_ptr<half> other) {
  return ouro::make_gc<half>(announcer(name), std::move(other));
}

void link_in_library(ouro::gc_ptr<half> const& from, ouro::gc_ptr<half> const& to) {
  from->other = to;
  from->many.push_back(to);
}

std::size_t collect_in_library() { return ouro::gc::collect(); }

std::size_t objects_in_library() { return ouro::heap::current().stats().objects; }

ouro::gc_ptr<half>& static_of_library() {
  static ouro::gc_ptr<half> handle;
  return handle;
}
