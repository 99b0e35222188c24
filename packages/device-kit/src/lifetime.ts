/** Whether a backend or a replay may still be used. */
import { UseAfterDisposeError } from "@modernbert-ts/tensor-core";

export class Lifetime {
  readonly #what: string;
  #ended = false;

  /** @param what Named in errors: "backend". */
  constructor(what: string) {
    this.#what = what;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What every call begins with. @throws UseAfterDisposeError */
  check(operation: string): void {
    if (!this.#ended) return;
    throw new UseAfterDisposeError(operation, `expected a live ${this.#what}, got one that was disposed`);
  }

  end(): void {
    this.#ended = true;
  }
}
