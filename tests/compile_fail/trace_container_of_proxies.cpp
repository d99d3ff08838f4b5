// expect: ouro: ouro::is_container needs value_type
#include <ouro/ouro.hpp>

struct handles {
  handles() {}
  using value_type = ouro::gc_ptr<int>;
#ifdef OURO_EXPECT_FAIL
  struct iterator {
    value_type operator*() const { return {}; }
    iterator& operator++() { return *this; }
    bool operator!=(iterator const&) const { return false; }
  };
  iterator begin() const { return {}; }
  iterator end() const { return {}; }
#else
  value_type const* begin() const { return elements; }
  value_type const* end() const { return elements + 2; }
#endif
  value_type elements[2];
};
template <>
inline constexpr bool ouro::is_container<handles> = true;

int main() { ouro::make_gc<handles>(); }
