/** Groups of parameters that share what varies between parameters: whether weights decay. */
import type { NamedTensors } from "./optimizer.ts";

export interface ParameterGroup {
  readonly decayed: boolean;
}

export interface Grouping {
  readonly groups: readonly ParameterGroup[];
  /** Of each parameter: its place among the groups. */
  readonly groupOf: ReadonlyMap<string, number>;
}

/** Norms, gains and biases are not decayed (`filter_bias_norm_wd` of the original). */
export function isDecayed(name: string, shape: readonly number[]): boolean {
  return shape.length > 1 && !name.endsWith(".bias");
}

export function groupParameters(parameters: NamedTensors): Grouping {
  const groups = [{ decayed: true }, { decayed: false }];
  const groupOf = new Map([...parameters].map(([name, { shape }]) => [name, isDecayed(name, shape) ? 0 : 1]));
  return { groups, groupOf };
}
