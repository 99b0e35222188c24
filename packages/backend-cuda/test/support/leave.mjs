/** Queues work on the emulated device and leaves, in the way that the argument names. Needs the built package. */
import { isMainThread, Worker } from "node:worker_threads";
import { createCudaBackend } from "@modernbert-ts/backend-cuda";

/** Some tenths of a second of work. */
async function begin() {
  const backend = await createCudaBackend();
  const size = 256;
  const [a, b] = [0, 1].map(() => {
    const buffer = backend.allocate(size * size * 4);
    return { buffer, dtype: "f32", shape: [size, size], strides: [size, 1], offset: 0 };
  });
  backend.run("fill", [a], [], { value: 1 });
  for (let i = 0; i < 8; i++) backend.run("matmul", [b], [a, a], { alpha: 1, accumulate: true });
  backend.flush();
  return () => backend.read(b.buffer, 0, 4);
}

const how = process.argv[2];
if (isMainThread && how.startsWith("a worker")) {
  const worker = new Worker(new URL(import.meta.url), { argv: [how] });
  await new Promise((resolve) => worker.once(how.endsWith("ends") ? "exit" : "message", resolve));
  await worker.terminate();
  console.log("left");
} else {
  const read = await begin();
  if (how === "a worker that is stopped") {
    const { parentPort } = await import("node:worker_threads");
    parentPort.postMessage("begun");
    await read();
  }
  if (isMainThread) console.log("left");
  if (how === "by exit") process.exit();
  if (how === "in a read") {
    setTimeout(() => process.exit(), 10);
    await read();
  }
}
