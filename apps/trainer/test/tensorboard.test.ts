/** TensorBoard files: the bytes read by a parser of the test's own, resumed runs, and TensorBoard's own reader where it is installed. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import type { TrainingEvent } from "@modernbert-ts/training";
import { describe, expect, test } from "vitest";
import { runTraining } from "../src/run/run-training.ts";
import { crc32c } from "../src/tracking/tensorboard/record.ts";
import { openEventFile } from "../src/tracking/tensorboard/event-file.ts";
import { Trackers } from "../src/tracking/tracker.ts";
import { corpusFolder, quiet, stepEvent as eventOf, stopAfter, temporaryFolder, tinyConfig } from "./support.ts";
import { readEventFile } from "./support/event-file.ts";

const stepEvent = (step: number): TrainingEvent => eventOf(step, 5 / step, step);

test("CRC-32C gives the check values of RFC 3720 and of the catalogue", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
});

describe("an event file", () => {
  test("says its version, begins at step 0 and holds every number in f32 by its tag", async () => {
    const folder = temporaryFolder();
    const file = openEventFile(folder, []);
    file.record(stepEvent(1));
    file.record({ kind: "checkpoint", step: 1, tokens: 10, path: "x", seconds: 1 });
    file.record(stepEvent(300));
    await file.close("finished");
    const [version, begin, ...rest] = readEventFile(folder);
    expect(version).toMatchObject({ fileVersion: "brain.Event:2" });
    expect(begin).toMatchObject({ step: 0, sessionStatus: 1 });
    expect(rest.map(({ step }) => step)).toEqual([1, 300]);
    expect(rest[1]!.scalars).toMatchObject({
      "train/loss": Math.fround(5 / 300),
      "train/maskedAccuracy": Math.fround(0.1),
      "train/tokens": 3000,
    });
    expect(rest[1]!.seconds - rest[0]!.seconds).toBeCloseTo(299, 3);
  });

  test("of a run that goes on has each step once, a later name, and is alone; files of others stay", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "events.out.tfevents.1.host.other"), "");
    const first = openEventFile(folder, []);
    for (const step of [1, 2, 3]) first.record(stepEvent(step));
    await first.close("stopped");
    const [before] = readdirSync(folder).filter((name) => name.endsWith(".modernbert"));
    const second = openEventFile(folder, [stepEvent(1), stepEvent(2)]);
    for (const step of [3, 4]) second.record(stepEvent(step));
    await second.close("finished");
    expect(readEventFile(folder).map(({ step }) => step)).toEqual([0, 0, 1, 2, 3, 4]);
    const names = readdirSync(folder);
    expect(names).toHaveLength(2);
    expect(names.find((name) => name.endsWith(".modernbert"))! > before!).toBe(true);
  });
});

test("a run that is interrupted and goes on leaves the numbers of its metrics file", async () => {
  const folder = await corpusFolder();
  const config = tinyConfig(folder, { log: { tensorboard: true } });
  await runTraining(config, stopAfter(3));
  await runTraining(config, { ...quiet, resume: "auto" });
  const metrics = readMetrics(join(folder, "run", "metrics.jsonl"));
  const written = readEventFile(join(folder, "run", "tensorboard"));
  for (const [kind, tag] of [
    ["step", "train/loss"],
    ["evaluation", "held_out/loss"],
  ] as const)
    expect(written.flatMap(({ step, scalars }) => (tag in scalars ? [[step, scalars[tag]]] : []))).toEqual(
      metrics.flatMap((event) => (event.kind === kind ? [[event.step, Math.fround(event.loss)]] : [])),
    );
});

test("a tracker that fails is reported once, and the others go on", async () => {
  const notices: string[] = [];
  const trackers = new Trackers((line) => notices.push(line));
  const good: number[] = [];
  const folder = join(temporaryFolder(), "file");
  writeFileSync(folder, "");
  await trackers.add("TensorBoard", () => openEventFile(folder, []));
  let tries = 0;
  await trackers.add("bad", () => ({
    name: "bad",
    record() {
      tries++;
      throw new Error("no room");
    },
    close: async () => undefined,
  }));
  await trackers.add("good", () => ({
    name: "good",
    record: ({ step }) => void good.push(step),
    close: async () => undefined,
  }));
  for (const step of [1, 2, 3]) trackers.record(stepEvent(step));
  await trackers.close("finished");
  expect([tries, good]).toEqual([1, [1, 2, 3]]);
  expect(notices).toEqual([
    expect.stringMatching(/^TensorBoard gets no more of this run: \[tensorboard\] .*file.*; training goes on$/),
    "bad gets no more of this run: no room; training goes on",
  ]);
});

/** `TENSORBOARD_PYTHON`: a Python with tensorboard installed; otherwise the one of the path. */
const python = process.env["TENSORBOARD_PYTHON"] ?? "python3";
const reader = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
`;

const loss = (steps: number[]): [number, number][] => steps.map((step) => [step, Math.fround(5 / step)]);

test("TensorBoard's own reader reads it, before and after the run goes on", async ({ skip }) => {
  try {
    execFileSync(python, ["-c", "import tensorboard"], { stdio: "ignore" });
  } catch {
    skip("there is no tensorboard: pip install tensorboard, or name a Python that has it in TENSORBOARD_PYTHON");
  }
  const folder = join(temporaryFolder(), "tensorboard");
  mkdirSync(folder);
  const read = (): Record<string, [number, number][]> =>
    JSON.parse(execFileSync(python, ["-c", reader, folder], { encoding: "utf8", stdio: "pipe" })) as never;
  const file = openEventFile(folder, []);
  for (const step of [1, 2, 3]) file.record(stepEvent(step));
  await file.close("stopped");
  expect(read()["train/loss"]).toEqual(loss([1, 2, 3]));
  const more = openEventFile(folder, [stepEvent(1)]);
  more.record(stepEvent(2));
  await more.close("finished");
  expect(read()["train/loss"]).toEqual(loss([1, 2]));
}, 60_000);
