#include "runtime/blocks.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

static const char *const changed_file =
    "value\nread\nexpected a file of weights that stays as it is while a model is open, got one that was changed: open the model again, and put "
    "new files in the place of old ones by renaming";

static int order(const void *a, const void *b) { return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b); }

void mb_blocks_begin(mb_blocks *blocks) {
  blocks->tree = NULL;
  blocks->mapped = NULL;
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

void *mb_blocks_map(mb_blocks *blocks, int32_t file, int64_t bytes) {
  mb_mapped *added = malloc(sizeof *added);
  if (added == NULL) return NULL;
  added->mapping = mb_mapping_open(file, bytes);
  if (added->mapping == NULL) {
    free(added);
    return NULL;
  }
  pthread_mutex_lock(&blocks->mutex);
  added->next = blocks->mapped;
  blocks->mapped = added;
  pthread_mutex_unlock(&blocks->mutex);
  return mb_mapping_data(added->mapping);
}

const char *mb_blocks_error(mb_blocks *blocks) {
  bool changed = false;
  pthread_mutex_lock(&blocks->mutex);
  for (const mb_mapped *at = blocks->mapped; at && !changed; at = at->next) changed = mb_mapping_changed(at->mapping);
  pthread_mutex_unlock(&blocks->mutex);
  return changed ? changed_file : NULL;
}

/* Out of the set; NULL where `data` is a block. */
static mb_mapped *take_mapped(mb_blocks *blocks, const void *data) {
  for (mb_mapped **at = &blocks->mapped; *at; at = &(*at)->next) {
    mb_mapped *found = *at;
    if (mb_mapping_data(found->mapping) != data) continue;
    *at = found->next;
    return found;
  }
  return NULL;
}

void mb_blocks_free(mb_blocks *blocks, void *data) {
  pthread_mutex_lock(&blocks->mutex);
  mb_mapped *mapped = take_mapped(blocks, data);
  if (mapped == NULL) tdelete(data, &blocks->tree, order);
  pthread_mutex_unlock(&blocks->mutex);
  if (mapped == NULL) return mb_free(data);
  mb_mapping_close(mapped->mapping);
  free(mapped);
}

void mb_blocks_end(mb_blocks *blocks) {
  while (blocks->mapped) mb_blocks_free(blocks, mb_mapping_data(blocks->mapped->mapping));
  while (blocks->tree) mb_blocks_free(blocks, *(void **)blocks->tree); /* a node begins with its key */
  pthread_mutex_destroy(&blocks->mutex);
}
