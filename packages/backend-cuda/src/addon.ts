/** A native library as Node loads it: the functions of all such libraries and its own (native/engine/node_functions.c). */
import type { StreamAddon } from "@modernbert-ts/device-kit";

export interface Addon extends StreamAddon {
  /** `reason\nadvice`; undefined where there is a device. */
  deviceProblem(): string | undefined;
  /** undefined past the last. */
  deviceName(device: number): string | undefined;
  /** 10 · major + minor. */
  deviceArchitecture(device: number): number;
  /** 0 when a thread or the device's memory is missing. */
  createStream(device: number): number;
  /** Pinned memory of the stream; 0 when there is no room. */
  allocateHost(stream: number, bytes: number): number;
}

/** Throws the system's message when the file is not an addon for this system. */
export function loadAddon(path: string): Addon {
  const loaded = { exports: {} as Addon };
  process.dlopen(loaded, path);
  return loaded.exports;
}
