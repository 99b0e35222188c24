/** What a conformance case is: a name, what it covers, what it needs of a backend, and a function that throws when the backend is wrong. */
import type { Backend, CompositeName, DType, PrimitiveName, ScalarFunctionName } from "@modernbert-ts/tensor-core";
import type { Bench } from "./bench.ts";
import type { RandomSource } from "./random-source.ts";

export { ConformanceError, expectThat } from "./expectation.ts";

/** One cell of the coverage table. */
export interface Coverage {
  readonly operation: PrimitiveName | CompositeName;
  /** Primitives have only `forward`; composites are covered per pass and per way of running. */
  readonly pass: "forward" | "backward";
  readonly mode: "primitive" | "reference" | "fused";
  readonly dtype: DType;
}

/** What the backend must have for the case to mean anything; what lacks skips the case with that as its reason. */
export interface Requirements {
  readonly arithmetic?: readonly DType[];
  readonly storage?: readonly DType[];
  readonly fused?: CompositeName;
  readonly deterministic?: boolean;
  /** It records commands. */
  readonly capture?: boolean;
  /** The suite was given an f64 engine to compare with. */
  readonly oracle?: boolean;
}

/** How far a result of a scalar function may be off: `ulps` units in the last place of f32 plus `absolute`. */
export interface ScalarBound {
  readonly ulps: number;
  readonly absolute?: number;
}

/** Loosenings that a backend may ask for; the defaults are what a CPU must reach. */
export interface Tolerances {
  /** Replaces the bounds of `scalarBounds`, function by function. */
  readonly scalar?: Partial<Readonly<Record<ScalarFunctionName, ScalarBound>>>;
  /** Multiplies the bounds on sums (reduce, matmul, composites). Default 1. */
  readonly accumulation?: number;
  /**
   * Roundings to the dtype itself that a product of `matmul` goes through before it is added in f32. Default 0: products of 16-bit numbers
   * are exact in f32.
   */
  readonly productRoundings?: Partial<Readonly<Record<DType, number>>>;
}

export interface CaseContext {
  readonly backend: Backend;
  /** Puts arrays on the backend and reads them back; releases them when the case ends. */
  readonly bench: Bench;
  /** Seeded by the suite's seed and the case's name. */
  readonly random: RandomSource;
  readonly tolerances: Tolerances;
  /** One more backend like the one under test; the case disposes it. */
  readonly create: () => Promise<Backend>;
  /** The f64 engine. Only for cases that require it. */
  readonly oracle: Backend | undefined;
  /** The seed of property tests: fixed in one half of them, fresh in the other. */
  readonly freshSeed: number;
  skip(reason: string): never;
}

export interface ConformanceCase {
  /** Parts separated by " / ", from the general to the particular. */
  readonly name: string;
  readonly covers?: readonly Coverage[];
  readonly requires?: Requirements;
  run(context: CaseContext): Promise<void>;
}

/** Thrown by `skip`. */
export class SkipCase extends Error {}

/** The coverage of a primitive with its main dtype. */
export function primitive(operation: PrimitiveName, dtype: DType): readonly Coverage[] {
  return [{ operation, pass: "forward", mode: "primitive", dtype }];
}
