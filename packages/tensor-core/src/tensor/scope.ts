/** Scopes: every tensor made inside is disposed at the end, except what the scope returns, which moves to the scope around it. */
import { Tensor } from "./tensor.ts";

export class Scope {
  readonly #owned = new Set<Tensor>();

  own(tensor: Tensor): void {
    this.#owned.add(tensor);
  }

  disown(tensor: Tensor): boolean {
    return this.#owned.delete(tensor);
  }

  /** Disposes what is owned but not part of `result`; hands the rest to `parent`, or to the caller when there is none, and returns it. */
  close(result: unknown, parent: Scope | undefined): Tensor[] {
    const kept = new Set<Tensor>();
    collectTensors(result, kept);
    const handedOver: Tensor[] = [];
    for (const tensor of this.#owned) {
      if (kept.has(tensor)) handedOver.push(tensor);
      else tensor.dispose();
    }
    this.#owned.clear();
    for (const tensor of handedOver) parent?.own(tensor);
    return handedOver;
  }
}

/** Disposes the tensors in a value made of arrays, maps and plain objects: what a scope would have freed. */
export function disposeTensors(value: unknown): void {
  const found = new Set<Tensor>();
  collectTensors(value, found);
  for (const tensor of found) tensor.dispose();
}

/** Finds the tensors in a value made of arrays, maps and plain objects. */
function collectTensors(value: unknown, into: Set<Tensor>): void {
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) for (const item of value) collectTensors(item, into);
  else if (value instanceof Map) for (const item of value.values()) collectTensors(item, into);
  else if (value !== null && typeof value === "object" && isPlain(value)) {
    for (const item of Object.values(value)) collectTensors(item, into);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
