/** `glu` as one `map` over both halves of x, and its gradient as one `map` per half. */
import { activationExpression, differentiate, scalar, x } from "@modernbert-ts/tensor-core";
import type { Activation, Expression, FusedKernel, View } from "@modernbert-ts/tensor-core";
import { supportsDense } from "./support.ts";
import type { Tools } from "./support.ts";

interface Expressions {
  readonly forward: Expression;
  /** Of x's halves and the incoming gradient. */
  readonly gradients: readonly [Expression, Expression];
}

const known = new Map<Activation, Expressions>();

function expressionsOf(activation: Activation): Expressions {
  let expressions = known.get(activation);
  if (expressions === undefined) {
    const forward = scalar.mul(activationExpression(activation, x(0)), x(1));
    const gradient = (index: number): Expression => differentiate(forward, index, x(2))!;
    expressions = { forward, gradients: [gradient(0), gradient(1)] };
    known.set(activation, expressions);
  }
  return expressions;
}

/** Columns of the first or second half of a dense [T, 2I]. */
function half(view: View, which: 0 | 1): View {
  const [rows, width] = view.shape as [number, number];
  return { ...view, shape: [rows, width / 2], offset: view.offset + (which * width) / 2 };
}

export function glu({ device, primitives, clear }: Tools): FusedKernel<"glu"> {
  return {
    supports: (query) => supportsDense(device, "glu", query, { windows: true }),
    saved: () => [],
    backwardReads: { inputs: [0], outputs: [] },
    forward({ attrs, inputs: [input], outputs }) {
      const { forward } = expressionsOf(attrs.activation);
      primitives.map(outputs, [half(input!, 0), half(input!, 1)], { expression: forward });
    },
    backward({ attrs, inputs: [input], gradOutputs: [gradient], gradInputs: [result] }) {
      if (!result) return;
      if (!gradient) return clear(result);
      for (const which of [0, 1] as const) {
        const expression = expressionsOf(attrs.activation).gradients[which];
        const operands = [half(input!, 0), half(input!, 1), gradient];
        primitives.map([half(result, which)], operands, { expression });
      }
    },
  };
}
