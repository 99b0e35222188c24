/* Calls the functions of a library for another process, so that tests can use a library built for another processor: this program runs
 * in an emulator, emulated-koffi.mjs is the other side.
 *
 *   serve LIBRARY REQUESTS REPLIES     (the latter two are FIFOs)
 *
 * A request is a `call`, then `in` bytes. They, or `out` bytes of room, are what argument `buffer` points to. The reply is the result,
 * then `out` bytes, or for functions that return text its length and the text. All functions take integers and pointers only. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char name[40];
  int64_t arguments[4];
  int64_t buffer; /* which argument is an address here; -1: none */
  int64_t in, out;
  int64_t returns_text;
} call;

typedef int64_t function(int64_t, int64_t, int64_t, int64_t);

static void fail(const char *what) {
  fprintf(stderr, "serve: %s\n", what);
  exit(1);
}

int main(int count, char **arguments) {
  if (count != 4) fail("expected LIBRARY REQUESTS REPLIES");
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (library == NULL) fail(dlerror());
  FILE *requests = fopen(arguments[2], "rb"), *replies = fopen(arguments[3], "wb");
  if (requests == NULL || replies == NULL) fail("cannot open the FIFOs");

  call c;
  while (fread(&c, sizeof c, 1, requests) == 1) {
    char *buffer = malloc((size_t)(c.in + c.out + 1));
    if (buffer == NULL || fread(buffer, 1, (size_t)c.in, requests) != (size_t)c.in) fail("a request is cut off");
    if (c.buffer >= 0) c.arguments[c.buffer] = (int64_t)(intptr_t)buffer;
    function *f = (function *)dlsym(library, c.name);
    if (f == NULL) fail(dlerror());
    const int64_t result = f(c.arguments[0], c.arguments[1], c.arguments[2], c.arguments[3]);
    const char *text = c.returns_text ? (const char *)(intptr_t)result : NULL;
    const int64_t head = text ? (int64_t)strlen(text) : c.returns_text ? -1 : result;
    fwrite(&head, sizeof head, 1, replies);
    fwrite(text ? text : buffer, 1, (size_t)(text ? head : c.out), replies);
    fflush(replies);
    free(buffer);
  }
  return 0;
}
