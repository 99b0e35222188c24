/* Ids in order, with the positions where they stood: equal ones stay in their order. */
#ifndef MB_SORT_IDS_H
#define MB_SORT_IDS_H

#include "engine/call.h"

struct sorted_ids {
  const uint32_t *keys;      /* in order; those of bad ids are `limit` and come last */
  const uint32_t *positions; /* in the ids */
  int64_t size;
  uint32_t limit;
};

/* ids [rows, columns]: the key of an id is row · range + id. Reports bad ids. `memory`: keys and positions [2, size] each and counts
 * [blocks, 256], see src/sorted-ids.ts. Keys fit 32 bits. */
sorted_ids sort_ids(const mb_call &call, const mb_view &ids, int64_t range, const mb_view *memory);

#endif
