/** Attention over packed sequences (native/kernels/attention): f16 and bf16 on tensor cores, f32 without. */
import { expectDtypes, firstRefusal } from "@modernbert-ts/device-kit";
import type { Answer } from "@modernbert-ts/device-kit";
import { bytesOf, sizeOf } from "@modernbert-ts/tensor-core";
import type { CompositeAttrs, CompositeQuery, FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { withAligned } from "./aligned.ts";

type Query = CompositeQuery<"varlenAttention">;

/** Head sizes of the kernels on tensor cores, and the largest of the other one. */
const shortWidths: readonly number[] = [32, 64];
const widest = 128;

function expectWidth({ inputs: [qkv] }: Query): Answer {
  const width = qkv!.shape[3]!;
  if (qkv!.dtype === "f32" ? width >= 1 && width <= widest : shortWidths.includes(width)) return true;
  const taken = qkv!.dtype === "f32" ? `up to ${widest}` : shortWidths.join(" and ");
  return { reason: `the CUDA kernel takes head sizes ${taken} in ${qkv!.dtype}, got ${width}` };
}

function expectNumbers({ attrs: { scale }, inputs: [, cuSeqlens, cos] }: Query): Answer {
  if (scale <= 0) return { reason: `the CUDA kernel takes a positive scale, got ${scale}` };
  if (cuSeqlens!.shape[0]! < 2) return { reason: "the CUDA kernel takes one sequence or more, got none" };
  return cos?.shape[0] === 0 ? { reason: "the CUDA kernel takes a table of one position or more, got none" } : true;
}

/** From this many keys on that a query may see, q and k are turned before all else, in memory of their own; below, by each block that meets them. */
const manyKeys = 256;

/** Calls `body` with memory for turned copies of q and k, or with null where none are wanted. */
function withTurned(
  commands: CudaCommands,
  { window, maxSeqlen }: CompositeAttrs["varlenAttention"],
  [qkv, , cos]: readonly (View | null)[],
  body: (turned: View | null) => void,
): void {
  const keys = Math.min(maxSeqlen, 2 * (window ?? Infinity) + 1);
  if (!cos || qkv!.dtype === "f32" || keys < manyKeys) return body(null);
  commands.scratch((2 * sizeOf(qkv!.shape) * bytesOf(qkv!.dtype)) / 3, body);
}

function attributes({ scale, window, maxSeqlen, dropout }: CompositeAttrs["varlenAttention"]): number[] {
  const { rate, key, counter } = dropout ?? { rate: 0, key: [0, 0], counter: [0, 0] };
  return [scale, window ?? -1, maxSeqlen, rate, ...key, ...counter];
}

/** Without `positions`: the kernel counts by itself. */
function operands([qkv, cuSeqlens, cos, sin, , keyCounts, step]: readonly (View | null)[]): (View | null)[] {
  return [qkv!, cuSeqlens!, cos ?? null, sin ?? null, keyCounts ?? null, step ?? null];
}

export function varlenAttention(commands: CudaCommands): FusedKernel<"varlenAttention"> {
  return {
    supports: (query) =>
      firstRefusal([
        expectDtypes("varlenAttention", query.inputs, ["f32", "bf16", "f16"], {
          cos: ["f32"],
          sin: ["f32"],
          positions: ["i32"],
          keyCounts: ["i32"],
          step: ["u32"],
        }),
        expectWidth(query),
        expectNumbers(query),
      ]),
    /** Log2 of the sum of each query's exponentials, [H, T]. */
    saved: ({ inputs: [qkv] }) => [{ shape: [qkv!.shape[2]!, qkv!.shape[0]!], dtype: "f32" }],
    backwardReads: { inputs: [0, 1, 2, 3, 5, 6], outputs: [0] },
    forward: ({ attrs, inputs, outputs: [out], saved: [lse] }) =>
      withAligned(commands, operands(inputs), (aligned) =>
        withTurned(commands, attrs, inputs, (turned) =>
          commands.encode("attention_forward", [...aligned, out!, lse ?? null, turned], attributes(attrs)),
        ),
      ),
    backward({ attrs, inputs, outputs: [out], saved: [lse], gradOutputs: [gradOut], gradInputs: [gradQkv] }) {
      if (!gradQkv) return;
      if (!gradOut) return commands.encode("fill", [gradQkv], [0]);
      const [tokens, , heads] = gradQkv.shape as [number, number, number];
      withAligned(commands, [...operands(inputs), out!, lse!, gradOut], (aligned) =>
        commands.scratch(4 * tokens * heads, (delta) =>
          withTurned(commands, attrs, inputs, (turned) =>
            commands.encode("attention_backward", [...aligned, gradQkv, delta, turned], attributes(attrs)),
          ),
        ),
      );
    },
  };
}
