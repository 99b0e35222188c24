/* Raw memory for buffers and scratch: 64-byte aligned, large blocks on huge pages where the system has them. */
#ifndef MB_MEMORY_H
#define MB_MEMORY_H

#include <stdint.h>

/* NULL when there is no room. */
void *mb_allocate(int64_t bytes);

/* NULL is legal. */
void mb_free(void *data);

#endif
