#include "runtime/isa.h"

#include <string.h>

#if defined(MB_HAVE_AVX2)
#include <cpuid.h>
#endif
#if defined(MB_HAVE_AMX) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#include "base/operations.h"
#include "scalar_functions.h"

static const char *const operation_names[] = {
#define NAME(name) #name,
    MB_OPERATIONS(NAME)
#undef NAME
};

static const char *const scalar_names[] = {
#define NAME(name, arity, text) #name,
    MB_SCALAR_FUNCTIONS(NAME)
#undef NAME
};

static int always(void) { return 1; }
static int never(void) { return 0; }

#if defined(MB_HAVE_AVX2)
extern const mb_kernel mb_kernels_avx2[], mb_kernels_avx512[];
static int has_avx2(void) {
  unsigned a, b, c, d;
  const int has_f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C); /* clang's __builtin_cpu_supports does not know it */
  return has_f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif
#if defined(MB_HAVE_AMX)
extern const mb_kernel mb_kernels_amx[];
/* Tiles need the processor, and the system's leave to use their registers: it may refuse. */
static int has_amx(void) {
#if defined(__linux__)
  enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25, ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  const unsigned wanted = AMX_BF16 | AMX_TILE | AMX_INT8;
  unsigned a, b, c, d;
  if (!has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & wanted) != wanted) return 0;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
  return 0;
#endif
}
#endif
#if defined(MB_HAVE_NEON)
extern const mb_kernel mb_kernels_neon[];
#endif
#if defined(MB_HAVE_BASELINE)
extern const mb_kernel mb_kernels_baseline[];
#endif

int mb_has_bf16_pairs(void) {
#if defined(MB_WITHOUT_BF16) || !(defined(__clang__) || __GNUC__ >= 10)
  return 0;
#elif defined(MB_HAVE_AVX2)
  return __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__) && defined(__linux__)
  enum { HAS_BF16 = 1 << 14 }; /* HWCAP2_BF16 */
  return (getauxval(AT_HWCAP2) & HAS_BF16) != 0;
#elif defined(__aarch64__) && defined(__APPLE__)
  int has = 0;
  size_t size = sizeof has;
  return sysctlbyname("hw.optional.arm.FEAT_BF16", &has, &size, NULL, 0) == 0 && has;
#else
  return 0;
#endif
}

static const struct {
  const char *name;
  const mb_kernel *kernels;
  int (*supported)(void), (*multiplies_bf16)(void);
} sets[] = {
#if defined(MB_HAVE_AMX)
    {"amx", mb_kernels_amx, has_amx, always},
#endif
#if defined(MB_HAVE_AVX2)
    {"avx512", mb_kernels_avx512, has_avx512, mb_has_bf16_pairs},
    {"avx2", mb_kernels_avx2, has_avx2, never},
#endif
#if defined(MB_HAVE_NEON)
    {"neon", mb_kernels_neon, always, mb_has_bf16_pairs},
#endif
#if defined(MB_HAVE_BASELINE)
    {"baseline", mb_kernels_baseline, always, never},
#endif
};

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof *(array)))

MB_API int32_t mb_abi(void) { return MB_ABI; }

static int32_t find(const char *const *names, int32_t count, const char *name) {
  for (int32_t index = 0; index < count; index++)
    if (strcmp(names[index], name) == 0) return index;
  return -1;
}

MB_API int32_t mb_operation(const char *name) { return find(operation_names, COUNT(operation_names), name); }

const char *mb_operation_name(int32_t operation) { return operation_names[operation]; }

MB_API int32_t mb_scalar_function(const char *name) { return find(scalar_names, COUNT(scalar_names), name); }

MB_API const char *mb_isa_name(int32_t index) { return index < COUNT(sets) ? sets[index].name : NULL; }

MB_API int32_t mb_isa_supported(int32_t index) { return index < COUNT(sets) && sets[index].supported(); }

MB_API int32_t mb_isa_multiplies_bf16(int32_t index) { return mb_isa_supported(index) && sets[index].multiplies_bf16(); }

const mb_kernel *mb_isa_kernels(int32_t index) { return sets[index].kernels; }
