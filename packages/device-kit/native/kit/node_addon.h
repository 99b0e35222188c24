/* What an addon gives Node: functions by name, and the addresses of those that a stream calls (command.h). */
#ifndef MB_NODE_ADDON_H
#define MB_NODE_ADDON_H

#include <string.h>

#include "kit/node_call.h"

#define MB_COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct {
  const char *name;
  napi_callback function;
} mb_export;

typedef struct {
  const char *name;
  void *function;
} mb_callable;

static inline napi_value mb_export_all(napi_env env, napi_value exports, const mb_export *functions, size_t count) {
  node_call call = {.env = env};
  for (size_t at = 0; at < count; at++) {
    napi_value function;
    if (!succeeded(&call, napi_create_function(env, functions[at].name, NAPI_AUTO_LENGTH, functions[at].function, NULL, &function)) ||
        !succeeded(&call, napi_set_named_property(env, exports, functions[at].name, function)))
      return NULL;
  }
  return exports;
}

/* Of the one that the first argument names. */
static inline napi_value mb_address(napi_env env, napi_callback_info info, const mb_callable *operations, size_t count) {
  node_call call = call_of(env, info);
  char name[64];
  text_of(&call, 0, name, sizeof name);
  for (size_t at = 0; at < count && !call.failed; at++)
    if (strcmp(name, operations[at].name) == 0) return number(&call, (int64_t)(intptr_t)operations[at].function);
  if (!call.failed) fail(&call, "expected the name of an operation");
  return NULL;
}

#endif
