/**
 * The functions of a native library with command streams (native/kit/stream_api.h) as Node loads them, and with types. A value of the wrong
 * type, or a call of Node's that fails, is an Error.
 */
import {
  CollectiveError,
  DeviceLostError,
  DeviceValueError,
  OutOfMemoryError,
  UnsupportedError,
} from "@modernbert-ts/tensor-core";
import type { TensorError } from "@modernbert-ts/tensor-core";
import type { Address } from "../memory/address.ts";
import type { StreamLibrary } from "./stream.ts";

declare const streamBrand: unique symbol;
/** Names a stream of a native library; a wrong number would crash the process. */
export type StreamHandle = number & { readonly [streamBrand]: true };

/** Plain numbers: addresses and streams. */
export interface StreamAddon {
  /** The version of commands and functions. */
  abi(): number;
  /** -1 when the library has none of that name. */
  operation(name: string): number;
  /** -1 when the library has none of that name. */
  scalarFunction(name: string): number;
  copyIn(to: number, from: Uint8Array): void;
  copyOut(to: Uint8Array, from: number): void;
  /** Memory of the stream, freed by its commands or with it; 0 when there is no room. */
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

/** A stream library whose memory the host can fill and read. */
export interface NativeStreams extends StreamLibrary<StreamHandle> {
  /** Memory of the stream, freed by its commands or with it; undefined when there is no room. */
  allocate(stream: StreamHandle, bytes: number): Address | undefined;
  /** At once, to memory that no queued command uses. */
  copyIn(to: Address, from: Uint8Array): void;
  copyOut(to: Uint8Array, from: Address): void;
}

/** A process cannot end while a thread waits, so waits are short and repeated. */
const waitMilliseconds = 50;

/** What all such libraries do alike. */
export function nativeStreams(addon: StreamAddon): NativeStreams {
  return {
    allocate: (stream, bytes) => (addon.allocate(stream, bytes) || undefined) as Address | undefined,
    copyIn: addon.copyIn,
    copyOut: addon.copyOut,
    submit: addon.submit,
    completed: addon.completed,
    wait: (stream, count) => addon.wait(stream, count, waitMilliseconds),
    waitBlocking(stream, count) {
      while (!addon.waitBlocking(stream, count, waitMilliseconds));
    },
    takeError(stream, count) {
      const text = addon.takeError(stream, count);
      return text === undefined ? undefined : errorOf(text);
    },
    destroyStream: addon.destroyStream,
  };
}

/** The library's number for each name; `lacking` makes the error for one that it has not. */
export function numbersOf<Name extends string>(
  names: readonly Name[],
  numberOf: (name: string) => number,
  lacking: (name: Name) => Error,
): Record<Name, number> {
  const entries = names.map((name) => {
    const number = numberOf(name);
    if (number < 0) throw lacking(name);
    return [name, number];
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}

function errorOf(text: string): TensorError {
  const [kind, operation = "", message = ""] = text.split("\n", 3);
  if (kind === "memory") return new OutOfMemoryError(operation, message);
  if (kind === "lost") return new DeviceLostError(operation, message);
  if (kind === "collective") return new CollectiveError(operation, message);
  if (kind === "unsupported") return new UnsupportedError(operation, message);
  return new DeviceValueError(operation, message);
}
