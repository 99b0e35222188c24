/** A CUDA library as a Backend over one command stream. */
import { primitiveCommands, StreamBackend } from "@modernbert-ts/device-kit";
import type { Backend, DType } from "@modernbert-ts/tensor-core";
import { fusedKernels } from "./fused/index.ts";
import type { CudaLibrary } from "./library.ts";
import { limitedMapEncoder } from "./map-limits.ts";

const dtypes: readonly DType[] = ["f32", "f16", "bf16", "i32", "u32"];

/** @param name What the library calls the device. */
export function cudaBackend(library: CudaLibrary, device: number, name: string): Backend {
  const stream = library.createStream(device);
  return new StreamBackend({
    name: "cuda",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32", "bf16", "f16"],
      maxBufferBytes: Number.MAX_SAFE_INTEGER,
      deterministic: true,
      device: `CUDA device ${device}, ${name}`,
    },
    library,
    stream,
    operations: library.operations,
    primitives: (commands) => primitiveCommands(commands, limitedMapEncoder(library.scalarFunctions)),
    fused: (commands) => fusedKernels(commands, library.deviceArchitecture(device)),
    allocateHost: (bytes) => library.allocateHost(stream, bytes),
  });
}
