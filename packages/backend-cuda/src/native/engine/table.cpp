#include "engine/table.h"

#include <cstring>

#include "engine/api.h"
#include "engine/operations.h"
#include "scalar_functions.h"

#define DECLARE(name, shown) void op_##name(const mb_call &call);
MB_OPERATIONS(DECLARE)

#define ENTRY(name, shown) {#name, shown, op_##name},
const mb_operation_entry mb_operations[] = {MB_OPERATIONS(ENTRY){nullptr, nullptr, nullptr}};

#define ONE(name, shown) +1
const int32_t mb_operation_count = 0 MB_OPERATIONS(ONE);

const char *shown_operation(int32_t operation) {
  switch (operation) {
    case MB_WRITE_INLINE: return "write";
    case MB_COPY_BYTES: return "copy of bytes";
    case MB_FREE: return "free";
    case MB_REPLAY: return "replay";
    case MB_CALL:
    case MB_BESIDE: return "call";
    case MB_SETTLE: return "settle";
    case MB_GUARD:
    case MB_CHECK_GUARD: return "guard";
    default: return mb_operations[operation].shown;
  }
}

#define NAME(name, arity, text) #name,
static const char *const scalar_functions[] = {MB_SCALAR_FUNCTIONS(NAME) nullptr};

MB_API int32_t mb_abi(void) { return MB_ABI; }

MB_API int32_t mb_operation(const char *name) {
  for (int32_t i = 0; mb_operations[i].name; i++)
    if (strcmp(mb_operations[i].name, name) == 0) return i;
  return -1;
}

MB_API int32_t mb_scalar_function(const char *name) {
  for (int32_t i = 0; scalar_functions[i]; i++)
    if (strcmp(scalar_functions[i], name) == 0) return i;
  return -1;
}
