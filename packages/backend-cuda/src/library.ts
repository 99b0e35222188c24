/** The native libraries, typed. This is the only file that touches an addon. */
import { nativeStreams, numbersOf } from "@modernbert-ts/device-kit";
import type { Address, NativeStreams, StreamHandle } from "@modernbert-ts/device-kit";
import { OutOfMemoryError, scalarTable } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { loadAddon } from "./addon.ts";
import type { Addon } from "./addon.ts";
import { findLibrary } from "./locate.ts";
import type { LibraryKind } from "./locate.ts";
import { cudaOperations } from "./operations.ts";
import type { CudaOperation } from "./operations.ts";
import { CudaUnavailableError } from "./unavailable-error.ts";

export interface CudaLibrary extends NativeStreams {
  readonly operations: Readonly<Record<CudaOperation, number>>;
  readonly scalarFunctions: Readonly<Record<ScalarFunctionName, number>>;
  /** For people: name, architecture, size; undefined where there is no such device. */
  deviceName(device: number): string | undefined;
  /** Its architecture: 10 · major + minor, 90 for sm_90. */
  deviceArchitecture(device: number): number;
  createStream(device: number): StreamHandle;
  /** Pinned memory of the stream, freed by its commands or with it; undefined when there is no room. */
  allocateHost(stream: StreamHandle, bytes: number): Address | undefined;
}

/** The layout of commands that this code writes; equal to MB_ABI in native/engine/api.h. */
const abi = 1;

/** How each library is made. */
const buildCommands: Readonly<Record<LibraryKind, string>> = {
  cuda: "build it with nvcc (node scripts/build-native.mjs --cuda in @modernbert-ts/backend-cuda)",
  emulated: "build it with g++ (node scripts/build-native.mjs in @modernbert-ts/backend-cuda)",
};

const loaded = new Map<LibraryKind, CudaLibrary>();

/** Loads a library, once per thread of JavaScript. @throws CudaUnavailableError when it is missing, or no device can be used. */
export function loadLibrary(kind: LibraryKind): CudaLibrary {
  let library = loaded.get(kind);
  if (!library) loaded.set(kind, (library = load(kind)));
  return library;
}

function load(kind: LibraryKind): CudaLibrary {
  const addon = open(kind);
  const [reason, advice = "choose another backend"] = addon.deviceProblem()?.split("\n") ?? [];
  if (reason !== undefined) throw new CudaUnavailableError(reason, advice);
  const scalarNames = Object.keys(scalarTable) as ScalarFunctionName[];
  const lacking = (name: string): Error => new CudaUnavailableError(`the library has no ${name}`, buildCommands[kind]);
  return {
    ...nativeStreams(addon),
    operations: numbersOf(cudaOperations, addon.operation, lacking),
    scalarFunctions: numbersOf(scalarNames, addon.scalarFunction, lacking),
    deviceName: addon.deviceName,
    deviceArchitecture: addon.deviceArchitecture,
    createStream(device) {
      const stream = addon.createStream(device) as StreamHandle;
      if (stream !== 0) return stream;
      throw new OutOfMemoryError("createCudaBackend", "expected a stream on the device, got none: is its memory full?");
    },
    allocateHost: (stream, bytes) => (addon.allocateHost(stream, bytes) || undefined) as Address | undefined,
  };
}

/** The library, of the version that this code speaks. */
function open(kind: LibraryKind): Addon {
  const path = findLibrary(kind);
  if (path === undefined) throw new CudaUnavailableError(`there is no ${kind} library`, buildCommands[kind]);
  let addon: Addon;
  let found: number;
  try {
    addon = loadAddon(path);
    found = addon.abi();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new CudaUnavailableError(`the library ${path} does not load (${why})`, buildCommands[kind], { cause });
  }
  if (found === abi) return addon;
  throw new CudaUnavailableError(`the library ${path} has version ${found}, not ${abi}`, buildCommands[kind]);
}
