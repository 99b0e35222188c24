/* The operations by number. */
#ifndef MB_TABLE_H
#define MB_TABLE_H

#include "engine/call.h"

struct mb_operation_entry {
  const char *name, *shown;
  mb_launcher launch;
};

extern const mb_operation_entry mb_operations[];

#endif
