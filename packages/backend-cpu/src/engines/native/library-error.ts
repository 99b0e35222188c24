/** A native library is there but cannot be used. No Node API here: the choice of the engine (choose.ts) must tell it from a missing one. */
import { TensorError } from "@modernbert-ts/tensor-core";

/** The native library is broken, of another version, or for another system; the message says how to replace it. */
export class NativeLibraryError extends TensorError {
  constructor(expectation: string, options?: ErrorOptions) {
    super(
      "createCpuBackend",
      `expected ${expectation}: reinstall @modernbert-ts/backend-cpu with its optional dependencies, or build the library again (node scripts/build-native.mjs in that package), or ask for engine "wasm"`,
      options,
    );
  }
}
