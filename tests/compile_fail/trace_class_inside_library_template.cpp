// expect: ouro: a class inside a template of the standard library or of Boost is not known
#include <ouro/ouro.hpp>

#include <ostream>

using sentry = std::basic_ostream<wchar_t>::sentry;
#ifndef OURO_EXPECT_FAIL
template <>
inline constexpr bool ouro::is_leaf<sentry> = true;
#endif
struct writer {
  sentry locked;
  ouro::gc_ptr<writer> next;
};

void trace(ouro::tracer& t, writer const& w) { t(w); }
