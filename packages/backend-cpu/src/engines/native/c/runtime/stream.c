/* The command stream: a thread that executes queued commands in order. JavaScript encodes, submits and goes on; only
 * mb_stream_wait waits. Commands are counted on both sides, so "command n" means the same in JavaScript and here. */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "runtime/blocks.h"
#include "runtime/isa.h"
#include "runtime/pool.h"
#include "runtime/side.h"

typedef struct batch {
  struct batch *next;
  int64_t bytes;
  _Alignas(8) char commands[];
} batch;

struct mb_stream {
  mb_pool *pool;
  const mb_kernel *kernels;
  mb_blocks blocks;
  mb_side *side;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t queued, executed;
  batch *first, *last;
  bool stop;
  atomic_bool abandoned; /* what is queued is dropped */
  _Atomic int64_t completed, wanted; /* wanted: the lowest count that someone waits for */
  /* The first error since the last mb_stream_take_error, and the command that met it. */
  atomic_bool failed;
  bool lasting; /* the error stays */
  int64_t failed_at;
  char error[640];
};

/* Addresses fit, as they stay below 2^53. */
static void *address_of(double number) { return (void *)(intptr_t)number; }

/* Keeps an error of the command in progress, unless an earlier one waits to be taken. */
static void report_list(mb_stream *stream, const char *kind, const char *operation, const char *format, va_list list) {
  pthread_mutex_lock(&stream->mutex);
  if (!atomic_load(&stream->failed)) {
    const int length = snprintf(stream->error, sizeof stream->error, "%s\n%s\n", kind, operation);
    vsnprintf(stream->error + length, sizeof stream->error - (size_t)length, format, list);
    stream->failed_at = atomic_load(&stream->completed) + 1;
    atomic_store(&stream->failed, true);
  }
  pthread_mutex_unlock(&stream->mutex);
}

/* Keeps an error of a function of another library. */
static void report_call(void *owner, const char *error) {
  mb_stream *const stream = owner;
  pthread_mutex_lock(&stream->mutex);
  const bool lasting = strncmp(error, "collective\n", 11) == 0;
  if (!stream->lasting && (lasting || !atomic_load(&stream->failed))) {
    snprintf(stream->error, sizeof stream->error, "%s", error);
    stream->failed_at = atomic_load(&stream->completed) + 1;
    stream->lasting = lasting;
    atomic_store(&stream->failed, true);
  }
  pthread_mutex_unlock(&stream->mutex);
}

static void __attribute__((format(printf, 4, 5)))
report(mb_stream *stream, const char *kind, const char *operation, const char *format, ...) {
  va_list list;
  va_start(list, format);
  report_list(stream, kind, operation, format, list);
  va_end(list);
}

void mb_value_error(const char *operation, const char *format, ...) {
  va_list list;
  va_start(list, format);
  report_list(mb_pool_owner(), "value", operation, format, list);
  va_end(list);
}

static void execute(mb_stream *stream, const mb_command *command);

static void replay(mb_stream *stream, const char *at, const char *end) {
  for (; at < end && !atomic_load(&stream->abandoned); at += ((const mb_command *)at)->bytes) execute(stream, (const mb_command *)at);
}

static void execute(mb_stream *stream, const mb_command *command) {
  const mb_view *views = (const mb_view *)(command + 1);
  const double *attributes = (const double *)(views + command->views);
  switch (command->operation) {
    case MB_WRITE_INLINE:
      memcpy(address_of(attributes[0]), attributes + 2, (size_t)attributes[1]);
      break;
    case MB_COPY_BYTES:
      memcpy(address_of(attributes[0]), address_of(attributes[1]), (size_t)attributes[2]);
      break;
    case MB_FREE:
      mb_blocks_free(&stream->blocks, address_of(attributes[0]));
      break;
    case MB_REPLAY:
      replay(stream, address_of(attributes[0]), (const char *)address_of(attributes[0]) + (int64_t)attributes[1]);
      break;
    case MB_CALL: {
      const char *error = ((mb_function *)address_of(attributes[0]))(views, command->views, attributes + 1);
      if (error != NULL) report_call(stream, error);
      break;
    }
    case MB_BESIDE:
      if (!mb_side_add(stream->side, command))
        report(stream, "memory", "call", "expected room for a call of another library, the system has none: use smaller batches, or release tensors");
      break;
    case MB_SETTLE:
      mb_side_settle(stream->side);
      break;
    default: {
      const int64_t lacked = mb_pool_run(stream->kernels[command->operation], views, attributes);
      if (lacked != 0)
        report(stream, "memory", mb_operation_name(command->operation),
               "expected room for %lld bytes of scratch memory, the system has none: use smaller batches, or release tensors",
               (long long)lacked);
    }
  }
}

static void execute_batch(mb_stream *stream, const batch *todo) {
  for (const char *at = todo->commands, *end = at + todo->bytes; at < end; at += ((const mb_command *)at)->bytes) {
    if (atomic_load(&stream->abandoned)) return;
    execute(stream, (const mb_command *)at);
    const int64_t completed = atomic_fetch_add(&stream->completed, 1) + 1;
    if (completed < atomic_load(&stream->wanted)) continue;
    pthread_mutex_lock(&stream->mutex);
    atomic_store(&stream->wanted, INT64_MAX);
    pthread_cond_broadcast(&stream->executed);
    pthread_mutex_unlock(&stream->mutex);
  }
}

static void *stream_main(void *argument) {
  mb_stream *stream = argument;
  mb_pool_enter(stream->pool);
  for (;;) {
    pthread_mutex_lock(&stream->mutex);
    while (stream->first == NULL && !stream->stop) pthread_cond_wait(&stream->queued, &stream->mutex);
    batch *todo = stream->first;
    if (todo != NULL && (stream->first = todo->next) == NULL) stream->last = NULL;
    pthread_mutex_unlock(&stream->mutex);
    if (todo == NULL) return NULL;
    execute_batch(stream, todo);
    free(todo);
  }
}

/* All but the threads. */
static void free_stream(mb_stream *stream) {
  mb_side_destroy(stream->side);
  mb_blocks_end(&stream->blocks);
  pthread_cond_destroy(&stream->executed);
  pthread_cond_destroy(&stream->queued);
  pthread_mutex_destroy(&stream->mutex);
  free(stream);
}

MB_API mb_stream *mb_stream_create(int32_t workers, int32_t isa) {
  mb_stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) return NULL;
  stream->kernels = mb_isa_kernels(isa);
  atomic_store(&stream->wanted, INT64_MAX);
  mb_blocks_begin(&stream->blocks);
  pthread_mutex_init(&stream->mutex, NULL);
  pthread_cond_init(&stream->queued, NULL);
  pthread_cond_init(&stream->executed, NULL);
  stream->side = mb_side_create(report_call, stream);
  stream->pool = mb_pool_create(workers, stream);
  if (stream->side != NULL && stream->pool != NULL && pthread_create(&stream->thread, NULL, stream_main, stream) == 0) return stream;
  if (stream->pool != NULL) mb_pool_destroy(stream->pool);
  free_stream(stream);
  return NULL;
}

MB_API void *mb_stream_allocate(mb_stream *stream, int64_t bytes) { return mb_blocks_allocate(&stream->blocks, bytes); }

MB_API void *mb_stream_map(mb_stream *stream, int32_t file, int64_t bytes) { return mb_blocks_map(&stream->blocks, file, bytes); }

MB_API int32_t mb_stream_submit(mb_stream *stream, const void *commands, int64_t bytes) {
  batch *added = malloc(sizeof *added + (size_t)bytes);
  if (added == NULL) return 0;
  added->next = NULL;
  added->bytes = bytes;
  memcpy(added->commands, commands, (size_t)bytes);
  pthread_mutex_lock(&stream->mutex);
  if (stream->last) stream->last->next = added;
  else stream->first = added;
  stream->last = added;
  pthread_cond_signal(&stream->queued);
  pthread_mutex_unlock(&stream->mutex);
  return 1;
}

MB_API int64_t mb_stream_completed(mb_stream *stream) { return atomic_load(&stream->completed); }

MB_API int32_t mb_stream_wait(mb_stream *stream, int64_t count, int32_t milliseconds) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += milliseconds / 1000;
  until.tv_nsec += milliseconds % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000L;
  }
  pthread_mutex_lock(&stream->mutex);
  int late = 0;
  for (;;) {
    if (count < atomic_load(&stream->wanted)) atomic_store(&stream->wanted, count);
    if (late || atomic_load(&stream->completed) >= count) break;
    late = pthread_cond_timedwait(&stream->executed, &stream->mutex, &until) != 0;
  }
  pthread_mutex_unlock(&stream->mutex);
  return atomic_load(&stream->completed) >= count;
}

MB_API int32_t mb_stream_take_error(mb_stream *stream, int64_t count, char *text, int64_t capacity) {
  const char *changed = mb_blocks_error(&stream->blocks);
  if (changed != NULL) return snprintf(text, (size_t)capacity, "%s", changed), 1;
  if (!atomic_load(&stream->failed)) return 0;
  pthread_mutex_lock(&stream->mutex);
  const bool taken = atomic_load(&stream->failed) && stream->failed_at <= count;
  if (taken) {
    snprintf(text, (size_t)capacity, "%s", stream->error);
    if (!stream->lasting) atomic_store(&stream->failed, false);
  }
  pthread_mutex_unlock(&stream->mutex);
  return taken;
}

MB_API void mb_stream_destroy(mb_stream *stream, int32_t finish) {
  if (!finish) atomic_store(&stream->abandoned, true);
  pthread_mutex_lock(&stream->mutex);
  stream->stop = true;
  pthread_cond_signal(&stream->queued);
  pthread_mutex_unlock(&stream->mutex);
  pthread_join(stream->thread, NULL);
  mb_pool_destroy(stream->pool);
  free_stream(stream);
}

MB_API void mb_copy(void *to, const void *from, int64_t bytes) {
  if (bytes > 0) memcpy(to, from, (size_t)bytes);
}
