/** Captures: commands that are recorded once and run again, on memory that nobody else gets meanwhile. */
import type { Replay } from "@modernbert-ts/tensor-core";
import { Lifetime } from "./lifetime.ts";
import type { Block } from "./memory/free-list.ts";
import type { Pool } from "./memory/pool.ts";

/**
 * Records a replay.
 * @param record Returns what was recorded, which did not run.
 * @param run Queues it once more.
 * @param drop Frees the recording, after the runs that are queued.
 */
export function captureReplay<R, B extends Block>(
  backend: Lifetime,
  pool: Pool<B>,
  record: () => R,
  run: (recording: R) => void,
  drop?: (recording: R) => void,
): Replay {
  backend.check("capture");
  const { recording, release } = pool.capture(record);
  const replay = new Lifetime("replay");
  return {
    run() {
      backend.check("replay");
      replay.check("replay");
      pool.checkNotRecording("replay");
      run(recording);
    },
    dispose() {
      if (!replay.ended && !backend.ended) drop?.(recording);
      replay.end();
      release();
    },
  };
}

/** The commands of a backend as calls: each is made now, or kept while `record` runs. */
export class CallRecorder {
  #calls: (() => void)[] | undefined;

  get recording(): boolean {
    return this.#calls !== undefined;
  }

  /** Makes `call`, or records it. */
  run(call: () => void): void {
    if (this.#calls) this.#calls.push(call);
    else call();
  }

  /** The calls of the commands that `body` queues. */
  record(body: () => void): readonly (() => void)[] {
    const calls: (() => void)[] = [];
    this.#calls = calls;
    try {
      body();
    } finally {
      this.#calls = undefined;
    }
    return calls;
  }
}

/** Makes recorded calls. */
export function replayCalls(calls: readonly (() => void)[]): void {
  for (const call of calls) call();
}
