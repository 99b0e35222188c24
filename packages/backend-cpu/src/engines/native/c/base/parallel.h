/* Fork-join parallelism inside a command, and memory that kernels keep between commands.
 *
 * The stream thread is worker 0; workers 1… sleep between loops. Tasks are handed out dynamically, so a task's result must not
 * depend on `worker`: give each task its own output, and combine partial results in order of tasks. */
#ifndef MB_PARALLEL_H
#define MB_PARALLEL_H

#include <stddef.h>
#include <stdint.h>

typedef void (*mb_body)(void *context, int64_t task, int worker);

/* Calls body(context, task, worker) for task 0…tasks-1 on all workers and returns when all are done. Inside a task it runs serially.
 * Tasks start in ascending order, so a task may wait for ones with lower numbers (attention/backward.c does). */
void mb_parallel(int64_t tasks, mb_body body, void *context);

/* Number of workers of the current stream, the stream thread included. */
int mb_workers(void);

/* Slots of per-worker scratch. A kernel may use MB_SLOT_KERNEL_0… while it calls mb_gemm, which uses the GEMM slots. */
enum { MB_SLOT_GEMM_LANES, MB_SLOT_GEMM_LINES, MB_SLOT_AMX_A, MB_SLOT_AMX_B, MB_SLOT_AMX_SHARED_B, MB_SLOT_CONVERT, MB_SLOT_KERNEL_0, MB_SLOT_KERNEL_1, MB_SLOT_KERNEL_2, MB_SLOT_KERNEL_3, MB_SLOTS };

/* At least `bytes` of 64-byte aligned memory that belongs to (worker, slot); its content is undefined, and a later call for the same
 * pair may move it. Ask on the thread of that worker (worker 0: the stream thread). Memory to be shared by tasks is asked for before
 * mb_parallel with worker 0. Ends the process with a message when memory is exhausted, as a kernel half done cannot be undone. */
void *mb_scratch(int worker, int slot, size_t bytes);

#endif
