/* This process among the ranks of NCCL. Commands of a stream of the CUDA engine call the operations (kit/command.h, mb_device_function): they queue
 * NCCL's work on its stream. Each returns NULL, or an error as kit/stream_api.h has them. */
#ifndef MB_NCCL_COMMUNICATOR_H
#define MB_NCCL_COMMUNICATOR_H

#include "kit/command.h"
#include "library.h"

/* What `mb_join` joins; before it is queued. */
void mb_prepare(const mb_nccl_id *id, int32_t rank, int32_t world);

/* Gives up: the first reason stays, what is under way ends. Any thread. */
void mb_fail(const char *reason);
/* Why; NULL while all is well. */
const char *mb_failure(void);
/* An error of NCCL behind the calls; NULL while there is none. */
const char *mb_async_error(void);
/* Nothing is queued any more, on any rank. */
void mb_leave(void);

/* No views. On the stream's thread, whose device is this rank's; returns when all ranks have joined. */
const char *mb_join(const mb_view *views, int32_t count, const double *attributes, void *stream);
/* views in place; attribute: 0 sum, 1 max. All dtypes but f64 are reduced as they are. */
const char *mb_all_reduce(const mb_view *views, int32_t count, const double *attributes, void *stream);
/* views: input, output; attribute as above. */
const char *mb_reduce_scatter(const mb_view *views, int32_t count, const double *attributes, void *stream);
/* views: input, output. */
const char *mb_all_gather(const mb_view *views, int32_t count, const double *attributes, void *stream);
/* views in place; attribute: the rank that has them. */
const char *mb_broadcast(const mb_view *views, int32_t count, const double *attributes, void *stream);

#endif
