// The number of members of aggregates of every shape.
#include <ouro/detail/field_count.hpp>

#include <any>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

using ouro::detail::shape;
using ouro::detail::uncountable;

template <class T>
constexpr std::size_t fields = shape<T>.fields;

// --- members that can be made from {} -------------------------------------------------------------------------------

struct empty {};
static_assert(fields<empty> == 0);

struct single {
  std::string a;
};
static_assert(fields<single> == 1);

struct nested_single {
  single a;
};
static_assert(fields<nested_single> == 1);

struct arrays {
  int a;
  std::string b;
  int c[3];
  int d[2][3];
  char e[100'000];
  std::string f[2][2][2];
};
static_assert(fields<arrays> == 6);

struct single_array {
  std::string a[3];
};
static_assert(fields<single_array> == 1);

struct pair {
  int a, b;
};
struct nested {
  pair a;
  pair b[2];
  std::string c;
  std::array<pair, 2> d;
};
static_assert(fields<nested> == 4);

struct library {
  std::optional<int> a;
  std::any b;
  std::function<void()> c;
  std::variant<int, std::string> d;
  std::mutex e;
  std::unique_ptr<int> f;
  std::atomic<int> g;
  std::tuple<int> h;
  std::pair<int, int> i;
  std::initializer_list<int> j;
};
static_assert(fields<library> == 10);

enum class color { red };
struct scalars {
  color a;
  char const* b;
  void (*c)();
  int pair::* d;
  std::nullptr_t e;
  long double f;
  bool g;
  std::string h;
};
static_assert(fields<scalars> == 8);

struct bit_fields {
  unsigned a : 3;
  unsigned b : 4;
  std::string c;
};
static_assert(fields<bit_fields> == 3);

struct const_members {
  std::string const a;
  int const b = 4;
};
static_assert(fields<const_members> == 2);

struct recursive {
  std::vector<recursive> a;
  std::map<std::string, recursive> b;
  std::unique_ptr<recursive> c;
  std::list<recursive> d;
};
static_assert(fields<recursive> == 4);

struct takes_anything {
  takes_anything();
  template <class T>
  takes_anything(T&&);
};
struct greedy_members {
  takes_anything a;
  std::string b;
  takes_anything c;
};
static_assert(fields<greedy_members> == 3);

// --- members that cannot
// ------------------------------------------------------------------------------------------------

struct from_int {
  from_int(int) {}
};
struct not_default_first {
  from_int a;
  std::string b;
};
struct not_default_middle {
  int a;
  from_int b;
  int c;
};
struct not_default_last {
  std::string a, b;
  from_int c;
};
static_assert(fields<not_default_first> == 2);
static_assert(fields<not_default_middle> == 3);
static_assert(fields<not_default_last> == 3);

struct not_default_with_arrays {
  int a[3];
  from_int b;
  int c[1000];
};
struct array_of_not_default {
  std::string a[2][3];
  from_int b[2];
  from_int c;
  char d[100];
  std::string e;
};
static_assert(fields<not_default_with_arrays> == 3);
static_assert(fields<array_of_not_default> == 5);

struct initialised_by_default {
  from_int a = 1;
  std::string b;
  int c[3];
};
struct hidden_behind_arrays {
  std::string a;
  int b[2];
  from_int c = 1;
  int d[2];
  from_int e = 2;
};
static_assert(fields<initialised_by_default> == 3);
static_assert(fields<hidden_behind_arrays> == 5);

struct immovable {
  immovable(int);
  immovable(immovable const&) = delete;
};
struct immovable_members {
  immovable a;
  std::string b;
  immovable c;
};
static_assert(fields<immovable_members> == 3);

struct explicit_default {
  explicit explicit_default();
  explicit_default(int, int);
};
struct explicit_members {
  explicit_default a;
  std::string b;
  explicit_default c;
};
static_assert(fields<explicit_members> == 3);

struct greedy_only {
  template <class T>
  greedy_only(T&&);
};
struct greedy_and_not_default {
  greedy_only a;
  std::string b;
  from_int c;
};
static_assert(fields<greedy_and_not_default> == 3);

int somewhere;
struct references {
  int& a;
  std::string b;
  int c[3];
};
struct initialised_reference {
  int& a = somewhere;
  int b[3];
  std::string c;
};
struct rvalue_reference {
  std::string&& a;
  int b;
};
static_assert(fields<references> == 3);
static_assert(fields<initialised_reference> == 3);
static_assert(fields<rvalue_reference> == 2);

struct reference_and_immovable {
  int& a;
  immovable b;
  std::string c;
};
static_assert(fields<reference_and_immovable> == uncountable);

// --- bases
// ----------------------------------------------------------------------------------------------------------------

struct mark_a {};
struct mark_b {};
struct with_empty_bases : mark_a, mark_b {
  std::string a;
  int b;
};
static_assert(fields<with_empty_bases> == 2 && shape<with_empty_bases>.bases == 2);
static_assert(!shape<with_empty_bases>.base_with_data);

struct only_base : mark_a {};
static_assert(fields<only_base> == 0);

struct empty_member : mark_a {
  mark_b a;
  std::string b;
};
static_assert(fields<empty_member> == 2 && shape<empty_member>.bases == 1);

struct base_and_not_default : mark_a {
  from_int a;
  int b[4];
  from_int c;
};
static_assert(fields<base_and_not_default> == 3 && shape<base_and_not_default>.bases == 1);

struct no_base_but_any {
  std::any a;
  takes_anything b;
};
static_assert(fields<no_base_but_any> == 2 && shape<no_base_but_any>.bases == 0);

struct with_data {
  int z;
};
struct derived_from_data : with_data {
  std::string a;
};
struct derived_from_string : std::string {};
static_assert(shape<derived_from_data>.base_with_data);
static_assert(shape<derived_from_string>.base_with_data);

// --- many
// -----------------------------------------------------------------------------------------------------------------

struct sixteen {
  std::string a, b, c, d, e, f, g, h;
  int i, j, k, l, m, n, o, p;
};
static_assert(fields<sixteen> == 16);

struct sixty_four {
  sixteen a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
  int a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1, m1, n1, o1, p1;
  int a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2, o2, p2;
  std::string a3, b3, c3, d3, e3, f3, g3, h3, i3, j3, k3, l3, m3, n3, o3, p3;
};
struct sixty_five {
  sixteen a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
  int a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1, m1, n1, o1, p1;
  int a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2, o2, p2;
  std::string a3, b3, c3, d3, e3, f3, g3, h3, i3, j3, k3, l3, m3, n3, o3, p3;
};
static_assert(fields<sixty_four> == 64);
static_assert(fields<sixty_five> == 65);  // as many as are looked for: "too many"

}  // namespace
