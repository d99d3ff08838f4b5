// The second translation unit, in which the single header meets the folder: headers of the one in front of the other and
// behind it.
#include <ouro/gc_ptr.hpp>

#include "unit.hpp"

#include <ouro/gc.hpp>

ouro::gc_ptr<Node> make_child(ouro::gc_ptr<Node> const& parent) {
  auto child = ouro::make_gc<Node>("child", std::vector<ouro::gc_ptr<Node>>{}, parent);
  parent->children.push_back(child);
  return child;
}
