/** Runs a composite: fused where the backend supports the case, else its reference. A refusal is counted, or thrown in mode `fused`. */
import type { CompositeAttrs, CompositeName, CompositeQuery, FusedKernel } from "../backend/fused.ts";
import { UnsupportedError } from "../errors.ts";
import { contiguous } from "../ops/elementwise.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CompositeDefinition } from "./definition.ts";
import { compositeDefinitions } from "./registry.ts";
import { runFused } from "./run-fused.ts";

/** @returns the outputs as `CompositeAttrs` documents them. */
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
  const training = tracked && definition.differentiable !== false;
  const query: CompositeQuery<K> = { attrs, inputs, outputs, training };
  const kernel = chooseKernel(runtime, name, query);
  if (!kernel) return runtime.scope(() => definition.reference(inputs, attrs));
  const dense = inputs.map((input) => input && contiguous(input));
  return runFused(runtime, definition, kernel, query, dense);
}

function chooseKernel<K extends CompositeName>(
  runtime: Runtime,
  name: K,
  query: CompositeQuery<K>,
): FusedKernel<K> | undefined {
  if (runtime.fusion === "reference") return undefined;
  const kernel: FusedKernel<K> | undefined = runtime.backend.fused[name];
  const answer = kernel ? kernel.supports(query) : { reason: `no fused ${name} on ${runtime.backend.name}` };
  const reason = answer === true ? undefined : answer.reason;
  if (reason !== undefined && runtime.fusion === "fused") throw new UnsupportedError(name, reason);
  runtime.countFusion(name, reason);
  return reason === undefined ? kernel : undefined;
}
