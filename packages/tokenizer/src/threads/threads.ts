/** Workers of Node and of the browser behind one small interface. Node's module is asked for by name, not imported. */

/** The other side of a thread, seen from either end. */
export interface Port {
  post(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  onMessage(handle: (message: unknown) => void): void;
  onError(handle: (error: Error) => void): void;
  close(): void | Promise<unknown>;
}

interface URL {
  readonly href: string;
}
declare const URL: new (path: string, base: string) => URL;
interface Meta {
  readonly url: string;
}

interface NodeThreads {
  readonly Worker: new (url: URL) => NodePort & { terminate(): Promise<unknown>; unref(): void };
  readonly parentPort: NodePort | null;
}
interface NodePort {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  on(event: "message" | "error", handle: (value: never) => void): void;
}
interface WebPort {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  addEventListener(event: "message" | "error", handle: (event: { data: unknown; message: string }) => void): void;
}
interface Globals {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly navigator?: { readonly hardwareConcurrency?: number };
}
declare const Worker: new (url: URL, options: { type: "module" }) => WebPort & { terminate(): void };
declare const self: WebPort;

const globals = globalThis as Globals;
const node = globals.process?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;

/** Starts a worker that runs pool-worker.js beside this file. */
export function startWorker(): Port {
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

const doNothing = (): void => undefined;

/** The port to the thread that started this worker. */
export function parentPort(): Port {
  return node?.parentPort ? nodePort(node.parentPort, doNothing) : webPort(self, doNothing);
}

/** How many threads the machine runs at once. */
export function hardwareThreads(): number {
  const os = globals.process?.getBuiltinModule?.("node:os") as { availableParallelism(): number } | undefined;
  return os?.availableParallelism() ?? globals.navigator?.hardwareConcurrency ?? 1;
}

function nodePort(port: NodePort, close: Port["close"]): Port {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (handle) => port.on("message", handle as (value: never) => void),
    onError: (handle) => port.on("error", handle as (value: never) => void),
    close,
  };
}

function webPort(port: WebPort, close: Port["close"]): Port {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (handle) => port.addEventListener("message", ({ data }) => handle(data)),
    onError: (handle) => port.addEventListener("error", ({ message }) => handle(new Error(message))),
    close,
  };
}
