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
  speed: number | undefined;
  loadTime = 100;
  readonly replaced: string[] = [];
  /** Called by each batch. */
  work: () => void = () => {};

  replace(_why: string, reason: "wanted" | "broken"): void {
    this.replaced.push(reason);
    this.state = "loading";
    this.gone = true;
    this.open();
  }

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
  const scheduler = new Scheduler(worker, { maxTokens, maxRequests: 100, patience: 1000 });
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
      [4, 4],
      [3, 3],
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

const lengths = (worker: FakeWorker): number[][] => worker.batches.map((batch) => batch.map(({ length }) => length));

test("batches of a slow model are kept to about half a second of work", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { worker, scheduler } = setup(10_000);
    worker.work = () => vi.advanceTimersByTime(1_000); // a batch takes a second, whatever its size
    await scheduler.run(embed, [ids(1, 1600)], forever);
    await scheduler.run(embed, [ids(2, 300), ids(3, 300), ids(4, 300)], forever);
    expect(lengths(worker)).toEqual([[1600], [300, 300], [300]]);
  } finally {
    vi.useRealTimers();
  }
});

test("the first batch is small while nothing is known of the model's speed, of each task; as large as the speed that the worker measured allows", async () => {
  const texts = Array.from({ length: 4 }, (_, index) => ids(index, 128));
  const { worker, scheduler } = setup(10_000);
  worker.work = () => (worker.speed = 0.768);
  await scheduler.run(embed, texts, forever);
  expect(lengths(worker)[0]).toEqual([128, 128]);
  await scheduler.run({ name: "fill-mask", options: {} }, texts, forever);
  expect(worker.batches.at(-2)!.length).toBe(3);
});

test("a single that comes while a bulk is computed is in the next batch", async () => {
  const { worker, scheduler, run } = setup(256);
  worker.shut();
  const bulk = scheduler.run(
    embed,
    Array.from({ length: 100 }, (_, index) => ids(index, 250)),
    forever,
  );
  await turns();
  let answered = 0;
  const single = run(7777).then((result) => ((answered = worker.batches.length), result));
  await turns();
  worker.open();
  expect(await single).toEqual([7777]);
  expect(answered).toBe(2);
  expect((await bulk).length).toBe(100);
});

test("a long batch that nobody waits for any more is given up where the model is sooner there again; a short one is let end", async () => {
  const { worker, scheduler } = setup();
  worker.speed = 0.01;
  const leave = async (tokens: number): Promise<void> => {
    worker.shut();
    const gone = new AbortController();
    const aborted = scheduler.run(embed, [ids(1, tokens)], gone.signal);
    await turns();
    gone.abort(new ServeError("Validation", "gone", { status: 499 }));
    await expect(aborted).rejects.toMatchObject({ status: 499 });
  };
  await leave(2);
  expect(worker.replaced).toEqual([]);
  worker.open();
  await turns();
  await leave(200_000);
  expect(worker.replaced).toEqual(["wanted"]);
});

test("a batch that somebody still waits for is not given up, one that takes ten times as long as expected is broken off", async () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  try {
    const { worker, scheduler } = setup();
    worker.speed = 0.01;
    worker.shut();
    const gone = new AbortController();
    const leaving = scheduler.run(embed, [ids(1, 100)], gone.signal).catch(() => {});
    const staying = scheduler.run(embed, [ids(2, 100)], forever).catch((error: unknown) => error);
    await turns();
    gone.abort(new Error("gone"));
    await leaving;
    vi.advanceTimersByTime(199_000);
    expect(worker.replaced).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(worker.replaced).toEqual(["broken"]);
    expect(await staying).toMatchObject({ type: "Unhealthy", status: 503 });
  } finally {
    vi.useRealTimers();
  }
});

test("a sequence without tokens is that request's error, not the end of the process", async () => {
  const { scheduler, run } = setup();
  await expect(scheduler.run(embed, [new Int32Array(0)], forever)).rejects.toThrow(ServeError);
  expect(await run(7)).toEqual([7]);
});
