/** The native engine as a Backend: primitives and fused kernels over one command stream. */
import { mapEncoder, primitiveCommands, StreamBackend } from "@modernbert-ts/device-kit";
import { dtypes } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { fusedKernels } from "./fused/index.ts";
import type { InstructionSet, NativeLibrary } from "./library.ts";

export function nativeBackend(library: NativeLibrary, instructionSet: InstructionSet, threads: number): Backend {
  const stream = library.createStream(threads, instructionSet);
  return new StreamBackend({
    name: "cpu",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: instructionSet.multipliesBf16 ? ["f32", "bf16"] : ["f32"],
      maxBufferBytes: Number.MAX_SAFE_INTEGER,
      deterministic: true,
      device: `CPU, native engine (${instructionSet.name}), ${threads} ${threads === 1 ? "thread" : "threads"}`,
    },
    library,
    stream,
    mapFile: (descriptor, byteLength) => library.mapFile(stream, descriptor, byteLength),
    operations: library.operations,
    primitives: (commands) => primitiveCommands(commands, mapEncoder(library.scalarFunctions)),
    fused: (commands) => fusedKernels(commands, instructionSet),
  });
}
