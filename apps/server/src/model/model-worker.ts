/**
 * The HTTP thread's end of the model's worker: sends it batches, and when it dies or is to be replaced fails what it was computing and
 * starts another; after faults a bounded number of times. It never leaves a promise open.
 */
import type { Worker } from "node:worker_threads";
import type { PackedBatch } from "@modernbert-ts/encoder";
import type { LoadReason } from "./residence.ts";
import type { FromWorker, Task, TaskResult, ToWorker } from "./protocol.ts";

export type WorkerState = "unloaded" | "loading" | "ready" | "failed" | "closed";

/** The batch could not be computed; the worker lives. */
export class BatchFailedError extends Error {}

/** The worker died, or is gone for good. */
export class WorkerGoneError extends Error {}

export interface ModelWorkerOptions {
  readonly spawn: () => Worker;
  /** Starts after the first, within `restartWindow` ms. */
  readonly maxRestarts: number;
  readonly log: { info(message: string): void; error(message: string): void };
  /** Called when the state changes. */
  readonly onState: (state: WorkerState) => void;
  /** Called with the bytes that the loaded model takes. */
  readonly onLoaded?: (bytes: number) => void;
}

interface Running {
  readonly resolve: (results: readonly TaskResult[]) => void;
  readonly reject: (error: Error) => void;
}

const restartWindow = 600_000;
const closeTimeout = 5_000;

export class ModelWorker {
  /** Resolves when the model is loaded for the first time; rejects when it never will be. */
  readonly loaded: Promise<void>;
  readonly #options: ModelWorkerOptions;
  readonly #running: Map<number, Running> = new Map();
  readonly #restarts: number[] = [];
  readonly #settleLoaded: { resolve: () => void; reject: (error: Error) => void };
  #worker: Worker | undefined;
  #state: WorkerState = "unloaded";
  #onDemand = false;
  #lastError: string | undefined;
  #backend: string | undefined;
  #speed: number | undefined;
  #started = 0;
  #loadTime = 0;
  /** Why the worker is being ended, and whether that is a fault. */
  #replaced: { readonly why: string; readonly fault: boolean } | undefined;
  #nextId = 0;

  constructor(options: ModelWorkerOptions) {
    this.#options = options;
    let settle!: { resolve: () => void; reject: (error: Error) => void };
    this.loaded = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.loaded.catch(() => {}); // whoever awaits it hears of it
    this.#settleLoaded = settle;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** A request asked for the load that is under way: nothing is wrong. */
  get onDemand(): boolean {
    return this.#onDemand;
  }

  /** The name of the backend that the worker took; undefined until the model is loaded. */
  get backend(): string | undefined {
    return this.#backend;
  }

  /** Tokens per ms of a forward pass, as the worker measured it; undefined where it did not. */
  get speed(): number | undefined {
    return this.#speed;
  }

  /** Milliseconds from the worker's start to the loaded model, the last time. */
  get loadTime(): number {
    return this.#loadTime;
  }

  /** Starts the worker, which loads the model; nothing where there is one. */
  load(reason: LoadReason): void {
    if (this.#state !== "unloaded") return;
    this.#onDemand = reason === "demand";
    this.#enter("loading");
    this.#worker = this.#start();
  }

  /** Ends the worker once its batches are done, and frees what it holds; `load` brings it back. */
  async unload(): Promise<void> {
    if (this.#state !== "ready" && this.#state !== "loading") return;
    this.#enter("unloaded");
    await this.#end();
  }

  /** Computes one batch: one result per sequence. Takes over the arrays. Rejects with BatchFailedError or WorkerGoneError. */
  async run(task: Task, pack: PackedBatch): Promise<readonly TaskResult[]> {
    if (this.#state !== "ready") throw new WorkerGoneError(`the model's worker is ${this.#state}`);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#running.set(id, { resolve, reject });
      const { ids, cuSeqlens, typeIds } = pack;
      const buffers = [ids, cuSeqlens, ...(typeIds ? [typeIds] : [])].map(({ buffer }) => buffer as ArrayBuffer);
      this.#post({ type: "run", id, task, pack }, buffers);
    });
  }

  /**
   * Ends the worker in the middle of what it computes, which fails with WorkerGoneError, and starts another. "broken" counts as a death. A
   * worker that cannot be ended has failed for good.
   */
  replace(why: string, reason: "wanted" | "broken"): void {
    if (this.#state !== "ready") return;
    this.#replaced = { why, fault: reason === "broken" };
    const worker = this.#worker!;
    const stuck = setTimeout(() => {
      this.#options.log.error(`the model's worker cannot be ended: ${why}`);
      this.#enter("failed");
      this.#rejectRunning(why);
    }, closeTimeout);
    worker.once("exit", () => clearTimeout(stuck));
    this.#enter("loading");
    void worker.terminate();
  }

  /** Lets the worker free its device and waits until it has gone; ends it after five seconds. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    const alive = this.#state === "ready" || this.#state === "loading";
    this.#enter("closed");
    this.#settleLoaded.reject(new WorkerGoneError("the server was stopped before the model was loaded"));
    if (alive) await this.#end();
  }

  async #end(): Promise<void> {
    const worker = this.#worker!;
    const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    this.#post({ type: "close" });
    const timer = setTimeout(() => void worker.terminate(), closeTimeout);
    await gone;
    clearTimeout(timer);
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker!.postMessage(message, transfer);
  }

  #start(): Worker {
    this.#started = performance.now();
    const worker = this.#options.spawn();
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => (this.#lastError = error instanceof Error ? error.message : String(error)));
    worker.once("exit", (code) => this.#exited(code));
    return worker;
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "notice":
        this.#options.log.info(message.message);
        return;
      case "ready":
        if (this.#state !== "loading" || this.#replaced) return;
        this.#backend = message.backend;
        this.#speed = message.speed;
        this.#loadTime = performance.now() - this.#started;
        this.#options.onLoaded?.(message.bytes);
        this.#options.log.info(`the model is loaded on ${message.backend} (${message.device})`);
        this.#settleLoaded.resolve();
        this.#enter("ready");
        return;
      case "load-failed":
        this.#lastError = message.message;
        return;
      case "done":
        this.#finish(message.id)?.resolve(message.results);
        return;
      case "failed":
        this.#finish(message.id)?.reject(new BatchFailedError(message.message));
        return;
      default:
        throw new Error(`internal: unknown message ${JSON.stringify(message satisfies never)}`);
    }
  }

  #finish(id: number): Running | undefined {
    const running = this.#running.get(id);
    this.#running.delete(id);
    return running;
  }

  #exited(code: number): void {
    const { why, fault } = this.#replaced ?? { why: this.#lastError ?? `exit code ${code}`, fault: true };
    this.#replaced = undefined;
    this.#lastError = undefined;
    if (this.#state === "loading" || this.#state === "ready") {
      if (fault) this.#options.log.error(`the model's worker ended: ${why}`);
      else this.#options.log.info(`the model is started again: ${why}`);
      this.#recover(why, fault);
    }
    this.#rejectRunning(why);
  }

  #rejectRunning(why: string): void {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const { reject } of running) reject(new WorkerGoneError(`the model's worker ended: ${why}`));
  }

  /** Starts another worker, unless the model never loaded or the worker has failed too often. */
  #recover(why: string, fault: boolean): void {
    const now = performance.now();
    while (this.#restarts.length > 0 && now - this.#restarts[0]! > restartWindow) this.#restarts.shift();
    if (this.#backend === undefined || (fault && this.#restarts.length >= this.#options.maxRestarts)) {
      this.#settleLoaded.reject(new WorkerGoneError(why));
      this.#enter("failed");
      return;
    }
    if (fault) this.#restarts.push(now);
    this.#onDemand = false;
    this.#enter("loading");
    this.#worker = this.#start();
  }

  #enter(state: WorkerState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}
