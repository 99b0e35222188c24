/**
 * Type tests: `tsc -p tsconfig.test.json` fails when a primitive, a gradient rule, a composite or a fused kernel may be left out.
 * Each mapped type below turns to "accepted" for a table that lacks one entry, and then no longer fits "refused".
 */
import { describe, expect, it } from "vitest";
import { compositeDefinitions, gradientRules, scalarTable } from "../src/index.ts";
import type {
  CompositeName,
  FusedImplementations,
  GradientRules,
  PrimitiveKernels,
  PrimitiveName,
  View,
} from "../src/index.ts";

type Without<Table> = { [K in keyof Table]: Omit<Table, K> extends Table ? "accepted" : "refused" };
type AllRefused<Names extends string> = { [K in Names]: "refused" };

const rules: AllRefused<PrimitiveName> = {} as Without<GradientRules>;
const kernels: AllRefused<PrimitiveName> = {} as Without<PrimitiveKernels<View>>;
const composites: AllRefused<CompositeName> = {} as Without<typeof compositeDefinitions>;
const fused: AllRefused<CompositeName> = {} as Without<FusedImplementations>;

// A fused kernel without a declared backward is refused as well.
type Kernel = FusedImplementations["layerNorm"];
const noBackward: Omit<Kernel, "backward"> extends Kernel ? "accepted" : "refused" = "refused";

// @ts-expect-error A rule is missing.
const incomplete: GradientRules = {} as Omit<GradientRules, "gather">;

describe("completeness", () => {
  it("is checked by tsc for every name", () => {
    expect([rules, kernels, composites, fused, incomplete]).toHaveLength(5);
    expect(noBackward).toBe("refused");
    const primitives: Record<PrimitiveName, true> = {
      fill: true,
      iota: true,
      randomBits: true,
      copy: true,
      map: true,
      reduce: true,
      matmul: true,
      gather: true,
      segmentSum: true,
      takeAlong: true,
      putAlong: true,
    };
    expect(Object.keys(gradientRules).toSorted()).toEqual(Object.keys(primitives).toSorted());
    expect(Object.keys(scalarTable).length).toBeGreaterThan(20);
  });
});
