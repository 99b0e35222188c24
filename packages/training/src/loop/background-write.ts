/** Checkpoints on their way to disk while training goes on: one at a time. One that does not get there is said, and tried again at the end. */
import { CheckpointError } from "../checkpoint/errors.ts";
import type { CheckpointEvent } from "./events.ts";

export interface Write {
  /** @throws CheckpointError `io`. */
  readonly run: () => Promise<unknown>;
  /** What is to be told once it is there. */
  readonly event: CheckpointEvent;
}

interface Listener {
  readonly onSaved: (event: CheckpointEvent) => void;
  readonly onNotice: (notice: string) => void;
}

export class BackgroundWrite {
  readonly #listener: Listener;
  #running: Promise<void> = Promise.resolve();
  #failed: Write | undefined;
  /** Of the listener, or anything but a disk that refuses. */
  #error: unknown;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** @throws what went wrong with the one before, but for a disk that refused. */
  async begin(write: Write): Promise<void> {
    await this.settled();
    this.#failed = undefined;
    this.#running = this.#write(write).catch((error: unknown) => {
      if (!isRefusal(error)) return void (this.#error = error);
      this.#failed = write;
      this.#listener.onNotice(`${error.message}; training goes on and saves again later`);
    });
  }

  /** Waits. @throws like `begin`. */
  async settled(): Promise<void> {
    await this.#running;
    if (this.#error !== undefined) throw this.#error;
  }

  /** Waits, and tries one that failed again. @throws also when the disk refuses. */
  async finish(): Promise<void> {
    await this.settled();
    if (this.#failed) await this.#write(this.#failed);
    this.#failed = undefined;
  }

  async #write({ run, event }: Write): Promise<void> {
    await run();
    this.#listener.onSaved(event);
  }
}

function isRefusal(error: unknown): error is CheckpointError {
  return error instanceof CheckpointError && error.code === "io";
}
