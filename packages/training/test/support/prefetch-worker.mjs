/** A thread that makes batches of the numbers from `state.at` on; as built, for threads run no TypeScript. */
import { workerData } from "node:worker_threads";
import { serveBatches } from "../../dist/index.js";

const { channel, end, broken, dies } = workerData;

if (dies === "at once") throw new Error("no such module");

serveBatches(channel, 3, async (state) => {
  if (broken === "open") throw new Error("[store] expected a file, got none");
  let { at } = state;
  return {
    state: () => ({ at }),
    next(tokens) {
      if (broken === at) throw new Error("[store] expected ids, got others");
      if (dies === at) process.exit(3);
      if (at >= end) return undefined;
      const row = { at, clock: tokens };
      return { rows: [row], sequences: 1, tokens: 10, allTokens: 20, weight: 1, packingEfficiency: 1, at: at++ };
    },
  };
});
