/** The native engine in other processes and threads: exits without disposal, worker threads, workers that are stopped in the middle. */
import { expect, test } from "vitest";
import { prelude, reason, runChild } from "./children.ts";
import { describeNative } from "./native.ts";

/** Of the code that children run: `start(body, data)` is a worker thread in which `body` finds `work`, `parentPort` and `workerData`. */
const workers = `
  const { Worker } = await import("node:worker_threads");
  const start = (body, workerData) => {
    const source = ${JSON.stringify(prelude)} + 'const { parentPort, workerData } = await import("node:worker_threads");' + body;
    return new Worker(new URL("data:text/javascript," + encodeURIComponent(source)), { workerData });
  };
  const message = (worker) => new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
`;

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
      [
        "by itself, with queued work that nobody reads",
        `const b = await createCpuBackend({ engine: "native" }); b.read = () => Promise.resolve([0]); await work(b, 300); b.flush();`,
      ],
      [
        "while a worker thread computes",
        `${workers}; const busy = start(\`
          const b = await createCpuBackend({ engine: "native" });
          work(b, 1000);
          parentPort.postMessage("started");
        \`); await message(busy); process.exit(0);`,
      ],
      [
        "while a worker thread that computes exits",
        `${workers}; const busy = start(\`
          work(await createCpuBackend({ engine: "native" }), 1000);
          setTimeout(() => process.exit(0), 50);
        \`); await new Promise((resolve) => busy.on("exit", resolve));`,
      ],
    ])("a process ends without disposal: %s", (_, code) => {
      const { status, signal, stderr } = runChild(code);
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    });

    test("worker threads each have their backend, disposed of or not", () => {
      const { status, stdout, stderr } = runChild(`${workers}
        const body = \`
          const backend = await createCpuBackend({ engine: "native", threads: 2 });
          parentPort.postMessage(await work(backend, workerData.steps));
          if (workerData.dispose) await backend[Symbol.asyncDispose]();
        \`;
        const results = await Promise.all([{ steps: 20, dispose: true }, { steps: 30, dispose: false }].map((data) => message(start(body, data))));
        console.log(JSON.stringify(results));
      `);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(JSON.parse(stdout)).toEqual([20, 30]);
    });

    test("of workers that are stopped in the middle no thread and no memory stays, and other backends go on", () => {
      const { status, stdout, stderr } = runChild(
        `${workers}
        const { existsSync, readdirSync } = await import("node:fs");
        const threads = () => (existsSync("/proc/self/task") ? readdirSync("/proc/self/task").length : 0);
        const body = \`
          const backend = await createCpuBackend({ engine: "native", threads: 3 });
          const large = { buffer: backend.allocate(64 << 20), dtype: "f32", shape: [16 << 20], strides: [1], offset: 0 };
          backend.run("fill", [large], [], { value: 1 });
          await backend.read(large.buffer, 0, 4);
          if (workerData.odd) work(backend, 1000);
          else backend.capture(() => void work(backend, 1000).catch(() => undefined)).run();
          backend.flush();
          parentPort.postMessage("started");
        \`;
        const stop = async (index) => {
          const worker = start(body, { odd: index % 2 === 1 });
          await message(worker);
          await worker.terminate();
        };
        const backend = await createCpuBackend({ engine: "native", threads: 2 });
        await work(backend, 10);
        await stop(0);
        const before = { threads: threads(), rss: process.memoryUsage.rss() };
        const results = [];
        for (let index = 0; index < 20; index++) {
          const pending = work(backend, 5);
          await stop(index);
          results.push(await pending);
        }
        console.log(JSON.stringify({
          threads: threads() - before.threads,
          mebibytes: (process.memoryUsage.rss() - before.rss) / 2 ** 20,
          results,
        }));
        await backend[Symbol.asyncDispose]();
      `,
        280,
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const { threads, mebibytes, results } = JSON.parse(stdout) as Record<string, unknown>;
      expect({ threads, results }).toEqual({ threads: 0, results: Array.from({ length: 20 }, () => 5) });
      // Leaks of 20 workers would be 1,280 MiB of their buffers alone; sanitizers keep 256 MiB of what is freed.
      expect(mebibytes).toBeLessThan(500);
      // Twenty workers under sanitizers on a busy machine.
    }, 300_000);
  },
  reason,
);
