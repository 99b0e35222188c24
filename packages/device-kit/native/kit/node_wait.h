/* `wait` of the addon: a promise, and a wait on a thread of libuv's pool. */
#ifndef MB_NODE_WAIT_H
#define MB_NODE_WAIT_H

#include "kit/node_call.h"

/* (stream, count, milliseconds): as mb_stream_wait. */
napi_value mb_node_wait(napi_env env, napi_callback_info info);

#endif
