/* This library's own functions as Node sees them (src/addon.ts). */
#include "engine/api.h"
#include "kit/node_door.h"

static napi_value device_problem(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t device = (int32_t)integer(&call, 0);
  return call.failed ? NULL : string_or_undefined(&call, mb_device_problem(device));
}

static napi_value device_name(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t device = (int32_t)integer(&call, 0);
  return call.failed ? NULL : string_or_undefined(&call, mb_device_name(device));
}

static napi_value device_architecture(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t device = (int32_t)integer(&call, 0);
  return call.failed ? NULL : number(&call, mb_device_architecture(device));
}

static napi_value stream_create(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t device = (int32_t)integer(&call, 0), flags = (int32_t)integer(&call, 1);
  char timeline[4096];
  text_of(&call, 2, timeline, sizeof timeline);
  return call.failed ? NULL : mb_door_stream(&call, mb_stream_create(device, flags, timeline));
}

static napi_value stream_allocate_host(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  const int64_t bytes = integer(&call, 1);
  return call.failed ? NULL : number(&call, (int64_t)(intptr_t)mb_stream_allocate_host(stream, bytes));
}

static napi_value stream_open_products(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char path[4096];
  mb_stream *stream = pointer(&call, 0);
  text_of(&call, 1, path, sizeof path);
  return call.failed ? NULL : string_or_undefined(&call, mb_stream_open_products(stream, path));
}

static napi_value stream_products_version(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  return call.failed ? NULL : number(&call, mb_stream_products_version(stream));
}

static napi_value stream_room(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  return call.failed ? NULL : string_or_undefined(&call, mb_stream_room(stream));
}

const mb_door_function mb_door_functions[] = {
    {"deviceProblem", device_problem},
    {"deviceName", device_name},
    {"deviceArchitecture", device_architecture},
    {"createStream", stream_create},
    {"allocateHost", stream_allocate_host},
    {"openProducts", stream_open_products},
    {"productsVersion", stream_products_version},
    {"room", stream_room},
    {NULL, NULL},
};
