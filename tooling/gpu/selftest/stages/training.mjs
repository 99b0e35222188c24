/** Tokens per second and peak memory of training steps. */
import { setTimeout } from "node:timers/promises";
import { bfloat16Precision } from "../../../../packages/tensor-core/dist/index.js";
import { median } from "../../../bench/report.mjs";
import { openBackend } from "../open.mjs";
import { createTraining, notFused } from "../training-run.mjs";
import { configOf, lengthsFor, sizesOf } from "../workload.mjs";

const short = { ...bfloat16Precision, residual: "bf16" };
/** name, shape, batch of a step, precision */
const settings = [
  ["base 1024, f32 residual", "base", "64x1024", bfloat16Precision],
  ["base 1024, bf16 residual", "base", "64x1024", short],
  ["base 8192, bf16 residual", "base", "8x8192", short],
  ["large 1024, bf16 residual", "large", "32x1024", short],
];
/** Seconds of a setting, and steps that are enough. */
const [budget, enough] = [20, 20];

export async function run({ record, emulate }) {
  for (const [name, ...setting] of settings) await record.part(name, () => measure(setting, emulate));
  const [first, second] = record.parts.map(({ tokensPerSecond }) => tokensPerSecond);
  return `base at 1024: ${show(first)} tok/s, with a bf16 residual ${show(second)}`;
}

/** On a backend of its own, so that its peak of memory is the setting's. */
async function measure([shape, batch, precision], emulate) {
  await using backend = await openBackend(emulate);
  const lengths = lengthsFor(batch, emulate);
  const training = createTraining(backend, { config: configOf(shape, emulate), precision, lengths });
  const read = async (steps) => {
    let metrics;
    const began = performance.now();
    for (let step = 0; step < steps; step++) {
      metrics?.dispose();
      metrics = training.step();
      // The trainer lets others run between steps, too.
      await setTimeout(0);
    }
    const [loss] = await metrics.read();
    metrics.dispose();
    return { loss, milliseconds: (performance.now() - began) / steps };
  };
  const first = await read(1);
  const times = [];
  const ends = performance.now() + (emulate ? 0 : budget * 1000);
  let loss = first.loss;
  while (times.length === 0 || (times.length < enough / 2 && performance.now() < ends)) {
    const two = await read(2);
    times.push(two.milliseconds);
    loss = two.loss;
  }
  if (!Number.isFinite(loss)) throw new Error(`expected a finite loss, got ${loss}`);
  const { peakBytes } = backend.memory();
  const milliseconds = median(times);
  const found = {
    ...sizesOf(lengths),
    milliseconds,
    tokensPerSecond: (sizesOf(lengths).tokens * 1000) / milliseconds,
    peakGigabytes: peakBytes / 1e9,
    firstLoss: first.loss,
    lastLoss: loss,
    times,
    notFused: notFused(training.runtime),
  };
  training.dispose();
  return found;
}

const show = (value) => (value === undefined ? "–" : Math.round(value).toLocaleString("en"));
