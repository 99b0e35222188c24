/** The page's end of the worker: operations as functions that return promises. */
import type { Progress } from "../source/source.ts";
import type { Operations, OperationName, Reply } from "./protocol.ts";

export interface EngineClient {
  call<Name extends OperationName>(
    name: Name,
    argument: Operations[Name]["argument"],
  ): Promise<Operations[Name]["result"]>;
}

interface Pending {
  resolve(result: never): void;
  reject(error: Error): void;
}

export function startEngine(onProgress: (progress: Progress) => void): EngineClient {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "model" });
  const pending = new Map<number, Pending>();
  let lastId = 0;

  function settle(id: number): Pending {
    const found = pending.get(id)!;
    pending.delete(id);
    return found;
  }

  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    switch (data.kind) {
      case "progress":
        return onProgress(data.progress);
      case "result":
        return settle(data.id).resolve(data.result as never);
      case "error":
        return settle(data.id).reject(new Error(data.message));
      default:
        return data satisfies never;
    }
  });
  // A worker that cannot start, or throws outside an operation, answers nothing more.
  worker.addEventListener("error", ({ message }) => {
    for (const id of pending.keys()) {
      settle(id).reject(
        new Error(`[playground] the worker failed (${message || "it did not start"}): reload the page`),
      );
    }
  });

  return {
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        pending.set(id, { resolve, reject });
        worker.postMessage({ id, name, argument });
      }),
  };
}
