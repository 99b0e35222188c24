/* Calls a cuBLASLt with the declarations of products/cublaslt.h and prints what it answers: cublaslt PATH. Needs no GPU. */
#include "products/cublaslt.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

using namespace cublaslt;

static functions call;

/* The answers to a value of 1 to 16 bytes. */
template <typename Set, typename Of, typename Attribute> static void sizes(const char *name, Set set, Of of, Attribute attribute) {
  const char value[16] = {1};
  printf("%s", name);
  for (const size_t bytes : {1, 4, 8, 16}) printf(" %d", set(of, attribute, value, bytes));
  printf("\n");
}

int main(int, char **arguments) {
  char reason[256];
  if (!open(arguments[1], call, reason, sizeof reason)) return printf("%s\n", reason), 1;
  const size_t version = call.version();
  printf("version 13 or 12: %d\n", version / 10000 == 13 || version / 10000 == 12);

  product described = nullptr;
  printf("product %d\n", call.create_product(&described, compute_f32, f32));
  sizes("transpose a", call.set_product, described, product_attribute::transpose_a);
  sizes("transpose b", call.set_product, described, product_attribute::transpose_b);
  sizes("epilogue", call.set_product, described, product_attribute::epilogue);
  sizes("bias", call.set_product, described, product_attribute::bias);
  printf("no value %d\n", call.set_product(described, product_attribute::epilogue, nullptr, 4));
  printf("unknown %d\n", call.set_product(described, (product_attribute)99, &version, 4));

  matrix layout = nullptr;
  printf("matrix %d\n", call.create_matrix(&layout, bf16, 8, 4, 8));
  sizes("batch", call.set_matrix, layout, matrix_attribute::batch);
  sizes("batch stride", call.set_matrix, layout, matrix_attribute::batch_stride);

  preference wishes = nullptr;
  printf("preference %d\n", call.create_preference(&wishes));
  sizes("workspace", call.set_preference, wishes, preference_attribute::workspace);
  sizes("reductions", call.set_preference, wishes, preference_attribute::reductions);
  for (const auto attribute : {preference_attribute::alignment_a, preference_attribute::alignment_b, preference_attribute::alignment_c,
                               preference_attribute::alignment_d})
    sizes("alignment", call.set_preference, wishes, attribute);

  /* What was set is read where the real one keeps it, so that ids stand for what we mean by them. */
  typedef status (*read_product)(product, product_attribute, void *, size_t, size_t *);
  typedef status (*read_matrix)(matrix, int32_t, void *, size_t, size_t *);
  void *const library = dlopen(arguments[1], RTLD_NOW);
  const auto get_product = (read_product)dlsym(library, "cublasLtMatmulDescGetAttribute");
  const auto get_matrix = (read_matrix)dlsym(library, "cublasLtMatrixLayoutGetAttribute");
  if (get_product && get_matrix) {
    int32_t compute = 0, scale = -1, type = 0;
    uint32_t epilogue = 0;
    uint64_t rows = 0, columns = 0;
    int64_t leading = 0;
    size_t written;
    call.set_product(described, product_attribute::epilogue, &epilogue_bias, 4);
    get_product(described, (product_attribute)0, &compute, 4, &written);
    get_product(described, (product_attribute)1, &scale, 4, &written);
    get_product(described, product_attribute::epilogue, &epilogue, 4, &written);
    get_matrix(layout, 0, &type, 4, &written);
    get_matrix(layout, 2, &rows, 8, &written);
    get_matrix(layout, 3, &columns, 8, &written);
    get_matrix(layout, 4, &leading, 8, &written);
    fprintf(stderr, "%d %d %u %d %d %d %d\n", compute, scale, epilogue, type, (int)rows, (int)columns, (int)leading);
  }
  printf("ends %d %d %d\n", call.destroy_product(described), call.destroy_matrix(layout), call.destroy_preference(wishes));
  return 0;
}
