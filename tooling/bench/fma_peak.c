/* What the machine's f32 multiply-add units can do: THREADS threads with 16 independent vectors each. Prints GFLOP/s.
 * By processor time of each thread, so that other work on the machine hardly counts.
 * cc -O3 -march=native -pthread fma_peak.c && ./a.out THREADS */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif
#define CHAINS 16
#define STEPS 100000000L

typedef float vector __attribute__((vector_size(4 * LANES)));
static volatile float start = 0.5f;

static void *work(void *rate) {
  vector sum[CHAINS], x = (vector){0} + start, y = (vector){0} + start;
  struct timespec from, to;
  for (int i = 0; i < CHAINS; i++) sum[i] = x * (float)i;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  for (long step = 0; step < STEPS; step++) {
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * x + y;
    __asm__ volatile("" : "+v"(x));
  }
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
  for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
  start = sum[0][0] > 1e30f ? 1 : 0.5f;
  const double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
  *(double *)rate = 2.0 * LANES * CHAINS * STEPS / seconds / 1e9;
  return NULL;
}

int main(int count, char **arguments) {
  const int threads = count > 1 ? atoi(arguments[1]) : 1;
  double best = 0;
  for (int round = 0; round < 3; round++) {
    pthread_t started[256];
    double rates[256], all = 0;
    for (int i = 0; i < threads && i < 256; i++) pthread_create(&started[i], NULL, work, &rates[i]);
    for (int i = 0; i < threads && i < 256; i++) {
      pthread_join(started[i], NULL);
      all += rates[i];
    }
    if (all > best) best = all;
  }
  printf("%.1f\n", best);
}
