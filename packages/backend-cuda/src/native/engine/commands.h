/* Walks over commands in memory. */
#ifndef MB_COMMANDS_H
#define MB_COMMANDS_H

#include "engine/table.h"

inline const mb_view *views_of(const mb_command *command) { return (const mb_view *)(command + 1); }

inline const double *attributes_of(const mb_command *command) { return (const double *)(views_of(command) + command->views); }

/* Addresses fit, as they stay below 2^53. */
inline void *address_of(double number) { return (void *)(intptr_t)number; }

/* Whether a command of this library lies whole at `at`. Its views and attributes are its operation's affair. */
inline bool is_command(const char *at, const char *end) {
  const mb_command *command = (const mb_command *)at;
  if (end - at < (int64_t)sizeof *command || command->views < 0) return false;
  const int64_t least = (int64_t)sizeof *command + (int64_t)sizeof(mb_view) * command->views;
  return command->bytes >= least && command->bytes <= end - at && command->bytes % 8 == 0 && command->operation >= MB_SETTLE &&
         command->operation < mb_operation_count;
}

/* Calls `each` with one command after another, as long as it says true. False when it meets what is none. */
template <typename Each> bool each_command(const void *data, int64_t bytes, const Each &each) {
  for (const char *at = (const char *)data, *const end = at + bytes; at < end; at += ((const mb_command *)at)->bytes) {
    if (!is_command(at, end)) return false;
    if (!each((const mb_command *)at)) return true;
  }
  return true;
}

#endif
