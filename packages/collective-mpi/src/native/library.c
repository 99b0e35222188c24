#include "library.h"

#include <stdio.h>
#include <string.h>

#include "kit/open_library.h"

mb_mpi mpi;

/* All interfaces are told apart by what only they export. */
static bool find_abi(void *library) {
  int (*abi_version)(int *, int *) = (int (*)(int *, int *))dlsym(library, "MPI_Abi_get_version");
  int major = -1, minor = -1;
  if (dlsym(library, "ompi_mpi_comm_world") != NULL) {
    mpi.abi = "Open MPI";
    mpi.world = (mb_handle)dlsym(library, "ompi_mpi_comm_world");
    mpi.byte = (mb_handle)dlsym(library, "ompi_mpi_byte");
    mpi.errors_return = (mb_handle)dlsym(library, "ompi_mpi_errors_return");
    mpi.thread_multiple = 3;
  } else if (abi_version != NULL && abi_version(&major, &minor) == 0 && major == 1) {
    mpi.abi = "the ABI of MPI 5";
    mpi.world = 0x101;
    mpi.byte = 0x247;
    mpi.thread_multiple = 4096;
  } else if (dlsym(library, "MPIR_Dup_fn") != NULL) {
    mpi.abi = "MPICH";
    mpi.world = 0x44000000;
    mpi.byte = 0x4c00010d;
    mpi.errors_return = 0x54000001;
    mpi.thread_multiple = 3;
  }
  return mpi.abi != NULL && mpi.world != 0 && mpi.byte != 0;
}

static const char *find_functions(void *library) {
  const mb_symbol functions[] = {
      {"MPI_Init_thread", (void **)&mpi.init},
      {"MPI_Finalize", (void **)&mpi.finalize},
      {"MPI_Comm_rank", (void **)&mpi.comm_rank},
      {"MPI_Comm_size", (void **)&mpi.comm_size},
      {"MPI_Comm_dup", (void **)&mpi.comm_dup},
      {"MPI_Comm_set_errhandler", (void **)&mpi.comm_set_errhandler},
      {"MPI_Isend", (void **)&mpi.send},
      {"MPI_Irecv", (void **)&mpi.receive},
      {"MPI_Test", (void **)&mpi.test},
      {"MPI_Error_string", (void **)&mpi.error_string},
      {"MPI_Get_library_version", (void **)&mpi.library_version},
  };
  return mb_find_functions(library, functions, sizeof functions / sizeof *functions);
}

bool mb_mpi_open(const char *names, char *error, size_t capacity) {
  char name[512], reason[512];
  /* Global: the parts that Open MPI loads later look for its symbols. */
  void *library = mb_open_first(names, RTLD_NOW | RTLD_GLOBAL, name, reason);
  if (library == NULL) {
    snprintf(error, capacity, "expected an MPI library, found none (%s): install Open MPI or MPICH, or set MODERNBERT_MPI_LIBRARY", reason);
    return false;
  }
  const char *lacking = find_functions(library);
  if (lacking != NULL) {
    snprintf(error, capacity, "expected the function %s in the MPI library %s, found none: install MPI 3 or later", lacking, name);
    return false;
  }
  if (find_abi(library)) return true;
  char version[8192] = "";
  int length = 0;
  mpi.library_version(version, &length);
  version[strcspn(version, "\n")] = 0;
  snprintf(error, capacity, "expected the binary interface of Open MPI, MPICH or MPI 5 in %s, got an unknown one (%.200s): set MODERNBERT_MPI_LIBRARY",
           name, version);
  return false;
}

const char *mb_mpi_error(int code) {
  static _Thread_local char text[8192];
  int length = 0;
  text[0] = 0;
  if (mpi.error_string(code, text, &length) != 0) snprintf(text, sizeof text, "error %d", code);
  text[strcspn(text, "\n")] = 0;
  return text;
}
