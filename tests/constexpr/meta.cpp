// Names of types, and lists of types.
#include <ouro/detail/meta.hpp>

#include <vector>

namespace named {
struct plain {};
template <class T>
struct box {};
}  // namespace named

namespace {

using namespace ouro::detail;

static_assert(type_name<int>() == "int");
static_assert(type_name<named::plain>() == "named::plain");
static_assert(type_name<named::box<named::plain>>() == "named::box<named::plain>");
static_assert(type_name<named::plain[]>().substr(0, 12) == "named::plain");

struct defined {};
struct declared_only;
static_assert(complete<int> && complete<defined> && !complete<declared_only> && !complete<void>);

static_assert(contains<int, type_list<char, int>> && !contains<long, type_list<char, int>>);
static_assert(std::is_same_v<merge<type_list<int, char>, type_list<char, long, long>>::type,  //
                             type_list<int, char, long>>);
static_assert(std::is_same_v<joined<type_list<int>, type_list<>, type_list<int, char>>::type,  //
                             type_list<int, int, char>>);
static_assert(std::is_same_v<bare_t<int const&>, int> && std::is_same_v<bare_t<int volatile&&>, int>);
static_assert(type_hash<int> != type_hash<char> && type_hash<named::box<int>> != type_hash<named::box<char>>);

}  // namespace
