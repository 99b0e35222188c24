/** A backend buffer with a reference count: it is released the moment the last tensor or saved value lets go of it. */
import type { Backend, BufferId } from "../backend/backend.ts";

export class Storage {
  readonly buffer: BufferId;
  readonly byteLength: number;
  readonly #backend: Backend;
  #references = 1;

  /** @param buffer from now on the storage's; by default a new one. */
  constructor(backend: Backend, byteLength: number, buffer: BufferId = backend.allocate(byteLength)) {
    this.#backend = backend;
    this.byteLength = byteLength;
    this.buffer = buffer;
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
