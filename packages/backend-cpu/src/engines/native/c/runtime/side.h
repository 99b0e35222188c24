/* What runs beside a stream's commands: calls of functions of other libraries, one after another, on a thread of their own. */
#ifndef MB_SIDE_H
#define MB_SIDE_H

#include <stdbool.h>

#include "kit/command.h"

typedef struct mb_side mb_side;

/* `report` gets the error of a call, on that thread. The thread begins with the first call. NULL: no memory. */
mb_side *mb_side_create(void (*report)(void *owner, const char *error), void *owner);
/* Adds the call that a command MB_BESIDE says, of which it keeps a copy. false: there is no room for it. */
bool mb_side_add(mb_side *side, const mb_command *command);
/* Waits until every call that was added has ended. */
void mb_side_settle(mb_side *side);
/* Ends the thread behind the last call. */
void mb_side_destroy(mb_side *side);

#endif
