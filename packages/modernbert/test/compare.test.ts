/** The comparison with goldens lets nothing pass that it should not. */
import { expect, it } from "vitest";
import { goldenFailure } from "./support/compare.ts";

it.each<[string, string, number[], number[]]>([
  ["an activation within 5e-5 of its largest", "logits", [2, 0.00009], [2, 0]],
  ["a gradient within 5e-4 of its largest", "grad.a", [2, 0.0009], [2, 0]],
  ["rounding where a gradient is 0 but for rounding", "grad.a", [6e-8], [-5e-8]],
])("takes %s", (_, name, got, wanted) => {
  expect(goldenFailure(name, got, wanted)).toBeUndefined();
});

it.each<[string, string, number[] | undefined, number[]]>([
  ["an activation beyond it", "logits", [2, 0.00011], [2, 0]],
  ["a gradient beyond it", "grad.a", [2, 0.0011], [2, 0]],
  ["more than rounding where a gradient is 0 but for rounding", "grad.a", [3e-7], [5e-8]],
  ["rounding of 1 in a gradient that is small but not rounding", "grad.a", [1.1e-6], [1e-6]],
  ["rounding in an activation that is 0", "loss", [6e-8], [0]],
  ["NaN", "grad.a", [Number.NaN, 1], [0, 1]],
  ["infinity", "logits", [Number.POSITIVE_INFINITY], [1]],
  ["another length", "logits", [1, 1], [1]],
  ["nothing", "grad.a", undefined, [1]],
])("refuses %s", (_, name, got, wanted) => {
  expect(goldenFailure(name, got, wanted)).toContain(`${name}: off by`);
});
