#include "kit/node_wait.h"

#include <stdlib.h>

#include "kit/stream_api.h"

typedef struct {
  mb_stream *stream;
  int64_t count;
  int32_t milliseconds, reached;
  napi_async_work work;
  napi_deferred deferred;
} waiting;

static void execute(napi_env env, void *data) {
  (void)env;
  waiting *w = data;
  w->reached = mb_stream_wait(w->stream, w->count, w->milliseconds);
}

static napi_status reject(napi_env env, napi_deferred deferred, const char *reason) {
  napi_value message, error;
  napi_status status = napi_create_string_utf8(env, reason, NAPI_AUTO_LENGTH, &message);
  if (status == napi_ok) status = napi_create_error(env, NULL, message, &error);
  return status == napi_ok ? napi_reject_deferred(env, deferred, error) : status;
}

/* `status` says whether the wait took place. A promise that cannot be settled is an uncaught error; in an environment that ends, nothing. */
static void complete(napi_env env, napi_status status, void *data) {
  waiting *w = data;
  node_call call = {.env = env};
  if (status == napi_ok) {
    const napi_value reached = boolean(&call, w->reached);
    if (!call.failed) succeeded(&call, napi_resolve_deferred(env, w->deferred, reached));
  } else {
    succeeded(&call, reject(env, w->deferred, "expected a thread to wait on, got none"));
  }
  succeeded(&call, napi_delete_async_work(env, w->work));
  free(w);
}

napi_value mb_node_wait(napi_env env, napi_callback_info info) {
  node_call call = call_of(env, info);
  const waiting given = {.stream = pointer(&call, 0), .count = integer(&call, 1), .milliseconds = (int32_t)integer(&call, 2)};
  const napi_value name = string_or_undefined(&call, "modernbert-ts: wait");
  if (call.failed) return NULL;
  waiting *w = malloc(sizeof *w);
  if (w == NULL) {
    fail(&call, "out of memory");
    return NULL;
  }
  *w = given;
  napi_value promise = NULL;
  if (!succeeded(&call, napi_create_async_work(env, NULL, name, execute, complete, w, &w->work))) {
    free(w);
  } else if (!succeeded(&call, napi_create_promise(env, &w->deferred, &promise))) {
    napi_delete_async_work(env, w->work);
    free(w);
  } else {
    const napi_status status = napi_queue_async_work(env, w->work);
    if (status != napi_ok) complete(env, status, w);
  }
  return promise;
}
