// The version of the library: the only place where it is written.
#ifndef OURO_VERSION_HPP
#define OURO_VERSION_HPP

#define OURO_VERSION_MAJOR 0
#define OURO_VERSION_MINOR 1
#define OURO_VERSION_PATCH 0

/// One comparable number: 10000 * major + 100 * minor + patch.
#define OURO_VERSION (OURO_VERSION_MAJOR * 10000 + OURO_VERSION_MINOR * 100 + OURO_VERSION_PATCH)

#endif
