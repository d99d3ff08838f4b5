// What the two translation units of this test share.
#ifndef OURO_TESTS_SINGLE_HEADER_UNIT_HPP
#define OURO_TESTS_SINGLE_HEADER_UNIT_HPP

#include <ouro/ouro.hpp>

#include <string>
#include <vector>

struct Node {
  std::string name;
  std::vector<ouro::gc_ptr<Node>> children;
  ouro::gc_ptr<Node> parent;
};

ouro::gc_ptr<Node> make_child(ouro::gc_ptr<Node> const& parent);

#endif
