/** Weights that stay in their file: the same bits as weights that are read, and a file that nobody changes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { bfloat16Precision, float16Precision, float32Precision, Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Precision } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { maskedLmLogits, packSequences } from "../src/index.ts";
import type { ModernBert } from "../src/index.ts";
import { loadModel, saveModel } from "../src/node.ts";
import { smallModel, someIds } from "./support/small-model.ts";

let folder: string;
let backend: Backend;
let runtime: Runtime;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "modernbert-mapped-"));
  backend = await createCpuBackend();
  runtime = new Runtime(backend);
});
afterEach(async () => {
  await backend[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const whole = { params: "f32", compute: "f32", reduce: "f32" } as const;
const precisions: Readonly<Record<string, Precision>> = {
  f32: float32Precision,
  "bf16, params too": { ...whole, params: "bf16" },
  "f16, params too": { ...whole, params: "f16" },
  "computing in bf16": bfloat16Precision,
  "computing in f16": float16Precision,
};

async function logitsOf(model: ModernBert): Promise<ArrayLike<number>> {
  const batch = packSequences([someIds(9), someIds(17, 5)]);
  const logits = runtime.scope(() => maskedLmLogits(model, model.encode(batch), Int32Array.of(2, 4, 20)));
  return logits.read() as Promise<Float32Array>;
}

describe("weights in their file", () => {
  for (const stored of ["f32", "bf16", "f16"] as const) {
    it.each(Object.entries(precisions))(
      `stored in ${stored}: the bits of weights that are read, %s`,
      async (_, precision) => {
        await saveModel(folder, smallModel(runtime, "masked-lm"));
        const inFewer = { precision: { ...whole, params: stored } };
        await saveModel(folder, (await loadModel(folder, { runtime, ...inFewer })).model);
        for (const weights of ["f32", "bf16", "int8"] as const) {
          const load = (mapped: boolean) => loadModel(folder, { runtime, precision, weights, mapped });
          const [mapped, read] = [(await load(true)).model, (await load(false)).model];
          expect(await logitsOf(mapped)).toEqual(await logitsOf(read));
        }
      },
    );
  }

  it("a parameter may be written to, and the folder saved anew over itself", async ({ skip }) => {
    if (!backend.mapFile) return skip(`${backend.capabilities.device} maps no files`);
    await saveModel(folder, smallModel(runtime));
    const { model } = await loadModel(folder, { runtime });
    const file = join(folder, "model.safetensors");
    const before = readFileSync(file);
    const [name, parameter] = [...model.parameters][1]!;
    runtime.write(parameter, new Float32Array(parameter.size).fill(3));
    await backend.synchronize();
    expect(readFileSync(file)).toEqual(before);
    await saveModel(folder, model);
    expect(await parameter.read()).toEqual(new Float32Array(parameter.size).fill(3));
    const again = await loadModel(folder, { runtime });
    expect(await again.model.parameters.get(name)!.read()).toEqual(new Float32Array(parameter.size).fill(3));
  });

  it("takes no memory for what is stored as it is held, and gives the file back", async ({ skip }) => {
    if (!backend.mapFile) return skip(`${backend.capabilities.device} maps no files`);
    await saveModel(folder, smallModel(runtime));
    const { allocations, activeBytes, liveBuffers } = backend.memory();
    const { model } = await loadModel(folder, { runtime });
    expect(backend.memory().allocations).toBe(allocations);
    model.dispose();
    await backend.synchronize();
    expect(backend.memory()).toMatchObject({ activeBytes, liveBuffers });
    if (process.platform === "linux") expect(readFileSync("/proc/self/maps", "utf8")).not.toContain(folder);
  });
});
