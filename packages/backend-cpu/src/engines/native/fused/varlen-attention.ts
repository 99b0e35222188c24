/** Attention over packed sequences (c/attention/forward.c, backward.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { CompositeAttrs, FusedKernel } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";
import { floats } from "./floats.ts";

function attributes({ scale, window, maxSeqlen, dropout }: CompositeAttrs["varlenAttention"]): number[] {
  const { rate, key, counter } = dropout ?? { rate: 0, key: [0, 0], counter: [0, 0] };
  return [scale, window ?? -1, maxSeqlen, rate, ...key, ...counter];
}

export function varlenAttention(commands: NativeCommands): FusedKernel<"varlenAttention"> {
  return {
    supports: ({ inputs }) => expectDtypes("varlenAttention", inputs, floats, { step: ["u32"] }),
    /** Log-sum-exp of each query's scores in base 2, [H, T]. */
    saved: ({ inputs: [qkv] }) => [{ shape: [qkv!.shape[2]!, qkv!.shape[0]!], dtype: "f32" }],
    backwardReads: { inputs: [0, 1, 6], outputs: [0] },
    forward: ({ attrs, inputs: [qkv, cuSeqlens, , , , , step], outputs: [out], saved: [lse] }) =>
      commands.encode("attention_forward", [out!, lse ?? null, qkv!, cuSeqlens!, step ?? null], attributes(attrs)),
    backward: ({
      attrs,
      inputs: [qkv, cuSeqlens, , , , , step],
      outputs: [out],
      saved: [lse],
      gradOutputs: [gradOut],
      gradInputs: [gradQkv],
    }) =>
      commands.encode(
        "attention_backward",
        [gradQkv!, qkv!, cuSeqlens!, out!, lse!, gradOut!, step ?? null],
        attributes(attrs),
      ),
  };
}
