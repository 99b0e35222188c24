/**
 * The C library, typed. This is the only file that touches the addon.
 */
import { nativeStreams, numbersOf } from "@modernbert-ts/device-kit";
import type { Address, NativeStreams, StreamHandle } from "@modernbert-ts/device-kit";
import { scalarTable, TensorError } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { NativeLibraryError } from "./library-error.ts";
import { loadAddon } from "./addon.ts";
import type { Addon } from "./addon.ts";
import { findNativeLibrary, platformPackage } from "./locate.ts";
import { nativeOperations } from "./operations.ts";
import type { NativeOperation } from "./operations.ts";

export interface InstructionSet {
  readonly index: number;
  readonly name: string;
  readonly supported: boolean;
  /** Products of bf16 are faster than those of f32. */
  readonly multipliesBf16: boolean;
}

export interface NativeLibrary extends NativeStreams {
  /** Best first. */
  readonly instructionSets: readonly InstructionSet[];
  readonly operations: Readonly<Record<NativeOperation, number>>;
  readonly scalarFunctions: Readonly<Record<ScalarFunctionName, number>>;
  createStream(threads: number, instructionSet: InstructionSet): StreamHandle;
  /** The bytes behind an open descriptor as memory of the stream; undefined where the system maps no such file. */
  mapFile(stream: StreamHandle, descriptor: number, byteLength: number): Address | undefined;
  /** For tests: kernels find no more scratch memory than this many bytes at once; undefined: what the system has. */
  limitScratch(bytes: number | undefined): void;
}

/** The layout of commands that this code writes; equal to MB_ABI in c/runtime/api.h. */
const abi = 12;

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
    const multipliesBf16 = addon.isaMultipliesBf16(index);
    instructionSets.push({ index, name, supported: addon.isaSupported(index), multipliesBf16 });
  }
  const scalarNames = Object.keys(scalarTable) as ScalarFunctionName[];

  return {
    instructionSets,
    operations: numbersOf(nativeOperations, addon.operation, (name) => lacking("operation", name)),
    scalarFunctions: numbersOf(scalarNames, addon.scalarFunction, (name) => lacking("scalar function", name)),
    ...nativeStreams(addon),
    createStream(threads, instructionSet) {
      const stream = addon.createStream(threads, instructionSet.index) as StreamHandle;
      if (stream === 0)
        throw new TensorError(
          "createCpuBackend",
          `expected the system to start ${threads} threads, it did not: ask for fewer`,
        );
      return stream;
    },
    mapFile: (...file) => (addon.mapFile(...file) || undefined) as Address | undefined,
    limitScratch: (bytes) => addon.limitScratch(bytes ?? -1),
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

function lacking(what: string, name: string): NativeLibraryError {
  return new NativeLibraryError(`the ${what} ${name} in the native library, found none`);
}
