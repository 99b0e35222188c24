#include "runtime/blocks.h"

#include <search.h>

#include "base/memory.h"

static int order(const void *a, const void *b) { return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b); }

void mb_blocks_begin(mb_blocks *blocks) {
  blocks->tree = NULL;
  pthread_mutex_init(&blocks->mutex, NULL);
}

void *mb_blocks_allocate(mb_blocks *blocks, int64_t bytes) {
  void *data = mb_allocate(bytes);
  if (data == NULL) return NULL;
  pthread_mutex_lock(&blocks->mutex);
  const int kept = tsearch(data, &blocks->tree, order) != NULL;
  pthread_mutex_unlock(&blocks->mutex);
  if (kept) return data;
  mb_free(data);
  return NULL;
}

void mb_blocks_free(mb_blocks *blocks, void *data) {
  pthread_mutex_lock(&blocks->mutex);
  tdelete(data, &blocks->tree, order);
  pthread_mutex_unlock(&blocks->mutex);
  mb_free(data);
}

void mb_blocks_end(mb_blocks *blocks) {
  while (blocks->tree) mb_blocks_free(blocks, *(void **)blocks->tree); /* a node begins with its key */
  pthread_mutex_destroy(&blocks->mutex);
}
