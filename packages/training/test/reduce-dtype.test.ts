/** Gradients that ranks sum in 16 bits: what travels, and what becomes of it. */
import { expect, test } from "vitest";
import type { Collective, DType } from "@modernbert-ts/tensor-core";
import { singleProcessCollective } from "../src/collectives/single-process.ts";
import type { ReduceDtype } from "../src/loop/device-step.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { tinyLoader, tinyTraining } from "./support/tiny-training.ts";

/** A step of a rank whose fellow gives nothing but zeros. */
async function step(reduceDtype?: ReduceDtype) {
  const { runtime, model, optimizer } = tinyTraining();
  const sent: DType[] = [];
  const collective: Collective = {
    ...singleProcessCollective(runtime.backend),
    world: 2,
    allReduce: (view) => void sent.push(view.dtype),
  };
  const batch = tinyLoader().next(0)!;
  const options = { step: 1, learningRate: 0.01, weight: batch.weight, collective, reduceDtype };
  const reads: Promise<number[]>[] = [];
  const update = optimizer.update.bind(optimizer);
  optimizer.update = (gradients, loss) => {
    for (const gradient of gradients) reads.push(gradient!.read().then((values) => Array.from(values)));
    return update(gradients, loss);
  };
  const { loss } = await readStepMetrics(trainingStep(model, optimizer, batch, options));
  return { sent, loss, seen: (await Promise.all(reads)).flat(), count: model.parameters.size };
}

/** The nearest number with eight significant bits; of two that are as near, the even one. */
function toBf16(value: number): number {
  const word = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const rounded = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(rounded).buffer)[0]!;
}

test("bf16 is for gradients alone, which are rounded once", async () => {
  const [whole, narrow] = [await step(), await step("bf16")];
  expect(whole.sent).toEqual(whole.sent.map(() => "f32"));
  expect(narrow.sent).toEqual(["f32", ...Array.from({ length: narrow.count }, () => "bf16")]);
  expect(narrow.loss).toBe(whole.loss);
  expect(narrow.seen).toEqual(whole.seen.map(toBf16));
  expect(narrow.seen).not.toEqual(whole.seen);
});
