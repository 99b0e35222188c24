#include "ranks.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK = 20, BEAT = 500, PATIENCE = 2000 }; /* milliseconds */

/* What ranks say to each other beside data. The last of a rank is LEAVES or FAILS. */
typedef struct {
  enum { BEATS, LEAVES, FAILS } kind;
  char reason[500];
} message;

typedef struct {
  message heard;
  mb_handle hearing, telling; /* requests; `telling` is of the last message to it */
  bool gone;                  /* nothing more will be heard of it; so of this rank itself */
  bool told;                  /* the last message to it is on its way, or there is nobody to tell */
} peer;

mb_ranks ranks;

static pthread_t thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char reason[500];
static bool second_hand; /* the reason is another rank's, which tells the others itself */
static atomic_bool leaving, quitting;
static int32_t most_silence;
static mb_handle control;
static peer *peers;
static message beat = {.kind = BEATS}, last;
static mb_handle beating;
static bool beats; /* `beating` is under way */

static void fail_with(bool heard, const char *text) {
  pthread_mutex_lock(&mutex);
  if (!atomic_load(&ranks.failed)) {
    snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, text);
    for (char *at = reason; *at; at++)
      if (*at == '\n') *at = ' ';
    second_hand = heard;
    atomic_store(&ranks.failed, true);
  }
  pthread_mutex_unlock(&mutex);
}

void mb_fail(const char *format, ...) {
  char text[sizeof reason];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  fail_with(false, text);
}

const char *mb_failure(void) { return atomic_load(&ranks.failed) ? reason : NULL; }

static void rest(void) {
  const struct timespec time = {.tv_nsec = TICK * 1000000L};
  nanosleep(&time, NULL);
}

static bool works(int code, const char *what) {
  if (code != 0) mb_fail("%s: %s", what, mb_mpi_error(code));
  return code == 0;
}

static bool start(void) {
  int provided = 0;
  if (!works(mpi.init(NULL, NULL, mpi.thread_multiple, &provided), "MPI_Init_thread")) return false;
  if (provided < mpi.thread_multiple) {
    mb_fail("expected an MPI library that several threads may call (MPI_THREAD_MULTIPLE), got one that only one may: install another");
    return false;
  }
  if (mpi.errors_return != 0 && !works(mpi.comm_set_errhandler(mpi.world, mpi.errors_return), "MPI_Comm_set_errhandler")) return false;
  if (!works(mpi.comm_rank(mpi.world, &ranks.rank), "MPI_Comm_rank") || !works(mpi.comm_size(mpi.world, &ranks.world), "MPI_Comm_size"))
    return false;
  if (!works(mpi.comm_dup(mpi.world, &ranks.data), "MPI_Comm_dup") || !works(mpi.comm_dup(mpi.world, &control), "MPI_Comm_dup")) return false;
  peers = calloc((size_t)ranks.world, sizeof *peers);
  if (peers == NULL) {
    mb_fail("expected room for %d ranks, the system has none", ranks.world);
    return false;
  }
  peers[ranks.rank].gone = peers[ranks.rank].told = true;
  return true;
}

/* Whether a request is done; an error of MPI says that the other rank is gone. */
static bool done(mb_handle *request, int32_t rank) {
  int is_done = 0;
  char status[64];
  const int code = mpi.test(request, &is_done, status);
  if (code == 0) return is_done != 0;
  mb_fail("rank %d was lost: %s", rank, mb_mpi_error(code));
  peers[rank].gone = true;
  return false;
}

static void hear(int32_t rank) {
  peer *from = &peers[rank];
  if (!from->gone) from->gone = mpi.receive(&from->heard, sizeof from->heard, mpi.byte, rank, 0, control, &from->hearing) != 0;
}

/* Returns the milliseconds since the rank before this one was heard. */
static int32_t listen(int32_t silence) {
  const int32_t before = (ranks.rank + ranks.world - 1) % ranks.world;
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    peer *from = &peers[rank];
    if (from->gone || !done(&from->hearing, rank)) continue;
    if (rank == before) silence = 0;
    if (from->heard.kind == FAILS) {
      char text[sizeof reason + 32];
      snprintf(text, sizeof text, "rank %d gave up: %s", rank, from->heard.reason);
      fail_with(true, text);
    }
    from->gone = from->heard.kind != BEATS;
    hear(rank);
  }
  return peers[before].gone ? 0 : silence + TICK;
}

/* To the next rank; nothing where the last beat is still under way. */
static void say_beat(void) {
  const int32_t next = (ranks.rank + 1) % ranks.world;
  if (peers[next].gone || (beats && !done(&beating, next))) return;
  beats = mpi.send(&beat, sizeof beat, mpi.byte, next, 0, control, &beating) == 0;
}

/* To all; once. */
static void say_last(int kind) {
  last.kind = kind;
  if (kind == FAILS) memcpy(last.reason, reason, sizeof last.reason);
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    peer *to = &peers[rank];
    if (!to->told) to->told = mpi.send(&last, sizeof last, mpi.byte, rank, 0, control, &to->telling) != 0;
  }
}

static bool all_told(void) {
  bool all = true;
  for (int32_t rank = 0; rank < ranks.world; rank++) {
    peer *to = &peers[rank];
    if (!to->told) to->told = done(&to->telling, rank) || peers[rank].gone;
    all = all && to->told;
  }
  return all;
}

static bool all_gone(void) {
  for (int32_t rank = 0; rank < ranks.world; rank++)
    if (!peers[rank].gone) return false;
  return true;
}

static void *watch(void *unused) {
  (void)unused;
  if (!start()) {
    atomic_store(&ranks.state, MB_FAILED);
    return NULL;
  }
  for (int32_t rank = 0; rank < ranks.world; rank++) hear(rank);
  atomic_store(&ranks.state, MB_JOINED);
  bool said_last = false;
  /* Counted in ticks of this thread: time in which the whole process stood still does not count. */
  int32_t silence = 0, since_beat = 0;
  while (!atomic_load(&ranks.failed)) {
    silence = listen(silence);
    if (silence > most_silence)
      mb_fail("rank %d was lost: nothing was heard from it for %d s", (ranks.rank + ranks.world - 1) % ranks.world, most_silence / 1000);
    if (atomic_load(&quitting)) mb_fail("the process ended");
    if (said_last) {
      if (all_told() && all_gone()) break;
    } else if (atomic_load(&leaving)) {
      say_last(LEAVES);
      said_last = true;
    } else if ((since_beat += TICK) >= BEAT) {
      say_beat();
      since_beat = 0;
    }
    rest();
  }
  if (!atomic_load(&ranks.failed)) {
    mpi.finalize();
    atomic_store(&ranks.state, MB_LEFT);
    return NULL;
  }
  if (!second_hand && !said_last) {
    say_last(FAILS);
    for (int32_t time = 0; time < PATIENCE && !all_told(); time += TICK) rest();
  }
  atomic_store(&ranks.state, MB_FAILED);
  return NULL;
}

bool mb_ranks_join(int32_t silence) {
  most_silence = silence;
  atomic_store(&ranks.state, MB_STARTING);
  return pthread_create(&thread, NULL, watch, NULL) == 0;
}

void mb_ranks_leave(void) { atomic_store(&leaving, true); }

void mb_ranks_quit(void) {
  /* A process that ends does not wait for others to begin. */
  const int state = atomic_exchange(&ranks.state, MB_CLOSED);
  if (state == MB_CLOSED || state == MB_STARTING) return;
  atomic_store(&quitting, true);
  pthread_join(thread, NULL);
}
