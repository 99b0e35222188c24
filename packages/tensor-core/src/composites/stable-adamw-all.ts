/** StableAdamW over all tensors of a model at once: the same as one after another, for devices that have a kernel for many. */
import { ShapeError } from "../errors.ts";
import { assign } from "../ops/elementwise.ts";
import { reshape, slice } from "../ops/views.ts";
import { expectSameShape, expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";

/** Where the first tensor stands among the inputs, and how many inputs each has: p, g, m, v, copy. */
const [first, each] = [2, 5];

/** The inputs of every tensor, by their places. */
function places(inputs: readonly unknown[]): number[] {
  return Array.from({ length: (inputs.length - first) / each }, (_, tensor) => first + each * tensor);
}

export const stableAdamWAllDefinition: CompositeDefinition<"stableAdamWAll"> = {
  differentiable: false,
  updates: (inputs) => places(inputs).flatMap((at) => [at, at + 2, at + 3, ...(inputs[at + 4] ? [at + 4] : [])]),
  infer(inputs, { groups }) {
    const [gradScale, controls] = inputs;
    expectShape("stableAdamWAll", "gradScale", gradScale, [1]);
    expectShape("stableAdamWAll", "controls", controls, [-1, 5]);
    const count = places(inputs).length;
    if (groups.length !== count || groups.some((group) => !(group >= 0 && group < controls.shape[0]!)))
      throw new ShapeError(
        "stableAdamWAll",
        `expected ${count} groups below ${controls.shape[0]}, got ${groups.join(", ")}`,
      );
    for (const at of places(inputs))
      expectSameShape("stableAdamWAll", [...inputs.slice(at, at + 4), inputs[at + 4] ?? inputs[at]]);
    return stableAdamWAllDefinition.updates!(inputs).map((at) => {
      const { shape, dtype } = inputs[at]!;
      return { shape, dtype };
    });
  },
  needsNoKernel: () => true,
  reference(inputs, { groups }, apply) {
    const [gradScale, controls] = inputs;
    for (const [tensor, at] of places(inputs).entries()) {
      const [p, g, m, v, copy] = inputs.slice(at, at + each);
      const group = groups[tensor]!;
      const control = reshape(slice(controls!, 0, group, group + 1), [each]);
      apply("stableAdamW", [p!, g!, m!, v!, control, gradScale!], {});
      if (copy) assign(copy, p!);
    }
    return stableAdamWAllDefinition.updates!(inputs).map((at) => inputs[at]!);
  },
};
