/* The memory of a stream's buffers: a set of blocks, and of files that are mapped, each freed by itself or all that are left at once. One
 * thread may allocate while another frees. */
#ifndef MB_BLOCKS_H
#define MB_BLOCKS_H

#include <pthread.h>
#include <stdint.h>

#include "runtime/mapping.h"

typedef struct mb_mapped {
  struct mb_mapped *next;
  mb_mapping *mapping;
} mb_mapped;

typedef struct {
  pthread_mutex_t mutex;
  void *tree; /* of tsearch */
  mb_mapped *mapped;
} mb_blocks;

void mb_blocks_begin(mb_blocks *blocks);

/* NULL when there is no room. */
void *mb_blocks_allocate(mb_blocks *blocks, int64_t bytes);

/* The bytes of a file, see mapping.h: NULL where it cannot be mapped. */
void *mb_blocks_map(mb_blocks *blocks, int32_t file, int64_t bytes);

/* `kind\noperation\nmessage` where a file that is mapped was changed since, else NULL. */
const char *mb_blocks_error(mb_blocks *blocks);

void mb_blocks_free(mb_blocks *blocks, void *data);

/* Frees what is left, and the set. */
void mb_blocks_end(mb_blocks *blocks);

#endif
