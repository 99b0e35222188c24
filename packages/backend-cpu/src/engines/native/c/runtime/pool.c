/* The thread pool: one loop at a time, tasks claimed from an atomic counter, workers that spin briefly and then sleep.
 *
 * A claim is (loop number, next task) in one 64-bit word and is advanced by compare-and-swap, so a worker that wakes up late can never
 * take a task of another loop, and the loop's end waits for claimed tasks only, never for sleeping workers.
 *
 * A task that finds no scratch memory is left by a jump to its worker's `task_end`; tasks that have not begun are skipped, and when the loop
 * is over the kernel is left by a jump to `kernel_end`. Kernels hold nothing that such a jump could lose. */
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "runtime/pool.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "runtime/api.h"

#define SPINS 1000 /* some 20 to 50 µs */
#define CLOSED UINT32_MAX
#define MAX_TASKS (1 << 30)

#if defined(_WIN32)
#define SET_JUMP setjmp
#define JUMP longjmp
#else /* without the signal mask, which takes system calls */
#define SET_JUMP _setjmp
#define JUMP _longjmp
#endif

typedef struct {
  void *data;
  size_t bytes;
} scratch_block;

typedef struct {
  pthread_t thread;
  mb_pool *pool;
  int index;
  scratch_block scratch[MB_SLOTS];
} pool_worker;

struct mb_pool {
  void *owner;
  int workers;
  int first_processor; /* among those that the process may use: that of worker 0 */
  /* The loop in progress; changed only while `claim` is closed. */
  _Atomic(mb_body) body;
  _Atomic(void *) context;
  _Atomic int64_t tasks, first;
  _Alignas(64) atomic_uint_fast64_t claim; /* loop number << 32 | next task */
  _Alignas(64) _Atomic int64_t done;
  _Atomic int64_t lacked; /* bytes of scratch that the kernel in progress asked for in vain; 0: none */
  _Alignas(64) atomic_int sleepers;
  atomic_bool stop;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pool_worker worker[];
};

static _Thread_local mb_pool *current_pool;
static _Thread_local int current_worker;
static _Thread_local bool inside_task;
static _Thread_local jmp_buf task_end, kernel_end;
static _Atomic int64_t scratch_limit = INT64_MAX;

static inline void pause_cpu(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Works on tasks of the loop in progress until none is left. */
static void work(mb_pool *pool, int worker) {
  if (SET_JUMP(task_end) != 0) atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
  for (;;) {
    uint64_t claim = atomic_load_explicit(&pool->claim, memory_order_acquire);
    const uint32_t task = (uint32_t)claim;
    /* Acquired, so that who sees the count of a new loop sees that the old one is closed, and claims nothing. */
    if (task == CLOSED || task >= atomic_load_explicit(&pool->tasks, memory_order_acquire)) return;
    if (!atomic_compare_exchange_weak(&pool->claim, &claim, claim + 1)) continue;
    const mb_body body = atomic_load_explicit(&pool->body, memory_order_relaxed);
    void *context = atomic_load_explicit(&pool->context, memory_order_relaxed);
    if (atomic_load_explicit(&pool->lacked, memory_order_relaxed) == 0)
      body(context, atomic_load_explicit(&pool->first, memory_order_relaxed) + task, worker);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
  }
}

/* Where a pool has a worker for each processor that the process may use, each stays on its own (Linux): left alone, schedulers wake a
 * worker beside the one that woke it and leave both there for seconds. A smaller pool moves freely, or two of them could meet on one
 * processor. Worker 0, which has most to do, is on another processor in each pool. */
static void stay_on_processor(const mb_pool *pool, int worker) {
#if defined(__linux__)
  cpu_set_t allowed, own;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) != pool->workers) return;
  int processor = 0;
  for (int left = (pool->first_processor + worker) % pool->workers; !CPU_ISSET(processor, &allowed) || left-- > 0;) processor++;
  CPU_ZERO(&own);
  CPU_SET(processor, &own);
  sched_setaffinity(0, sizeof own, &own);
#else
  (void)pool, (void)worker;
#endif
}

static void *worker_main(void *argument) {
  pool_worker *self = argument;
  mb_pool *pool = self->pool;
  stay_on_processor(pool, self->index);
  current_pool = pool;
  current_worker = self->index;
  inside_task = true;
  uint32_t seen = 0;
  while (!atomic_load(&pool->stop)) {
    uint32_t loop = seen;
    for (int spin = 0; spin < SPINS && loop == seen; spin++) {
      pause_cpu();
      loop = (uint32_t)(atomic_load_explicit(&pool->claim, memory_order_acquire) >> 32);
    }
    if (loop == seen) {
      pthread_mutex_lock(&pool->mutex);
      atomic_fetch_add(&pool->sleepers, 1);
      while ((loop = (uint32_t)(atomic_load(&pool->claim) >> 32)) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->wake, &pool->mutex);
      atomic_fetch_sub(&pool->sleepers, 1);
      pthread_mutex_unlock(&pool->mutex);
    }
    seen = loop;
    work(pool, self->index);
  }
  return NULL;
}

static void run_loop(mb_pool *pool, int64_t first, int64_t tasks, mb_body body, void *context) {
  const uint64_t loop = (atomic_load_explicit(&pool->claim, memory_order_relaxed) >> 32) + 1;
  /* Under the old number: a worker that saw the new one here would take the loop for finished and miss it. */
  atomic_store(&pool->claim, ((loop - 1) << 32) | CLOSED);
  atomic_store_explicit(&pool->body, body, memory_order_relaxed);
  atomic_store_explicit(&pool->context, context, memory_order_relaxed);
  atomic_store_explicit(&pool->first, first, memory_order_relaxed);
  atomic_store_explicit(&pool->tasks, tasks, memory_order_release);
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  atomic_store(&pool->claim, loop << 32);
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
  }
  inside_task = true;
  work(pool, 0);
  inside_task = false;
  for (int spin = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < tasks; spin++) {
    if (spin < SPINS) pause_cpu();
    else sched_yield();
  }
  if (atomic_load(&pool->lacked) != 0) JUMP(kernel_end, 1);
}

void mb_parallel(int64_t tasks, mb_body body, void *context) {
  mb_pool *pool = current_pool;
  if (inside_task || pool == NULL || pool->workers == 1 || tasks == 1) {
    for (int64_t task = 0; task < tasks; task++) body(context, task, current_worker);
    return;
  }
  for (int64_t first = 0; first < tasks; first += MAX_TASKS)
    run_loop(pool, first, tasks - first < MAX_TASKS ? tasks - first : MAX_TASKS, body, context);
}

int mb_workers(void) { return current_pool ? current_pool->workers : 1; }

int mb_given_up(void) { return atomic_load_explicit(&current_pool->lacked, memory_order_relaxed) != 0; }

static _Noreturn void give_up(size_t bytes) {
  atomic_store(&current_pool->lacked, (int64_t)bytes);
  JUMP(inside_task ? task_end : kernel_end, 1);
}

int64_t mb_pool_run(mb_kernel kernel, const mb_view *views, const double *attributes) {
  atomic_store(&current_pool->lacked, 0);
  if (SET_JUMP(kernel_end) == 0) kernel(views, attributes);
  return atomic_load(&current_pool->lacked);
}

MB_API void mb_limit_scratch(int64_t bytes) { atomic_store(&scratch_limit, bytes < 0 ? INT64_MAX : bytes); }

void *mb_scratch(int worker, int slot, size_t bytes) {
  scratch_block *block = &current_pool->worker[worker].scratch[slot];
  if ((int64_t)bytes > atomic_load_explicit(&scratch_limit, memory_order_relaxed)) give_up(bytes);
  if (block->bytes < bytes) {
    mb_free(block->data);
    const size_t roomy = bytes + bytes / 4;
    block->data = mb_allocate((int64_t)roomy);
    block->bytes = block->data ? roomy : 0;
    if (block->data == NULL) give_up(bytes);
  }
#if defined(MB_POISON_SCRATCH)
  memset(block->data, 0xff, bytes); /* NaN: a kernel that reads what it did not write is found out */
#endif
  return block->data;
}

mb_pool *mb_pool_create(int workers, void *owner) {
  mb_pool *pool = mb_allocate((int64_t)(sizeof(mb_pool) + (size_t)workers * sizeof(pool_worker)));
  if (pool == NULL) return NULL;
  static atomic_uint pools;
  *pool = (mb_pool){.owner = owner, .workers = workers, .first_processor = (int)(((unsigned)getpid() + atomic_fetch_add(&pools, 1)) % (unsigned)workers)};
  atomic_store(&pool->claim, CLOSED);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  for (int index = 0; index < workers; index++) pool->worker[index] = (pool_worker){.pool = pool, .index = index};
  for (int index = 1; index < workers; index++) {
    if (pthread_create(&pool->worker[index].thread, NULL, worker_main, &pool->worker[index]) == 0) continue;
    pool->workers = index;
    mb_pool_destroy(pool);
    return NULL;
  }
  return pool;
}

void mb_pool_enter(mb_pool *pool) {
  current_pool = pool;
  current_worker = 0;
  stay_on_processor(pool, 0);
}

void *mb_pool_owner(void) { return current_pool ? current_pool->owner : NULL; }

void mb_pool_destroy(mb_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stop, true);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
  for (int index = 1; index < pool->workers; index++) pthread_join(pool->worker[index].thread, NULL);
  for (int index = 0; index < pool->workers; index++)
    for (int slot = 0; slot < MB_SLOTS; slot++) mb_free(pool->worker[index].scratch[slot].data);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  mb_free(pool);
}
