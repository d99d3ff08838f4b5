// expect: ouro: handles to this key type are never traced
#include <ouro/ouro.hpp>

#include <utility>

#ifdef OURO_EXPECT_FAIL
struct key final {
#else
struct key {
#endif
  int value = 0;
};
struct refers {
  ouro::gc_ptr<key> back;
};

void attach(ouro::weak_key_map<key, ouro::gc_ptr<refers>>& map, ouro::gc_ptr<key> const& k) {
  map.try_emplace(k, ouro::make_gc<refers>(k));
}
