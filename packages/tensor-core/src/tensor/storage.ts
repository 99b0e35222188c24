/** A backend buffer with a reference count: it is released the moment the last tensor or saved value lets go of it. */
import type { Backend, BufferId } from "../backend/backend.ts";

export class Storage {
  readonly buffer: BufferId;
  readonly byteLength: number;
  readonly #backend: Backend;
  #references = 1;

  constructor(backend: Backend, byteLength: number) {
    this.#backend = backend;
    this.byteLength = byteLength;
    this.buffer = backend.allocate(byteLength);
  }

  /** Whether it has more than one holder. */
  get shared(): boolean {
    return this.#references > 1;
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.#backend.release(this.buffer);
  }
}
