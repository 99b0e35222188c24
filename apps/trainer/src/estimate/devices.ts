/** Accelerators by the names that people use: peaks of dense products as their makers state them, without sparsity. */

export interface Device {
  /** TFLOPS by dtype; absent where the device has none of it. */
  readonly tflops: { readonly f32: number; readonly bf16?: number; readonly f16?: number };
  /** In 10⁹ bytes. */
  readonly gigabytes: number;
}

export const devices: Readonly<Record<string, Device>> = {
  h100: { tflops: { f32: 67, bf16: 989, f16: 989 }, gigabytes: 80 },
  "h100-pcie": { tflops: { f32: 51, bf16: 756, f16: 756 }, gigabytes: 80 },
  h200: { tflops: { f32: 67, bf16: 989, f16: 989 }, gigabytes: 141 },
  b200: { tflops: { f32: 75, bf16: 2250, f16: 2250 }, gigabytes: 180 },
  a100: { tflops: { f32: 19.5, bf16: 312, f16: 312 }, gigabytes: 80 },
  "a100-40gb": { tflops: { f32: 19.5, bf16: 312, f16: 312 }, gigabytes: 40 },
  l40s: { tflops: { f32: 91.6, bf16: 362, f16: 362 }, gigabytes: 48 },
  l4: { tflops: { f32: 30.3, bf16: 121, f16: 121 }, gigabytes: 24 },
  a10: { tflops: { f32: 31.2, bf16: 125, f16: 125 }, gigabytes: 24 },
  v100: { tflops: { f32: 15.7, f16: 125 }, gigabytes: 32 },
  t4: { tflops: { f32: 8.1, f16: 65 }, gigabytes: 16 },
  rtx4090: { tflops: { f32: 82.6, bf16: 165, f16: 165 }, gigabytes: 24 },
  rtx3090: { tflops: { f32: 35.6, bf16: 71, f16: 71 }, gigabytes: 24 },
};
