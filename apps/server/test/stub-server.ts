/** A real server on a free port whose worker is the stub: no weights, and faults on demand. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { startServer } from "../src/index.ts";
import type { RunningServer, ServerOptions } from "../src/index.ts";
import type { WorkerData } from "../src/model/protocol.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** First tokens that make the stub compute NaN, fail, crash, or wait for `release`. */
export const magic = { nan: 40_001, fail: 40_002, crash: 40_003, hold: 40_004 } as const;

const hiddenSize = 8;

export interface StubServer extends RunningServer, AsyncDisposable {
  /** The batches computed so far, as token ids. */
  readonly batches: readonly number[][][];
  /** Workers started so far. */
  spawned(): number;
  /** The folders that they were started for. */
  readonly folders: readonly string[];
  /** Lets what is held go on, now and later. */
  release(): void;
  /** Lets a held load finish. */
  load(): void;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

interface StubFaults {
  readonly holdLoad?: boolean;
  readonly failLoad?: boolean;
}

export interface StubSetup extends Partial<ServerOptions>, StubFaults {
  /** More files for the model folder. */
  readonly files?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Of several models: the folders as they are. */
type StubModels = Omit<StubSetup, "model"> & { readonly model?: string | readonly string[] };

export async function startStub({
  holdLoad,
  failLoad,
  files,
  config,
  ...options
}: StubModels = {}): Promise<StubServer> {
  const workerData = { magic, hiddenSize, holdLoad, failLoad };
  const batches: number[][][] = [];
  let worker: Worker | undefined;
  let spawned = 0;
  const folders: string[] = [];
  const spawn = ({ folder }: WorkerData): Worker => {
    folders.push(folder);
    spawned++;
    worker = new Worker(new URL("./stub-worker.mjs", import.meta.url), { workerData, stderr: true });
    worker.on("message", ({ type, message }: { type: string; message: string }) => {
      if (type === "notice") batches.push(JSON.parse(message) as number[][]);
    });
    return worker;
  };
  const model = options.model ?? (await stubFolder(config, files));
  const server = await startServer({ port: 0, logLevel: "silent", ...options, model }, spawn);
  return {
    ...server,
    batches,
    folders,
    spawned: () => spawned,
    release: () => worker?.postMessage("release", []),
    load: () => worker?.postMessage("load", []),
    post: (path, body, init) => post(server.url + path, body, init),
    [Symbol.asyncDispose]: server.close,
  };
}

/** The stub's server with its model loaded. */
export async function readyStub(setup: StubModels = {}): Promise<StubServer> {
  const server = await startStub(setup);
  await server.ready;
  return server;
}

/** Strings and bytes go as they are, all else as JSON. Fails after 10 s: an answer that never comes is a failure. */
export function post(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const raw = typeof body === "string" || body instanceof Uint8Array;
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: raw ? (body as BodyInit) : JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
    ...init,
  });
}

/** What `config.json` needs; the vocabulary is the built-in one. */
export async function stubFolder(
  config = {},
  files: Readonly<Record<string, unknown>> = {},
  place?: string,
): Promise<string> {
  const folder = place ?? (await temporaryFolder());
  const json = {
    model_type: "modernbert",
    architectures: ["ModernBertForMaskedLM"],
    hidden_size: hiddenSize,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    max_position_embeddings: 64,
    ...config,
  };
  for (const [name, content] of Object.entries({ "config.json": json, ...files })) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(content));
  }
  return folder;
}
