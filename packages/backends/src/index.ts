/**
 * Picks a backend by name. This is the one place that knows all of them; each is imported only when it is tried,
 * so that a package that is not installed costs nothing and is named in the error.
 */
import type { CpuEngine } from "@modernbert-ts/backend-cpu";
import type { Backend } from "@modernbert-ts/tensor-core";

export type BackendName = "cpu" | "webgpu" | "cuda";

export const backendNames: readonly (BackendName | "auto")[] = ["auto", "cuda", "webgpu", "cpu"];

export const cpuEngineNames: readonly (CpuEngine | "auto")[] = ["auto", "native", "wasm", "typescript"];
export type CpuEngineName = (typeof cpuEngineNames)[number];

export interface BackendOptions {
  /** CPU threads; all available cores by default. */
  readonly threads?: number;
  /** Which CPU kernels: C, WebAssembly, TypeScript, or the best that is there. */
  readonly cpuEngine?: CpuEngineName;
}

export interface BackendChoice {
  readonly name: BackendName;
  readonly backend: Backend;
  /** One line for people: what was taken and, for `auto`, why not the ones before it. */
  readonly reason: string;
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

const factories: Readonly<Record<BackendName, Factory>> = {
  cuda: cudaBackend,
  webgpu: async (_, asked) => {
    const { createWebGpuBackend } = await import("@modernbert-ts/backend-webgpu");
    // A GPU that is a program on the CPU is slower than the CPU backend: only who names it gets it.
    return onDevice("webgpu", () => createWebGpuBackend({ allowSoftware: asked }));
  },
  cpu: async ({ threads, cpuEngine = "auto" }) => {
    const { createCpuBackend } = await import("@modernbert-ts/backend-cpu");
    return createCpuBackend({ engine: cpuEngine, ...(threads !== undefined && { threads }) });
  },
};

/**
 * Makes the named backend; `auto` takes the first of cuda, webgpu and cpu that can be made here.
 * @throws BackendUnavailableError that says what to install.
 */
export async function createBackend(name: BackendName | "auto", options: BackendOptions = {}): Promise<BackendChoice> {
  if (name !== "auto") {
    const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
    if (!factory)
      throw new BackendUnavailableError(
        `there is no backend ${String(name)}`,
        `choose one of ${backendNames.join(", ")}`,
      );
    const backend = await factory(options, true);
    return { name, backend, reason: backend.capabilities.device };
  }
  const refusals: string[] = [];
  for (const candidate of ["cuda", "webgpu"] as const) {
    try {
      const backend = await factories[candidate](options, false);
      return {
        name: candidate,
        backend,
        reason: describe(backend, refusals),
      };
    } catch (error) {
      if (!(error instanceof BackendUnavailableError)) throw error;
      refusals.push(error.reason);
    }
  }
  const backend = await factories.cpu(options, false);
  return { name: "cpu", backend, reason: describe(backend, refusals) };
}

function describe(backend: Backend, refusals: readonly string[]): string {
  const { device } = backend.capabilities;
  return refusals.length === 0 ? device : `${device} (${refusals.join("; ")})`;
}

/** A package of its own, which need not be installed. */
async function cudaBackend(options: BackendOptions): Promise<Backend> {
  const specifier = "@modernbert-ts/backend-cuda";
  let module: { createCudaBackend(options: BackendOptions): Promise<Backend> };
  try {
    module = (await import(/* @vite-ignore */ specifier)) as typeof module;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(specifier)) throw error;
    throw new BackendUnavailableError(`${specifier} is not installed`, `npm install ${specifier}`, { cause: error });
  }
  return onDevice("cuda", () => module.createCudaBackend(options));
}

/** Backends report a missing device as an error whose name ends in UnavailableError, with `reason` and `advice`. */
async function onDevice(name: BackendName, create: () => Promise<Backend>): Promise<Backend> {
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof Error) || !error.name.endsWith("UnavailableError")) throw error;
    const { reason = error.message, advice = "choose another backend" } = error as Partial<BackendUnavailableError>;
    throw new BackendUnavailableError(`no ${name} device: ${reason}`, advice, { cause: error });
  }
}
