import { expect, test, vi } from "vitest";
import type { PackedBatch } from "@modernbert-ts/encoder";
import { Scheduler } from "../src/batching/scheduler.ts";
import { ServeError } from "../src/errors.ts";
import { BatchFailedError, WorkerGoneError } from "../src/model/model-worker.ts";
import type { WorkerState } from "../src/model/model-worker.ts";
import type { Task, TaskResult } from "../src/model/protocol.ts";

/** Computes [first id] for each sequence, when it is let. */
class FakeWorker {
  state: WorkerState = "ready";
  readonly batches: number[][][] = [];
  /** When set, batches wait for `open`. */
  #gate: Promise<void> | undefined;
  open: () => void = () => {};
  /** Batches with such a first id fail. */
  bad: number | undefined;
  gone = false;
  /** Called by each batch. */
  work: () => void = () => {};

  shut(): void {
    this.#gate = new Promise((resolve) => (this.open = resolve));
  }

  async run(_task: Task, { ids, cuSeqlens }: PackedBatch): Promise<readonly TaskResult[]> {
    const sequences = Array.from(cuSeqlens.subarray(1), (end, index) => [...ids.subarray(cuSeqlens[index], end)]);
    this.batches.push(sequences);
    this.work();
    await this.#gate;
    if (this.gone) throw new WorkerGoneError("gone");
    if (sequences.some(([first]) => first === this.bad)) throw new BatchFailedError("bad sequence");
    return sequences.map(([first]) => Float32Array.of(first!));
  }
}

const embed: Task<"embed"> = { name: "embed", options: { pooling: "cls" } };
const forever = new AbortController().signal;
const ids = (first: number, length = 2): Int32Array => Int32Array.from({ length }, () => first);
const turns = async (count = 5): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

function setup(maxTokens = 1000): {
  worker: FakeWorker;
  scheduler: Scheduler;
  run: (...firsts: number[]) => Promise<number[]>;
} {
  const worker = new FakeWorker();
  const scheduler = new Scheduler(worker, { maxTokens, maxRequests: 100 });
  const run = async (...firsts: number[]): Promise<number[]> => {
    const timed = await scheduler.run(
      embed,
      firsts.map((first) => ids(first)),
      forever,
    );
    return timed.map(({ result }) => (result as Float32Array)[0]!);
  };
  return { worker, scheduler, run };
}

test("an idle model takes at once what is there; what comes meanwhile is one batch, and answers keep their order", async () => {
  const { worker, run } = setup();
  worker.shut();
  const first = run(1);
  await turns();
  expect(worker.batches).toEqual([[[1, 1]]]);
  const later = Promise.all([run(2, 3), run(4)]);
  await turns();
  worker.open();
  expect(await first).toEqual([1]);
  expect(await later).toEqual([[2, 3], [4]]);
  expect(worker.batches.slice(1)).toEqual([
    [
      [2, 2],
      [3, 3],
      [4, 4],
    ],
  ]);
});

test("members of a failed batch are tried one by one: only the bad one fails", async () => {
  const { worker, run } = setup();
  worker.bad = 2;
  const [one, two, three] = await Promise.allSettled([run(1), run(2), run(3)]);
  expect(one).toEqual({ status: "fulfilled", value: [1] });
  expect(two).toMatchObject({ status: "rejected", reason: { type: "Backend", status: 424, message: "bad sequence" } });
  expect(three).toEqual({ status: "fulfilled", value: [3] });
  expect(worker.batches.map((batch) => batch.length)).toEqual([3, 1, 1, 1]);
});

test("what waits is dropped when its caller goes away, and when a sibling fails", async () => {
  const { worker, scheduler, run } = setup(4);
  worker.shut();
  worker.bad = 5;
  const first = run(1);
  await turns();
  const gone = new AbortController();
  const aborted = scheduler.run(embed, [ids(2)], gone.signal);
  const failing = run(5, 6, 7, 8);
  await turns();
  gone.abort(new ServeError("Validation", "gone", { status: 499 }));
  await expect(aborted).rejects.toMatchObject({ status: 499 });
  worker.open();
  expect(await first).toEqual([1]);
  await expect(failing).rejects.toMatchObject({ status: 424 });
  await turns();
  expect(worker.batches.flat().map(([id]) => id)).toEqual([1, 5, 6, 5]);
});

test("a worker that dies fails its batch with 503; what waits stays for the next worker", async () => {
  const { worker, scheduler, run } = setup(2);
  worker.shut();
  worker.gone = true;
  const first = run(1);
  await turns();
  const second = run(2);
  await turns();
  worker.state = "loading";
  worker.open();
  await expect(first).rejects.toMatchObject({ type: "Unhealthy", status: 503 });
  await turns();
  expect(worker.batches.length).toBe(1);
  worker.gone = false;
  worker.state = "ready";
  scheduler.schedule();
  expect(await second).toEqual([2]);
});

test("rejectAll fails what waits and what is being computed", async () => {
  const { worker, scheduler, run } = setup(2);
  worker.shut();
  const both = Promise.allSettled([run(1), run(2)]);
  await turns();
  scheduler.rejectAll(new ServeError("Unhealthy", "stop"));
  expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("batches of a slow model are kept to about a second of work", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { worker, scheduler } = setup(10_000);
    worker.work = () => vi.advanceTimersByTime(1_000); // a batch takes a second, whatever its size
    await scheduler.run(embed, [ids(1, 800)], forever);
    await scheduler.run(embed, [ids(2, 300), ids(3, 300), ids(4, 300)], forever);
    expect(worker.batches.map((batch) => batch.map(({ length }) => length))).toEqual([[800], [300, 300], [300]]);
  } finally {
    vi.useRealTimers();
  }
});

test("a sequence without tokens is that request's error, not the end of the process", async () => {
  const { scheduler, run } = setup();
  await expect(scheduler.run(embed, [new Int32Array(0)], forever)).rejects.toThrow(ServeError);
  expect(await run(7)).toEqual([7]);
});
