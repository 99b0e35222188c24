/**
 * What went wrong for good: a lost device, no memory, a shader that does not compile, a refused command. WebGPU tells late and apart from
 * the call that caused it, so the first fault is kept and thrown by every call from then on.
 */
import type { Lifetime } from "@modernbert-ts/device-kit";
import { DeviceLostError, TensorError } from "@modernbert-ts/tensor-core";
import { OutOfDeviceMemoryError } from "../errors.ts";

export interface Faults {
  /** Keeps `error`, unless one is kept already. */
  fail(error: Error): void;
  /** Has `settle` wait for `promise`. */
  check(promise: Promise<void>): void;
  /** Resolves when all that was checked so far is known. */
  settle(): Promise<void>;
  /** What every call has to begin with; also refuses what comes after disposal. */
  throwIfAny(operation: string): void;
  readonly any: boolean;
  /** Listens no more. */
  dispose(): void;
}

export function createFaults(device: GPUDevice, lifetime: Lifetime): Faults {
  let fault: Error | undefined;
  const checks = new Set<Promise<void>>();

  function fail(error: Error): void {
    // A shader that does not compile is the cause of what else is reported, though it may be known later.
    const isCause = error instanceof TensorError && error.operation === "compile";
    if (!lifetime.ended && (fault === undefined || (isCause && !(fault instanceof DeviceLostError)))) fault = error;
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
    throwIfAny(operation) {
      lifetime.check(operation);
      if (fault !== undefined) throw fault;
    },
    get any() {
      return fault !== undefined;
    },
    dispose() {
      device.removeEventListener("uncapturederror", onError);
    },
  };
}
