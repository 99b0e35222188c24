/* Every sum is made by one rank, which has a part of the elements, and goes to the others as it is: so all have the same bits. Work is done in
 * blocks of a bounded size. */
#include "operations.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "ranks.h"
#include "reduce.h"

static const char *error_of(const char *operation) {
  static char text[640];
  snprintf(text, sizeof text, "collective\n%s\n%s", operation, mb_failure());
  return text;
}

static int64_t size_of(const mb_view *view) {
  int64_t size = 1;
  for (int32_t axis = 0; axis < view->rank; axis++) size *= view->shape[axis];
  return size;
}

/* Where the part of a rank begins; the part of rank `world` is the end. */
static int64_t part_of(int64_t size, int32_t rank) { return size / ranks.world * rank + (rank < size % ranks.world ? rank : size % ranks.world); }

/* What a rank is about to do. */
typedef struct {
  char operation[16];
  int64_t elements, dtype, attribute;
} intent;

/* Whether all ranks are about to do the same. */
static bool agreed(const char *operation, int64_t elements, int64_t dtype, int64_t attribute) {
  intent *all = mb_exchange_memory((int64_t)sizeof *all * ranks.world);
  if (all == NULL) return false;
  intent own = {.elements = elements, .dtype = dtype, .attribute = attribute};
  snprintf(own.operation, sizeof own.operation, "%s", operation);
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    if (rank == ranks.rank) continue;
    mb_receive(rank, &all[rank], sizeof *all);
    mb_send(rank, &own, sizeof own);
  }
  if (!mb_exchange()) return false;
  for (int32_t rank = 0; rank < ranks.world; rank++)
    if (rank != ranks.rank && memcmp(&own, &all[rank], sizeof own) != 0)
      mb_fail("expected all ranks to call the same, got %s of %lld elements (dtype %lld, %lld) on rank %d, %s of %lld (dtype %lld, %lld) on rank %d",
              own.operation, (long long)own.elements, (long long)own.dtype, (long long)own.attribute, ranks.rank, all[rank].operation,
              (long long)all[rank].elements, (long long)all[rank].dtype, (long long)all[rank].attribute, rank);
  return !atomic_load(&ranks.failed);
}

/* Part `rank` of each rank's block to that rank; then the part of this rank, reduced. `parts` has room for a block. */
static bool reduce_block(int32_t dtype, int kind, char *block, int64_t size, char *parts) {
  const int64_t bytes = mb_bytes_of(dtype), from = part_of(size, ranks.rank), own = part_of(size, ranks.rank + 1) - from;
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    if (rank == ranks.rank) continue;
    mb_receive(rank, parts + rank * own * bytes, own * bytes);
    mb_send(rank, block + part_of(size, rank) * bytes, (part_of(size, rank + 1) - part_of(size, rank)) * bytes);
  }
  memcpy(parts + ranks.rank * own * bytes, block + from * bytes, (size_t)(own * bytes));
  if (!mb_exchange()) return false;
  mb_reduce_parts(dtype, kind, parts, own * bytes, ranks.world, block + from * bytes, own);
  return true;
}

/* The part of each rank to all others. */
static bool gather_block(int64_t bytes, char *block, int64_t size) {
  const int64_t from = part_of(size, ranks.rank), own = part_of(size, ranks.rank + 1) - from;
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    if (rank == ranks.rank) continue;
    mb_receive(rank, block + part_of(size, rank) * bytes, (part_of(size, rank + 1) - part_of(size, rank)) * bytes);
    mb_send(rank, block + from * bytes, own * bytes);
  }
  return mb_exchange();
}

/* The part of each rank from the root to that rank. */
static bool scatter_block(int64_t bytes, char *block, int64_t size, int32_t root) {
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    char *part = block + part_of(size, rank) * bytes;
    const int64_t part_bytes = (part_of(size, rank + 1) - part_of(size, rank)) * bytes;
    if (ranks.rank == root && rank != root) mb_send(rank, part, part_bytes);
    if (ranks.rank != root && rank == ranks.rank) mb_receive(root, part, part_bytes);
  }
  return mb_exchange();
}

/* Where a walk through the elements of several views stands. */
typedef struct {
  const mb_view *views;
  int64_t at;
} position;

/* Copies the next `size` elements of the views from or to the block. */
static void copy_next(position *position, char *block, int64_t size, bool to_views) {
  const int64_t bytes = mb_bytes_of(position->views->dtype);
  while (size > 0) {
    const int64_t left = size_of(position->views) - position->at, now = left < size ? left : size;
    char *elements = (char *)position->views->data + position->at * bytes;
    memcpy(to_views ? elements : block, to_views ? block : elements, (size_t)(now * bytes));
    block += now * bytes;
    size -= now;
    position->at += now;
    if (now == left) *position = (typeof(*position)){position->views + 1, 0};
  }
}

static const char *in_place(const char *operation, const mb_view *views, int32_t count, int64_t attribute) {
  const bool reduces = strcmp(operation, "allReduce") == 0;
  int64_t size = 0;
  for (int32_t at = 0; at < count; at++) size += size_of(&views[at]);
  if (!agreed(operation, size, views->dtype, attribute)) return error_of(operation);
  const int64_t bytes = mb_bytes_of(views->dtype), most = MB_MESSAGE_BYTES / bytes * ranks.world;
  /* A part has at most one element more than an even share. */
  char *block = mb_exchange_memory((most + most + ranks.world) * bytes);
  position from = {views, 0}, to = {views, 0};
  for (int64_t at = 0; block != NULL && at < size; at += most) {
    const int64_t now = size - at < most ? size - at : most;
    copy_next(&from, block, now, false);
    const bool ready = reduces ? reduce_block(views->dtype, (int)attribute, block, now, block + most * bytes)
                               : scatter_block(bytes, block, now, (int32_t)attribute);
    if (!ready || !gather_block(bytes, block, now)) break;
    copy_next(&to, block, now, true);
  }
  return atomic_load(&ranks.failed) ? error_of(operation) : NULL;
}

const char *mb_all_reduce(const mb_view *views, int32_t count, const double *attributes) {
  return in_place("allReduce", views, count, (int64_t)attributes[0]);
}

const char *mb_broadcast(const mb_view *views, int32_t count, const double *attributes) {
  return in_place("broadcast", views, count, (int64_t)attributes[0]);
}

const char *mb_reduce_scatter(const mb_view *views, int32_t count, const double *attributes) {
  (void)count;
  const int32_t dtype = views[0].dtype;
  const int64_t size = size_of(&views[1]), bytes = mb_bytes_of(dtype), most = MB_MESSAGE_BYTES / bytes;
  if (!agreed("reduceScatter", size, dtype, (int64_t)attributes[0])) return error_of("reduceScatter");
  char *block = mb_exchange_memory(2 * most * ranks.world * bytes);
  for (int64_t at = 0; block != NULL && at < size; at += most) {
    const int64_t now = size - at < most ? size - at : most;
    for (int32_t rank = 0; rank < ranks.world; rank++)
      memcpy(block + rank * now * bytes, (const char *)views[0].data + (rank * size + at) * bytes, (size_t)(now * bytes));
    if (!reduce_block(dtype, (int)attributes[0], block, now * ranks.world, block + most * ranks.world * bytes)) break;
    memcpy((char *)views[1].data + at * bytes, block + ranks.rank * now * bytes, (size_t)(now * bytes));
  }
  return atomic_load(&ranks.failed) ? error_of("reduceScatter") : NULL;
}

const char *mb_all_gather(const mb_view *views, int32_t count, const double *attributes) {
  (void)count;
  (void)attributes;
  const int64_t size = size_of(&views[0]), bytes = mb_bytes_of(views[0].dtype), most = MB_MESSAGE_BYTES / bytes;
  if (!agreed("allGather", size, views[0].dtype, 0)) return error_of("allGather");
  char *block = mb_exchange_memory(most * ranks.world * bytes);
  for (int64_t at = 0; block != NULL && at < size; at += most) {
    const int64_t now = size - at < most ? size - at : most;
    memcpy(block + ranks.rank * now * bytes, (const char *)views[0].data + at * bytes, (size_t)(now * bytes));
    if (!gather_block(bytes, block, now * ranks.world)) break;
    for (int32_t rank = 0; rank < ranks.world; rank++)
      memcpy((char *)views[1].data + (rank * size + at) * bytes, block + rank * now * bytes, (size_t)(now * bytes));
  }
  return atomic_load(&ranks.failed) ? error_of("allGather") : NULL;
}

const char *mb_barrier(const mb_view *views, int32_t count, const double *attributes) {
  (void)views;
  (void)count;
  (void)attributes;
  return agreed("barrier", 0, 0, 0) ? NULL : error_of("barrier");
}
