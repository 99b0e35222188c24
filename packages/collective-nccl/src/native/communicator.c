#include "communicator.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { REST = 50000 }; /* nanoseconds between looks at NCCL */

static mb_nccl_id unique_id;
static int32_t own_rank, own_world;
static mb_nccl_comm *comm;
static atomic_bool failed;
static char reason[500];
static pthread_mutex_t failing = PTHREAD_MUTEX_INITIALIZER;
/* Held while the stream's thread is in NCCL, and by whoever aborts it. */
static pthread_mutex_t in_nccl = PTHREAD_MUTEX_INITIALIZER;

void mb_prepare(const mb_nccl_id *id, int32_t rank, int32_t world) {
  unique_id = *id;
  own_rank = rank;
  own_world = world;
}

const char *mb_failure(void) { return atomic_load(&failed) ? reason : NULL; }

/* Without ending what is under way: the stream's thread is in it. */
static void keep_reason(const char *text) {
  pthread_mutex_lock(&failing);
  if (!atomic_load(&failed)) {
    snprintf(reason, sizeof reason, "%s", text);
    for (char *at = reason; *at; at++)
      if (*at == '\n') *at = ' ';
    atomic_store(&failed, true);
  }
  pthread_mutex_unlock(&failing);
}

void mb_fail(const char *text) {
  keep_reason(text);
  /* The stream's thread leaves NCCL soon, as calls do not block; if it is stuck there, the abort is what helps it out. */
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 1;
  const bool locked = pthread_mutex_timedlock(&in_nccl, &end) == 0;
  mb_nccl_comm *const own = comm;
  comm = NULL;
  if (own != NULL) nccl.abort(own);
  if (locked) pthread_mutex_unlock(&in_nccl);
}

const char *mb_async_error(void) {
  int error = MB_NCCL_OK;
  const char *text = NULL;
  if (pthread_mutex_trylock(&in_nccl) != 0) return NULL;
  if (comm != NULL && nccl.async_error(comm, &error) == MB_NCCL_OK && error != MB_NCCL_OK && error != MB_NCCL_IN_PROGRESS)
    text = nccl.error_string(error);
  pthread_mutex_unlock(&in_nccl);
  return text;
}

void mb_leave(void) {
  pthread_mutex_lock(&in_nccl);
  if (comm != NULL) nccl.destroy(comm);
  comm = NULL;
  pthread_mutex_unlock(&in_nccl);
}

static const char *error_of(const char *operation) {
  static _Thread_local char text[640];
  snprintf(text, sizeof text, "collective\n%s\n%s", operation, mb_failure());
  return text;
}

/* Whether a call that may go on behind its return has ended well. */
static bool ended(int code) {
  while (code == MB_NCCL_IN_PROGRESS && !atomic_load(&failed)) {
    const struct timespec rest = {.tv_nsec = REST};
    nanosleep(&rest, NULL);
    const int asked = nccl.async_error(comm, &code);
    if (asked != MB_NCCL_OK) code = asked;
  }
  if (code != MB_NCCL_OK && code != MB_NCCL_IN_PROGRESS) {
    char text[300];
    snprintf(text, sizeof text, "NCCL: %s", nccl.error_string(code));
    keep_reason(text);
  }
  return !atomic_load(&failed);
}

/* NCCL's number of a dtype. f64 has one, but no buffer of the CUDA engine has f64. */
static int type_of(int32_t dtype) {
  static const int types[] = {[MB_F32] = 7, [MB_F16] = 6, [MB_BF16] = 9, [MB_F64] = 8, [MB_I32] = 2, [MB_U32] = 3};
  return types[dtype];
}

static size_t size_of(const mb_view *view) {
  size_t size = 1;
  for (int32_t axis = 0; axis < view->rank; axis++) size *= (size_t)view->shape[axis];
  return size;
}

static int reduction_of(const double *attributes) { return attributes[0] == 0 ? MB_NCCL_SUM : MB_NCCL_MAX; }

/* One or more views in one group of NCCL. */
typedef int queue_one(const mb_view *views, int32_t at, const double *attributes, void *stream);

static const char *run(const char *operation, queue_one *queue, const mb_view *views, int32_t calls, const double *attributes, void *stream) {
  if (calls < 0) return mb_failure() == NULL ? NULL : error_of(operation);
  pthread_mutex_lock(&in_nccl);
  if (!atomic_load(&failed) && comm == NULL) keep_reason("expected ranks that have joined");
  if (!atomic_load(&failed)) {
    int code = nccl.group_start();
    for (int32_t at = 0; at < calls && (code == MB_NCCL_OK || code == MB_NCCL_IN_PROGRESS); at++) code = queue(views, at, attributes, stream);
    const int end = nccl.group_end();
    ended(code == MB_NCCL_OK || code == MB_NCCL_IN_PROGRESS ? end : code);
  }
  pthread_mutex_unlock(&in_nccl);
  return mb_failure() == NULL ? NULL : error_of(operation);
}

const char *mb_join(const mb_view *views, int32_t count, const double *attributes, void *stream) {
  (void)views;
  (void)attributes;
  (void)stream;
  if (count >= 0 && !atomic_load(&failed)) {
    const mb_nccl_config config = {.size = sizeof config, .magic = 0xcafebeef, .version = 21400, .blocking = 0};
    pthread_mutex_lock(&in_nccl);
    ended(nccl.init(&comm, own_world, unique_id, own_rank, &config));
    pthread_mutex_unlock(&in_nccl);
  }
  return mb_failure() == NULL ? NULL : error_of("join");
}

static int all_reduce(const mb_view *views, int32_t at, const double *attributes, void *stream) {
  const mb_view *view = &views[at];
  return nccl.all_reduce(view->data, view->data, size_of(view), type_of(view->dtype), reduction_of(attributes), comm, stream);
}

const char *mb_all_reduce(const mb_view *views, int32_t count, const double *attributes, void *stream) {
  return run("allReduce", all_reduce, views, count, attributes, stream);
}

static int broadcast(const mb_view *views, int32_t at, const double *attributes, void *stream) {
  const mb_view *view = &views[at];
  return nccl.broadcast(view->data, view->data, size_of(view), type_of(view->dtype), (int)attributes[0], comm, stream);
}

const char *mb_broadcast(const mb_view *views, int32_t count, const double *attributes, void *stream) {
  return run("broadcast", broadcast, views, count, attributes, stream);
}

static int all_gather(const mb_view *views, int32_t at, const double *attributes, void *stream) {
  (void)at;
  (void)attributes;
  return nccl.all_gather(views[0].data, views[1].data, size_of(&views[0]), type_of(views[0].dtype), comm, stream);
}

const char *mb_all_gather(const mb_view *views, int32_t count, const double *attributes, void *stream) {
  return run("allGather", all_gather, views, count < 0 ? count : 1, attributes, stream);
}

static int reduce_scatter(const mb_view *views, int32_t at, const double *attributes, void *stream) {
  (void)at;
  return nccl.reduce_scatter(views[0].data, views[1].data, size_of(&views[1]), type_of(views[0].dtype), reduction_of(attributes), comm, stream);
}

const char *mb_reduce_scatter(const mb_view *views, int32_t count, const double *attributes, void *stream) {
  return run("reduceScatter", reduce_scatter, views, count < 0 ? count : 1, attributes, stream);
}
