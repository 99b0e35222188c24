/** What a forward pass may be told, and the dropout that follows from it. */
import { dropout } from "@modernbert-ts/tensor-core";
import type { Dropout, Tensor } from "@modernbert-ts/tensor-core";
import { streamOf } from "./random-streams.ts";

/** Names the random draws of one forward pass: the same draw gives the same zeros. */
export interface DropoutDraw {
  /** Unsigned 32-bit. */
  readonly seed: number;
  /** Of the optimizer, or any counter that differs from pass to pass; on the device (see `Draw.step`) for a pass that is captured. */
  readonly step: number | Tensor;
}

export interface ForwardOptions {
  /** Turns dropout on, at the rates of the config. */
  readonly dropout?: DropoutDraw;
}

/** Dropout with the stream that belongs to `place`; the tensor itself outside training. */
export function drop(input: Tensor, rate: number, place: string, options: ForwardOptions): Tensor {
  const at = dropoutAt(rate, place, options);
  return at ? dropout(input, at.rate, at.draw) : input;
}

/** The same for a composite that drops inside. */
export function dropoutAt(rate: number, place: string, { dropout: draw }: ForwardOptions): Dropout | undefined {
  return draw && { rate, draw: { ...draw, stream: streamOf(`dropout/${place}`) } };
}
