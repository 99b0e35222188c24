/** A pipeline that is opened when it is first needed, shared by all who call it, and freed when their calls are done. */
import { openPipeline } from "./pipeline.ts";
import type { Pipeline, PipelineOptions } from "./pipeline.ts";

export class LazyPipeline implements AsyncDisposable {
  /** A folder or hub id. */
  readonly source: string;
  readonly #options: PipelineOptions;
  #pipeline: Promise<Pipeline> | undefined;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(source: string, options: PipelineOptions = {}) {
    this.source = source;
    this.#options = options;
  }

  /**
   * What `work` makes of the pipeline. One that could not be opened is tried again by the next call.
   * @throws what `openPipeline` and `work` throw, and the signal's reason at once, also while the pipeline is being opened.
   */
  async use<T>(work: (pipeline: Pipeline) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const call = this.#open().then((pipeline) => {
      signal?.throwIfAborted();
      return work(pipeline);
    });
    this.#calls.add(call);
    const done = (): boolean => this.#calls.delete(call);
    void call.then(done, done);
    return signal ? unlessAborted(call, signal) : call;
  }

  #open(): Promise<Pipeline> {
    if (this.#pipeline) return this.#pipeline;
    const opening = openPipeline(this.source, this.#options);
    this.#pipeline = opening;
    opening.catch(() => {
      if (this.#pipeline === opening) this.#pipeline = undefined;
    });
    return opening;
  }

  /** Frees the pipeline when the calls so far are done; a later call opens it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    const opening = this.#pipeline;
    this.#pipeline = undefined;
    await Promise.allSettled(this.#calls);
    const pipeline = await opening?.catch(() => undefined);
    await pipeline?.[Symbol.asyncDispose]();
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
