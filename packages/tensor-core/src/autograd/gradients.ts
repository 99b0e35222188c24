/** Reverse-mode differentiation: `valueAndGradients` for training, `vjp` underneath. */
import { ShapeError, UnsupportedError } from "../errors.ts";
import type { DType } from "../dtype.ts";
import { add, cast } from "../ops/elementwise.ts";
import { full } from "../ops/create.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { gradientRules } from "./rules.ts";
import { releaseSaved, Tape } from "../tensor/tape.ts";
import type { GradNode } from "../tensor/tape.ts";

export interface ValueAndGradients<T> {
  readonly value: T;
  /** One per parameter, in order; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
}

/**
 * Runs `body`, then differentiates the one-element tensor that `lossOf` picks from its result with respect to `parameters`.
 * Intermediates are freed as the backward pass goes; what `body` returns stays alive, without history.
 * @throws ShapeError when that tensor has more or fewer elements.
 */
export function valueAndGradients<T>(
  runtime: Runtime,
  parameters: readonly Tensor[],
  body: () => T,
  lossOf: (value: T) => Tensor = (value) => value as unknown as Tensor,
): ValueAndGradients<T> {
  return vjp(runtime, parameters, body, (value) => {
    const loss = lossOf(value);
    if (loss.size !== 1)
      throw new ShapeError("valueAndGradients", `expected a loss with one element, got ${showShape(loss.shape)}`);
    return [{ output: loss, gradient: full(runtime, loss.shape, 1, loss.dtype) }];
  });
}

/**
 * Called once for each input, as soon as nothing more is added to its gradient (undefined: zero), those first that the computation read last. It
 * takes the gradient over, and what it gives stands for it in the result.
 */
export type OnFinalGradient = (input: Tensor, gradient: Tensor | undefined) => Tensor | undefined;

/**
 * Vector-Jacobian product: `seeds` gives the incoming gradient of each output that matters. An input given twice gets its gradient twice.
 * @param gradientDType of the gradient of an input. Default: its own.
 * @param onFinal may go on with a gradient while others are still to come.
 * @throws UnsupportedError while another tape is open: gradients of gradients are not computed.
 */
export function vjp<T>(
  runtime: Runtime,
  inputs: readonly Tensor[],
  body: () => T,
  seeds: (value: T) => readonly { readonly output: Tensor; readonly gradient: Tensor }[],
  gradientDType: (input: Tensor) => DType = ({ dtype }) => dtype,
  onFinal: OnFinalGradient = (_, gradient) => gradient,
): ValueAndGradients<T> {
  if (runtime.tape !== undefined) {
    throw new UnsupportedError(
      "valueAndGradients",
      "expected no open tape, got a call inside the body of another: gradients of gradients are not computed",
    );
  }
  return runtime.scope(() => {
    const tape = new Tape(gradientRules);
    const leaves = new Map(
      inputs.map((input) => [input, tape.leaf({ shape: input.shape, dtype: gradientDType(input) })]),
    );
    for (const [input, node] of leaves) input.edge = { node, output: 0 };
    try {
      runtime.tape = tape;
      let value: T;
      try {
        value = body();
      } finally {
        runtime.tape = undefined;
        for (const input of leaves.keys()) input.edge = undefined;
      }
      const gradients = backward(runtime, tape, leaves, seeds(value), onFinal);
      return { value, gradients: inputs.map((input) => gradients.get(input)) };
    } finally {
      tape.release();
    }
  });
}

/** Walks the tape from the end; every node is run at most once, in a scope of its own. The gradients belong to the scope around. */
function backward(
  runtime: Runtime,
  tape: Tape,
  leaves: ReadonlyMap<Tensor, GradNode>,
  seeds: readonly { readonly output: Tensor; readonly gradient: Tensor }[],
  onFinal: OnFinalGradient,
): Map<Tensor, Tensor> {
  const pending = new Map<GradNode, (Tensor | undefined)[]>();
  const accumulate = (node: GradNode, output: number, gradient: Tensor): void => {
    const spec = node.outputs[output]!;
    if (!sameShape(spec.shape, gradient.shape)) {
      throw new ShapeError(
        "backward",
        `internal: expected a gradient of shape ${showShape(spec.shape)}, got ${showShape(gradient.shape)}`,
      );
    }
    const slots = pending.get(node) ?? node.outputs.map(() => undefined);
    const before = slots[output];
    const given = cast(gradient, spec.dtype);
    slots[output] = before ? runtime.keep(add(before, given)) : given.alias();
    before?.dispose();
    pending.set(node, slots);
  };
  const results = new Map<Tensor, Tensor>();
  const finish = (input: Tensor): void => {
    const leaf = leaves.get(input)!;
    const gradient = pending.get(leaf)?.[0];
    pending.delete(leaf);
    const final = onFinal(input, gradient && runtime.own(gradient));
    if (final) results.set(input, final);
  };
  const finalBehind = firstReaders(tape, leaves);
  try {
    for (const { output, gradient } of seeds) {
      if (output.edge?.node.tape === tape) accumulate(output.edge.node, output.edge.output, gradient);
    }
    finalBehind.get(undefined)?.forEach(finish);
    for (const node of tape.nodes.toReversed()) {
      const slots = pending.get(node);
      const rule = node.backward;
      if (rule && slots) {
        runtime.scope(() => {
          const gradients = rule(
            slots,
            node.saved,
            node.inputs.map((edge) => edge && edge.node.outputs[edge.output]!.dtype),
          );
          node.inputs.forEach((edge, index) => {
            const gradient = gradients[index];
            if (edge && gradient) accumulate(edge.node, edge.output, gradient);
          });
        });
        pending.delete(node);
        for (const slot of slots) slot?.dispose();
      }
      releaseSaved(node);
      finalBehind.get(node)?.forEach(finish);
    }
    return results;
  } finally {
    for (const slots of pending.values()) for (const slot of slots) slot?.dispose();
  }
}

/** By the node that is the first to read an input, and so the last to add to its gradient; by undefined those that nothing reads. */
function firstReaders(tape: Tape, leaves: ReadonlyMap<Tensor, GradNode>): Map<GradNode | undefined, Tensor[]> {
  const unread = new Map(Array.from(leaves, ([input, leaf]) => [leaf, input]));
  const found = new Map<GradNode | undefined, Tensor[]>();
  for (const node of tape.nodes)
    for (const edge of node.inputs) {
      const input = edge && unread.get(edge.node);
      if (!input) continue;
      unread.delete(edge.node);
      found.set(node, [...(found.get(node) ?? []), input]);
    }
  found.set(undefined, [...unread.values()]);
  return found;
}
