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
  constructor(reason: string, advice: string, options?: ErrorOptions) {
    super(`[backend] ${reason}: ${advice}`, options);
    this.name = "BackendUnavailableError";
    this.reason = reason;
  }
}

type Factory = (options: BackendOptions) => Promise<Backend>;

const factories: Readonly<Record<BackendName, Factory>> = {
  cuda: fromPackage("cuda", "@modernbert-ts/backend-cuda", "createCudaBackend"),
  webgpu: fromPackage("webgpu", "@modernbert-ts/backend-webgpu", "createWebGpuBackend"),
  cpu: async ({ threads, cpuEngine = "auto" }) => {
    const { createCpuBackend } = await import("@modernbert-ts/backend-cpu");
    return createCpuBackend({ engine: cpuEngine, ...(threads !== undefined && { threads }) });
  },
};

/** Makes the named backend; `auto` takes the first of cuda, webgpu and cpu that can be made here. */
export async function createBackend(name: BackendName | "auto", options: BackendOptions = {}): Promise<BackendChoice> {
  if (name !== "auto") {
    const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
    if (!factory)
      throw new BackendUnavailableError(
        `there is no backend ${String(name)}`,
        `choose one of ${backendNames.join(", ")}`,
      );
    const backend = await factory(options);
    return { name, backend, reason: backend.capabilities.device };
  }
  const refusals: string[] = [];
  for (const candidate of ["cuda", "webgpu"] as const) {
    try {
      const backend = await factories[candidate](options);
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
  const backend = await factories.cpu(options);
  return { name: "cpu", backend, reason: describe(backend, refusals) };
}

function describe(backend: Backend, refusals: readonly string[]): string {
  const { device } = backend.capabilities;
  return refusals.length === 0 ? device : `${device} (${refusals.join("; ")})`;
}

/** A backend in a package of its own, which need not be installed. It reports a missing device as an error whose name ends in UnavailableError. */
function fromPackage(name: BackendName, specifier: string, exportName: string): Factory {
  return async (options) => {
    let module: Record<string, Factory>;
    try {
      module = (await import(specifier)) as Record<string, Factory>;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(specifier)) throw error;
      throw new BackendUnavailableError(`${specifier} is not installed`, `npm install ${specifier}`, { cause: error });
    }
    const factory = module[exportName];
    if (!factory)
      throw new BackendUnavailableError(`${specifier} has no ${exportName}`, `install the version that fits`);
    try {
      return await factory(options);
    } catch (error) {
      if (error instanceof Error && error.name.endsWith("UnavailableError")) {
        throw new BackendUnavailableError(`no ${name} device`, error.message, { cause: error });
      }
      throw error;
    }
  };
}
