/** A native library as Node loads it: the functions of all such libraries and its own (native/engine/node_functions.c). */
import type { StreamAddon } from "@modernbert-ts/device-kit";

export interface Addon extends StreamAddon {
  /** `reason\nadvice`; undefined where the device can be used, or where there are others only. */
  deviceProblem(device: number): string | undefined;
  /** undefined past the last. */
  deviceName(device: number): string | undefined;
  /** 10 · major + minor. */
  deviceArchitecture(device: number): number;
  /** 0 when a thread or the device's memory is missing. `flags` are of native/engine/api.h, `timeline` is a path or "". */
  createStream(device: number, flags: number, timeline: string): number;
  /** Pinned memory of the stream; 0 when there is no room. */
  allocateHost(stream: number, bytes: number): number;
  /** Why cuBLASLt cannot be used; undefined when it is open. */
  openProducts(stream: number, path: string): string | undefined;
  productsVersion(stream: number): number;
  /** How much memory the device has, in words. */
  room(stream: number): string | undefined;
}

/** Throws the system's message when the file is not an addon for this system. */
export function loadAddon(path: string): Addon {
  const loaded = { exports: {} as Addon };
  process.dlopen(loaded, path);
  return loaded.exports;
}
