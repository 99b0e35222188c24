/** A backend that calls functions of other native libraries, in order with its commands. */
import type { Backend, View } from "@modernbert-ts/tensor-core";
import type { Address } from "../memory/address.ts";

export interface NativeCaller extends Backend {
  /** Whether buffers lie in memory that the host reaches, else in a device's. */
  readonly hostReaches: boolean;
  /**
   * Queues a call of C's `mb_function` at `address` (of a device: `mb_device_function`), whose library must stay loaded; `operation` names it in
   * errors. It runs on the stream's thread, and commands after it wait.
   */
  callNative(operation: string, address: Address, views: readonly View[], attributes?: readonly number[]): void;
  /**
   * The same on a thread (of a device: a queue) of its own, one call after another: it begins when the commands before are done, and those after
   * do not wait. Until `settle` nothing may touch or release what it works on.
   */
  callBeside(operation: string, address: Address, views: readonly View[], attributes?: readonly number[]): void;
  /** Commands after it wait until all that runs beside has ended. */
  settle(): void;
}

/** Narrows a backend to one with a native stream. */
export function callsNative(backend: Backend): backend is NativeCaller {
  return "callNative" in backend;
}
