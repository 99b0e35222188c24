/**
 * Picks a backend by name. This is the one place that knows all of them; each is imported only when it is tried,
 * so that a package that is not installed costs nothing and is named in the error.
 */
import type { CpuEngine } from "@modernbert-ts/backend-cpu";
import type { Backend } from "@modernbert-ts/tensor-core";
import { importOptional, whyNotImported } from "./optional.ts";

export type BackendName = "cpu" | "webgpu" | "cuda";

export const backendNames: readonly (BackendName | "auto")[] = ["auto", "cuda", "webgpu", "cpu"];

export const cpuEngineNames: readonly (CpuEngine | "auto")[] = ["auto", "native", "wasm", "typescript"];
export type CpuEngineName = (typeof cpuEngineNames)[number];

export interface BackendOptions {
  /** CPU threads; all available cores by default. */
  readonly threads?: number;
  /** Which CPU kernels: C, WebAssembly, TypeScript, or the best that is there. */
  readonly cpuEngine?: CpuEngineName;
  /** Which of the GPUs that the driver shows, for cuda; default 0. */
  readonly device?: number;
}

export interface BackendChoice {
  readonly name: BackendName;
  readonly backend: Backend;
  /** One line for people: what was taken and, for `auto`, why not the ones before it. */
  readonly reason: string;
  /** Why each of those before it was not taken. */
  readonly refusals: readonly string[];
}

/** A backend could not be made; the message says what to install or what to choose instead. */
export class BackendUnavailableError extends Error {
  /** Why, without the advice: what `auto` reports. */
  readonly reason: string;
  /** What to install or to choose instead. */
  readonly advice: string;
  constructor(reason: string, advice: string, options?: ErrorOptions) {
    super(`[backend] ${reason}: ${advice}`, options);
    this.name = "BackendUnavailableError";
    this.reason = reason;
    this.advice = advice;
  }
}

/** `asked`: by name, not by `auto`. */
type Factory = (options: BackendOptions, asked: boolean) => Promise<Backend>;

/** The ways to each backend, the best first. */
const factories: Readonly<Record<BackendName, readonly Factory[]>> = {
  cuda: [(options) => cudaBackend("native", options), (options) => cudaBackend("tfjs", options)],
  webgpu: [
    async (_, asked) => {
      const { createWebGpuBackend } = await import("@modernbert-ts/backend-webgpu");
      // A GPU that is a program on the CPU is slower than the CPU backend: only who names it gets it.
      return onDevice("webgpu device", () => createWebGpuBackend({ allowSoftware: asked }));
    },
  ],
  cpu: [
    async ({ threads, cpuEngine = "auto" }) => {
      const { createCpuBackend } = await import("@modernbert-ts/backend-cpu");
      return createCpuBackend({ engine: cpuEngine, ...(threads !== undefined && { threads }) });
    },
  ],
};

/** No page has CUDA. */
const order: readonly BackendName[] = "process" in globalThis ? ["cuda", "webgpu", "cpu"] : ["webgpu", "cpu"];

/**
 * Makes the named backend; `auto` takes the first of cuda, webgpu and cpu that can be made here.
 * @throws BackendUnavailableError that says what to install.
 */
export async function createBackend(name: BackendName | "auto", options: BackendOptions = {}): Promise<BackendChoice> {
  if (name !== "auto" && !Object.hasOwn(factories, name)) {
    const advice = `choose one of ${backendNames.join(", ")}`;
    throw new BackendUnavailableError(`there is no backend ${String(name)}`, advice);
  }
  const refusals: BackendUnavailableError[] = [];
  for (const candidate of name === "auto" ? order : [name]) {
    for (const factory of factories[candidate]) {
      try {
        const backend = await factory(options, name !== "auto");
        const whys = [...new Set(refusals.map(({ reason }) => reason))];
        return { name: candidate, backend, reason: describe(backend, whys), refusals: whys };
      } catch (error) {
        if (!(error instanceof BackendUnavailableError)) throw error;
        refusals.push(error);
      }
    }
  }
  throw together(refusals);
}

/** One error of all refusals, each said once. */
function together(refusals: readonly BackendUnavailableError[]): BackendUnavailableError {
  const [first] = refusals;
  const advice = new Set(refusals.map((refusal) => refusal.advice));
  return new BackendUnavailableError(reasons(refusals), [...advice].join("; or "), { cause: first!.cause });
}

function reasons(refusals: readonly BackendUnavailableError[]): string {
  return [...new Set(refusals.map(({ reason }) => reason))].join("; ");
}

function describe(backend: Backend, refusals: readonly string[]): string {
  const { device } = backend.capabilities;
  return refusals.length === 0 ? device : `${device} (${refusals.join("; ")})`;
}

/** A package of its own, which need not be installed. */
async function cudaBackend(engine: "native" | "tfjs", options: BackendOptions): Promise<Backend> {
  const specifier = "@modernbert-ts/backend-cuda";
  let module: { createCudaBackend(options: BackendOptions & { readonly engine: string }): Promise<Backend> };
  try {
    module = (await importOptional(specifier)) as typeof module;
  } catch (cause) {
    const reason = whyNotImported(specifier, cause);
    throw new BackendUnavailableError(reason, `npm install ${specifier}`, { cause });
  }
  const what = engine === "native" ? "cuda device" : "cuda device through TensorFlow.js";
  return onDevice(what, () => module.createCudaBackend({ ...options, engine }));
}

/** Backends report a missing device as an error whose name ends in UnavailableError, with `reason` and `advice`. */
async function onDevice(what: string, create: () => Promise<Backend>): Promise<Backend> {
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof Error) || !error.name.endsWith("UnavailableError")) throw error;
    const { reason = error.message, advice = "choose another backend" } = error as Partial<BackendUnavailableError>;
    throw new BackendUnavailableError(`no ${what}: ${reason}`, advice, { cause: error });
  }
}
