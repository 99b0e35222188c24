/** Attention over packed sequences (assembly/attention-forward.ts, attention-backward.ts). */
import { expectDtypes, expectNoDropout, firstRefusal } from "@modernbert-ts/device-kit";
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { CompositeAttrs, FusedKernel } from "@modernbert-ts/tensor-core";
import type { Operand } from "../../typescript/operand.ts";
import { addressOf } from "../context.ts";
import type { WasmContext } from "../context.ts";

/** As in the kernels: queries of a task, and the largest head that their scratch memory has room for. */
const blockQueries = 64;
const maxHeadSize = 256;

export function varlenAttention({ resolve, threads, borrow }: WasmContext): FusedKernel<"varlenAttention"> {
  return {
    supports({ attrs, inputs }) {
      const headSize = inputs[0]!.shape[3]!;
      if (headSize > maxHeadSize) {
        return { reason: `the WebAssembly engine fuses heads of at most ${maxHeadSize}, got ${headSize}` };
      }
      return firstRefusal([expectDtypes("varlenAttention", inputs), expectNoDropout(attrs)]);
    },
    /** Log-sum-exp of each query's scores, [H, T]. */
    saved: ({ inputs: [qkv] }) => [{ shape: [qkv!.shape[2]!, qkv!.shape[0]!], dtype: "f32" }],
    backwardReads: { inputs: [0, 1], outputs: [0] },
    forward({ attrs, inputs: [qkvView, endsView], outputs: [out], saved: [lse] }) {
      const qkv = resolve(qkvView!);
      const blocks = queryBlocks(sequenceEnds(resolve(endsView!), qkv.shape[0]!));
      borrow("i32", [blocks.length], (table) => {
        table.data.set(blocks, table.offset);
        const tasks = (blocks.length / 3) * qkv.shape[2]!;
        const addresses = [resolve(out!), lse && resolve(lse), qkv, table].map((each) => addressOf(each));
        threads.run("attentionForward", tasks, ...addresses, ...geometry(qkv, attrs));
      });
    },
    backward({
      attrs,
      inputs: [qkvView, endsView],
      outputs: [out],
      saved: [lse],
      gradOutputs: [gradOut],
      gradInputs: [gradQkv],
    }) {
      const [qkv, ends] = [resolve(qkvView!), resolve(endsView!)];
      const sequences = sequenceEnds(ends, qkv.shape[0]!).length - 1;
      const addresses = [resolve(gradQkv!), qkv, ends, ...[out!, lse!, gradOut!].map(resolve)].map(addressOf);
      threads.run("attentionBackward", sequences * qkv.shape[2]!, ...addresses, ...geometry(qkv, attrs));
    },
  };
}

function geometry(qkv: Operand, { scale, window }: CompositeAttrs["varlenAttention"]): number[] {
  const [tokens, , heads, dim] = qkv.shape as [number, number, number, number];
  return [tokens, heads, dim, scale, Math.min(window ?? -1, tokens)];
}

/** cuSeqlens, checked: 0 first, not decreasing, the number of tokens last. */
function sequenceEnds({ data, offset, shape }: Operand, tokens: number): readonly number[] {
  const ends = Array.from(data.subarray(offset, offset + shape[0]!));
  if (ends[0] !== 0 || ends.at(-1) !== tokens || ends.some((end, i) => i > 0 && end < ends[i - 1]!)) {
    throw new DeviceValueError(
      "varlenAttention",
      `expected cuSeqlens that rise from 0 to ${tokens}, got [${ends.join(", ")}]`,
    );
  }
  return ends;
}

/** [first query, start of its sequence, end of it] of each block of queries. */
function queryBlocks(ends: readonly number[]): number[] {
  const blocks: number[] = [];
  for (let sequence = 1; sequence < ends.length; sequence++) {
    const [start, end] = [ends[sequence - 1]!, ends[sequence]!];
    for (let from = start; from < end; from += blockQueries) blocks.push(from, start, end);
  }
  return blocks;
}
