/** Activations by the names of torch's classes, with the parameters that these have where none are given. */
import { scalarTable } from "@modernbert-ts/tensor-core";

type Activation = (value: number) => number;

const sigmoid: Activation = (value) => 1 / (1 + Math.exp(-value));

const byClass: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ["Identity", (value) => value],
  ["Tanh", Math.tanh],
  ["GELU", (value) => 0.5 * value * (1 + scalarTable.erf.evaluate(value * Math.SQRT1_2, 0, 0))],
  ["ReLU", (value) => Math.max(0, value)],
  ["LeakyReLU", (value) => (value > 0 ? value : 0.01 * value)],
  ["ELU", (value) => (value > 0 ? value : Math.expm1(value))],
  ["Sigmoid", sigmoid],
  ["SiLU", (value) => value * sigmoid(value)],
]);

/** undefined for a class that is not torch's, and for one that is not computed. */
export function activationOf(className: string): Activation | undefined {
  const parts = className.split(".");
  return parts[0] === "torch" ? byClass.get(parts.at(-1)!) : undefined;
}
