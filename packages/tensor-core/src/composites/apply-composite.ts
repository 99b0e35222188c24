/** Runs a composite: fused where the backend supports the case, else its reference. A refusal is counted, or thrown in mode `fused`. */
import { vjp } from "../autograd/gradients.ts";
import type { Backward } from "../autograd/tape.ts";
import type { CompositeAttrs, CompositeName, CompositeQuery, FusedKernel, TensorSpec } from "../backend/fused.ts";
import { UnsupportedError } from "../errors.ts";
import { contiguous } from "../ops/elementwise.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CompositeDefinition } from "./definition.ts";
import { compositeDefinitions } from "./registry.ts";

/** @returns the outputs as `CompositeAttrs` documents them. */
export function applyComposite<K extends CompositeName>(
  name: K,
  given: readonly (Tensor | null)[],
  attrs: CompositeAttrs[K],
): readonly Tensor[] {
  const definition: CompositeDefinition<K> = compositeDefinitions[name];
  const { runtime } = given.find((input) => input !== null)!;
  const outputs = definition.infer(given, attrs);
  const differentiable = definition.differentiableOutputs ?? outputs.map((_, index) => index);
  const training = differentiable.length > 0 && given.some((input) => runtime.tape?.tracks(input) ?? false);
  const query: CompositeQuery<K> = { attrs, inputs: given, outputs, training };
  const kernel = chooseKernel(runtime, name, query);
  if (!kernel) return runtime.scope(() => definition.reference(given, attrs));
  const inputs = given.map((input) => input && contiguous(input));
  return runFused(runtime, definition, kernel, { ...query, inputs }, inputs);
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

function runFused<K extends CompositeName>(
  runtime: Runtime,
  definition: CompositeDefinition<K>,
  kernel: FusedKernel<K>,
  query: CompositeQuery<K>,
  inputs: readonly (Tensor | null)[],
): readonly Tensor[] {
  const { attrs, training } = query;
  const allocate = ({ shape, dtype }: TensorSpec): Tensor => runtime.empty(shape, dtype);
  const views = (tensors: readonly (Tensor | null)[]) => tensors.map((tensor) => tensor?.view ?? null);
  const outputs = kernel.backward === "none" ? updatedInPlace(inputs) : query.outputs.map(allocate);
  const saved = training && typeof kernel.backward === "function" ? kernel.saved(query).map(allocate) : [];
  kernel.forward({
    attrs,
    inputs: views(inputs),
    outputs: outputs.map((o) => o.view),
    saved: saved.map((t) => t.view),
  });
  if (training) {
    const { backward, backwardReads } = kernel;
    if (typeof backward === "function") {
      const kept = [
        ...backwardReads.inputs.map((at) => inputs[at] ?? null),
        ...backwardReads.outputs.map((at) => outputs[at]!),
        ...saved,
      ];
      const present = kept.filter((tensor) => tensor !== null);
      const rule: Backward = (gradOutputs, held, needs) => {
        const queue = [...held];
        const restore = (
          count: number,
          reads: readonly number[],
          isPresent: (at: number) => boolean,
        ): (Tensor | null)[] => {
          const slots = Array.from<Tensor | null>({ length: count }).fill(null);
          for (const at of reads) if (isPresent(at)) slots[at] = queue.shift()!;
          return slots;
        };
        const heldInputs = restore(inputs.length, backwardReads.inputs, (at) => query.inputs[at] != null);
        const heldOutputs = restore(query.outputs.length, backwardReads.outputs, () => true);
        const gradients = query.inputs.map((spec, at) => (spec && needs[at] ? allocate(spec) : null));
        backward({
          attrs,
          inputs: views(heldInputs),
          outputs: views(heldOutputs),
          saved: queue.map((tensor) => tensor.view),
          gradOutputs: gradOutputs.map((gradient) => (gradient ? contiguous(gradient).view : null)),
          gradInputs: views(gradients),
        });
        return gradients.map((gradient) => gradient ?? undefined);
      };
      runtime.tape?.record(inputs, outputs, () => present, rule);
    } else {
      runtime.tape?.record(
        inputs,
        outputs,
        () => inputs.filter((input) => input !== null),
        recompute(runtime, definition, query),
      );
    }
  }
  for (const tensor of saved) tensor.dispose();
  return outputs;
}

/** Differentiates the reference on the saved inputs. */
function recompute<K extends CompositeName>(
  runtime: Runtime,
  definition: CompositeDefinition<K>,
  query: CompositeQuery<K>,
): Backward {
  return (gradOutputs, held) => {
    const queue = [...held];
    const inputs = query.inputs.map((spec) => (spec ? queue.shift()! : null));
    const { gradients } = vjp(
      runtime,
      held,
      () => definition.reference(inputs, query.attrs),
      (outputs) => outputs.flatMap((output, at) => (gradOutputs[at] ? [{ output, gradient: gradOutputs[at] }] : [])),
    );
    const byInput = [...gradients];
    return inputs.map((input) => (input ? byInput.shift() : undefined));
  };
}

/** `stableAdamW` is the one composite that writes to its inputs: p, m and v. */
function updatedInPlace(inputs: readonly (Tensor | null)[]): readonly Tensor[] {
  return [inputs[0]!, inputs[2]!, inputs[3]!];
}
