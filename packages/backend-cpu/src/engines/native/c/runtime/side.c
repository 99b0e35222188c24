#include "runtime/side.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct call {
  struct call *next;
  _Alignas(8) char command[];
} call;

struct mb_side {
  void (*report)(void *owner, const char *error);
  void *owner;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  call *first, *last; /* the first may be in progress */
  bool began, stop;
};

static const char *make(const mb_command *command) {
  const mb_view *views = (const mb_view *)(command + 1);
  const double *attributes = (const double *)(views + command->views);
  return ((mb_function *)(intptr_t)attributes[0])(views, command->views, attributes + 1);
}

static void *side_main(void *argument) {
  mb_side *side = argument;
  for (;;) {
    pthread_mutex_lock(&side->mutex);
    while (side->first == NULL && !side->stop) pthread_cond_wait(&side->changed, &side->mutex);
    call *todo = side->first;
    pthread_mutex_unlock(&side->mutex);
    if (todo == NULL) return NULL;
    const char *error = make((const mb_command *)todo->command);
    if (error != NULL) side->report(side->owner, error);
    pthread_mutex_lock(&side->mutex);
    if ((side->first = todo->next) == NULL) side->last = NULL;
    pthread_cond_broadcast(&side->changed);
    pthread_mutex_unlock(&side->mutex);
    free(todo);
  }
}

mb_side *mb_side_create(void (*report)(void *owner, const char *error), void *owner) {
  mb_side *side = calloc(1, sizeof *side);
  if (side == NULL) return NULL;
  side->report = report;
  side->owner = owner;
  pthread_mutex_init(&side->mutex, NULL);
  pthread_cond_init(&side->changed, NULL);
  return side;
}

bool mb_side_add(mb_side *side, const mb_command *command) {
  if (!side->began && pthread_create(&side->thread, NULL, side_main, side) != 0) return false;
  side->began = true;
  call *added = malloc(sizeof *added + (size_t)command->bytes);
  if (added == NULL) return false;
  added->next = NULL;
  memcpy(added->command, command, (size_t)command->bytes);
  pthread_mutex_lock(&side->mutex);
  if (side->last) side->last->next = added;
  else side->first = added;
  side->last = added;
  pthread_cond_broadcast(&side->changed);
  pthread_mutex_unlock(&side->mutex);
  return true;
}

void mb_side_settle(mb_side *side) {
  pthread_mutex_lock(&side->mutex);
  while (side->first != NULL) pthread_cond_wait(&side->changed, &side->mutex);
  pthread_mutex_unlock(&side->mutex);
}

void mb_side_destroy(mb_side *side) {
  if (side == NULL) return;
  if (side->began) {
    pthread_mutex_lock(&side->mutex);
    side->stop = true;
    pthread_cond_broadcast(&side->changed);
    pthread_mutex_unlock(&side->mutex);
    pthread_join(side->thread, NULL);
  }
  pthread_cond_destroy(&side->changed);
  pthread_mutex_destroy(&side->mutex);
  free(side);
}
