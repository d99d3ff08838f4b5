// expect: ouro: no handle can point to this base: it does not begin where the object begins, and it is not polymorphic
#include <ouro/ouro.hpp>

#include <utility>

// The pointer to the virtual functions comes first, so that the only base does not begin where the object begins.
struct plain {
  int a = 0;
};
struct whole : plain {
  virtual ~whole() = default;
  using gc_leaf = whole;
};

#ifdef OURO_EXPECT_FAIL
void assign(ouro::gc_ptr<plain>& to, ouro::gc_ptr<whole> from) { to = std::move(from); }
#else
void assign(ouro::gc_interior_ptr<plain>& to, ouro::gc_ptr<whole> from) {
  to = ouro::gc_interior_ptr<plain>(from, from.get());
}
#endif

ouro::gc_ptr<whole> make() { return ouro::make_gc<whole>(); }
