/** Forward passes: tokens per second of large batches, and how long a few queries take. */
import { pool } from "../../../../packages/modernbert/dist/index.js";
import { median } from "../../../bench/report.mjs";
import { capturedOf, createEncoder, forwardOf } from "../encoder-run.mjs";
import { serveAndAsk } from "../server-run.mjs";
import { millisecondsOf } from "../timing.mjs";
import { notFused } from "../training-run.mjs";
import { configOf, lengthsFor, sizesOf } from "../workload.mjs";

/** name, shape, batch */
const settings = [
  ["base 512", "base", "128x512"],
  ["base 8192", "base", "8x8192"],
  ["base, mixed lengths", "base", "mixed*32"],
  ["base, 8 queries of 128", "base", "8x128"],
  ["large 512", "large", "64x512"],
];
const runs = 200;

export async function run({ record, backend, emulate }) {
  for (const shape of ["base", "large"]) {
    const encoder = createEncoder(backend, configOf(shape, emulate));
    for (const [name, , batch] of settings.filter((setting) => setting[1] === shape))
      await record.part(name, () => throughput(backend, encoder, lengthsFor(batch, emulate), emulate));
    if (shape === "base") await record.part("base, 8 queries of 128, captured", () => latency(encoder, emulate));
    encoder.model.dispose();
    backend.trim();
  }
  await serveAndAsk({ record, backend, emulate });
  const of = (name, key) => record.parts.find((part) => part.name === name)?.[key];
  const rate = (name) => Math.round(of(name, "tokensPerSecond") ?? Number.NaN).toLocaleString("en");
  return `base at 512: ${rate("base 512")} tok/s, at 8192: ${rate("base 8192")}; 8 queries of 128 in ${of("base, 8 queries of 128, captured", "milliseconds")?.toPrecision(3)} ms`;
}

async function throughput(backend, encoder, lengths, emulate) {
  const { queue, dispose } = forwardOf(encoder, lengths);
  const milliseconds = await millisecondsOf(backend, queue, { emulate, seconds: 5 });
  dispose();
  const sizes = sizesOf(lengths);
  const perSecond = 1000 / milliseconds;
  return {
    ...sizes,
    milliseconds,
    tokensPerSecond: sizes.tokens * perSecond,
    textsPerSecond: sizes.sequences * perSecond,
    peakGigabytes: backend.memory().peakBytes / 1e9,
    notFused: notFused(encoder.runtime),
  };
}

/** From ids on the host to vectors on the host, one batch at a time. */
async function latency(encoder, emulate) {
  const lengths = lengthsFor("8x128", emulate);
  const captured = capturedOf(encoder, lengths, pool);
  const times = [];
  for (let at = 0; at < (emulate ? 2 : runs); at++) {
    const began = performance.now();
    await captured.run();
    times.push(performance.now() - began);
  }
  captured.dispose();
  const milliseconds = median(times.slice(Math.floor(times.length / 4)));
  return { ...sizesOf(lengths), milliseconds, textsPerSecond: (lengths.length * 1000) / milliseconds };
}
