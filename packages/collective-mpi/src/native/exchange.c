#include "exchange.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "ranks.h"

/* A rank that waits for others looks again at once for this many nanoseconds, then every REST: another process may need the processor. */
enum { SPIN = 5000000, REST = 50000 };

static struct {
  mb_handle handle;
  int32_t rank;
} *requests;
static int32_t count;
static void *memory;
static int64_t memory_bytes;

void *mb_exchange_memory(int64_t bytes) {
  /* Messages that a failure cut off may still come in. */
  if (atomic_load(&ranks.failed)) return NULL;
  if (requests == NULL) requests = calloc((size_t)(2 * ranks.world), sizeof *requests);
  if (memory_bytes < bytes) {
    free(memory);
    memory = malloc((size_t)bytes);
    memory_bytes = memory == NULL ? 0 : bytes;
  }
  if (requests == NULL || memory == NULL) mb_fail("expected room for %lld bytes of messages, the system has none", (long long)bytes);
  return atomic_load(&ranks.failed) ? NULL : memory;
}

static void added(int code, int32_t rank) {
  requests[count++].rank = rank;
  if (code != 0) mb_fail("rank %d was lost: %s", rank, mb_mpi_error(code));
}

void mb_send(int32_t rank, const void *data, int64_t bytes) {
  if (bytes == 0 || atomic_load(&ranks.failed)) return;
  added(mpi.send(data, (int)bytes, mpi.byte, rank, 0, ranks.data, &requests[count].handle), rank);
}

void mb_receive(int32_t rank, void *data, int64_t bytes) {
  if (bytes == 0 || atomic_load(&ranks.failed)) return;
  added(mpi.receive(data, (int)bytes, mpi.byte, rank, 0, ranks.data, &requests[count].handle), rank);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

bool mb_exchange(void) {
  const int64_t began = now();
  for (int32_t at = 0; at < count && !atomic_load(&ranks.failed);) {
    int done = 0;
    char status[64];
    const int code = mpi.test(&requests[at].handle, &done, status);
    if (code != 0) mb_fail("rank %d was lost: %s", requests[at].rank, mb_mpi_error(code));
    if (done) {
      at++;
    } else if (now() - began < SPIN) {
      sched_yield();
    } else {
      const struct timespec rest = {.tv_nsec = REST};
      nanosleep(&rest, NULL);
    }
  }
  count = 0;
  return !atomic_load(&ranks.failed);
}
