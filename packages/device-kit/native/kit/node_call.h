/* One call from JavaScript, as node_door.c sees it: arguments and results. The first thing that goes wrong is thrown as a JavaScript error
 * and makes the call `failed`; what comes after it does nothing, and yields zeros. */
#ifndef MB_NODE_CALL_H
#define MB_NODE_CALL_H

#define NAPI_VERSION 8
#include <node_api.h>

#include <stdbool.h>
#include <stdint.h>

#define MAX_ARGUMENTS 3

typedef struct {
  napi_env env;
  bool failed;
  napi_value arguments[MAX_ARGUMENTS];
} node_call;

/* What Node says of the last call that failed. */
static inline const char *last_error(napi_env env) {
  const napi_extended_error_info *info = NULL;
  return napi_get_last_error_info(env, &info) == napi_ok && info->error_message ? info->error_message : "a function of Node failed";
}

static inline void fail(node_call *call, const char *message) {
  call->failed = true;
  napi_throw_error(call->env, NULL, message); /* refused where an error is on its way already, or the environment ends */
}

/* Whether to go on. */
static inline bool succeeded(node_call *call, napi_status status) {
  if (status != napi_ok && !call->failed) fail(call, last_error(call->env));
  return !call->failed;
}

static inline node_call call_of(napi_env env, napi_callback_info info) {
  node_call call = {.env = env};
  size_t count = MAX_ARGUMENTS;
  succeeded(&call, napi_get_cb_info(env, info, &count, call.arguments, NULL, NULL)); /* absent ones are undefined */
  return call;
}

static inline int64_t integer(node_call *call, int index) {
  int64_t value = 0;
  return succeeded(call, napi_get_value_int64(call->env, call->arguments[index], &value)) ? value : 0;
}

static inline void *pointer(node_call *call, int index) { return (void *)(intptr_t)integer(call, index); }

/* Of a Uint8Array. */
static inline void *bytes_of(node_call *call, int index, size_t *bytes) {
  void *data = NULL;
  napi_typedarray_type type = napi_uint8_array;
  *bytes = 0;
  const napi_status status = napi_get_typedarray_info(call->env, call->arguments[index], &type, bytes, &data, NULL, NULL);
  if (succeeded(call, status) && type != napi_uint8_array) fail(call, "expected a Uint8Array");
  return data;
}

/* Cut off at the capacity. */
static inline void text_of(node_call *call, int index, char *text, size_t capacity) {
  text[0] = 0;
  succeeded(call, napi_get_value_string_utf8(call->env, call->arguments[index], text, capacity, NULL));
}

static inline napi_value number(node_call *call, int64_t value) {
  napi_value result = NULL;
  succeeded(call, napi_create_int64(call->env, value, &result));
  return result;
}

static inline napi_value boolean(node_call *call, int32_t value) {
  napi_value result = NULL;
  succeeded(call, napi_get_boolean(call->env, value != 0, &result));
  return result;
}

static inline napi_value string_or_undefined(node_call *call, const char *text) {
  napi_value result = NULL;
  if (text) succeeded(call, napi_create_string_utf8(call->env, text, NAPI_AUTO_LENGTH, &result));
  return result;
}

#endif
