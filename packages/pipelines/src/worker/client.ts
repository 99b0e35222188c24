/** The page's end of the worker: models that live in another thread, and what is asked of them. */
import type { TaskInput, TaskName } from "../tasks/registry.ts";
import { errorOf, WorkerLostError } from "./errors.ts";
import type {
  ModelReport,
  OpenModel,
  OperationName,
  Operations,
  Reply,
  Request,
  RunOptions,
  TaskResult,
  TokenView,
  WorkerSettings,
} from "./protocol.ts";
import type { ModelSource, Progress } from "./source/source.ts";

/** What is used of a browser's Worker. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  addEventListener(
    type: string,
    listener: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
  terminate(): void;
}

export interface ModelWorkerOptions extends WorkerSettings {
  /** Starts the module worker, where a bundler cannot find `thread.js` beside this file by itself. */
  readonly start?: () => WorkerLike;
  /** Hears what a person should know, such as why a model is not kept. */
  readonly onNotice?: (notice: string) => void;
}

export interface CallOptions {
  /** Gives the call up: its promise rejects at once, and other calls are not disturbed. */
  readonly signal?: AbortSignal;
}

export interface OpenOptions extends CallOptions {
  readonly onProgress?: (progress: Progress) => void;
}

/** A model in the worker. */
export interface WorkerModel {
  readonly report: ModelReport;
  /** Runs a task on its inputs: texts, or what it takes. Tasks of one worker run one after another. @throws what the task throws in the library. */
  run<N extends TaskName>(
    task: N,
    inputs: readonly TaskInput<N>[],
    options?: RunOptions<N>,
    call?: CallOptions,
  ): Promise<TaskResult<N>>;
  /** How the tokenizer splits a text, with the tokens that it adds. */
  tokenize(text: string, call?: CallOptions): Promise<readonly TokenView[]>;
  /** Frees its memory. */
  close(): Promise<void>;
}

export interface ModelWorker {
  /** Opens a model; several may be open. @throws DownloadError, ModelNotFoundError, CheckpointError and what else opening throws. */
  open(source: ModelSource, options?: OpenOptions): Promise<WorkerModel>;
  /** Bytes of model files that the browser keeps. */
  keptBytes(): Promise<number>;
  clearKept(): Promise<void>;
  /** Ends the thread with all that it holds; calls under way reject with WorkerLostError. */
  terminate(): void;
}

interface Pending {
  resolve(result: never): void;
  reject(error: unknown): void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

declare const Worker: new (url: URL, options: { readonly type: "module"; readonly name: string }) => WorkerLike;

function startThread(): WorkerLike {
  return new Worker(new URL("./thread.js", import.meta.url), { type: "module", name: "modernbert" });
}

/** Starts a thread; it looks for its device when the first model is opened. */
export function startModelWorker(options: ModelWorkerOptions = {}): ModelWorker {
  const { start = startThread, onNotice = console.warn, ...settings } = options;
  const worker = start();
  const pending = new Map<number, Pending>();
  let lost: WorkerLostError | undefined;
  let lastId = 0;
  const post = (request: Request): void => worker.postMessage(request);

  function lose(reason: string): void {
    lost = new WorkerLostError(`[worker] ${reason}`);
    for (const { reject } of pending.values()) reject(lost);
    pending.clear();
  }

  function take(id: number): Pending | undefined {
    const found = pending.get(id);
    pending.delete(id);
    return found;
  }

  /** A model that nobody waits for any more is closed again. */
  function settle(id: number, result: Operations[OperationName]["result"]): void {
    const waiting = take(id);
    if (waiting) waiting.resolve(result as never);
    else if (typeof result === "object" && "model" in result) void call("close", { model: result.model });
  }

  function hear(reply: Reply): void {
    switch (reply.kind) {
      case "progress":
        return pending.get(reply.id)?.onProgress?.(reply.progress);
      case "notice":
        return onNotice(reply.notice);
      case "result":
        return settle(reply.id, reply.result);
      case "error":
        return take(reply.id)?.reject(errorOf(reply.error));
      default:
        return reply satisfies never;
    }
  }

  function call<Name extends OperationName>(
    name: Name,
    argument: Operations[Name]["argument"],
    { signal, onProgress }: OpenOptions = {},
  ): Promise<Operations[Name]["result"]> {
    if (lost) return Promise.reject(lost);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const id = ++lastId;
    const answer = new Promise<Operations[Name]["result"]>((resolve, reject) => {
      pending.set(id, { resolve, reject, onProgress });
      post({ kind: "call", id, name, argument });
    });
    if (!signal) return answer;
    const cancel = (): void => {
      take(id)?.reject(signal.reason);
      post({ kind: "cancel", id });
    };
    signal.addEventListener("abort", cancel, { once: true });
    return answer.finally(() => signal.removeEventListener("abort", cancel));
  }

  worker.addEventListener("message", ({ data }) => hear(data as Reply));
  // A worker that cannot start, or throws outside an operation, answers nothing more.
  worker.addEventListener("error", ({ message }) =>
    lose(`the worker failed (${message || "it did not start"}): reload the page`),
  );
  post({ kind: "settings", settings });

  const modelOf = ({ model, report }: OpenModel): WorkerModel => ({
    report,
    run: <N extends TaskName>(
      task: N,
      inputs: readonly TaskInput<N>[],
      taskOptions?: RunOptions<N>,
      callOptions?: CallOptions,
    ) => call("run", { model, task, inputs, options: taskOptions ?? {} }, callOptions) as Promise<TaskResult<N>>,
    tokenize: (text, callOptions) => call("tokenize", { model, text }, callOptions),
    close: () => call("close", { model }),
  });

  return {
    open: async (source, openOptions) => modelOf(await call("open", { source }, openOptions)),
    keptBytes: () => call("keptBytes", undefined),
    clearKept: () => call("clearKept", undefined),
    terminate() {
      worker.terminate();
      lose("the worker was ended: start another one");
    },
  };
}
