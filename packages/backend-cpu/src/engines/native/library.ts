/**
 * The C library, typed. This is the only file that touches koffi: addresses and stream handles get brands here, because a wrong
 * integer would crash the process. koffi is imported when a library is loaded, never at the top.
 */
import type { Address, StreamLibrary } from "@modernbert-ts/device-kit";
import { scalarTable, TensorError } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { NativeLibraryError } from "./library-error.ts";
import { findNativeLibrary, platformPackage } from "./locate.ts";
import { nativeOperations } from "./operations.ts";
import type { NativeOperation } from "./operations.ts";

type Koffi = typeof import("koffi").default;

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
  /** undefined when the system has no room. */
  allocate(bytes: number): Address | undefined;
  free(address: Address): void;
  copyIn(to: Address, from: Uint8Array): void;
  copyOut(to: Uint8Array, from: Address): void;
  createStream(threads: number, instructionSet: InstructionSet): StreamHandle;
}

/** The layout of commands that this code writes; equal to MB_ABI in native/c/runtime/api.h. */
const abi = 3;

/** A process cannot end while koffi waits, so waits are short and repeated. */
const waitMilliseconds = 50;

let loaded: Promise<NativeLibrary> | undefined;

/** Loads the library, once per thread of JavaScript. Rejects with what to do when it or koffi is missing. */
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
  const { default: koffi } = await import("koffi").catch((cause: unknown) => {
    throw new TensorError("createCpuBackend", "expected the package koffi for the native engine: npm install koffi", {
      cause,
    });
  });
  const library = open(koffi, path);
  const allocate = library.func("mb_allocate", "int64_t", ["int64_t"]);
  const free = library.func("mb_free", "void", ["int64_t"]);
  const copyIn = library.func("mb_copy", "void", ["int64_t", "const void *", "int64_t"]);
  const copyOut = library.func("mb_copy", "void", ["void *", "int64_t", "int64_t"]);
  const createStream = library.func("mb_stream_create", "int64_t", ["int32_t", "int32_t"]);
  const submit = library.func("mb_stream_submit", "void", ["int64_t", "const void *", "int64_t"]);
  const completed = library.func("mb_stream_completed", "int64_t", ["int64_t"]);
  const wait = library.func("mb_stream_wait", "int32_t", ["int64_t", "int64_t", "int32_t"]);
  const takeError = library.func("mb_stream_take_error", "int32_t", ["int64_t", "int64_t", "void *", "int64_t"]);
  const destroyStream = library.func("mb_stream_destroy", "void", ["int64_t"]);
  const operation = library.func("mb_operation", "int32_t", ["const char *"]);
  const scalarFunction = library.func("mb_scalar_function", "int32_t", ["const char *"]);
  const isaName = library.func("mb_isa_name", "const char *", ["int32_t"]);
  const isaSupported = library.func("mb_isa_supported", "int32_t", ["int32_t"]);

  const instructionSets: InstructionSet[] = [];
  for (let index = 0, name: string | null; (name = isaName(index) as string | null) !== null; index++) {
    instructionSets.push({ index, name, supported: isaSupported(index) === 1 });
  }
  const scalarNames = Object.keys(scalarTable) as ScalarFunctionName[];

  return {
    instructionSets,
    operations: numbersOf("operation", nativeOperations, operation as (name: string) => number),
    scalarFunctions: numbersOf("scalar function", scalarNames, scalarFunction as (name: string) => number),
    allocate: (bytes) => ((allocate(bytes) as number) || undefined) as Address | undefined,
    free,
    copyIn: (to, from) => copyIn(to, from, from.byteLength),
    copyOut: (to, from) => copyOut(to, from, to.byteLength),
    createStream(threads, instructionSet) {
      const stream = createStream(threads, instructionSet.index) as StreamHandle;
      if (stream === 0)
        throw new TensorError(
          "createCpuBackend",
          `expected the system to start ${threads} threads, it did not: ask for fewer`,
        );
      return stream;
    },
    submit,
    completed,
    wait: (stream, count) =>
      new Promise((resolve, reject) => {
        wait.async(stream, count, waitMilliseconds, (error: Error | null) => (error ? reject(error) : resolve()));
      }),
    waitBlocking(stream, count) {
      while (wait(stream, count, waitMilliseconds) === 0);
    },
    takeError(stream, count) {
      const text = Buffer.alloc(256);
      if (takeError(stream, count, text, text.length) === 0) return undefined;
      const [name, message] = text.toString("utf8", 0, text.indexOf(0)).split("\n", 2);
      return { operation: name ?? "", message: message ?? "" };
    },
    destroyStream,
  };
}

/** The library at `path`, of the version that this code speaks. */
function open(koffi: Koffi, path: string): ReturnType<Koffi["load"]> {
  let library;
  let found: number;
  try {
    library = koffi.load(path);
    found = library.func("mb_abi", "int32_t", [])() as number;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new NativeLibraryError(
      `a native library of modernbert-ts at ${path}, got one that does not load (${reason})`,
      { cause },
    );
  }
  if (found !== abi)
    throw new NativeLibraryError(`a native library of version ${abi} at ${path}, got version ${found}`);
  return library;
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
