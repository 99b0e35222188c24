/* This library's own functions as Node sees them (native/addon.ts). */
#include "kit/node_door.h"
#include "runtime/api.h"

static napi_value isa_name(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t index = (int32_t)integer(&call, 0);
  return call.failed ? NULL : string_or_undefined(&call, mb_isa_name(index));
}

static napi_value isa_supported(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t index = (int32_t)integer(&call, 0);
  return call.failed ? NULL : boolean(&call, mb_isa_supported(index));
}

static napi_value isa_multiplies_bf16(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t index = (int32_t)integer(&call, 0);
  return call.failed ? NULL : boolean(&call, mb_isa_multiplies_bf16(index));
}

static napi_value limit_scratch(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int64_t bytes = integer(&call, 0);
  if (!call.failed) mb_limit_scratch(bytes);
  return NULL;
}

static napi_value stream_create(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t workers = (int32_t)integer(&call, 0), isa = (int32_t)integer(&call, 1);
  return call.failed ? NULL : mb_door_stream(&call, mb_stream_create(workers, isa));
}

static napi_value map_file(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  mb_stream *stream = pointer(&call, 0);
  const int32_t file = (int32_t)integer(&call, 1);
  const int64_t bytes = integer(&call, 2);
  return call.failed ? NULL : number(&call, (int64_t)(intptr_t)mb_stream_map(stream, file, bytes));
}

const mb_door_function mb_door_functions[] = {
    {"isaName", isa_name},
    {"isaSupported", isa_supported},
    {"isaMultipliesBf16", isa_multiplies_bf16},
    {"limitScratch", limit_scratch},
    {"createStream", stream_create},
    {"mapFile", map_file},
    {NULL, NULL},
};
