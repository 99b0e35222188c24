/** The worker: requests in, replies out. A call that is cancelled is told so at once and stops at its next pack or byte. */
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { errorMessage } from "./errors.ts";
import type { Operations, OperationName, Reply, Request } from "./protocol.ts";

const scope = globalThis as unknown as {
  postMessage(reply: Reply, transfer?: readonly ArrayBufferLike[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: Request }) => void): void;
};

let engine: Engine;
const running = new Map<number, AbortController>();

scope.addEventListener("message", ({ data }) => {
  switch (data.kind) {
    case "settings":
      engine = createEngine(data.settings, (notice) => scope.postMessage({ kind: "notice", notice }));
      return;
    case "cancel":
      running.get(data.id)?.abort();
      return;
    case "call":
      void answer(data);
      return;
    default:
      data satisfies never;
  }
});

async function answer({ id, name, argument }: Extract<Request, { kind: "call" }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const { signal } = controller;
  try {
    const operation = engine[name] as (
      argument: unknown,
      context: Parameters<Engine["open"]>[1],
    ) => Promise<Operations[OperationName]["result"]>;
    const result = await operation(argument, {
      signal,
      onProgress: (progress) => {
        if (!signal.aborted) scope.postMessage({ kind: "progress", id, progress });
      },
    });
    scope.postMessage({ kind: "result", id, result });
  } catch (error) {
    scope.postMessage({ kind: "error", id, error: errorMessage(error) });
  } finally {
    running.delete(id);
  }
}
