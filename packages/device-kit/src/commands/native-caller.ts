/** A backend that calls functions of other native libraries, in order with its commands. */
import type { Backend, View } from "@modernbert-ts/tensor-core";
import type { Address } from "../memory/address.ts";

export interface NativeCaller extends Backend {
  /**
   * Queues a call of C's `mb_function` at `address`, whose library must stay loaded; `operation` names it in errors. It runs on the stream's
   * thread, and commands after it wait. @throws UnsupportedError where buffers lie in memory that the host does not reach.
   */
  callNative(operation: string, address: Address, views: readonly View[], attributes?: readonly number[]): void;
}

/** Narrows a backend to one with a native stream. */
export function callsNative(backend: Backend): backend is NativeCaller {
  return "callNative" in backend;
}
