// The test framework, whichever of its versions 2 and 3 the machine has.
#ifndef OURO_TESTS_SUPPORT_CATCH_HPP
#define OURO_TESTS_SUPPORT_CATCH_HPP

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>

namespace Catch {
using Matchers::Contains;
using Matchers::EndsWith;
using Matchers::StartsWith;
namespace Matchers {
/// Version 3's name for what version 2 calls Contains.
inline auto ContainsSubstring(std::string const& text, CaseSensitive::Choice sensitivity = CaseSensitive::Yes) {
  return Contains(text, sensitivity);
}
}  // namespace Matchers
}  // namespace Catch
#endif

#endif
