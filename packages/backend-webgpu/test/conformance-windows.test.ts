/** What is split into windows, with bindings so small that nearly everything is, against the conformance suite. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

/** What goes through `boxesThatFit`, `bindDense` or the windows of tables. */
const split =
  /^(transfers|fill \/ f32|copy \/ f16 \/ from|map \/ layouts \/ f32|reduce \/ sum \/ (f32|bf16)|matmul \/ (f32 \/ (block|long|alpha|batches|a dense|a transposed)|bf16 \/ long)|gather|segmentSum|takeAlong|putAlong|randomBits \/ u32|determinism \/ [^f]|composites \/ (glu|stableAdamW) .*fused)/;

const limits = { maxStorageBufferBindingSize: 2 ** 14, maxStorageBuffersPerShaderStage: 8 };

onDevice("conformance of webgpu with small bindings", () => {
  describeConformance(
    {
      name: "webgpu with bindings of 16 KiB and 8 storage buffers",
      create: () => createWebGpuBackend({ limits }),
      oracle: async () => createTypeScriptBackend(),
    },
    split,
  );
});
