/* The collective operations as commands of a stream call them (kit/command.h): they run on the stream's thread. Views are dense and on every
 * rank of the same extents and dtypes; other ones are refused on all ranks. Each returns NULL, or an error as kit/stream_api.h has them. */
#ifndef MB_OPERATIONS_H
#define MB_OPERATIONS_H

#include "kit/command.h"

/* views in place; attribute: 0 sum, 1 max. f32, f64, i32, u32. */
const char *mb_all_reduce(const mb_view *views, int32_t count, const double *attributes);
/* views: input, output; attribute as above. */
const char *mb_reduce_scatter(const mb_view *views, int32_t count, const double *attributes);
/* views: input, output. */
const char *mb_all_gather(const mb_view *views, int32_t count, const double *attributes);
/* views in place; attribute: the rank that has them. */
const char *mb_broadcast(const mb_view *views, int32_t count, const double *attributes);
/* Views are not looked at. */
const char *mb_barrier(const mb_view *views, int32_t count, const double *attributes);

#endif
