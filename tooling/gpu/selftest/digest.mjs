/** A digest of what two steps of training in bf16 with dropout leave behind, on a backend of its own. */
import { createHash } from "node:crypto";
import { bfloat16Precision } from "../../../packages/tensor-core/dist/index.js";
import { openBackend } from "./open.mjs";
import { createTraining } from "./training-run.mjs";
import { configOf, lengthsFor } from "./workload.mjs";

export async function digestOfTraining(emulate) {
  await using backend = await openBackend(emulate);
  const config = { ...configOf("7x256x4x384", emulate) };
  config.dropout = { ...config.dropout, attentionOutput: 0.1 };
  const training = createTraining(backend, {
    config,
    precision: bfloat16Precision,
    lengths: lengthsFor("mixed", emulate),
  });
  const hash = createHash("sha256");
  for (let step = 0; step < 2; step++) {
    const metrics = training.step();
    hash.update(bytesOf(await metrics.read()));
    metrics.dispose();
  }
  for (const parameter of training.bert.parameters.values()) hash.update(bytesOf(await parameter.read()));
  training.dispose();
  return hash.digest("hex");
}

const bytesOf = (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
