/** Forward passes of the whole encoder in bf16: ours beside transformers, eager and compiled. */
import { createEncoder, forwardOf } from "../encoder-run.mjs";
import { openBackend } from "../open.mjs";
import { lengthsFor, sizesOf } from "../workload.mjs";
import { compareEngines } from "./compare.mjs";

/** Between two engines in bf16, in parts of the largest value. */
const tolerance = 0.1;

export async function compareInference(context, name, batch) {
  const { record, peer, emulate, folder, config } = context;
  const lengths = lengthsFor(batch, emulate);
  await record.part(name, async () => {
    await using backend = await openBackend(emulate);
    const encoder = createEncoder(backend, config, "masked-lm");
    const ours = forwardOf(encoder, lengths);
    const found = {};
    for (const mode of emulate ? ["eager"] : ["eager", "compiled"]) {
      await peer.ask("load", { folder, compiled: mode === "compiled", training: false });
      const { values } = await peer.ask("forward", { lengths });
      const difference = compareNumbers(await lastTokens(encoder, ours, lengths), values.flat());
      const engines = {
        ours: async () => {
          ours.queue();
          await backend.synchronize();
        },
        [mode]: async () => (await peer.ask("forward", { lengths })).ms,
      };
      const compared = await compareEngines(engines, emulate);
      found[mode] = { ...compared, difference, ...(await peer.ask("memory")) };
    }
    const bestRatio = Math.min(...Object.values(found).map(({ bestRatio: ratio }) => ratio));
    const { tokens, ...rest } = sizesOf(lengths);
    const tokensPerSecond = (tokens * 1000) / Math.min(...Object.values(found).map((each) => each.milliseconds.ours));
    ours.dispose();
    encoder.model.dispose();
    return { tokens, ...rest, bestRatio, tokensPerSecond, oursGigabytes: backend.memory().peakBytes / 1e9, ...found };
  });
}

/** The first 8 numbers of each text's last token. */
async function lastTokens({ runtime, model, config }, ours, lengths) {
  const hidden = runtime.scope(() => model.forward(ours.batch));
  const values = Float32Array.from(await hidden.read());
  hidden.dispose();
  let end = 0;
  return lengths.flatMap((length) => {
    end += length;
    return [...values.subarray((end - 1) * config.hiddenSize, (end - 1) * config.hiddenSize + 8)];
  });
}

/** @throws Error where the two are too far apart */
function compareNumbers(ours, theirs) {
  const largest = Math.max(...theirs.map(Math.abs));
  const worst = Math.max(...theirs.map((value, at) => Math.abs(value - ours[at]))) / largest;
  if (ours.length === theirs.length && worst <= tolerance) return worst;
  throw new Error(`expected the engines to agree within ${tolerance}, got ${worst}`);
}
