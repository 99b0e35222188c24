/** What one forward pass asks of a device. node custom-backend/main.ts MODEL */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { packSequences } from "@modernbert-ts/modernbert";
import { loadModel } from "@modernbert-ts/modernbert/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { countingBackend } from "./counting-backend.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("expected a model folder");

const { backend, counts } = countingBackend(await createCpuBackend({ engine: "auto" }));
const runtime = new Runtime(backend);
const { model } = await loadModel(folder, { runtime });
const hidden = runtime.scope(() => model.encode(packSequences([Int32Array.of(2, 5, 6, 3), Int32Array.of(2, 7, 3)])));
console.log(`${(await hidden.read()).length} numbers`);
for (const [name, times] of [...counts].toSorted(([, a], [, b]) => b - a))
  console.log(`${String(times).padStart(4)} ${name}`);
await backend[Symbol.asyncDispose]();
