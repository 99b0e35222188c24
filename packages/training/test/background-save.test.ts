/** Checkpoints that are written while training goes on, and which of them stay. */
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { listCheckpoints } from "../src/checkpoint/find.ts";
import { MetricsLog, readMetrics } from "../src/loop/metrics-log.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { parametersOf } from "./support/tiny-training.ts";
import { train } from "./support/train.ts";

afterEach(() => vi.restoreAllMocks());

async function fileHandles(): Promise<FileHandle> {
  const handle = await open(import.meta.filename);
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

test("a slow disk holds no step up, and what is saved is of its own step", async () => {
  const whole = await train(temporaryFolder());
  const folder = temporaryFolder();
  let release: (() => void) | undefined;
  const slow = new Promise<void>((resolve) => (release = resolve));
  const spy = vi.spyOn(await fileHandles(), "sync").mockReturnValue(slow);
  const order: string[] = [];
  const interrupted = train(
    folder,
    ({ kind, step }) => {
      order.push(`${kind} ${step}`);
      // The checkpoint of step 4 is on its way until then.
      if (kind === "step" && step === 7) release!();
      if (kind === "checkpoint") throw new Error("power failure");
    },
    { evaluation: { every: { steps: 100 }, score: () => Promise.resolve(undefined) } },
  );
  await expect(interrupted).rejects.toThrow("power failure");
  expect(order.indexOf("checkpoint 4")).toBeGreaterThan(order.indexOf("step 7"));
  spy.mockRestore();
  const { training } = await train(folder);
  expect(await parametersOf(training.model)).toEqual(await parametersOf(whole.training.model));
  const saved = readMetrics(join(folder, "metrics.jsonl")).flatMap(({ kind, step }) =>
    kind === "checkpoint" ? step : [],
  );
  expect(saved).toEqual([4, 8, 12, 16, 17]);
});

test("what the observer throws at a checkpoint ends training", async () => {
  const failing = train(temporaryFolder(), ({ kind }) => {
    if (kind === "checkpoint") throw new Error("observer");
  });
  await expect(failing).rejects.toThrow("observer");
});

test("the first at or behind each multiple of keepEvery stays, over interruptions too", async () => {
  const folder = temporaryFolder();
  const directory = join(folder, "checkpoints");
  const checkpoints = { directory, every: { steps: 2 }, keep: 1, keepEvery: { steps: 5 } };
  await train(folder, ({ kind, step }, trainer) => void (kind === "step" && step === 8 && trainer.stop()), {
    checkpoints,
  });
  const { result } = await train(folder, undefined, { checkpoints });
  expect(listCheckpoints(directory).map(({ step }) => step)).toEqual([6, 10, 16, result.step]);
});

test("a metrics file of an earlier release keeps its one line about the checkpoint", () => {
  const path = join(temporaryFolder(), "metrics.jsonl");
  const event = { kind: "checkpoint", step: 3, tokens: 8, path: "x", seconds: 1 } as const;
  for (const position of [0, JSON.stringify(event).length + 1]) {
    new MetricsLog(path, position, event).close();
    expect(readMetrics(path)).toEqual([event]);
  }
});
