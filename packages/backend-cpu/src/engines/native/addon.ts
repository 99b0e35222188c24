/**
 * The native library as Node loads it: its functions with plain numbers (c/runtime/node_api.c), to which library.ts gives types. A value of
 * the wrong type, or a call of Node's that fails, is an Error.
 */

export interface Addon {
  abi(): number;
  /** -1 when the library has none of that name. */
  operation(name: string): number;
  /** -1 when the library has none of that name. */
  scalarFunction(name: string): number;
  /** undefined past the end. */
  isaName(index: number): string | undefined;
  isaSupported(index: number): boolean;
  copyIn(to: number, from: Uint8Array): void;
  copyOut(to: Uint8Array, from: number): void;
  /** The largest scratch memory that a kernel finds, in bytes; negative: no limit. */
  limitScratch(bytes: number): void;
  /** 0 when threads or memory are missing. */
  createStream(threads: number, isa: number): number;
  /** Memory of the stream, freed by its commands or with it; 0 when the system has no room. */
  allocate(stream: number, bytes: number): number;
  /** Copies the first `bytes` bytes; false when there is no memory for them. */
  submit(stream: number, commands: Uint8Array, bytes: number): boolean;
  completed(stream: number): number;
  /** Waits at most about `milliseconds`, on a thread of libuv; resolves to whether `count` commands are done. */
  wait(stream: number, count: number, milliseconds: number): Promise<boolean>;
  waitBlocking(stream: number, count: number, milliseconds: number): boolean;
  /** `kind\noperation\nmessage`. */
  takeError(stream: number, count: number): string | undefined;
  /** Runs what is queued first. A stream that is left over when its JavaScript thread ends is destroyed without that. */
  destroyStream(stream: number): void;
}

/** Throws the system's message when the file is not an addon for this system. */
export function loadAddon(path: string): Addon {
  const loaded = { exports: {} as Addon };
  process.dlopen(loaded, path);
  return loaded.exports;
}
