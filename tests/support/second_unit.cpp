// A second translation unit in every test program: what the headers define twice, the linker reports.
#include <ouro/ouro.hpp>
