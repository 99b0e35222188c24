/** A CUDA library as a Backend over one command stream. */
import { StreamBackend } from "@modernbert-ts/device-kit";
import type { StreamHandle } from "@modernbert-ts/device-kit";
import type { Backend, DType } from "@modernbert-ts/tensor-core";
import { fusedKernels } from "./fused/index.ts";
import type { CudaLibrary } from "./library.ts";
import { limitedMapEncoder } from "./map-limits.ts";
import { cudaPrimitives } from "./primitives.ts";
import { openProducts } from "./products.ts";
import type { EngineSettings } from "./settings.ts";

const dtypes: readonly DType[] = ["f32", "f16", "bf16", "i32", "u32"];

/** @param name What the library calls the device. @param cublasLt Whether to take it for products. */
export function cudaBackend(
  library: CudaLibrary,
  device: number,
  name: string,
  settings: EngineSettings,
  cublasLt: boolean,
): Backend {
  const stream = library.createStream(device, settings);
  const products = cublasLt ? productsOf(library, stream) : "no cuBLASLt";
  return new StreamBackend({
    name: "cuda",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32", "bf16", "f16"],
      maxBufferBytes: Number.MAX_SAFE_INTEGER,
      ...(settings.graphs && { cheapReplay: true as const }),
      deterministic: true,
      device: `CUDA device ${device}, ${name}, ${products}`,
    },
    library,
    stream,
    operations: library.operations,
    primitives: (commands) => cudaPrimitives(commands, limitedMapEncoder(library.scalarFunctions)),
    fused: (commands) => fusedKernels(commands, library.deviceArchitecture(device)),
    device: {
      allocateHost: (bytes) => library.allocateHost(stream, bytes),
      room: () => library.room(stream),
      guarded: settings.guarded,
    },
  });
}

/** As `openProducts`; a stream that gets none is ended. */
function productsOf(library: CudaLibrary, stream: StreamHandle): string {
  try {
    return openProducts(library, stream);
  } catch (error) {
    library.destroyStream(stream);
    throw error;
  }
}
