/** docs/coverage.md: which composites a backend runs in a kernel of its own, asked of the kernels themselves. `vitest -u` writes it anew. */
import { join } from "node:path";
import type {
  CompositeAttrs,
  CompositeName,
  CompositeQuery,
  DType,
  FusedImplementations,
  TensorSpec,
} from "../../../packages/tensor-core/src/index.ts";
import { compositeDefinitions } from "../../../packages/tensor-core/src/composites/registry.ts";
import { expect, test } from "vitest";
import { fusedKernels as native } from "../../../packages/backend-cpu/src/engines/native/fused/index.ts";
import { fusedKernels as typescript } from "../../../packages/backend-cpu/src/engines/typescript/fused/kernels.ts";
import { fusedKernels as wasm } from "../../../packages/backend-cpu/src/engines/wasm/fused/kernels.ts";
import { fusedKernels as cuda } from "../../../packages/backend-cuda/src/fused/index.ts";
import { fusedKernels as webgpu } from "../../../packages/backend-webgpu/src/fused/kernels.ts";

/** Whatever is asked of it: kernels that are not run only look at a device's limits. */
const device: never = new Proxy(() => undefined, {
  get: (_, name) => (name === Symbol.toPrimitive ? () => 2 ** 31 : name === "bindingAlignment" ? 256 : device),
  apply: () => device,
}) as never;

const backends: Readonly<Record<string, Partial<FusedImplementations>>> = {
  "cpu, native": native(device, device),
  "cpu, WebAssembly": wasm(device),
  "cpu, TypeScript": typescript(device),
  webgpu: webgpu(device),
  cuda: cuda(device, 90),
  tfjs: {},
};

const [tokens, d, heads, width, sequences] = [64, 256, 4, 64, 2];
const of = (dtype: DType, ...shape: number[]): TensorSpec => ({ dtype, shape });
const dropout = { rate: 0.1, key: [1, 2], counter: [3, 0] } as const;
const norm = { eps: 1e-5, dtype: "f32", dropout: null } as const;
const attention = { scale: 0.125, window: 64, maxSeqlen: 32, dropout: null } as const;
const table = [of("f32", 32, width / 2), of("f32", 32, width / 2), of("i32", tokens)];
const qkv = (dtype: DType): (TensorSpec | null)[] => [of(dtype, tokens, 3, heads, width), of("i32", sequences + 1)];
const matrix = (dtype: DType): TensorSpec[] => [of(dtype, tokens, d), of(dtype, d, d), of(dtype, d)];

type Row = {
  [K in CompositeName]: readonly [K, string, CompositeAttrs[K], readonly (TensorSpec | null)[]];
}[CompositeName];

const rows = (["f32", "bf16"] as const)
  .flatMap((dtype): Row[] => [
    ["layerNorm", dtype, { ...norm, dtype }, [of("f32", tokens, d), of("f32", d), null]],
    [
      "residualLayerNorm",
      dtype,
      { ...norm, dtype },
      [of("f32", tokens, d), of(dtype, tokens, d), of("f32", d), null, null],
    ],
    ["glu", dtype, { activation: "gelu" }, [of(dtype, tokens, 2 * d)]],
    ["rope", dtype, {}, [of(dtype, tokens, 3, heads, width), ...table]],
    ["varlenAttention", dtype, attention, [...qkv(dtype), null, null, null, null, null]],
    ["linear", dtype, {}, matrix(dtype)],
    ["int8Linear", dtype, {}, [of(dtype, tokens, d), of("i32", d, d / 4), of("f32", d), null]],
    ["int4Linear", dtype, {}, [of(dtype, tokens, d), of("i32", d, d / 8), of("f32", d, d / 128), null]],
    [
      "mlp",
      dtype,
      { activation: "gelu", gated: true },
      [of(dtype, tokens, d), of(dtype, 2 * d, d), null, of(dtype, d, d), null],
    ],
    ["linearCrossEntropy", dtype, {}, [...matrix(dtype), of("i32", tokens)]],
  ])
  .concat([
    [
      "residualLayerNorm",
      "f32, with dropout",
      { ...norm, dropout },
      [of("f32", tokens, d), of("f32", tokens, d), of("f32", d), null, of("u32", 2)],
    ],
    [
      "varlenAttention",
      "f32, with dropout",
      { ...attention, dropout },
      [...qkv("f32"), null, null, null, null, of("u32", 2)],
    ],
    ["varlenAttention", "f32, turning q and k", attention, [...qkv("f32"), ...table, null, null]],
    ["varlenAttention", "f32, fewer keys", attention, [...qkv("f32"), null, null, null, of("i32", sequences), null]],
    ["linear", "f32, weights in bf16", {}, [of("f32", tokens, d), of("bf16", d, d), null]],
    ["stableAdamW", "f32", {}, [...Array.from({ length: 4 }, () => of("f32", d, d)), of("f32", 5), of("f32", 1)]],
    [
      "stableAdamWAll",
      "f32",
      { groups: [0] },
      [of("f32", 1), of("f32", 1, 5), ...Array.from({ length: 4 }, () => of("f32", d, d)), null],
    ],
    ["globalNorm", "f32", {}, [of("f32", d, d)]],
  ]);

function answer<K extends CompositeName>(
  kernels: Partial<FusedImplementations>,
  [name, , attrs, inputs]: readonly [K, string, CompositeAttrs[K], readonly (TensorSpec | null)[]],
): string {
  const kernel = kernels[name];
  if (!kernel) return "-";
  const outputs = compositeDefinitions[name].infer(inputs as never, attrs);
  const query: CompositeQuery<K> = { attrs, inputs, outputs, training: true };
  if (kernel.supports(query) !== true) return "-";
  return kernel.backward === "recompute" ? "forward" : "kernel";
}

test("docs/coverage.md is what the kernels answer", async () => {
  const names = Object.keys(backends);
  const cells = [
    ["composite", "of", ...names],
    ...rows.map((row) => [row[0], row[1], ...names.map((name) => answer(backends[name]!, row))]),
  ];
  const widths = cells[0]!.map((_, at) => Math.max(...cells.map((row) => row[at]!.length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const lines = [line(cells[0]!), line(widths.map((wide) => "-".repeat(wide))), ...cells.slice(1).map(line)];
  const text = `# Operations × backends

Every backend has the eleven primitives: one that lacks a primitive does not compile. Of the composites it may have kernels of its own; what it has
none for runs from primitives or other composites (-), with the same numbers, and is counted in \`runtime.fusedReport()\`. A kernel comes with its
backward pass; where the table says forward, the backward pass is that of the composite's reference. In bf16, - is f32 between casts.
A \`linear\` of one dtype is the primitive \`matmul\` and an addition, except where a kernel for both is faster.

${lines.join("\n")}

On WebGPU bf16 is stored and computed in f32; CUDA's column is that of a device of compute capability 9.0.
`;
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, "..", "..", "..", "docs", "coverage.md"));
});
