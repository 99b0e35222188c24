/** Engine `tfjs`: what is said where @tensorflow/tfjs-node-gpu is missing, and what it gives where there is one (a stand-in here). */
import { spawnSync } from "node:child_process";
import * as tf from "@tensorflow/tfjs-core";
import { add, Runtime } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { tfjsEngine } from "../src/tfjs-engine.ts";
import type { TfjsNodeGpu } from "../src/tfjs-engine.ts";

tf.env().set("IS_TEST", true);
await import("@tensorflow/tfjs-backend-cpu");
await tf.setBackend("cpu");

const needs =
  "npm install @tensorflow/tfjs-node-gpu@4.22.0, whose install script downloads libtensorflow 2.9.1 and an addon from Google; " +
  "it needs CUDA 11.2, cuDNN 8.1 and Node 22 or older";

/** The module on the CPU, which says of itself whether it uses a GPU. */
function standIn(isUsingGpuDevice: boolean, functions: Partial<TfjsNodeGpu> = {}): () => Promise<TfjsNodeGpu> {
  return async () => ({ ...(tf as unknown as TfjsNodeGpu), backend: () => ({ isUsingGpuDevice }), ...functions });
}

function refusing(message: string): () => Promise<TfjsNodeGpu> {
  return () => Promise.reject(new Error(message));
}

/** Rounds f32 as TF32 does. */
const short: Partial<TfjsNodeGpu> = {
  matMul: (a, b, transposeA, transposeB) => {
    const product = tf.matMul(a as tf.Tensor, b as tf.Tensor, transposeA, transposeB);
    return tf.div(tf.round(tf.mul(product, 2 ** 10)), 2 ** 10);
  },
};

test("the package is not installed here, which is said with all that it needs", () => {
  // In a process of its own, on the built package: vitest has its own words for a package that is missing.
  const program = `
    import { createCudaBackend } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const { name, reason, advice } = await createCudaBackend({ engine: "tfjs" }).catch((error) => error);
    console.log(JSON.stringify({ name, reason, advice }));
  `;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  const reason = "@tensorflow/tfjs-node-gpu is not installed";
  expect(JSON.parse(stdout)).toEqual({ name: "CudaUnavailableError", reason, advice: needs });
});

describe.for<[string, () => Promise<TfjsNodeGpu>, string, string]>([
  ["is too new a Node", standIn(true), "24.1.0", "@tensorflow/tfjs-node-gpu does not run on Node 24.1.0"],
  [
    "does not load",
    refusing("libcudart.so.11.0: no such file\nat require"),
    "20.20.0",
    "@tensorflow/tfjs-node-gpu does not load (libcudart.so.11.0: no such file)",
  ],
  ["sees no GPU", standIn(false), "22.0.0", "@tensorflow/tfjs-node-gpu sees no GPU"],
  ["computes in less", standIn(true, short), "20.20.0", "expected products of floats of 32 bits"],
])("what %s", ([, load, node, reason]) => {
  test("is refused by name", async () => {
    const error: unknown = await tfjsEngine(0, load, node).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "CudaUnavailableError", advice: needs });
    expect(error).toHaveProperty("reason", expect.stringContaining(reason));
  });
});

test("another device than the first is refused", async () => {
  await expect(createCudaBackend({ engine: "tfjs", device: 1 })).rejects.toThrow(
    "[createCudaBackend] expected device 0 for engine tfjs, got 1: CUDA_VISIBLE_DEVICES chooses another GPU",
  );
});

test("where there is a GPU, it computes", async () => {
  await using backend = await tfjsEngine(0, standIn(true), "20.20.0");
  expect(backend.name).toBe("cuda");
  expect(backend.capabilities.storage).toEqual(["f32", "i32", "u32"]);
  const runtime = new Runtime(backend);
  const sum = runtime.scope(() => add(runtime.tensor([1, 2], [2]), runtime.tensor([3, 4], [2])));
  expect([...(await sum.read())]).toEqual([4, 6]);
  sum.dispose();
});
