/** The interface that the backend asks of the module it is given: the real one has it, and one that computes in less is refused. */
import { UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { createTfjsBackend } from "../src/index.ts";
import type { TfjsModule, TfModule } from "../src/index.ts";
import { tf } from "./tfjs.ts";

/** Compiles only while the types of @tensorflow/tfjs-core have what the interface says. */
const real: TfjsModule<Tensor> = tf;

/** The module with some functions replaced. */
function changed(functions: Partial<TfModule<Tensor>>): TfjsModule<Tensor> {
  return { ...real, ...functions };
}

/** Keeps 11 bits of each float, as matrix units that multiply in TF32 do. */
function shortened(x: Tensor): Tensor {
  const bits = (x.dataSync() as Float32Array).map((value) => Math.round(value * 2 ** 10) / 2 ** 10);
  return real.reshape(real.tensor1d(bits, "float32"), x.shape);
}

test("names the version and the backend of the module", async () => {
  await using backend = await createTfjsBackend(tf);
  expect(backend.name).toBe("tfjs");
  expect(backend.capabilities.device).toBe("TensorFlow.js 4.22.0, backend cpu");
});

test.for<[string, Partial<TfModule<Tensor>>]>([
  ["whole numbers of 32 bits", { add: (a, b) => real.cast(shortened(real.cast(real.add(a, b), "float32")), "int32") }],
  ["floats of 32 bits", { mul: (a, b) => real.mul(shortened(a), b) }],
  ["products of floats of 32 bits", { matMul: (a, b, ...transposed) => real.matMul(shortened(a), b, ...transposed) }],
  [
    "whole numbers of 32 bits",
    {
      tidy() {
        throw new Error("readSync is not supported");
      },
    },
  ],
])("a module without %s is refused", async ([what, functions]) => {
  const error: unknown = await createTfjsBackend(changed(functions)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(error).toHaveProperty("message", expect.stringContaining(`[createTfjsBackend] expected ${what} that can be`));
});
