/* This process among the ranks: how it joins and leaves them, and how failures travel. A thread of its own starts MPI, beats towards the next
 * rank, listens to all, and ends MPI; so nothing here makes JavaScript wait for long. */
#ifndef MB_RANKS_H
#define MB_RANKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "library.h"

typedef enum { MB_CLOSED, MB_STARTING, MB_JOINED, MB_FAILED, MB_LEFT } mb_state;

typedef struct {
  _Atomic int state; /* mb_state */
  atomic_bool failed;
  int32_t rank, world;
  mb_handle data; /* the communicator of collective operations */
} mb_ranks;

extern mb_ranks ranks;

/* Starts MPI; the state tells when it is there. A rank that says nothing for `silence` milliseconds counts as lost. false: no thread. */
bool mb_ranks_join(int32_t silence);
/* All ranks are waited for; then MPI ends. */
void mb_ranks_leave(void);
/* Ends the thread without waiting for other ranks; they learn that this one is gone. */
void mb_ranks_quit(void);

/* Gives up, on all ranks: the first reason stays. */
void mb_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Why; of this process while it lasts. */
const char *mb_failure(void);

#endif
