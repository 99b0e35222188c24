/* An MPI library that is opened at run time. Its headers are not needed: what is used of MPI is declared here, and what differs between
 * binary interfaces (handles, levels of thread support) is looked up. Elements travel as bytes, and sums are this package's own: neither MPI's
 * datatypes nor its reductions are used. */
#ifndef MB_MPI_LIBRARY_H
#define MB_MPI_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A handle of MPI: an address (Open MPI, the ABI of MPI 5), or an int in the low half of the word (MPICH). By value it travels in a register, of
 * which MPICH reads the low half. */
typedef intptr_t mb_handle;

typedef struct {
  const char *abi; /* its name, for people */
  mb_handle world, byte;
  mb_handle errors_return; /* 0: errors stay fatal */
  int thread_multiple;

  int (*init)(int *count, char ***arguments, int required, int *provided); /* MPI_Init_thread */
  int (*finalize)(void);
  int (*comm_rank)(mb_handle comm, int *rank);
  int (*comm_size)(mb_handle comm, int *size);
  int (*comm_dup)(mb_handle comm, mb_handle *copy);
  int (*comm_set_errhandler)(mb_handle comm, mb_handle handler);
  int (*send)(const void *data, int count, mb_handle type, int peer, int tag, mb_handle comm, mb_handle *request); /* MPI_Isend */
  int (*receive)(void *data, int count, mb_handle type, int peer, int tag, mb_handle comm, mb_handle *request);    /* MPI_Irecv */
  int (*test)(mb_handle *request, int *done, void *status);
  int (*error_string)(int code, char *text, int *length);
  int (*library_version)(char *text, int *length);
} mb_mpi;

extern mb_mpi mpi;

/* Opens the first of `names` (one a line) that there is. Writes why not into `error` and returns false. The library is never closed. */
bool mb_mpi_open(const char *names, char *error, size_t capacity);

/* What MPI says of the error `code`. */
const char *mb_mpi_error(int code);

#endif
