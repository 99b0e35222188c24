/** The native libraries, typed. This is the only file that touches an addon. */
import { nativeStreams, numbersOf } from "@modernbert-ts/device-kit";
import type { Address, NativeStreams, StreamHandle } from "@modernbert-ts/device-kit";
import { OutOfMemoryError, scalarTable } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { loadAddon } from "./addon.ts";
import type { Addon } from "./addon.ts";
import { findLibrary, platformPackage } from "./locate.ts";
import type { LibraryKind } from "./locate.ts";
import { cudaOperations } from "./operations.ts";
import type { CudaOperation } from "./operations.ts";
import type { EngineSettings } from "./settings.ts";
import { CudaUnavailableError } from "./unavailable-error.ts";

export interface CudaLibrary extends NativeStreams {
  readonly operations: Readonly<Record<CudaOperation, number>>;
  readonly scalarFunctions: Readonly<Record<ScalarFunctionName, number>>;
  /** @throws CudaUnavailableError when no device can be used, or not this one. */
  checkDevice(device: number): void;
  /** For people: name, architecture, memory, versions; undefined where there is no such device. */
  deviceName(device: number): string | undefined;
  /** Its architecture: 10 · major + minor, 90 for sm_90. */
  deviceArchitecture(device: number): number;
  createStream(device: number, settings: EngineSettings): StreamHandle;
  /** Pinned memory of the stream, freed by its commands or with it; undefined when there is no room. */
  allocateHost(stream: StreamHandle, bytes: number): Address | undefined;
  /** The file of the cuBLASLt that the library carries; undefined where the machine's is to be taken. */
  readonly cublasLt: string | undefined;
  /** Opens cuBLASLt for the stream's products; the reason where it cannot. */
  openProducts(stream: StreamHandle, path: string): string | undefined;
  /** 10000 · major + 100 · minor + patch of that cuBLASLt. */
  productsVersion(stream: StreamHandle): number;
  /** How much memory the device has, in words. */
  room(stream: StreamHandle): string | undefined;
}

/** The layout of commands that this code writes; equal to MB_ABI in native/engine/api.h. */
const abi = 5;

/** The flags of a stream in native/engine/api.h. */
const synchronizes = 1;
const withoutGraphs = 2;

/** How each library is had. */
const buildCommands: Readonly<Record<LibraryKind, string>> = {
  cuda: `${platformPackage === undefined ? "use Linux on x64, or" : `install ${platformPackage}, or`} build it with nvcc (node scripts/build-native.mjs --cuda in @modernbert-ts/backend-cuda)`,
  emulated: "build it with g++ (node scripts/build-native.mjs in @modernbert-ts/backend-cuda)",
};

const loaded = new Map<LibraryKind, CudaLibrary>();

/** Loads a library, once per thread of JavaScript. @throws CudaUnavailableError when it is missing. */
export function loadLibrary(kind: LibraryKind): CudaLibrary {
  let library = loaded.get(kind);
  if (!library) loaded.set(kind, (library = load(kind)));
  return library;
}

function load(kind: LibraryKind): CudaLibrary {
  const path = findLibrary(kind);
  if (path === undefined) throw new CudaUnavailableError(`there is no ${kind} library`, buildCommands[kind]);
  const addon = open(kind, path);
  const scalarNames = Object.keys(scalarTable) as ScalarFunctionName[];
  const lacking = (name: string): Error => new CudaUnavailableError(`the library has no ${name}`, buildCommands[kind]);
  return {
    ...nativeStreams(addon),
    operations: numbersOf(cudaOperations, addon.operation, lacking),
    scalarFunctions: numbersOf(scalarNames, addon.scalarFunction, lacking),
    checkDevice(device) {
      const [reason, advice = "choose another backend"] = addon.deviceProblem(device)?.split("\n") ?? [];
      if (reason !== undefined) throw new CudaUnavailableError(reason, advice);
    },
    deviceName: addon.deviceName,
    deviceArchitecture: addon.deviceArchitecture,
    room: addon.room,
    createStream(device, settings) {
      const flags = (settings.synchronizes ? synchronizes : 0) + (settings.graphs ? 0 : withoutGraphs);
      const stream = addon.createStream(device, flags, settings.timeline) as StreamHandle;
      if (stream !== 0) return stream;
      throw new OutOfMemoryError("createCudaBackend", "expected a stream on the device, got none: is its memory full?");
    },
    allocateHost: (stream, bytes) => (addon.allocateHost(stream, bytes) || undefined) as Address | undefined,
    cublasLt: kind === "emulated" ? path : undefined,
    openProducts: addon.openProducts,
    productsVersion: addon.productsVersion,
  };
}

/** The library, of the version that this code speaks. */
function open(kind: LibraryKind, path: string): Addon {
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
