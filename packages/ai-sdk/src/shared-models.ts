/** The models of a provider: each is opened at its first call, once for all who name it. */
import { LazyPipeline } from "@modernbert-ts/pipelines";
import type { Pipeline, PipelineOptions } from "@modernbert-ts/pipelines";

export interface ModelOptions {
  /** Branch, tag or commit of a hub model; `main` by default. */
  readonly revision?: string;
}

/** How all models of a provider are opened. */
export type OpenOptions = Omit<PipelineOptions, "head" | "revision" | "check">;

export interface SharedModel {
  use<T>(work: (model: Pipeline) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** What a person should know that nobody has been told yet. */
  takeNotices(): string[];
}

export class SharedModels implements AsyncDisposable {
  readonly #options: OpenOptions;
  readonly #models = new Map<string, SharedModel & { readonly pipeline: LazyPipeline }>();

  constructor(options: OpenOptions) {
    this.#options = options;
  }

  get(source: string, revision: string | undefined): SharedModel {
    const key = JSON.stringify([source, revision]);
    const known = this.#models.get(key);
    if (known) return known;
    const notices: string[] = [];
    const pipeline = new LazyPipeline(source, {
      onNotice: (notice) => notices.push(notice),
      ...this.#options,
      ...(revision !== undefined && { revision }),
    });
    const model = {
      pipeline,
      use: pipeline.use.bind(pipeline) as SharedModel["use"],
      takeNotices: () => notices.splice(0),
    };
    this.#models.set(key, model);
    return model;
  }

  /** Frees all that are open when their calls are done; a later call opens its model again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#models.values(), ({ pipeline }) => pipeline[Symbol.asyncDispose]()));
  }
}
