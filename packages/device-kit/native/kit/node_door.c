/* The functions of stream_api.h, and the library's own, as a Node-API addon. Addresses and streams are numbers in JavaScript (below 2^53),
 * bytes are Uint8Arrays that are read or written before the call returns.
 *
 * A stream ends with its environment (a worker thread that is terminated, a process that ends) if nobody has ended it before: a hook of the
 * environment sees to that. Node runs it when no wait is in progress any more. */
#include "kit/node_door.h"
#include "kit/node_wait.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static napi_value abi(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return number(&call, mb_abi());
}

static napi_value operation(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char name[64];
  text_of(&call, 0, name, sizeof name);
  return call.failed ? NULL : number(&call, mb_operation(name));
}

static napi_value scalar_function(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char name[64];
  text_of(&call, 0, name, sizeof name);
  return call.failed ? NULL : number(&call, mb_scalar_function(name));
}

static napi_value copy_in(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  size_t bytes;
  void *to = pointer(&call, 0);
  const void *from = bytes_of(&call, 1, &bytes);
  if (!call.failed) mb_copy(to, from, (int64_t)bytes);
  return NULL;
}

static napi_value copy_out(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  size_t bytes;
  void *to = bytes_of(&call, 0, &bytes);
  const void *from = pointer(&call, 1);
  if (!call.failed) mb_copy(to, from, (int64_t)bytes);
  return NULL;
}

/* Nobody will read what is queued. */
static void abandon_stream(void *stream) { mb_stream_destroy(stream, 0); }

napi_value mb_door_stream(node_call *call, mb_stream *stream) {
  if (stream != NULL && !succeeded(call, napi_add_env_cleanup_hook(call->env, abandon_stream, stream))) abandon_stream(stream);
  return call->failed ? NULL : number(call, (int64_t)(intptr_t)stream);
}

static napi_value stream_allocate(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  const int64_t bytes = integer(&call, 1);
  return call.failed ? NULL : number(&call, (int64_t)(intptr_t)mb_stream_allocate(stream, bytes));
}

static napi_value stream_submit(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  size_t room;
  mb_stream *stream = pointer(&call, 0);
  const void *commands = bytes_of(&call, 1, &room);
  const int64_t bytes = integer(&call, 2);
  if (!call.failed && (bytes < 0 || bytes > (int64_t)room)) fail(&call, "expected no more bytes of commands than the array has");
  return call.failed ? NULL : boolean(&call, mb_stream_submit(stream, commands, bytes));
}

static napi_value stream_completed(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  return call.failed ? NULL : number(&call, mb_stream_completed(stream));
}

static napi_value stream_wait_blocking(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  const int64_t count = integer(&call, 1), milliseconds = integer(&call, 2);
  return call.failed ? NULL : boolean(&call, mb_stream_wait(stream, count, (int32_t)milliseconds));
}

static napi_value stream_take_error(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char text[1024];
  mb_stream *stream = pointer(&call, 0);
  const int64_t count = integer(&call, 1);
  if (call.failed) return NULL;
  return string_or_undefined(&call, mb_stream_take_error(stream, count, text, sizeof text) ? text : NULL);
}

static napi_value stream_destroy(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  if (!call.failed && succeeded(&call, napi_remove_env_cleanup_hook(env, abandon_stream, stream))) mb_stream_destroy(stream, 1);
  return NULL;
}

static const mb_door_function functions[] = {
    {"abi", abi},
    {"operation", operation},
    {"scalarFunction", scalar_function},
    {"copyIn", copy_in},
    {"copyOut", copy_out},
    {"allocate", stream_allocate},
    {"submit", stream_submit},
    {"completed", stream_completed},
    {"wait", mb_node_wait},
    {"waitBlocking", stream_wait_blocking},
    {"takeError", stream_take_error},
    {"destroyStream", stream_destroy},
};

static bool export(node_call *call, napi_value exports, const mb_door_function *added) {
  napi_value function;
  return succeeded(call, napi_create_function(call->env, added->name, NAPI_AUTO_LENGTH, added->function, NULL, &function)) &&
         succeeded(call, napi_set_named_property(call->env, exports, added->name, function));
}

NAPI_MODULE_INIT() {
  node_call call = {.env = env};
  for (size_t index = 0; index < COUNT(functions); index++)
    if (!export(&call, exports, &functions[index])) return NULL;
  for (const mb_door_function *own = mb_door_functions; own->name; own++)
    if (!export(&call, exports, own)) return NULL;
  return exports;
}
