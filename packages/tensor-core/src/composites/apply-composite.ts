/**
 * Runs a composite: fused where the backend supports the case, as it is or in f32 between casts, else its reference. A refusal is
 * counted, or thrown in mode `fused`.
 */
import type { CompositeAttrs, CompositeName, CompositeQuery, FusedKernel, TensorSpec } from "../backend/fused.ts";
import { isNarrow } from "../dtype.ts";
import { ShapeError, UnsupportedError } from "../errors.ts";
import { cast, contiguous } from "../ops/elementwise.ts";
import { showShape } from "../shape.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CompositeDefinition } from "./definition.ts";
import { compositeDefinitions } from "./registry.ts";
import { runFused } from "./run-fused.ts";

/** @returns the outputs as `CompositeAttrs` documents them. @throws UnsupportedError when a gradient is wanted that it does not have. */
export function applyComposite<K extends CompositeName>(
  name: K,
  inputs: readonly (Tensor | null)[],
  attrs: CompositeAttrs[K],
): readonly Tensor[] {
  const definition: CompositeDefinition<K> = compositeDefinitions[name];
  const { runtime } = inputs.find((input) => input !== null)!;
  const outputs = definition.infer(inputs, attrs);
  const tracked = inputs.some((input) => runtime.tape?.tracks(input));
  if (tracked && definition.differentiable === false && !definition.updates)
    throw new UnsupportedError(name, "it has no gradient: it is for inference, train with weights in f32");
  for (const at of definition.updates?.(inputs) ?? []) expectDense(name, inputs[at]!);
  const training = tracked && definition.differentiable !== false;
  const run = chooseKernel(runtime, name, definition, { attrs, inputs, outputs, training });
  return runtime.scope(() => {
    if (!run) return definition.reference(inputs, attrs, applyComposite);
    const given = run.query.inputs.map((spec, at) => spec && contiguous(cast(inputs[at]!, spec.dtype)));
    const results = runFused(runtime, definition, run.kernel, run.query, given, applyComposite);
    return results.map((result, at) => cast(result, outputs[at]!.dtype));
  });
}

interface FusedRun<K extends CompositeName> {
  readonly kernel: FusedKernel<K>;
  /** What the kernel gets: the composite's own inputs, or the same in f32. */
  readonly query: CompositeQuery<K>;
}

function chooseKernel<K extends CompositeName>(
  runtime: Runtime,
  name: K,
  definition: CompositeDefinition<K>,
  query: CompositeQuery<K>,
): FusedRun<K> | undefined {
  const { backend, fusion } = runtime;
  if (fusion === "reference") return undefined;
  const kernel: FusedKernel<K> | undefined = backend.fused[name];
  const answer = kernel?.supports(query) ?? { reason: `no fused ${name} on ${backend.name}` };
  if (kernel && answer === true) {
    runtime.countFusion({ composite: name });
    return { kernel, query };
  }
  if (definition.needsNoKernel?.(query, backend.capabilities) === true) return undefined;
  const wide = widen(definition, query);
  if (kernel && wide && kernel.supports(wide) === true) {
    runtime.countFusion({ composite: name, widenedTo: "f32" });
    return { kernel, query: wide };
  }
  const reason = answer === true ? "" : answer.reason;
  if (fusion === "fused") throw new UnsupportedError(name, reason);
  runtime.countFusion({ composite: name, reason });
  return undefined;
}

/** The same question with the 16-bit inputs that the definition names in f32; undefined when there are none. */
function widen<K extends CompositeName>(
  { widening, infer }: CompositeDefinition<K>,
  query: CompositeQuery<K>,
): CompositeQuery<K> | undefined {
  if (!widening?.inputs.some((at) => isNarrow(query.inputs[at]?.dtype))) return undefined;
  const inputs = query.inputs.map((input, at): TensorSpec | null =>
    input && widening.inputs.includes(at) && isNarrow(input.dtype) ? { shape: input.shape, dtype: "f32" } : input,
  );
  const attrs = widening.attrs?.(query.attrs) ?? query.attrs;
  return { attrs, inputs, outputs: infer(inputs, attrs), training: query.training };
}

function expectDense(name: CompositeName, tensor: Tensor): void {
  if (tensor.dense) return;
  throw new ShapeError(name, `expected a dense tensor to update in place, got strides ${showShape(tensor.strides)}`);
}
