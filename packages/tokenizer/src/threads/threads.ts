/** Starts workers, in Node and in the browser. The worker itself imports port.ts only: a bundler that met this file there would go round for ever. */
import { nodePort, nodeThreads, webPort } from "./port.ts";
import type { NodePort, Port, WebPort } from "./port.ts";

interface URL {
  readonly href: string;
}
declare const URL: new (path: string, base: string) => URL;
interface Meta {
  readonly url: string;
}

type NodeWorker = new (url: URL) => NodePort & { terminate(): Promise<unknown>; unref(): void };
interface Globals {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly navigator?: { readonly hardwareConcurrency?: number };
}
declare const Worker: new (url: URL, options: { type: "module" }) => WebPort & { terminate(): void };

const globals = globalThis as Globals;

/** Starts a worker that runs pool-worker.js beside this file. Throws, or reports an error, where a bundler did not bring that file along. */
export function startWorker(): Port {
  const node = nodeThreads<{ readonly Worker: NodeWorker }>();
  if (node === undefined) {
    const worker = new Worker(new URL("./pool-worker.js", (import.meta as unknown as Meta).url), { type: "module" });
    return webPort(worker, () => worker.terminate());
  }
  // Threads run JavaScript, so from source (in tests) the built file is taken.
  const { url } = import.meta as unknown as Meta;
  const file = url.endsWith(".ts") ? "../../dist/threads/pool-worker.js" : "./pool-worker.js";
  const worker = new node.Worker(new URL(file, url));
  worker.unref(); // an idle pool does not keep the process alive
  return nodePort(worker, () => worker.terminate());
}

/** How many threads the machine runs at once. */
export function hardwareThreads(): number {
  const os = globals.process?.getBuiltinModule?.("node:os") as { availableParallelism(): number } | undefined;
  return os?.availableParallelism() ?? globals.navigator?.hardwareConcurrency ?? 1;
}
