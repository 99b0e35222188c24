/**
 * The C library, typed. This is the only file that touches the addon: addresses and stream handles get brands here, because a wrong
 * integer would crash the process.
 */
import type { Address, StreamLibrary } from "@modernbert-ts/device-kit";
import { DeviceValueError, OutOfMemoryError, scalarTable, TensorError } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { NativeLibraryError } from "./library-error.ts";
import { loadAddon } from "./addon.ts";
import type { Addon } from "./addon.ts";
import { findNativeLibrary, platformPackage } from "./locate.ts";
import { nativeOperations } from "./operations.ts";
import type { NativeOperation } from "./operations.ts";

declare const streamBrand: unique symbol;
export type StreamHandle = number & { readonly [streamBrand]: true };

export interface InstructionSet {
  readonly index: number;
  readonly name: string;
  readonly supported: boolean;
}

export interface NativeLibrary extends StreamLibrary<StreamHandle> {
  /** Best first. */
  readonly instructionSets: readonly InstructionSet[];
  readonly operations: Readonly<Record<NativeOperation, number>>;
  readonly scalarFunctions: Readonly<Record<ScalarFunctionName, number>>;
  /** Memory of the stream, freed by its commands or with it; undefined when the system has no room. */
  allocate(stream: StreamHandle, bytes: number): Address | undefined;
  copyIn(to: Address, from: Uint8Array): void;
  copyOut(to: Uint8Array, from: Address): void;
  createStream(threads: number, instructionSet: InstructionSet): StreamHandle;
  /** For tests: kernels find no more scratch memory than this many bytes at once; undefined: what the system has. */
  limitScratch(bytes: number | undefined): void;
}

/** The layout of commands that this code writes; equal to MB_ABI in c/runtime/api.h. */
const abi = 5;

/** A process cannot end while a thread waits, so waits are short and repeated. */
const waitMilliseconds = 50;

let loaded: Promise<NativeLibrary> | undefined;

/** Loads the library, once per thread of JavaScript. Rejects with what to do when it is missing. */
export function loadNativeLibrary(): Promise<NativeLibrary> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<NativeLibrary> {
  const path = findNativeLibrary();
  if (path === undefined) {
    throw new TensorError(
      "createCpuBackend",
      `expected a native library, found none: install ${platformPackage} where it exists, or build one with a C compiler (node scripts/build-native.mjs in @modernbert-ts/backend-cpu)`,
    );
  }
  const addon = open(path);
  const instructionSets: InstructionSet[] = [];
  for (let index = 0, name; (name = addon.isaName(index)) !== undefined; index++) {
    instructionSets.push({ index, name, supported: addon.isaSupported(index) });
  }
  const scalarNames = Object.keys(scalarTable) as ScalarFunctionName[];

  return {
    instructionSets,
    operations: numbersOf("operation", nativeOperations, addon.operation),
    scalarFunctions: numbersOf("scalar function", scalarNames, addon.scalarFunction),
    allocate: (stream, bytes) => (addon.allocate(stream, bytes) || undefined) as Address | undefined,
    copyIn: addon.copyIn,
    copyOut: addon.copyOut,
    createStream(threads, instructionSet) {
      const stream = addon.createStream(threads, instructionSet.index) as StreamHandle;
      if (stream === 0)
        throw new TensorError(
          "createCpuBackend",
          `expected the system to start ${threads} threads, it did not: ask for fewer`,
        );
      return stream;
    },
    submit: addon.submit,
    completed: addon.completed,
    wait: (stream, count) => addon.wait(stream, count, waitMilliseconds),
    waitBlocking(stream, count) {
      while (!addon.waitBlocking(stream, count, waitMilliseconds));
    },
    takeError(stream, count) {
      const text = addon.takeError(stream, count);
      if (text === undefined) return undefined;
      const [kind, operation = "", message = ""] = text.split("\n", 3);
      return kind === "memory" ? new OutOfMemoryError(operation, message) : new DeviceValueError(operation, message);
    },
    limitScratch: (bytes) => addon.limitScratch(bytes ?? -1),
    destroyStream: addon.destroyStream,
  };
}

/** The library at `path`, of the version that this code speaks. */
function open(path: string): Addon {
  let addon: Addon;
  let found: number;
  try {
    addon = loadAddon(path);
    found = addon.abi();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new NativeLibraryError(
      `a native library of modernbert-ts at ${path}, got one that does not load (${reason})`,
      { cause },
    );
  }
  if (found !== abi)
    throw new NativeLibraryError(`a native library of version ${abi} at ${path}, got version ${found}`);
  return addon;
}

/** The library's number for each name. */
function numbersOf<Name extends string>(
  what: string,
  names: readonly Name[],
  numberOf: (name: string) => number,
): Record<Name, number> {
  const entries = names.map((name) => {
    const number = numberOf(name);
    if (number >= 0) return [name, number];
    throw new NativeLibraryError(`the ${what} ${name} in the native library, found none`);
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}
