/**
 * Gradient checkpointing (Chen et al. 2016): a part of a computation keeps its inputs only, and runs again when the backward pass comes to it.
 * Less memory for a second forward pass; the same bits, as kernels and named draws give the same each time.
 */
import { Tape } from "../tensor/tape.ts";
import type { Backward } from "../tensor/tape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { vjp } from "./gradients.ts";
import { gradientRules } from "./rules.ts";

/**
 * What `body` makes of `inputs`. It must make its outputs itself, and give the same each time it is called: what it reads besides `inputs`
 * (parameters) must live and stay as it is until the backward pass is done.
 */
export function checkpoint(
  inputs: readonly [Tensor, ...Tensor[]],
  body: (inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const { runtime } = inputs[0];
  const { tape } = runtime;
  if (!tape) return runtime.scope(() => body(inputs));
  const probe = new Probe(tape);
  const outputs = runtime.scope(() => {
    runtime.tape = probe;
    try {
      return body(inputs);
    } finally {
      runtime.tape = tape;
    }
  });
  for (const output of outputs) output.edge = undefined;
  const others = [...probe.reads].filter((tensor) => !inputs.includes(tensor));
  const backward: Backward = (gradOutputs, saved, wants) => {
    const read = [...saved, ...others];
    const asked = read.flatMap((tensor, at) => (wants[at] ? [[tensor, wants[at]] as const] : []));
    const dtypes = new Map(asked);
    const { gradients } = vjp(
      runtime,
      asked.map(([tensor]) => tensor),
      () => body(saved),
      (again) => again.flatMap((output, at) => (gradOutputs[at] ? [{ output, gradient: gradOutputs[at] }] : [])),
      (tensor) => dtypes.get(tensor)!,
    );
    const found = new Map(asked.map(([tensor], at) => [tensor, gradients[at]]));
    return read.map((tensor) => found.get(tensor));
  };
  tape.record([...inputs, ...others], outputs, () => inputs, backward);
  return outputs;
}

/** In the place of a tape: keeps nothing but which of its tensors are read. */
class Probe extends Tape {
  readonly reads = new Set<Tensor>();
  readonly #outer: Tape;
  readonly #made = { node: this.leaf({ shape: [], dtype: "f32" }), output: 0 };

  constructor(outer: Tape) {
    super(gradientRules);
    this.#outer = outer;
  }

  /** Kernels are chosen as on the tape itself. */
  override tracks(tensor: Tensor | null): boolean {
    return super.tracks(tensor) || this.#outer.tracks(tensor);
  }

  override record(inputs: readonly (Tensor | null)[], outputs: readonly Tensor[]): void {
    if (!inputs.some((input) => this.tracks(input))) return;
    for (const input of inputs) if (input && this.#outer.tracks(input)) this.reads.add(input);
    for (const output of outputs) output.edge = this.#made;
  }

  override recordView(input: Tensor, output: Tensor): void {
    this.record([input], [output]);
  }
}
