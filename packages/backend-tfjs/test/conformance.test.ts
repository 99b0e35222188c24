/** The backend against the conformance suite, on the JavaScript backend of TensorFlow.js. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import type { Backend } from "@modernbert-ts/tensor-core";
import { createTfjsBackend } from "../src/index.ts";
import { tf } from "./tfjs.ts";

const oracle = (): Promise<Backend> => createCpuBackend({ engine: "typescript" });

describeConformance({
  name: "tfjs",
  create: () => createTfjsBackend(tf),
  oracle,
  skip: [
    {
      cases: /^composites \/ (linear \/ .* in b?f16|\w+ \/ from f32 to f16|stableAdamWAll \/ .*(copies|skipped))/,
      reason: "TensorFlow.js has no tensors of 16-bit floats",
    },
  ],
});

/** What runs on it is made by one thread in one order, which other backends of TensorFlow.js do not promise. */
async function createDeterministic(): Promise<Backend> {
  const backend = await createTfjsBackend(tf);
  return { ...backend, capabilities: { ...backend.capabilities, deterministic: true } };
}

describeConformance(
  { name: "tfjs, taken as deterministic", create: createDeterministic, oracle },
  /^(determinism|capture) \//,
);
