/* Included before everything else (build.mjs): asks for the oldest versions of the symbols that newer glibc has renewed, so that a
 * library built on a new Linux runs on every one that Node does (glibc 2.28). platform-package.mjs checks the result. */
#if defined(__linux__) && __has_include(<gnu/libc-version.h>)
#if defined(__x86_64__)
#define MB_OLDEST "2.2.5"
#elif defined(__aarch64__)
#define MB_OLDEST "2.17"
#endif
#endif

#if defined(MB_OLDEST)
#define MB_OLD(name) __asm__(".symver " #name "," #name "@GLIBC_" MB_OLDEST);
MB_OLD(exp)
MB_OLD(log)
MB_OLD(pow)
MB_OLD(pthread_create)
MB_OLD(pthread_join)
#undef MB_OLD
#undef MB_OLDEST
#endif
