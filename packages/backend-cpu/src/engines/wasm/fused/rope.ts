/** Rotary position embedding (assembly/rope.ts). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { Operand } from "../../typescript/operand.ts";
import { addressOf } from "../context.ts";
import type { WasmContext } from "../context.ts";

/** As in the kernel. */
const tokensPerTask = 16;

export function rope({ resolve, threads }: WasmContext): FusedKernel<"rope"> {
  function rotate(views: readonly View[], direction: 1 | -1): void {
    const [out, qkv, cos, sin, positions] = views.map(resolve) as [Operand, Operand, Operand, Operand, Operand];
    const [tokens, , heads, dim] = qkv.shape as [number, number, number, number];
    checkPositions(positions, cos.shape[0]!);
    const addresses = [out, qkv, cos, sin, positions].map(addressOf);
    threads.run("rope", Math.ceil(tokens / tokensPerTask), ...addresses, tokens, heads, dim, direction);
  }
  return {
    supports: ({ inputs }) => expectDtypes("rope", inputs),
    saved: () => [],
    backwardReads: { inputs: [1, 2, 3], outputs: [] },
    forward: ({ inputs: [qkv, cos, sin, positions], outputs: [out] }) =>
      rotate([out!, qkv!, cos!, sin!, positions!], 1),
    backward: ({ inputs: [, cos, sin, positions], gradOutputs: [gradOut], gradInputs: [gradQkv] }) =>
      rotate([gradQkv!, gradOut!, cos!, sin!, positions!], -1),
  };
}

function checkPositions({ data, offset, shape }: Operand, count: number): void {
  const bad = data.subarray(offset, offset + shape[0]!).find((position) => position < 0 || position >= count);
  if (bad === undefined) return;
  throw new DeviceValueError("rope", `expected positions from 0 to ${count - 1}, got ${bad}`);
}
