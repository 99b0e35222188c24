/* This library as Node loads it (addon.ts). */
#include "communicator.h"
#include "kit/node_addon.h"
#include "library.h"

static napi_value open_library(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char names[8192], error[1024] = "expected an NCCL library that tells its version";
  text_of(&call, 0, names, sizeof names);
  if (call.failed) return NULL;
  return string_or_undefined(&call, mb_nccl_open(names, error, sizeof error) ? NULL : error);
}

static napi_value version(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return number(&call, nccl.version);
}

static napi_value unique_id(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  size_t bytes;
  void *data = bytes_of(&call, 0, &bytes);
  if (!call.failed && bytes != sizeof(mb_nccl_id)) fail(&call, "expected 128 bytes");
  if (call.failed) return NULL;
  const int code = nccl.unique_id(data);
  return string_or_undefined(&call, code == MB_NCCL_OK ? NULL : nccl.error_string(code));
}

static napi_value prepare(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  size_t bytes;
  const void *data = bytes_of(&call, 0, &bytes);
  const int32_t rank = (int32_t)integer(&call, 1), world = (int32_t)integer(&call, 2);
  if (!call.failed && bytes != sizeof(mb_nccl_id)) fail(&call, "expected 128 bytes");
  if (!call.failed) mb_prepare(data, rank, world);
  return NULL;
}

static napi_value give_up(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char text[500];
  text_of(&call, 0, text, sizeof text);
  if (!call.failed) mb_fail(text);
  return NULL;
}

static napi_value failure(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return string_or_undefined(&call, mb_failure());
}

static napi_value async_error(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return string_or_undefined(&call, mb_async_error());
}

static napi_value leave(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  mb_leave();
  return NULL;
}

static napi_value address(napi_env env, napi_callback_info info) {
  static const mb_callable operations[] = {
      {"join", (void *)mb_join},           {"allReduce", (void *)mb_all_reduce}, {"reduceScatter", (void *)mb_reduce_scatter}, {"allGather", (void *)mb_all_gather},
      {"broadcast", (void *)mb_broadcast}, {"barrier", (void *)mb_all_reduce},
  };
  return mb_address(env, info, operations, MB_COUNT(operations));
}

NAPI_MODULE_INIT() {
  static const mb_export functions[] = {
      {"open", open_library}, {"version", version}, {"uniqueId", unique_id},     {"prepare", prepare}, {"giveUp", give_up},
      {"failure", failure},   {"leave", leave},     {"asyncError", async_error}, {"address", address},
  };
  return mb_export_all(env, exports, functions, MB_COUNT(functions));
}
