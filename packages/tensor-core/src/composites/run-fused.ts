/** Runs a fused kernel and records how it is differentiated: by its own backward, or by recomputing the reference. */
import { vjp } from "../autograd/gradients.ts";
import type { Backward } from "../tensor/tape.ts";
import type { View } from "../backend/backend.ts";
import type { CompositeName, CompositeQuery, FusedKernel, TensorSpec } from "../backend/fused.ts";
import { contiguous } from "../ops/elementwise.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Apply, CompositeDefinition } from "./definition.ts";

type MaybeTensor = Tensor | null;

/** @param inputs dense, as the query describes them. */
export function runFused<K extends CompositeName>(
  runtime: Runtime,
  definition: CompositeDefinition<K>,
  kernel: FusedKernel<K>,
  query: CompositeQuery<K>,
  inputs: readonly MaybeTensor[],
  apply: Apply,
): readonly Tensor[] {
  const { attrs, training } = query;
  const outputs = definition.updates?.(inputs).map((at) => inputs[at]!) ?? allocateAll(runtime, query.outputs);
  const saved = training && typeof kernel.backward === "function" ? allocateAll(runtime, kernel.saved(query)) : [];
  kernel.forward({
    attrs,
    inputs: inputs.map(viewOf),
    outputs: outputs.map((o) => o.view),
    saved: saved.map((t) => t.view),
  });
  if (training && kernel.backward === "recompute") {
    const present = inputs.filter((input) => input !== null);
    runtime.tape?.record(inputs, outputs, () => present, recompute(runtime, definition, query, apply));
  } else if (training) {
    const kept = [
      ...pick(inputs, kernel.backwardReads.inputs),
      ...pick(outputs, kernel.backwardReads.outputs),
      ...saved,
    ];
    runtime.tape?.record(inputs, outputs, () => kept, fusedBackward(runtime, kernel, query));
  }
  for (const tensor of saved) tensor.dispose();
  return outputs;
}

/** Calls the kernel's backward. The tape holds the inputs and outputs that it reads, then what the forward saved. */
function fusedBackward<K extends CompositeName>(
  runtime: Runtime,
  kernel: FusedKernel<K>,
  query: CompositeQuery<K>,
): Backward {
  const { backward, backwardReads, wideGradients } = kernel;
  const inputReads = backwardReads.inputs.filter((at) => query.inputs[at]);
  return (gradOutputs, held, wants) => {
    if (typeof backward !== "function") return [];
    const outputsFrom = inputReads.length;
    const savedFrom = outputsFrom + backwardReads.outputs.length;
    const gradients = query.inputs.map((spec, at) =>
      spec && wants[at] ? runtime.empty(spec.shape, (wideGradients && wants[at]) || spec.dtype) : null,
    );
    backward({
      attrs: query.attrs,
      inputs: place(query.inputs.length, inputReads, held.slice(0, outputsFrom)).map(viewOf),
      outputs: place(query.outputs.length, backwardReads.outputs, held.slice(outputsFrom, savedFrom)).map(viewOf),
      saved: held.slice(savedFrom).map((tensor) => tensor.view),
      gradOutputs: gradOutputs.map((gradient) => viewOf(gradient ? contiguous(gradient) : null)),
      gradInputs: gradients.map(viewOf),
    });
    return gradients.map((gradient) => gradient ?? undefined);
  };
}

/** Differentiates the reference on the inputs that the tape holds. */
function recompute<K extends CompositeName>(
  runtime: Runtime,
  definition: CompositeDefinition<K>,
  query: CompositeQuery<K>,
  apply: Apply,
): Backward {
  const present = query.inputs.flatMap((spec, at) => (spec ? [at] : []));
  return (gradOutputs, held, wants) => {
    const dtypes = new Map(held.map((tensor, index) => [tensor, wants[present[index]!] ?? tensor.dtype]));
    const { gradients } = vjp(
      runtime,
      held,
      () => definition.reference(place(query.inputs.length, present, held), query.attrs, apply),
      (outputs) => outputs.flatMap((output, at) => (gradOutputs[at] ? [{ output, gradient: gradOutputs[at] }] : [])),
      (tensor) => dtypes.get(tensor)!,
    );
    return place(query.inputs.length, present, gradients).map((gradient) => gradient ?? undefined);
  };
}

function allocateAll(runtime: Runtime, specs: readonly TensorSpec[]): Tensor[] {
  return specs.map(({ shape, dtype }) => runtime.empty(shape, dtype));
}

function viewOf(tensor: MaybeTensor): View | null {
  return tensor?.view ?? null;
}

/** The present items at the given places. */
function pick(items: readonly MaybeTensor[], places: readonly number[]): Tensor[] {
  return places.flatMap((at) => items[at] ?? []);
}

/** A row of `length` slots, null but for `items[i]` at `places[i]`. */
function place<T>(length: number, places: readonly number[], items: readonly T[]): (T | null)[] {
  const slots = Array.from<T | null>({ length }).fill(null);
  places.forEach((at, index) => {
    slots[at] = items[index] ?? null;
  });
  return slots;
}
