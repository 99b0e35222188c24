/* This library as Node loads it (addon.ts). */
#include "kit/node_addon.h"
#include "library.h"
#include "operations.h"
#include "ranks.h"

static napi_value open_library(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char names[4096], error[1024];
  text_of(&call, 0, names, sizeof names);
  if (call.failed) return NULL;
  return string_or_undefined(&call, mb_mpi_open(names, error, sizeof error) ? NULL : error);
}

static napi_value join(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const int32_t silence = (int32_t)integer(&call, 0);
  return call.failed ? NULL : boolean(&call, mb_ranks_join(silence));
}

static napi_value state(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return number(&call, atomic_load(&ranks.state));
}

static napi_value rank(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return number(&call, ranks.rank);
}

static napi_value world(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return number(&call, ranks.world);
}

static napi_value abi(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return string_or_undefined(&call, mpi.abi);
}

static napi_value failure(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  return string_or_undefined(&call, mb_failure());
}

static napi_value give_up(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  char text[500];
  text_of(&call, 0, text, sizeof text);
  if (!call.failed) mb_fail("%s", text);
  return NULL;
}

static napi_value leave(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  mb_ranks_leave();
  return NULL;
}

static napi_value quit(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  mb_ranks_quit();
  return NULL;
}

static napi_value address(napi_env env, napi_callback_info info) {
  static const mb_callable operations[] = {
      {"allReduce", (void *)mb_all_reduce}, {"reduceScatter", (void *)mb_reduce_scatter}, {"allGather", (void *)mb_all_gather},
      {"broadcast", (void *)mb_broadcast},  {"barrier", (void *)mb_barrier},
  };
  return mb_address(env, info, operations, MB_COUNT(operations));
}

NAPI_MODULE_INIT() {
  static const mb_export functions[] = {
      {"open", open_library}, {"join", join},       {"state", state},  {"rank", rank}, {"world", world},     {"abi", abi},
      {"failure", failure},   {"giveUp", give_up},  {"leave", leave},  {"quit", quit}, {"address", address},
  };
  return mb_export_all(env, exports, functions, MB_COUNT(functions));
}
