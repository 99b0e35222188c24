/** Where a trainer's events go: the metrics file and the observer; and notices, each once. All ranks see the same, rank 0 tells. */
import { DataError } from "../errors.ts";
import type { TrainingEvent } from "./events.ts";
import type { TrainerOptions } from "./trainer-options.ts";

export class Reporter {
  readonly #options: Pick<TrainerOptions<never>, "metrics" | "observer" | "onNotice">;
  readonly #silent: boolean;
  readonly #noticed = new Set<string>();

  constructor(options: Pick<TrainerOptions<never>, "metrics" | "observer" | "onNotice">, rank: number) {
    this.#options = options;
    this.#silent = rank > 0;
  }

  /** A metrics file that finds no room is a notice: its lines wait. */
  emit(event: TrainingEvent): void {
    if (this.#silent) return;
    const { metrics, observer } = this.#options;
    try {
      metrics?.write(event);
    } catch (error) {
      if (!(error instanceof DataError && error.code === "io")) throw error;
      this.notice(`${error.message}; training goes on, what was to be written waits`);
    }
    observer?.(event);
  }

  notice(line: string): void {
    if (this.#silent || this.#noticed.has(line)) return;
    this.#noticed.add(line);
    this.#options.onNotice?.(line);
  }
}
