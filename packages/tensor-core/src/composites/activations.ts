/** The activations as scalar expressions. */
import type { Activation } from "../backend/fused.ts";
import type { Expression } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";

const { add, mul, erf, sigmoid, tanh, max } = scalar;

/** activation(a). `gelu_tanh` is 0.5 a (1 + tanh(√(2/π) (a + 0.044715 a³))). */
export function activationExpression(activation: Activation, a: Expression): Expression {
  switch (activation) {
    case "gelu":
      return mul(mul(0.5, a), add(1, erf(mul(a, Math.SQRT1_2))));
    case "gelu_tanh": {
      const inner = mul(Math.sqrt(2 / Math.PI), add(a, mul(0.044715, mul(a, mul(a, a)))));
      return mul(mul(0.5, a), add(1, tanh(inner)));
    }
    case "silu":
      return mul(a, sigmoid(a));
    case "relu":
      return max(0, a);
    default:
      throw new Error(`internal: unknown activation ${String(activation satisfies never)}`);
  }
}
