/** Where the numbers of a run go beside its own files. A tracker that fails ends nothing: it is reported once and gets no more. */
import type { TrainingEvent } from "@modernbert-ts/training";

/** Why a tracker is closed: training is done, was stopped or failed, or goes on with another phase at once. */
export type Ending = "finished" | "stopped" | "goes on";

export interface Tracker {
  /** For notices: "TensorBoard". */
  readonly name: string;
  /** Takes an event without waiting for anything slow. */
  record(event: TrainingEvent): void;
  /** Hands over what is left, within bounded time. */
  close(ending: Ending): Promise<void>;
}

/** Several as one, each guarded. `open` makes each, and may fail too. */
export class Trackers {
  readonly #working = new Set<Tracker>();
  readonly #onNotice: (notice: string) => void;

  constructor(onNotice: (notice: string) => void) {
    this.#onNotice = onNotice;
  }

  /** `open` may give none. */
  async add(name: string, open: () => Tracker | undefined | Promise<Tracker | undefined>): Promise<void> {
    try {
      const tracker = await open();
      if (tracker) this.#working.add(tracker);
    } catch (error) {
      this.report(name, error);
    }
  }

  record(event: TrainingEvent): void {
    for (const tracker of this.#working) {
      try {
        tracker.record(event);
      } catch (error) {
        this.#working.delete(tracker);
        this.report(tracker.name, error);
      }
    }
  }

  async close(ending: Ending): Promise<void> {
    await Promise.all(
      [...this.#working].map((tracker) =>
        tracker.close(ending).catch((error: unknown) => this.report(tracker.name, error)),
      ),
    );
    this.#working.clear();
  }

  /** For what a tracker finds out later. */
  report(name: string, error: unknown): void {
    this.#onNotice(`${name} gets no more of this run: ${(error as Error).message}; training goes on`);
  }
}
