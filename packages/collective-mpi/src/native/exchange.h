/* Bytes between this rank and others: all sends and receives of a step at once, and a wait for them that a failure ends. */
#ifndef MB_EXCHANGE_H
#define MB_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

/* At most this many bytes a message: the parts of few ranks stay in a processor's cache. */
enum { MB_MESSAGE_BYTES = 1 << 16 };

/* Adds a message to the step. Nothing where there are no bytes. */
void mb_send(int32_t rank, const void *data, int64_t bytes);
void mb_receive(int32_t rank, void *data, int64_t bytes);

/* Waits for all messages that were added. false: the ranks have failed. */
bool mb_exchange(void);

/* Makes room for the messages of a step and for `bytes` of memory, which it returns; NULL: the ranks have failed. */
void *mb_exchange_memory(int64_t bytes);

#endif
