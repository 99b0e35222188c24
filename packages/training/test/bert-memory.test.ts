/** What a forward pass of BERT base holds for its backward pass, counted by a backend that computes nothing, against `trainingMemory`. */
import { Bert, bertArchitecture, createConfig } from "@modernbert-ts/bert";
import { drawParameters, trainingMemory } from "@modernbert-ts/encoder";
import { bfloat16Precision, float32Precision, Runtime, valueAndGradients } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { maskedLmModel } from "../src/objectives/masked-lm/model.ts";
import type { MaskedRow } from "../src/objectives/masked-lm/mask.ts";
import { createRecordingBackend } from "./support/recording-backend.ts";

const [tokens, length, head] = [8192, 512, "masked-lm"] as const;
const { kind } = bertArchitecture;

function rowOf(): MaskedRow {
  const cuSeqlens = Int32Array.from({ length: tokens / length + 1 }, (_, at) => at * length);
  const maskedPositions = Int32Array.from({ length: Math.floor(0.15 * tokens) }, (_, at) => 3 * at);
  const ids = new Int32Array(tokens).fill(9);
  const maskedLabels = maskedPositions.map(() => 9);
  return { ids, cuSeqlens, maxSeqlen: length, sequences: [], labels: ids, maskedPositions, maskedLabels };
}

test.each([
  ["f32", float32Precision, 4],
  ["bf16", bfloat16Precision, 2],
] as const)("%s", (_name, precision, bytes) => {
  const { backend, bytes: held } = createRecordingBackend();
  const runtime = new Runtime(backend, { fusion: "fused" });
  const config = createConfig({});
  const specs = kind.parameters(config, head);
  const initial = (name: string) => kind.initial(config, head, name, specs.get(name)!);
  const parameters = drawParameters(runtime, specs, initial, { seed: 1, dtype: "f32" });
  const model = maskedLmModel(new Bert({ runtime, config, head, parameters, precision }), { seed: 1 });
  let measured = 0;
  runtime.scope(() => {
    const row = model.upload(rowOf(), { step: 1, row: 0 });
    const forward = () => {
      const before = held();
      const output = model.forward(row);
      measured = held() - before;
      return output;
    };
    const learned = [...new Map([...model.parameters, ...model.copies]).values()];
    valueAndGradients(runtime, learned, forward, ({ lossSum }) => lossSum);
  });
  const shape = { bytes, microBatches: 1, scoredShare: 0.15, trained: 0 } as const;
  const { perToken } = trainingMemory(kind, config, head, shape);
  expect(Math.abs(measured / tokens / perToken - 1)).toBeLessThan(0.05);
});
