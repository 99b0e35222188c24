#include "engine/table.h"

#include <cstring>

#include "engine/api.h"
#include "engine/operations.h"
#include "scalar_functions.h"

#define DECLARE(name, shown) void op_##name(const mb_call &call);
MB_OPERATIONS(DECLARE)

#define ENTRY(name, shown) {#name, shown, op_##name},
const mb_operation_entry mb_operations[] = {MB_OPERATIONS(ENTRY){nullptr, nullptr, nullptr}};

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
