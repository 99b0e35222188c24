/** One process of opening.mjs: opens a folder, answers twice, prints what that took in ms and MB, and lives until its input ends. */
import { readFileSync } from "node:fs";
import { createCpuBackend } from "../../packages/backend-cpu/dist/index.js";
import { packSequences } from "../../packages/modernbert/dist/index.js";
import { loadModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { sequencesOf } from "./cases.mjs";

const [folder, weights, mapped] = process.argv.slice(2);
const megabytes = (name) =>
  Number(new RegExp(`^${name}: *([0-9]+) kB`, "m").exec(readFileSync("/proc/self/smaps_rollup", "utf8"))[1]) / 1000;
const before = megabytes("Rss");
const times = [performance.now()];
const runtime = new Runtime(await createCpuBackend());
const { model } = await loadModel(folder, { runtime, weights, mapped: mapped === "true" });
await runtime.backend.synchronize();
times.push(performance.now());
for (let answer = 0; answer < 2; answer++) {
  const hidden = model.encode(packSequences(sequencesOf([8])));
  await hidden.read();
  hidden.dispose();
  times.push(performance.now());
}
const [opening, first, second] = times.slice(1).map((time, at) => time - times[at]);
console.log(JSON.stringify({ opening, first, second, before, resident: megabytes("Rss"), alone: megabytes("Pss") }));
process.stdin.resume().on("end", () => process.exit(0));
