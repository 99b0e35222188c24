/** Asks a loader with a thread for batches, in a process without the hooks of the test runner, which a thread would wait for. */
import { PrefetchLoader } from "../../dist/index.js";

const worker = new URL("prefetch-worker.mjs", import.meta.url);
const [data, at, clocks] = process.argv.slice(2).map((argument) => JSON.parse(argument));
const loader = new PrefetchLoader({ worker, data: { end: 50, ...data }, state: { at }, tokens: clocks[0] });
const seen = [];
for (const tokens of clocks) {
  try {
    seen.push({ rows: (await loader.next(tokens))?.rows ?? "end", state: loader.state() });
  } catch (error) {
    seen.push(error.message);
  }
}
console.log(JSON.stringify(seen));
await loader.close();
