/* The functions of api.h as a Node-API addon. Addresses and streams are numbers in JavaScript (below 2^53), bytes are Uint8Arrays that
 * are read or written before the call returns. It knows nothing but api.h, so another device library with these functions can use it. */
#define NAPI_VERSION 8
#include <node_api.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/api.h"

#define MAX_ARGUMENTS 3
#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct {
  napi_env env;
  napi_value values[MAX_ARGUMENTS];
} arguments;

static arguments arguments_of(napi_env env, napi_callback_info info) {
  arguments given = {.env = env};
  size_t count = MAX_ARGUMENTS;
  napi_get_cb_info(env, info, &count, given.values, NULL, NULL); /* absent ones are undefined */
  return given;
}

/* 0 for what is not a number. */
static int64_t integer(const arguments *given, int index) {
  int64_t value = 0;
  napi_get_value_int64(given->env, given->values[index], &value);
  return value;
}

static void *pointer(const arguments *given, int index) { return (void *)(intptr_t)integer(given, index); }

/* Empty for what is not a typed array. */
static void *bytes_of(const arguments *given, int index, size_t *bytes) {
  void *data = NULL;
  *bytes = 0;
  napi_get_typedarray_info(given->env, given->values[index], NULL, bytes, &data, NULL, NULL);
  return data;
}

/* Cut off at the capacity; empty for what is not a string. */
static void text_of(const arguments *given, int index, char *text, size_t capacity) {
  text[0] = 0;
  napi_get_value_string_utf8(given->env, given->values[index], text, capacity, NULL);
}

static napi_value number(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

static napi_value boolean(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_get_boolean(env, value != 0, &result);
  return result;
}

static napi_value string_or_undefined(napi_env env, const char *text) {
  napi_value result = NULL;
  if (text) napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

static napi_value abi(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, mb_abi());
}

static napi_value operation(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  char name[64];
  text_of(&given, 0, name, sizeof name);
  return number(env, mb_operation(name));
}

static napi_value scalar_function(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  char name[64];
  text_of(&given, 0, name, sizeof name);
  return number(env, mb_scalar_function(name));
}

static napi_value isa_name(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  return string_or_undefined(env, mb_isa_name((int32_t)integer(&given, 0)));
}

static napi_value isa_supported(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  return boolean(env, mb_isa_supported((int32_t)integer(&given, 0)));
}

static napi_value allocate(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  return number(env, (int64_t)(intptr_t)mb_allocate(integer(&given, 0)));
}

static napi_value free_memory(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  mb_free(pointer(&given, 0));
  return NULL;
}

static napi_value copy_in(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  size_t bytes;
  const void *from = bytes_of(&given, 1, &bytes);
  mb_copy(pointer(&given, 0), from, (int64_t)bytes);
  return NULL;
}

static napi_value copy_out(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  size_t bytes;
  void *to = bytes_of(&given, 0, &bytes);
  mb_copy(to, pointer(&given, 1), (int64_t)bytes);
  return NULL;
}

static napi_value limit_scratch(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  mb_limit_scratch(integer(&given, 0));
  return NULL;
}

static napi_value stream_create(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  return number(env, (int64_t)(intptr_t)mb_stream_create((int32_t)integer(&given, 0), (int32_t)integer(&given, 1)));
}

static napi_value stream_submit(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  size_t room;
  const void *commands = bytes_of(&given, 1, &room);
  const int64_t bytes = integer(&given, 2);
  return boolean(env, mb_stream_submit(pointer(&given, 0), commands, bytes < (int64_t)room ? bytes : (int64_t)room));
}

static napi_value stream_completed(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  return number(env, mb_stream_completed(pointer(&given, 0)));
}

static napi_value stream_wait_blocking(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  return boolean(env, mb_stream_wait(pointer(&given, 0), integer(&given, 1), (int32_t)integer(&given, 2)));
}

/* A wait on a thread of libuv's pool. */
typedef struct {
  mb_stream *stream;
  int64_t count;
  int32_t milliseconds, reached;
  napi_async_work work;
  napi_deferred deferred;
} waiting;

static void wait_execute(napi_env env, void *data) {
  (void)env;
  waiting *w = data;
  w->reached = mb_stream_wait(w->stream, w->count, w->milliseconds);
}

static void wait_complete(napi_env env, napi_status status, void *data) {
  (void)status;
  waiting *w = data;
  napi_resolve_deferred(env, w->deferred, boolean(env, w->reached));
  napi_delete_async_work(env, w->work);
  free(w);
}

static napi_value stream_wait(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  napi_value promise = NULL, name = NULL;
  waiting *w = malloc(sizeof *w);
  if (w == NULL) {
    napi_throw_error(env, NULL, "out of memory");
    return NULL;
  }
  *w = (waiting){.stream = pointer(&given, 0), .count = integer(&given, 1), .milliseconds = (int32_t)integer(&given, 2)};
  napi_create_string_utf8(env, "modernbert-ts: wait", NAPI_AUTO_LENGTH, &name);
  napi_create_promise(env, &w->deferred, &promise);
  napi_create_async_work(env, NULL, name, wait_execute, wait_complete, w, &w->work);
  napi_queue_async_work(env, w->work);
  return promise;
}

static napi_value stream_take_error(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  char text[256];
  const int taken = mb_stream_take_error(pointer(&given, 0), integer(&given, 1), text, sizeof text);
  return string_or_undefined(env, taken ? text : NULL);
}

static napi_value stream_destroy(napi_env env, napi_callback_info info) {
  const arguments given = arguments_of(env, info);
  mb_stream_destroy(pointer(&given, 0));
  return NULL;
}

static const struct {
  const char *name;
  napi_callback function;
} functions[] = {
    {"abi", abi},
    {"operation", operation},
    {"scalarFunction", scalar_function},
    {"isaName", isa_name},
    {"isaSupported", isa_supported},
    {"allocate", allocate},
    {"free", free_memory},
    {"copyIn", copy_in},
    {"copyOut", copy_out},
    {"limitScratch", limit_scratch},
    {"createStream", stream_create},
    {"submit", stream_submit},
    {"completed", stream_completed},
    {"wait", stream_wait},
    {"waitBlocking", stream_wait_blocking},
    {"takeError", stream_take_error},
    {"destroyStream", stream_destroy},
};

NAPI_MODULE_INIT() {
  for (size_t index = 0; index < COUNT(functions); index++) {
    napi_value function;
    if (napi_create_function(env, functions[index].name, NAPI_AUTO_LENGTH, functions[index].function, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[index].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}
