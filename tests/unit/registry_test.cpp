// Which large block an address belongs to, whatever order the blocks come and go in.
#include "support/catch.hpp"

#include <ouro/ouro.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace {

using ouro::detail::large_prefix;
using ouro::detail::large_tree;

struct big {
  char bytes[1000];
};

/// What the tree is to answer.
struct oracle {
  std::map<std::uintptr_t, large_prefix*> blocks;

  void add(large_prefix* l) { blocks.emplace(reinterpret_cast<std::uintptr_t>(l), l); }
  void remove(large_prefix* l) { blocks.erase(reinterpret_cast<std::uintptr_t>(l)); }
  large_prefix* find(void const* address) const {
    auto const next = blocks.upper_bound(reinterpret_cast<std::uintptr_t>(address));
    return next == blocks.begin() ? nullptr : std::prev(next)->second;
  }
};

void* moved(large_prefix* l, std::ptrdiff_t bytes) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(l) + static_cast<std::uintptr_t>(bytes));
}

bool agree(large_tree const& tree, oracle const& known, std::vector<large_prefix>& blocks) {
  return std::all_of(blocks.begin(), blocks.end(), [&](large_prefix& l) {
    return tree.find(&l) == known.find(&l) && tree.find(moved(&l, -1)) == known.find(moved(&l, -1)) &&
           tree.find(moved(&l, 1)) == known.find(moved(&l, 1));
  });
}

/// The longest way from the root, by the steps that a search from it takes.
std::size_t depth(large_prefix const* l) { return l == nullptr ? 0 : 1 + std::max(depth(l->lower), depth(l->higher)); }

}  // namespace

TEST_CASE("an empty tree of large blocks finds nothing") {
  large_tree const tree;
  int here = 0;
  CHECK(tree.find(&here) == nullptr);
  CHECK(tree.find(nullptr) == nullptr);
}

TEST_CASE("an address below the first block has none, one above the last has the last") {
  std::vector<large_prefix> blocks(3);
  large_tree tree;
  for (large_prefix& l : blocks) tree.add(&l);
  CHECK(tree.find(moved(&blocks[0], -1)) == nullptr);
  CHECK(tree.find(&blocks[0]) == &blocks[0]);
  CHECK(tree.find(moved(&blocks[1], -1)) == &blocks[0]);
  CHECK(tree.find(moved(&blocks[1], 1)) == &blocks[1]);
  CHECK(tree.find(moved(&blocks[2], 1'000'000)) == &blocks[2]);
  tree.remove(&blocks[1]);
  CHECK(tree.find(&blocks[1]) == &blocks[0]);
  tree.remove(&blocks[0]);
  CHECK(tree.find(&blocks[1]) == nullptr);
  CHECK(tree.find(&blocks[2]) == &blocks[2]);
  tree.remove(&blocks[2]);
  CHECK(tree.find(&blocks[2]) == nullptr);
}

TEST_CASE("blocks that come and go in any order are found among those that are there") {
  std::mt19937 random(1);
  std::vector<large_prefix> blocks(200);
  std::vector<bool> present(blocks.size());
  large_tree tree;
  oracle known;
  for (int round = 0; round < 2'000; ++round) {
    std::size_t const i = random() % blocks.size();
    if (present[i]) {
      tree.remove(&blocks[i]);
      known.remove(&blocks[i]);
    } else {
      tree.add(&blocks[i]);
      known.add(&blocks[i]);
    }
    present[i] = !present[i];
    if (round % 20 == 0) REQUIRE(agree(tree, known, blocks));
  }
  for (std::size_t i = 0; i != blocks.size(); ++i) {
    if (present[i]) tree.remove(&blocks[i]);
  }
  CHECK(agree(tree, oracle(), blocks));
}

TEST_CASE("the tree of large blocks is shallow for blocks at equal distances, in whatever order they come") {
  constexpr std::size_t count = 20'000;
  for (std::size_t const distance : {1u, 2u, 7u, 13u, 16u}) {
    std::vector<large_prefix> blocks(count * distance);
    std::vector<large_prefix*> order;
    for (std::size_t i = 0; i != count; ++i) order.push_back(&blocks[i * distance]);
    large_tree tree;
    for (large_prefix* l : order) tree.add(l);
    // Whatever the order of insertion, the shape is the same; its root is the block that no other leads to.
    std::vector<bool> led_to(blocks.size());
    for (large_prefix const* l : order) {
      if (l->lower != nullptr) led_to[static_cast<std::size_t>(l->lower - blocks.data())] = true;
      if (l->higher != nullptr) led_to[static_cast<std::size_t>(l->higher - blocks.data())] = true;
    }
    large_prefix const* root = nullptr;
    std::size_t roots = 0;
    for (large_prefix const* l : order) {
      if (led_to[static_cast<std::size_t>(l - blocks.data())]) continue;
      root = l;
      ++roots;
    }
    CHECK(roots == 1);
    CHECK(depth(root) < 60);  // a perfect tree: 15
  }
}

TEST_CASE("each of many large objects is found by addresses in it, also when its neighbours are gone") {
  std::mt19937 random(2);
  std::vector<ouro::gc_ptr<big>> objects;
  for (int i = 0; i != 5'000; ++i) objects.push_back(ouro::make_gc<big>());
  std::shuffle(objects.begin(), objects.end(), random);
  bool all = true;
  auto const check = [&] {
    for (auto const& p : objects) {
      ouro::detail::object_header* const h = ouro::detail::handle_access::header(p);
      all = all && ouro::detail::find_block(&p->bytes[0]) == h && ouro::detail::find_block(&p->bytes[999]) == h;
      all = all && ouro::gc_from_this(p.get()) == p;
    }
  };
  check();
  objects.resize(2'500);
  check();
  std::shuffle(objects.begin(), objects.end(), random);
  for (int i = 0; i != 2'500; ++i) objects.push_back(ouro::make_gc<big>());
  check();
  CHECK(all);
}

TEST_CASE("memory beside large objects belongs to none of them") {
  auto const first = ouro::make_gc<big>();
  auto const between = std::make_unique<big>();
  auto const second = ouro::make_gc<big>();
  CHECK(ouro::detail::find_block(between.get()) == nullptr);
  CHECK(ouro::detail::find_block(&between->bytes[999]) == nullptr);
}

TEST_CASE("a large object that has died is not found, whether its block is kept or not") {
  char const* address = nullptr;
  {
    auto const p = ouro::make_gc<big>();
    address = p->bytes;
    CHECK(ouro::detail::find_block(address) != nullptr);
  }
  CHECK(ouro::detail::find_block(address) == nullptr);
}
