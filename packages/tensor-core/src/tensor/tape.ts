/**
 * The tape: while one is open on a runtime, operations on tracked tensors add a node that knows how to send gradients back.
 * Nodes keep only the tensors that their rule names, and all of them are let go when the tape is released.
 */
import type { TensorSpec } from "../backend/fused.ts";
import type { PrimitiveAttrs, PrimitiveName } from "../backend/primitives.ts";
import type { DType } from "../dtype.ts";
import type { Tensor } from "./tensor.ts";

/** Output `output` of `node`. */
export interface Edge {
  readonly node: GradNode;
  readonly output: number;
}

export interface GradientContext<K extends PrimitiveName> {
  readonly attrs: PrimitiveAttrs[K];
  readonly inputs: readonly TensorSpec[];
  /** The inputs whose indices `saves` gave, in that order. */
  readonly saved: readonly Tensor[];
  readonly gradOutput: Tensor;
  /** For each input the dtype that its gradient is asked for in; undefined where nobody asks. Another float dtype will do: it is cast. */
  readonly wants: readonly (DType | undefined)[];
}

/** How a primitive is differentiated. `inputs` gives one gradient per input; undefined is zero. */
export interface GradientRule<K extends PrimitiveName> {
  /** Indices of the inputs that `gradients` reads. */
  saves(attrs: PrimitiveAttrs[K], inputCount: number): readonly number[];
  gradients(context: GradientContext<K>): readonly (Tensor | undefined)[];
}

export type GradientRules = { readonly [K in PrimitiveName]: GradientRule<K> | "none" };

/** Gradients of a node's inputs from those of its outputs; undefined is zero. `wants` as in `GradientContext`. */
export type Backward = (
  gradOutputs: readonly (Tensor | undefined)[],
  saved: readonly Tensor[],
  wants: readonly (DType | undefined)[],
) => readonly (Tensor | undefined)[];

export interface GradNode {
  readonly tape: Tape;
  readonly inputs: readonly (Edge | undefined)[];
  readonly outputs: readonly TensorSpec[];
  readonly backward: Backward | undefined;
  saved: readonly Tensor[];
}

export class Tape {
  readonly nodes: GradNode[] = [];
  readonly #rules: GradientRules;

  constructor(rules: GradientRules) {
    this.#rules = rules;
  }

  /** A node with no inputs: a tensor that gradients are asked for, in the dtype of `spec`. */
  leaf(spec: TensorSpec): GradNode {
    return this.#push([], [spec], [], undefined);
  }

  tracks(tensor: Tensor | null): boolean {
    return tensor?.edge?.node.tape === this;
  }

  /** Adds a node when one of the inputs is tracked. `saved` is called only then. */
  record(
    inputs: readonly (Tensor | null)[],
    outputs: readonly Tensor[],
    saved: () => readonly Tensor[],
    backward: Backward,
  ): void {
    if (!inputs.some((input) => this.tracks(input))) return;
    const edges = inputs.map((input) => (this.tracks(input) ? input?.edge : undefined));
    const kept = saved().map((tensor) => tensor.alias());
    const node = this.#push(edges, outputs.map(specOf), kept, backward);
    outputs.forEach((output, index) => {
      output.edge = { node, output: index };
    });
  }

  /** A view is asked for its gradient in the dtype in which its tensor is. */
  recordView(input: Tensor, output: Tensor, backward: (gradient: Tensor) => Tensor): void {
    const edge = this.tracks(input) ? input.edge : undefined;
    if (!edge) return;
    const { dtype } = edge.node.outputs[edge.output]!;
    const pass: Backward = ([gradient]) => [gradient && backward(gradient)];
    output.edge = { node: this.#push([edge], [{ shape: output.shape, dtype }], [], pass), output: 0 };
  }

  recordPrimitive<K extends PrimitiveName>(
    op: K,
    attrs: PrimitiveAttrs[K],
    inputs: readonly Tensor[],
    output: Tensor,
  ): void {
    const rule: GradientRule<K> | "none" = this.#rules[op];
    if (rule === "none") return;
    const specs = inputs.map(specOf);
    this.record(
      inputs,
      [output],
      () => rule.saves(attrs, inputs.length).map((index) => inputs[index]!),
      ([gradOutput], saved, wants) =>
        gradOutput ? rule.gradients({ attrs, inputs: specs, saved, gradOutput, wants }) : [],
    );
  }

  /** Lets go of everything saved. */
  release(): void {
    for (const node of this.nodes) releaseSaved(node);
    this.nodes.length = 0;
  }

  #push(
    inputs: GradNode["inputs"],
    outputs: GradNode["outputs"],
    saved: readonly Tensor[],
    backward: Backward | undefined,
  ): GradNode {
    const node: GradNode = { tape: this, inputs, outputs, saved, backward };
    this.nodes.push(node);
    return node;
  }
}

function specOf({ shape, dtype }: TensorSpec): TensorSpec {
  return { shape, dtype };
}

export function releaseSaved(node: GradNode): void {
  for (const tensor of node.saved) tensor.dispose();
  node.saved = [];
}
