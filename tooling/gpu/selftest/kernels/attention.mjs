/** Attention in bf16: the settings of the FlashAttention papers (32 heads of 64, 16k tokens), and the base model's own. */
import { varlenAttention } from "../../../../packages/tensor-core/dist/index.js";
import { filled } from "./tensors.mjs";

const size = 64;

/** name, length, sequences, heads, window */
const settings = [
  ["attention 1k, global, 32 heads", 1024, 16, 32, null],
  ["attention 4k, global, 32 heads", 4096, 4, 32, null],
  ["attention 16k, global, 32 heads", 16_384, 1, 32, null],
  ["attention 1k, local, 12 heads", 1024, 64, 12, 64],
  ["attention 8k, local, 12 heads", 8192, 8, 12, 64],
  ["attention 1k, global, 12 heads", 1024, 64, 12, null],
  ["attention 8k, global, 12 heads", 8192, 8, 12, null],
  ["attention 128, 8 sequences, 12 heads", 128, 8, 12, null],
];

export function attentionCases(emulate) {
  return settings.map(([name, ...full]) => {
    const [length, sequences, heads, window] = emulate ? [24, 2, 2, full[3] && 4] : full;
    const tokens = length * sequences;
    const keys = window === null ? length : Math.min(length, 2 * window + 1);
    // As the papers count: two products forward, five backward.
    const flops = 4 * tokens * keys * heads * size;
    const bytes = 2 * tokens * heads * size;
    return {
      name,
      composite: "varlenAttention",
      inputs: (runtime) => [filled(runtime, [tokens, 3, heads, size], "bf16", 4)],
      constants: (runtime) => [
        runtime.tensor(
          Int32Array.from({ length: sequences + 1 }, (_, at) => at * length),
          [sequences + 1],
          "i32",
        ),
      ],
      body: ([qkv], [cuSeqlens]) => varlenAttention(qkv, cuSeqlens, { scale: size ** -0.5, window, maxSeqlen: length }),
      work: {
        forward: { flops, bytes: 4 * bytes },
        // q, k, v, the output and its gradient are read, three gradients written.
        backward: { flops: 2.5 * flops, bytes: 8 * bytes },
      },
    };
  });
}
