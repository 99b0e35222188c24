/* An NCCL library that is opened at run time. Its header is not needed: what is used of NCCL is declared here. */
#ifndef MB_NCCL_LIBRARY_H
#define MB_NCCL_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mb_nccl_comm mb_nccl_comm;

enum { MB_NCCL_OK = 0, MB_NCCL_IN_PROGRESS = 7 };
enum { MB_NCCL_SUM = 0, MB_NCCL_MAX = 2 };

typedef struct {
  char bytes[128];
} mb_nccl_id;

/* The part that version 2.14 had, which later ones take for what it says it is. */
typedef struct {
  size_t size;
  unsigned magic, version;
  int blocking;
} mb_nccl_config;

typedef struct {
  int version;
  int (*get_version)(int *version);
  int (*unique_id)(mb_nccl_id *id);
  int (*init)(mb_nccl_comm **comm, int world, mb_nccl_id id, int rank, const mb_nccl_config *config);
  int (*async_error)(mb_nccl_comm *comm, int *error);
  int (*abort)(mb_nccl_comm *comm);
  int (*destroy)(mb_nccl_comm *comm);
  const char *(*error_string)(int error);
  int (*group_start)(void);
  int (*group_end)(void);
  int (*all_reduce)(const void *from, void *to, size_t count, int type, int reduction, mb_nccl_comm *comm, void *stream);
  int (*broadcast)(const void *from, void *to, size_t count, int type, int root, mb_nccl_comm *comm, void *stream);
  int (*all_gather)(const void *from, void *to, size_t count, int type, mb_nccl_comm *comm, void *stream);
  int (*reduce_scatter)(const void *from, void *to, size_t count, int type, int reduction, mb_nccl_comm *comm, void *stream);
} mb_nccl;

extern mb_nccl nccl;

/* Opens the first of `names` (one a line) that there is. Writes why not into `error` and returns false. The library is never closed. */
bool mb_nccl_open(const char *names, char *error, size_t capacity);

#endif
