/** Groups of parameters that share what varies between parameters: whether weights decay, and their learning rate. */
import { matchesName } from "./name-pattern.ts";
import type { NamedTensors } from "./optimizer.ts";

/** Multiples of the learning rate by patterns of names (`name-pattern.ts`); the first that matches counts, 1 where none does. */
export type RateMultiples = Readonly<Record<string, number>>;

export interface ParameterGroup {
  readonly decayed: boolean;
  /** Of the learning rate. */
  readonly multiple: number;
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

export function groupParameters(parameters: NamedTensors, multiples: RateMultiples = {}): Grouping {
  const groups: ParameterGroup[] = [];
  const groupOf = new Map<string, number>();
  for (const [name, { shape }] of parameters) {
    const decayed = isDecayed(name, shape);
    const [, multiple = 1] = Object.entries(multiples).find(([pattern]) => matchesName(pattern, name)) ?? [];
    const known = groups.findIndex((group) => group.decayed === decayed && group.multiple === multiple);
    groupOf.set(name, known >= 0 ? known : groups.push({ decayed, multiple }) - 1);
  }
  return { groups, groupOf };
}
