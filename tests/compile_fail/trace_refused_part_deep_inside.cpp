// expect: ouro: this class is no aggregate, so its members cannot be found
#include <ouro/ouro.hpp>

#include <map>
#include <optional>
#include <vector>

struct hidden {
#ifdef OURO_EXPECT_FAIL
  hidden() {}
#endif
  ouro::gc_ptr<hidden> link;
};
struct record {
  std::map<int, std::vector<std::optional<hidden>>> parts;
};

int main() { ouro::make_gc<record>(); }
