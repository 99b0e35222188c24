/* map in two ways: a program that was compiled with the library, or the interpreter. */
#ifndef MB_MAP_H
#define MB_MAP_H

#include "engine/call.h"

constexpr int most_map_inputs = 6;

/* Whether the program is one of those that were compiled; queues it if so. */
bool run_compiled_map(const mb_call &call, int64_t size);

#endif
