/** What each rank of a test does: argument 1 names it. Prints one line of JSON; runs the built packages, on the emulated device. */
import { createCudaBackend } from "@modernbert-ts/backend-cuda";
import { joinNccl } from "@modernbert-ts/collective-nccl";
import { messageOf, rankOn, reporter } from "../../device-kit/test/support/rank.mjs";

const [, , scenario] = process.argv;
const [rank, world] = [process.env.RANK, process.env.WORLD_SIZE].map(Number);
const report = reporter(rank);
if (scenario === "refused") {
  report({ refused: await messageOf(joinNccl({ rank, world, patience: 2 })) });
  process.exit(0);
}
const ranks = await joinNccl({ rank, world, patience: 50 });
const backend = await createCudaBackend({ emulate: true });
const collective = ranks.collective(backend);

const { viewOf, put, get, own, sumBeside } = rankOn(backend, collective, { rank, world });

const scenarios = {
  async operations() {
    const values = Float32Array.from({ length: 7 }, (_, at) => own(at));
    const sum = put(values);
    const other = put(values);
    const most = put(values);
    const whole = put(Int32Array.from([rank, 10 + rank, -rank]), "i32");
    const large = put(new Float32Array(100_000).fill(1 + rank));
    collective.allReduce(sum);
    collective.group(() => {
      collective.allReduce(other);
      collective.allReduce(large);
      collective.allReduce(whole, whole, "max");
      collective.allReduce(most, most, "max");
    });
    const part = viewOf("f32", [2]);
    collective.reduceScatter(put(Float32Array.from({ length: 2 * world }, (_, at) => 100 * rank + at)), part);
    const all = viewOf("f32", [3 * world]);
    collective.allGather(put(values.subarray(0, 3)), all);
    const told = put(values);
    collective.broadcast(told, world - 1);
    // Columns of a matrix by way of a copy; 16 bits as they are.
    const matrix = put(Float32Array.from({ length: 6 }, (_, at) => at + 10 * rank));
    collective.allReduce({ ...matrix, shape: [2], strides: [3], offset: 1 });
    const half = put(Uint16Array.of(0x3f80, 0x3f80 + rank), "bf16");
    collective.allReduce(half);
    const beside = sumBeside(values);
    await collective.barrier();
    report({
      values: Array.from(values),
      sum: await get(sum),
      other: await get(other),
      most: await get(most),
      large: [...new Set(await get(large))],
      whole: await get(whole, Int32Array),
      part: await get(part),
      all: await get(all),
      told: await get(told),
      matrix: await get(matrix),
      half: await get(half, Uint16Array),
      beside: await beside(),
    });
  },
  /** The first replay runs command by command, the second makes a graph, the third launches it. */
  async captured() {
    const view = put(Float32Array.of(1 + rank));
    const replay = backend.capture(() => {
      collective.beside(() => collective.allReduce(view));
      collective.settle();
      collective.allReduce(view);
    });
    const seen = [];
    for (let time = 0; time < 3; time++) {
      replay.run();
      seen.push((await get(view))[0]);
    }
    replay.dispose();
    report({ seen });
  },
  async abort() {
    const view = put(Float32Array.of(1));
    const met = collective.barrier();
    if (rank === 0) {
      await met;
      collective.abort(new Error("power\nfailure"));
    } else collective.allReduce(view);
    // A rank may hear of it while it is still in the barrier.
    report({ read: await messageOf(met.then(() => get(view))), again: await messageOf(get(view)) });
  },
  async lost() {
    const view = put(Float32Array.of(1));
    const met = collective.barrier();
    if (rank === world - 1) {
      await met;
      process.kill(process.pid, "SIGKILL");
    }
    collective.allReduce(view);
    report({ read: await messageOf(met.then(() => get(view))) });
  },
  async broken() {
    const view = put(Float32Array.of(1));
    for (let time = 0; time < 3; time++) collective.allReduce(view);
    await messageOf(get(view));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    collective.abort(new Error("too late"));
    report({ read: await messageOf(get(view)) });
  },
};
await scenarios[scenario]();
await backend[Symbol.asyncDispose]();
await ranks[Symbol.asyncDispose]();
