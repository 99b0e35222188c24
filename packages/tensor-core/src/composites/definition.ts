/** What every composite must define: output shapes with good messages, and a differentiable reference from primitives. */
import type { Capabilities } from "../backend/backend.ts";
import type { CompositeAttrs, CompositeName, CompositeQuery, DropoutAttrs, TensorSpec } from "../backend/fused.ts";
import { ShapeError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Runs another composite, see `applyComposite`. */
export type Apply = <K extends CompositeName>(
  name: K,
  inputs: readonly (Tensor | null)[],
  attrs: CompositeAttrs[K],
) => readonly Tensor[];

export interface CompositeDefinition<K extends CompositeName> {
  /** Checks the inputs and gives the outputs' shapes and dtypes. */
  infer(inputs: readonly (TensorSpec | null)[], attrs: CompositeAttrs[K]): readonly TensorSpec[];
  /** The same from differentiable operations and, through `apply`, other composites; in f32 inside (f64 for f64 inputs). */
  reference(inputs: readonly (Tensor | null)[], attrs: CompositeAttrs[K], apply: Apply): readonly Tensor[];
  /** False for a composite without a gradient: inputs of which one is wanted are refused. */
  readonly differentiable?: false;
  /**
   * For kernels that refuse f16 and bf16 where f32 between casts is quicker than the reference: the inputs, by index, that are widened,
   * and the attributes of the run in f32 where they differ.
   */
  readonly widening?: {
    readonly inputs: readonly number[];
    attrs?(attrs: CompositeAttrs[K]): CompositeAttrs[K];
  };
  /**
   * True where the reference is one primitive at the device's full speed, or made of other composites, which count for themselves: running
   * it without a kernel is no refusal and not counted.
   */
  needsNoKernel?(query: CompositeQuery<K>, capabilities: Capabilities): boolean;
  /** The inputs, by index, that a composite without a gradient updates in place: they are its outputs. */
  updates?(inputs: readonly (object | null)[]): readonly number[];
}

/** @throws ShapeError unless the tensor is there and has `shape` (-1 matches any extent). */
export function expectShape(
  operation: string,
  name: string,
  spec: TensorSpec | null | undefined,
  shape: Shape,
): asserts spec is TensorSpec {
  const fits =
    spec?.shape.length === shape.length && shape.every((extent, axis) => extent === -1 || extent === spec.shape[axis]);
  if (!fits) {
    const wanted = `[${shape.map((extent) => (extent === -1 ? "·" : extent)).join(", ")}]`;
    throw new ShapeError(
      operation,
      `expected ${name} of shape ${wanted}, got ${spec ? showShape(spec.shape) : "nothing"}`,
    );
  }
}

/** @throws ShapeError unless all tensors are there and have one shape. */
export function expectSameShape(operation: string, specs: readonly (TensorSpec | null | undefined)[]): void {
  const [first] = specs;
  if (!first || specs.some((spec) => !spec || !sameShape(spec.shape, first.shape))) {
    throw new ShapeError(
      operation,
      `expected tensors of one shape, got ${specs.map((s) => (s ? showShape(s.shape) : "nothing")).join(" and ")}`,
    );
  }
}

/** @throws ShapeError unless the rate lies between 0 and 1 and a step [2] is given only with dropout. */
export function expectDropout(
  operation: string,
  dropout: DropoutAttrs | null,
  step: TensorSpec | null | undefined,
): void {
  if (step) expectShape(operation, "step", step, [2]);
  if (step && !dropout) throw new ShapeError(operation, "expected no step without dropout, got one");
  if (dropout && !(dropout.rate > 0 && dropout.rate < 1))
    throw new ShapeError(operation, `expected a dropout rate between 0 and 1, got ${dropout.rate}`);
}
