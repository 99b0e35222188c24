/** Queues: release while commands are under way, many small commands, flushes, errors, two backends at once. */
import { DeviceValueError, scalar, x } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { expectThat } from "../case.ts";
import { expectAll, expectRefusal, readVector, vector } from "./transfers.ts";

const increment = { expression: scalar.add(x(0), 1) };

/** x + 1 in a new vector; `view` is released at once, while the command still needs it. */
function incremented(backend: Backend, view: View): View {
  const next = { ...view, buffer: backend.allocate(view.shape[0]! * 4) };
  backend.run("map", [next], [view], increment);
  backend.release(view.buffer);
  return next;
}

export function commandCases(): ConformanceCase[] {
  return [
    {
      name: "commands / release while queued",
      requires: { arithmetic: ["f32"] },
      async run({ backend }) {
        let view = vector(backend, new Float32Array(5000).fill(0));
        for (let i = 0; i < 300; i++) view = incremented(backend, view);
        expectAll(await readVector(backend, view), () => 300);
        backend.release(view.buffer);
      },
    },
    {
      name: "commands / buffers written and released in a loop",
      requires: { arithmetic: ["f32"] },
      async run({ backend }) {
        const total = vector(backend, new Float32Array(600));
        const sum = vector(backend, new Float32Array(600));
        for (let i = 1; i <= 200; i++) {
          const term = vector(backend, new Float32Array(600).fill(i));
          backend.run("map", [sum], [total, term], { expression: scalar.add(x(0), x(1)) });
          backend.run("copy", [total], [sum], {});
          backend.release(term.buffer);
        }
        expectAll(await readVector(backend, total), () => 20_100);
        backend.release(total.buffer);
        backend.release(sum.buffer);
      },
    },
    {
      name: "commands / ten thousand small ones without a wait",
      requires: { arithmetic: ["f32"] },
      async run({ backend }) {
        let [from, to] = [vector(backend, new Float32Array(3)), vector(backend, new Float32Array(3))];
        for (let i = 0; i < 10_000; i++) {
          backend.run("map", [to], [from], increment);
          [from, to] = [to, from];
          if (i % 999 === 0) backend.flush();
        }
        expectAll(await readVector(backend, from), () => 10_000);
        backend.release(from.buffer);
        backend.release(to.buffer);
      },
    },
    {
      name: "commands / several reads under way at once",
      requires: { arithmetic: ["f32"] },
      async run({ backend }) {
        let view = vector(backend, new Float32Array(100));
        const reads: Promise<Float32Array>[] = [];
        for (let i = 0; i < 20; i++) {
          reads.push(readVector(backend, view));
          view = incremented(backend, view);
        }
        const results = await Promise.all(reads);
        results.forEach((result, i) => expectAll(result, () => i));
        await backend.synchronize();
        backend.release(view.buffer);
      },
    },
    {
      name: "commands / an error is reported once and does not stop later work",
      requires: { arithmetic: ["f32", "i32"] },
      async run({ backend, bench }) {
        const table = vector(backend, Float32Array.of(5, 6));
        const rows = { ...table, shape: [2, 1], strides: [1, 1] };
        const ids = backend.allocate(4);
        backend.write(ids, Int32Array.of(2));
        const idView = { buffer: ids, dtype: "i32", shape: [1], strides: [1], offset: 0 } as const;
        const out = bench.output("f32", [1, 1]);
        backend.run("gather", [out], [rows, idView], {});
        backend.run("gather", [out], [rows, idView], {});
        const error = await backend.synchronize().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expectThat(error instanceof DeviceValueError, "expected synchronize to reject with DeviceValueError");
        await backend.synchronize();
        backend.write(ids, Int32Array.of(1));
        backend.run("gather", [out], [rows, idView], {});
        expectThat((await bench.read(out)).values[0] === 6, "expected the right row after the error");
        backend.release(ids);
        backend.release(table.buffer);
      },
    },
    {
      name: "commands / two backends side by side",
      requires: { arithmetic: ["f32"] },
      async run({ backend, create }) {
        const other = await create();
        try {
          let [mine, its] = [vector(backend, new Float32Array(1000)), vector(other, new Float32Array(1000).fill(500))];
          for (let i = 0; i < 50; i++) {
            mine = incremented(backend, mine);
            its = incremented(other, its);
          }
          expectAll(await readVector(backend, mine), () => 50);
          expectAll(await readVector(other, its), () => 550);
          expectThat(other.memory().liveBuffers === 1, `expected 1 live buffer, got ${other.memory().liveBuffers}`);
          backend.release(mine.buffer);
          other.release(its.buffer);
        } finally {
          await other[Symbol.asyncDispose]();
        }
      },
    },
    {
      name: "commands / a disposed backend refuses by name, and takes a release or a second disposal",
      async run({ create }) {
        const other = await create();
        const view = vector(other, Float32Array.of(1));
        await other[Symbol.asyncDispose]();
        await other[Symbol.asyncDispose]();
        other.release(view.buffer);
        const calls = {
          allocate: () => other.allocate(4),
          write: () => other.write(view.buffer, new Float32Array(1)),
          read: () => other.read(view.buffer, 0, 4),
          fill: () => other.run("fill", [view], [], { value: 1 }),
          synchronize: () => other.synchronize(),
        };
        for (const [operation, call] of Object.entries(calls)) await expectRefusal(operation, call);
      },
    },
  ];
}
