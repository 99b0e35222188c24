/* Patterns round a buffer, which show that a command wrote outside its own. */
#ifndef MB_GUARD_H
#define MB_GUARD_H

#include "engine/call.h"

/* Fills the buffer with NaN and both sides with the pattern. */
void guard_buffer(char *buffer, int64_t bytes, cudaStream_t stream);

/* Whether both sides are as they were; reports the first byte that is not as a bad id: its offset in the buffer. */
void check_guard(const char *buffer, int64_t bytes, const mb_id_check &check, cudaStream_t stream);

#endif
