/** The two ends of a thread, in Node and in the browser, behind one small interface. Node's module is asked for by name, not imported. */

/** The other side of a thread, seen from either end. */
export interface Port {
  post(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  onMessage(handle: (message: unknown) => void): void;
  onError(handle: (error: Error) => void): void;
  close(): void | Promise<unknown>;
}

export interface NodePort {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  on(event: "message" | "error", handle: (value: never) => void): void;
}

export interface WebPort {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  addEventListener(event: "message" | "error", handle: (event: { data: unknown; message?: string }) => void): void;
}

declare const self: WebPort;

/** node:worker_threads, or undefined elsewhere. */
export function nodeThreads<Threads>(): Threads | undefined {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.("node:worker_threads") as Threads | undefined;
}

const doNothing = (): void => undefined;

/** The port to the thread that started this worker. */
export function parentPort(): Port {
  const port = nodeThreads<{ readonly parentPort: NodePort | null }>()?.parentPort;
  return port ? nodePort(port, doNothing) : webPort(self, doNothing);
}

export function nodePort(port: NodePort, close: Port["close"]): Port {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (handle) => port.on("message", handle as (value: never) => void),
    onError: (handle) => port.on("error", handle as (value: never) => void),
    close,
  };
}

export function webPort(port: WebPort, close: Port["close"]): Port {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (handle) => port.addEventListener("message", ({ data }) => handle(data)),
    // A browser does not say why a script did not load.
    onError: (handle) =>
      port.addEventListener("error", ({ message }) => handle(new Error(message || "the worker's script did not load"))),
    close,
  };
}
