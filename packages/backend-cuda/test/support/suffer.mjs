/** Works on the emulated device, whose fault the environment names, and prints each error that it meets. Needs the built package. */
import { Worker, isMainThread } from "node:worker_threads";
import { createCudaBackend } from "@modernbert-ts/backend-cuda";

const how = process.argv[2];

/** Prints the name and the message of what `action` throws, else "fine". */
async function attempt(action) {
  try {
    await action();
    console.log("fine");
  } catch (error) {
    console.log(`${error.name}: ${error.message}`);
  }
}

function vector(backend, size) {
  const buffer = backend.allocate(size * 4);
  return { buffer, dtype: "f32", shape: [size], strides: [1], offset: 0 };
}

/** The same as a column. */
const column = (view) => ({ ...view, shape: [view.shape[0], 1], strides: [1, 1] });

const works = {
  /** Nothing but the backend. */
  async open() {
    await attempt(async () => console.log((await createCudaBackend()).capabilities.device));
  },
  /** Ten kernels and a read, twice; then memory. */
  async kernels() {
    const backend = await createCudaBackend();
    const value = vector(backend, 100);
    for (let round = 0; round < 2; round++) {
      await attempt(async () => {
        for (let i = 0; i < 5; i++) {
          backend.run("fill", [value], [], { value: i + 1 });
          backend.run("iota", [value], [], { start: i, step: 1 });
        }
        await backend.read(value.buffer, 0, 4);
      });
    }
    await attempt(() => backend.allocate(1 << 30));
    await attempt(() => backend.synchronize());
    await attempt(() => backend[Symbol.asyncDispose]());
    process.exitCode = 7;
  },
  /** What one backend suffers, the other of the process suffers too. */
  async two() {
    const backends = [await createCudaBackend(), await createCudaBackend()];
    for (const backend of backends) {
      await attempt(async () => {
        const value = vector(backend, 100);
        backend.run("fill", [value], [], { value: 1 });
        await backend.read(value.buffer, 0, 4);
      });
    }
    for (const backend of backends) await backend[Symbol.asyncDispose]();
  },
  /** Memory until there is none. */
  async memory() {
    const backend = await createCudaBackend();
    const kept = backend.allocate(20 << 20);
    const cached = backend.allocate(30 << 20);
    backend.release(cached);
    await attempt(() => backend.allocate(60 << 20));
    await attempt(() => backend.allocate(40 << 20));
    const value = vector(backend, 10);
    backend.run("fill", [value], [], { value: 3 });
    console.log(new Float32Array(await backend.read(value.buffer, 0, 4))[0]);
    backend.release(kept);
    await backend[Symbol.asyncDispose]();
  },
  /** A product of ones, three times. */
  async products() {
    const backend = await createCudaBackend();
    const matrix = () => ({ ...vector(backend, 64), shape: [8, 8], strides: [8, 1] });
    const [ones, out] = [matrix(), matrix()];
    backend.run("fill", [ones], [], { value: 1 });
    for (let round = 0; round < 3; round++) {
      try {
        backend.run("matmul", [out], [ones, ones], { alpha: 1, accumulate: false });
        console.log(String(new Float32Array(await backend.read(out.buffer, 0, 4))[0]));
      } catch (error) {
        console.log(`${error.name}: ${error.message}`);
      }
    }
    await backend[Symbol.asyncDispose]();
  },
  /** Sums of segments, whose command is several kernels, twice. */
  async segments() {
    const backend = await createCudaBackend();
    const [values, ids, out] = [vector(backend, 3000), { ...vector(backend, 3000), dtype: "i32" }, vector(backend, 7)];
    backend.write(values.buffer, new Float32Array(3000).fill(1));
    backend.write(
      ids.buffer,
      Int32Array.from({ length: 3000 }, (_, at) => at % 7),
    );
    for (let round = 0; round < 2; round++) {
      await attempt(async () => {
        backend.run("segmentSum", [column(out)], [column(values), ids], {});
        console.log(new Float32Array(await backend.read(out.buffer, 0, 8)).join(" "));
      });
    }
    await backend[Symbol.asyncDispose]();
  },
  /** A recording, three times. */
  async replays() {
    const backend = await createCudaBackend();
    const value = vector(backend, 10);
    const replay = backend.capture(() => backend.run("fill", [value], [], { value: 3 }));
    for (let round = 0; round < 3; round++) {
      await attempt(async () => {
        replay.run();
        await backend.synchronize();
      });
    }
    replay.dispose();
    await backend[Symbol.asyncDispose]();
  },
  /** The same in a worker. */
  async worker() {
    await new Promise((resolve) => new Worker(new URL(import.meta.url), { argv: ["kernels"] }).once("exit", resolve));
    console.log("the worker ended");
  },
};

await works[how](isMainThread);
