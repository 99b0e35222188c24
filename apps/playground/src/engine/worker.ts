/** The worker: requests in, replies out, one at a time, so that the page never waits for a model. */
import { createEngine } from "./engine.ts";
import type { Operations, Reply, Request } from "./protocol.ts";

const scope = globalThis as unknown as {
  postMessage(reply: Reply): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Request>) => void): void;
};

const engine = createEngine((progress) => scope.postMessage({ kind: "progress", progress }));
let queue: Promise<void> = Promise.resolve();

scope.addEventListener("message", ({ data }) => {
  queue = queue.then(() => answer(data));
});

async function answer({ id, name, argument }: Request): Promise<void> {
  try {
    const run = engine[name] as (argument: unknown) => Promise<Operations[typeof name]["result"]>;
    scope.postMessage({ kind: "result", id, result: await run(argument) });
  } catch (error) {
    scope.postMessage({ kind: "error", id, message: error instanceof Error ? error.message : String(error) });
  }
}
