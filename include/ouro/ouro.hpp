// Everything: reference counting with a cycle collector for C++20.
#ifndef OURO_OURO_HPP
#define OURO_OURO_HPP

#include <ouro/death_queue.hpp>
#include <ouro/finalize.hpp>
#include <ouro/gc.hpp>
#include <ouro/gc_function.hpp>
#include <ouro/gc_generator.hpp>
#include <ouro/gc_interior_ptr.hpp>
#include <ouro/gc_local.hpp>
#include <ouro/gc_ptr.hpp>
#include <ouro/heap.hpp>
#include <ouro/trace.hpp>
#include <ouro/version.hpp>
#include <ouro/weak_containers.hpp>
#include <ouro/weak_gc_ptr.hpp>

#include <ouro/detail/undefine.hpp>

#endif
