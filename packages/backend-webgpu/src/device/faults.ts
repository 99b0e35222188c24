/**
 * What went wrong for good: a lost device, no memory, a shader that does not compile, a refused command. WebGPU tells late and apart from
 * the call that caused it, so the first fault is kept and thrown by every call from then on.
 */
import { DeviceLostError, TensorError } from "@modernbert-ts/tensor-core";
import { OutOfDeviceMemoryError } from "../errors.ts";

export interface Faults {
  /** Keeps `error`, unless one is kept already. */
  fail(error: Error): void;
  /** Has `settle` wait for `promise`. */
  check(promise: Promise<void>): void;
  /** Resolves when all that was checked so far is known. */
  settle(): Promise<void>;
  /** What every call has to begin with. */
  throwIfAny(): void;
  readonly any: boolean;
  /** From now on only says that the backend is disposed. */
  dispose(): void;
  readonly disposed: boolean;
}

export function createFaults(device: GPUDevice): Faults {
  let fault: Error | undefined;
  let disposed = false;
  const checks = new Set<Promise<void>>();

  function fail(error: Error): void {
    // A shader that does not compile is the cause of what else is reported, though it may be known later.
    const isCause = error instanceof TensorError && error.operation === "compile";
    if (!disposed && (fault === undefined || (isCause && !(fault instanceof DeviceLostError)))) fault = error;
  }

  function onError(event: Event): void {
    const { error } = event as GPUUncapturedErrorEvent;
    fail(
      error.constructor.name === "GPUOutOfMemoryError"
        ? new OutOfDeviceMemoryError(
            "webgpu",
            `expected room on the device, got: ${error.message}: make a new backend and give it smaller batches`,
          )
        : new TensorError("webgpu", `expected commands that the device takes, got: ${error.message}`),
    );
  }

  void device.lost.then(({ reason, message }) => {
    fail(new DeviceLostError("webgpu", `the device is gone (${message || reason}): call createWebGpuBackend again`));
  });
  device.addEventListener("uncapturederror", onError);

  return {
    fail,
    check(promise) {
      checks.add(promise);
      void promise.finally(() => checks.delete(promise)).catch(() => undefined);
    },
    async settle() {
      while (checks.size > 0) await Promise.all(checks);
    },
    throwIfAny() {
      if (disposed) throw new TensorError("webgpu", "expected a backend in use, got one that was disposed");
      if (fault !== undefined) throw fault;
    },
    get any() {
      return fault !== undefined;
    },
    dispose() {
      disposed = true;
      device.removeEventListener("uncapturederror", onError);
    },
    get disposed() {
      return disposed;
    },
  };
}
