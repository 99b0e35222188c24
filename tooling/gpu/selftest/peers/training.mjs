/** Steps of masked language modelling: ours beside transformers under autocast, eager and compiled. */
import { bfloat16Precision } from "../../../../packages/tensor-core/dist/index.js";
import { openBackend } from "../open.mjs";
import { createTraining } from "../training-run.mjs";
import { lengthsFor, sizesOf } from "../workload.mjs";
import { compareEngines } from "./compare.mjs";

/** Between the losses of first steps from the same weights. */
const tolerance = 0.02;

export async function compareTraining({ record, peer, emulate, folder, config }, name, batch) {
  const lengths = lengthsFor(batch, emulate).map((length, _, [first]) => (emulate ? first : length));
  await record.part(name, async () => {
    await using backend = await openBackend(emulate);
    const training = createTraining(backend, { config, precision: bfloat16Precision, lengths });
    const step = async () => {
      const metrics = training.step();
      const [loss] = await metrics.read();
      metrics.dispose();
      return loss;
    };
    const loss = await step();
    const found = {};
    for (const mode of emulate ? ["eager"] : ["eager", "compiled"]) {
      await peer.ask("load", { folder, compiled: mode === "compiled", training: true });
      const first = await peer.ask("train", { lengths });
      if (!(Math.abs(first.loss / loss - 1) <= tolerance))
        throw new Error(`expected the first losses to agree within ${tolerance}, got ${loss} and ${first.loss}`);
      const engines = {
        ours: async () => void (await step()),
        [mode]: async () => (await peer.ask("train", { lengths })).ms,
      };
      found[mode] = { ...(await compareEngines(engines, emulate)), ...(await peer.ask("memory")) };
    }
    const bestRatio = Math.min(...Object.values(found).map(({ bestRatio: ratio }) => ratio));
    const { tokens, ...rest } = sizesOf(lengths);
    const tokensPerSecond = (tokens * 1000) / Math.min(...Object.values(found).map((each) => each.milliseconds.ours));
    training.dispose();
    return { tokens, ...rest, bestRatio, tokensPerSecond, oursGigabytes: backend.memory().peakBytes / 1e9, ...found };
  });
}
