/** What each rank of a test does: argument 1 names it. Prints one line of JSON; runs the built packages. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { joinMpi } from "@modernbert-ts/collective-mpi";
import { messageOf, rankOn, reporter } from "../../device-kit/test/support/rank.mjs";

const [, , scenario, silence = "20"] = process.argv;
const ranks = await joinMpi({ silence: Number(silence) });
const { rank, world } = ranks;
const backend = await createCpuBackend({ engine: "native", threads: 1 });
const collective = ranks.collective(backend);

const report = reporter(rank);
const { viewOf, put, get, own, sumBeside } = rankOn(backend, collective, { rank, world });

const scenarios = {
  async operations() {
    const values = Float32Array.from({ length: 7 }, (_, at) => own(at));
    const sum = put(values);
    const other = put(values);
    const apart = viewOf("f32", [7]);
    const most = put(values);
    const whole = put(Int32Array.from([rank, 10 + rank, -rank]), "i32");
    collective.allReduce(sum);
    collective.group(() => {
      collective.allReduce(other, apart);
      collective.allReduce(whole, whole, "max");
      collective.allReduce(most, most, "max");
    });
    const part = viewOf("f32", [2]);
    collective.reduceScatter(put(Float32Array.from({ length: 2 * world }, (_, at) => 100 * rank + at)), part);
    const all = viewOf("f32", [3 * world]);
    collective.allGather(put(values.subarray(0, 3)), all);
    const told = put(values);
    collective.broadcast(told, world - 1);
    // Columns of a matrix, and a sum in 16 bits: both by way of copies.
    const matrix = viewOf("f32", [2, 3]);
    backend.write(
      matrix.buffer,
      Float32Array.from({ length: 6 }, (_, at) => at + 10 * rank),
    );
    collective.allReduce({ ...matrix, shape: [2], strides: [3], offset: 1 });
    const half = put(Uint16Array.of(0x3f80, 0x3f80 + rank), "bf16");
    collective.allReduce(half);
    const beside = sumBeside(values);
    await collective.barrier();
    report({
      values: Array.from(values),
      sum: await get(sum),
      apart: await get(apart),
      most: await get(most),
      whole: await get(whole, Int32Array),
      part: await get(part),
      all: await get(all),
      told: await get(told),
      matrix: await get({ ...matrix, shape: [6] }),
      half: await get(half, Uint16Array),
      beside: await beside(),
    });
  },
  /** Several blocks, on several views, with parts that are not even. */
  async large() {
    const sizes = [1_000_001, 5, 300_000];
    const views = sizes.map((size) => put(Float32Array.from({ length: size }, (_, at) => own(at))));
    const began = performance.now();
    collective.group(() => views.forEach((view) => collective.allReduce(view)));
    await collective.barrier();
    const milliseconds = performance.now() - began;
    let wrong = 0;
    for (const view of views)
      (await get(view)).forEach((value, at) => {
        let expected = 0;
        for (let each = 0; each < world; each++)
          expected = Math.fround(expected + Math.fround(Math.sin(1 + at * world + each) * 10 ** (at % 7)));
        if (value !== expected) wrong++;
      });
    report({ wrong, milliseconds });
  },
  async abort() {
    const view = put(Float32Array.of(1));
    if (rank === 0) {
      collective.abort(new Error("power\nfailure"));
      report({
        read: await messageOf(get(view)),
        again: await messageOf(get(view)),
        barrier: await messageOf(collective.barrier()),
      });
    } else {
      collective.allReduce(view);
      report({ read: await messageOf(get(view)), again: await messageOf(get(view)) });
    }
  },
  async different() {
    const view = put(new Float32Array(4));
    if (rank === 0) collective.allReduce(view);
    else collective.broadcast(view);
    report({ read: await messageOf(get(view)) });
  },
  /** The last rank stands still, and the launcher does not see it. */
  async lost() {
    const view = put(Float32Array.of(1));
    if (rank === world - 1) process.kill(process.pid, "SIGSTOP");
    collective.allReduce(view);
    report({ read: await messageOf(get(view)) });
    process.exit(3);
  },
};
await scenarios[scenario]();
await backend[Symbol.asyncDispose]();
await ranks[Symbol.asyncDispose]();
