/* The memory of a stream's buffers: a set of blocks, each freed by itself or all that are left at once. One thread may allocate while
 * another frees. */
#ifndef MB_BLOCKS_H
#define MB_BLOCKS_H

#include <pthread.h>
#include <stdint.h>

typedef struct {
  pthread_mutex_t mutex;
  void *tree; /* of tsearch */
} mb_blocks;

void mb_blocks_begin(mb_blocks *blocks);

/* NULL when there is no room. */
void *mb_blocks_allocate(mb_blocks *blocks, int64_t bytes);

void mb_blocks_free(mb_blocks *blocks, void *data);

/* Frees what is left, and the set. */
void mb_blocks_end(mb_blocks *blocks);

#endif
