/** A typed array that grows at its end. */

type Numbers = Int32Array | Uint32Array | Uint8Array | Float32Array;

export class GrowingArray<A extends Numbers> {
  readonly #create: (size: number) => A;
  #array: A;
  length = 0;

  constructor(create: (size: number) => A) {
    this.#create = create;
    this.#array = create(1024);
  }

  push(values: ArrayLike<number>): void {
    const end = this.length + values.length;
    if (end > this.#array.length) {
      const larger = this.#create(Math.max(end, 2 * this.#array.length));
      larger.set(this.#array);
      this.#array = larger;
    }
    this.#array.set(values, this.length);
    this.length = end;
  }

  at(index: number): number {
    return this.#array[index]!;
  }

  /** A view of elements begin..end-1. */
  slice(begin: number, end: number): A {
    return this.#array.subarray(begin, end) as A;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#array.buffer, 0, this.length * this.#array.BYTES_PER_ELEMENT);
  }
}
