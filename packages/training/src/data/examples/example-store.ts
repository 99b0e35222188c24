/** Examples in memory: all token ids in one array, all values in another, and where each example begins. */
import { createHash } from "node:crypto";
import { idsOf } from "@modernbert-ts/encoder";
import { DataError } from "../../errors.ts";
import type { Example } from "./example.ts";
import { GrowingArray } from "./growing-array.ts";

export class ExampleStore {
  readonly #ids = new GrowingArray((size) => new Int32Array(size));
  /** Token types, of each id. */
  readonly #types = new GrowingArray((size) => new Uint8Array(size));
  /** Where each sequence ends among the ids. */
  readonly #ends = new GrowingArray((size) => new Uint32Array(size));
  readonly #values = new GrowingArray((size) => new Float32Array(size));
  /** Where the sequences and the values of each example end. */
  readonly #examples = new GrowingArray((size) => new Uint32Array(size));
  readonly #notes: unknown[] = [];
  #longest = 0;
  #fingerprint: string | undefined;

  /** @throws DataError `invalid` for an example without a token. */
  add({ sequences, values, note }: Example): void {
    if (sequences.length === 0 || sequences.some((sequence) => idsOf(sequence).length === 0))
      throw new DataError("invalid", "ExampleStore", "expected at least one token in each sequence, got none");
    let length = 0;
    for (const sequence of sequences) {
      const ids = idsOf(sequence);
      this.#ids.push(ids);
      this.#types.push("typeIds" in sequence ? sequence.typeIds : new Uint8Array(ids.length));
      this.#ends.push([this.#ids.length]);
      length += ids.length;
    }
    this.#values.push(values);
    this.#examples.push([this.#ends.length, this.#values.length]);
    this.#notes.push(note);
    this.#longest = Math.max(this.#longest, length);
    this.#fingerprint = undefined;
  }

  get documents(): number {
    return this.#notes.length;
  }

  /** Of all examples. */
  get tokens(): number {
    return this.#ids.length;
  }

  /** Tokens of the longest example. */
  get longest(): number {
    return this.#longest;
  }

  /** Identifies the content; saved states refuse to continue on another one. */
  get fingerprint(): string {
    this.#fingerprint ??= [this.#ids, this.#ends, this.#values, this.#examples]
      .reduce((hash, array) => hash.update(array.bytes()), createHash("sha256"))
      .digest("hex");
    return this.#fingerprint;
  }

  /** Tokens of an example. */
  length(example: number): number {
    const [first, end] = this.#range(example, 0);
    return first === end ? 0 : this.#end(end - 1) - this.#end(first - 1);
  }

  /** Token ids of its sequences; views, not to be written. */
  sequences(example: number): Int32Array[] {
    const [first, end] = this.#range(example, 0);
    return Array.from({ length: end - first }, (_, at) =>
      this.#ids.slice(this.#end(first + at - 1), this.#end(first + at)),
    );
  }

  /** Token types of its sequences, one behind another; a view. */
  types(example: number): Uint8Array {
    const [first, end] = this.#range(example, 0);
    return this.#types.slice(this.#end(first - 1), this.#end(end - 1));
  }

  /** Of the first `examples`. */
  sequenceLengths(examples: number): number[] {
    const end = Math.min(examples, this.documents);
    return Array.from({ length: end }, (_, example) => this.sequences(example).map(({ length }) => length)).flat();
  }

  values(example: number): Float32Array {
    return this.#values.slice(...this.#range(example, 1));
  }

  note(example: number): unknown {
    return this.#notes[example];
  }

  #range(example: number, column: 0 | 1): [number, number] {
    const at = 2 * example + column;
    return [example === 0 ? 0 : this.#examples.at(at - 2), this.#examples.at(at)];
  }

  #end(sequence: number): number {
    return sequence < 0 ? 0 : this.#ends.at(sequence);
  }
}
