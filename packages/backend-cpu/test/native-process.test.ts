/**
 * The native engine in other processes and threads: exits without disposal, worker threads, a worker that is stopped in the middle.
 * Children run the built package (Node 20 cannot import TypeScript), so these tests need `tsc -b` to have run.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { describeNative, missing } from "./native.ts";

const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
const reason = missing ?? (existsSync(built) ? undefined : "the package is not built");

/** Queues a second of work on `backend`, in code that children run. */
const prelude = `
  const { createCpuBackend } = await import(${JSON.stringify(pathToFileURL(built).href)});
  const work = (backend, steps) => {
    const shape = [512, 512], strides = [512, 1];
    const view = () => ({ buffer: backend.allocate(1 << 20), dtype: "f32", shape, strides, offset: 0 });
    const a = view(), c = view();
    backend.run("fill", [a], [], { value: 1 / 512 });
    for (let step = 0; step < steps; step++) backend.run("matmul", [c], [a, a], { alpha: 1, accumulate: step > 0 });
    return backend.read(c.buffer, 0, 4).then((bytes) => new Float32Array(bytes)[0] * 512);
  };
`;

function runChild(code: string): { status: number | null; signal: string | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--input-type=module", "-e", prelude + code], {
    encoding: "utf8",
    timeout: 50_000,
  });
}

describeNative(
  "native processes",
  () => {
    test.each([
      ["idle", `await createCpuBackend({ engine: "native" });`],
      ["after work", `const b = await createCpuBackend({ engine: "native" }); await work(b, 10);`],
      ["with queued work", `const b = await createCpuBackend({ engine: "native" }); work(b, 300); process.exit(0);`],
      [
        "inside a read",
        `const b = await createCpuBackend({ engine: "native" }); work(b, 300); setTimeout(() => process.exit(0), 50);`,
      ],
    ])("a process ends without disposal: %s", (_, code) => {
      const { status, signal, stderr } = runChild(code);
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    });

    test("worker threads each have their backend; one that is stopped in the middle harms nobody", () => {
      const { status, stdout, stderr } = runChild(`
      const { Worker } = await import("node:worker_threads");
      const source = ${JSON.stringify(prelude)} + \`
        const { parentPort, workerData } = await import("node:worker_threads");
        const backend = await createCpuBackend({ engine: "native", threads: 2 });
        const pending = work(backend, workerData.steps);
        parentPort.postMessage("started");
        parentPort.postMessage(await pending);
        if (workerData.dispose) await backend[Symbol.asyncDispose]();
      \`;
      const start = (workerData) => new Worker(new URL("data:text/javascript," + encodeURIComponent(source)), { workerData });
      const finish = (worker) => new Promise((resolve, reject) => {
        let last;
        worker.on("message", (message) => (last = message)).on("error", reject).on("exit", () => resolve(last));
      });
      const stopped = start({ steps: 1000 });
      await new Promise((resolve) => stopped.once("message", resolve));
      await stopped.terminate();
      const results = await Promise.all([start({ steps: 20, dispose: true }), start({ steps: 30, dispose: false })].map(finish));
      const backend = await createCpuBackend({ engine: "native" });
      console.log(JSON.stringify([...results, await work(backend, 10)]));
      process.exit(0);
    `);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(JSON.parse(stdout)).toEqual([20, 30, 10]);
    });
  },
  reason,
);
