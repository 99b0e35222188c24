/**
 * Training steps of one process, or of one rank among those of mpirun: `node ranks-worker.mjs SHAPE TOKENS STEPS [BUCKET_MB]` prints the milliseconds of each step
 * after the first and those of its processor, as JSON. One thread; each rank trains on TOKENS tokens of its own. With
 * BUCKET_MB they sum gradients beside the backward pass.
 */
import { createCpuBackend } from "../../packages/backend-cpu/dist/index.js";
import { joinMpi } from "../../packages/collective-mpi/dist/index.js";
import { initialiseParameters, ModernBert } from "../../packages/modernbert/dist/index.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import {
  launchOf,
  maskedLmObjective,
  readStepMetrics,
  StableAdamW,
  trainingStep,
} from "../../packages/training/dist/index.js";
import { shapeConfig } from "./shapes.mjs";

const [shape, tokens, steps, bucket = 0] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const length = 1024;
const ranks = launchOf().world > 1 ? await joinMpi() : undefined;
const backend = await createCpuBackend({ engine: "native", threads: 1 });
const collective = ranks?.collective(backend);
const runtime = new Runtime(backend);
const config = shapeConfig(shape);
const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 1 });
const model = maskedLmObjective.model(new ModernBert({ runtime, config, head: "masked-lm", parameters }), { seed: 1 });
const optimizer = new StableAdamW(model, { maxLearningRate: 1e-4 });
const count = tokens / length;
const ids = Int32Array.from({ length: tokens }, (_, at) => 1000 + ((at * 7919) % 40_000));
const maskedPositions = Int32Array.from({ length: Math.floor(0.3 * tokens) }, (_, at) => 3 * at);
const row = {
  ids,
  cuSeqlens: Int32Array.from({ length: count + 1 }, (_, at) => at * length),
  maxSeqlen: length,
  sequences: Array.from({ length: count }, (_, document) => ({ document, chunk: 0, epoch: 0, length })),
  labels: new Int32Array(tokens),
  maskedPositions,
  maskedLabels: maskedPositions.map((at) => ids[at]),
};
const batch = { rows: [row], sequences: count, tokens, weight: maskedPositions.length, packingEfficiency: 1 };
const weight = batch.weight * (ranks?.world ?? 1);
const times = { wall: [], processor: [] };
for (let step = 1; step <= steps + 1; step++) {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const options = {
    step,
    learningRate: 1e-4,
    weight,
    ...(collective && { collective }),
    ...(bucket && { bucketBytes: 1e6 * bucket }),
  };
  await readStepMetrics(trainingStep(model, optimizer, batch, options), model.metrics);
  if (step === 1) continue;
  const { user, system } = process.cpuUsage(used);
  times.wall.push(performance.now() - began);
  times.processor.push((user + system) / 1000);
}
if ((ranks?.rank ?? 0) === 0) console.log(JSON.stringify(times));
await backend[Symbol.asyncDispose]();
await ranks?.[Symbol.asyncDispose]();
