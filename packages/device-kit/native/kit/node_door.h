/* What a library gives the door besides the functions of stream_api.h, and gets from it. */
#ifndef MB_KIT_NODE_DOOR_H
#define MB_KIT_NODE_DOOR_H

#include "kit/node_call.h"
#include "kit/stream_api.h"

typedef struct {
  const char *name;
  napi_callback function;
} mb_door_function;

/* The library's own functions, createStream among them; the last has no name. */
extern const mb_door_function mb_door_functions[];

/* Gives a new stream to JavaScript: 0 where there is none. It ends with its environment at the latest. */
napi_value mb_door_stream(node_call *call, mb_stream *stream);

#endif
