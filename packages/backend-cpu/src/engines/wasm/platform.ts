/**
 * What the WebAssembly engine uses of its host, the same in Node, browsers and workers. Node's own modules are asked for by
 * `process.getBuiltinModule`, so that bundlers for browsers meet no `node:` import.
 */

import type * as os from "node:os";
import type * as workerThreads from "node:worker_threads";

/** A module compiled from bytes; posted to workers as it is. */
export type WasmModule = object;

interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Module: { exports(module: WasmModule): readonly { readonly name: string }[] };
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: Readonly<Record<string, (...args: number[]) => void>> };
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => WasmMemory;
}

export interface WasmMemory {
  /** Grows with the memory; arrays over an older one stay valid. */
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

interface BrowserWorker {
  addEventListener(type: "message" | "error", listen: (event: { readonly message?: string }) => void): void;
  postMessage(message: unknown, transfer: readonly object[]): void;
  terminate(): void;
}

interface Host {
  readonly WebAssembly?: WebAssemblyApi;
  readonly Worker?: new (url: string) => BrowserWorker;
  readonly SharedArrayBuffer?: unknown;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly process?: NodeJS.Process;
}

const host = globalThis as unknown as Host;

export function webAssembly(): WebAssemblyApi | undefined {
  return host.WebAssembly;
}

/** Whether threads can share memory: in browsers only on pages that are cross-origin isolated. */
export function canShareMemory(): boolean {
  return host.SharedArrayBuffer !== undefined && (nodeModule("node:worker_threads") ?? host.Worker) !== undefined;
}

/** Cores that this process may use. */
export function availableThreads(): number {
  return nodeModule("node:os")?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
}

export interface Thread {
  terminate(): Promise<void>;
}

/** Starts a worker from the text of a classic script, posts `message` to it and resolves when it first answers. */
export function startThread(code: string, message: unknown): Promise<Thread> {
  const node = nodeModule("node:worker_threads");
  return new Promise((resolve, reject) => {
    if (node) {
      const worker = new node.Worker(code, { eval: true, execArgv: [] });
      worker.once("error", reject);
      worker.once("message", () => {
        // An idle worker must not keep the process alive.
        worker.unref();
        resolve({ terminate: async () => void (await worker.terminate()) });
      });
      worker.postMessage(message, []);
    } else {
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      const worker = new host.Worker!(url);
      worker.addEventListener("error", ({ message: why }) => reject(new Error(why ?? "the script did not load")));
      worker.addEventListener("message", () => {
        URL.revokeObjectURL(url);
        resolve({ terminate: async () => worker.terminate() });
      });
      worker.postMessage(message, []);
    }
  });
}

/** One of Node's modules, or undefined elsewhere. */
function nodeModule<Name extends "node:os" | "node:worker_threads">(name: Name): NodeModules[Name] | undefined {
  return host.process?.getBuiltinModule?.(name) as NodeModules[Name] | undefined;
}

interface NodeModules {
  "node:os": typeof os;
  "node:worker_threads": typeof workerThreads;
}
