/** The native library as Node loads it: the functions of all such libraries and its own (c/runtime/node_functions.c). */
import type { StreamAddon } from "@modernbert-ts/device-kit";

export interface Addon extends StreamAddon {
  /** undefined past the end. */
  isaName(index: number): string | undefined;
  isaSupported(index: number): boolean;
  isaMultipliesBf16(index: number): boolean;
  /** The largest scratch memory that a kernel finds, in bytes; negative: no limit. */
  limitScratch(bytes: number): void;
  /** 0 when threads or memory are missing. */
  createStream(threads: number, isa: number): number;
  /** 0 where the file has another size, or cannot be mapped. */
  mapFile(stream: number, descriptor: number, bytes: number): number;
}

/** Throws the system's message when the file is not an addon for this system. */
export function loadAddon(path: string): Addon {
  const loaded = { exports: {} as Addon };
  process.dlopen(loaded, path);
  return loaded.exports;
}
