/* Files whose bytes are buffers. Pages are those of the system's cache, which processes share, until somebody writes to one: that one is then
 * this process's own, and the file stays as it is. */
#ifndef MB_MAPPING_H
#define MB_MAPPING_H

#include <stdint.h>

typedef struct mb_mapping mb_mapping;

/* The first `bytes` bytes behind a descriptor, which stays the caller's. NULL where the file has another size, and where the system maps none. */
mb_mapping *mb_mapping_open(int32_t file, int64_t bytes);

void *mb_mapping_data(const mb_mapping *mapping);

/* Whether the file was written to or cut since: then what was read of it may be neither the old nor the new. */
int mb_mapping_changed(const mb_mapping *mapping);

void mb_mapping_close(mb_mapping *mapping);

#endif
