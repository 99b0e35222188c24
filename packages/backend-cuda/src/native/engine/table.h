/* The operations by number. */
#ifndef MB_TABLE_H
#define MB_TABLE_H

#include "engine/call.h"

struct mb_operation_entry {
  const char *name, *shown;
  mb_launcher launch;
};

extern const mb_operation_entry mb_operations[];

/* How many there are. */
extern const int32_t mb_operation_count;

/* The name in messages, of the stream's own operations too. */
const char *shown_operation(int32_t operation);

#endif
