// Forward declarations: enough to name every public type, and the customisation points a foreign header may specialise.
#ifndef OURO_FWD_HPP
#define OURO_FWD_HPP

#include <ouro/config.hpp>

#include <cstddef>

namespace ouro {
inline namespace OURO_DETAIL_ABI {

template <class T>
class gc_ptr;
template <class U>
class gc_interior_ptr;
template <class T>
class weak_gc_ptr;
template <class Sig>
class gc_function;
template <class Ref, class Val = void, class Ret = void, class Send = void>
class gc_generator;
template <class Ref, class Val = void, class Ret = void, class Send = void>
class weak_gc_generator;
template <class T>
class gc_local;
template <class V>
class gc_local_value;
template <class T>
class weak_set;
template <class T, class V>
class weak_key_map;

class heap;
class tracer;
struct access;

template <class T>
struct trace_traits;

namespace detail {
struct object_header;
struct type_descriptor;
struct heap_core;
struct page;
class weak_table;
struct handle_access;
struct weak_access;
struct heap_access;
}  // namespace detail

}  // inline namespace OURO_DETAIL_ABI
}  // namespace ouro

#endif
