/* The thread pool behind base/parallel.h, as the stream sees it. */
#ifndef MB_POOL_H
#define MB_POOL_H

typedef struct mb_pool mb_pool;

/* `workers` counts the calling (stream) thread; `owner` is handed back by mb_pool_owner. NULL when threads cannot be made. */
mb_pool *mb_pool_create(int workers, void *owner);

/* Makes the calling thread worker 0 of the pool. */
void mb_pool_enter(mb_pool *pool);

/* The owner of the pool that the calling thread works for. */
void *mb_pool_owner(void);

/* Ends the workers and frees their scratch. */
void mb_pool_destroy(mb_pool *pool);

#endif
