// expect: ouro: no handle can point to this base: it does not begin where the object begins, and it is not polymorphic
#include <ouro/ouro.hpp>

struct plain {
  int a = 0;
};
struct whole : virtual plain {
  int b = 0;
  using gc_leaf = whole;
};
struct polymorphic {
  virtual ~polymorphic() = default;
  using gc_leaf = polymorphic;
};
struct other_whole : virtual polymorphic {
  int b = 0;
  using gc_leaf = other_whole;
};

ouro::gc_ptr<polymorphic> to_polymorphic(ouro::gc_ptr<other_whole> const& p) { return p; }

#ifdef OURO_EXPECT_FAIL
ouro::gc_ptr<plain> to_plain(ouro::gc_ptr<whole> const& p) { return p; }
#endif

ouro::gc_ptr<whole> make() { return ouro::make_gc<whole>(); }
