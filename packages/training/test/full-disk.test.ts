/** A disk that fills up while a model trains. */
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { TrainingEvent } from "../src/loop/events.ts";
import { readMetrics } from "../src/loop/metrics-log.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { parametersOf } from "./support/tiny-training.ts";
import { totalTokens, train } from "./support/train.ts";

function full(): never {
  throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
}

describe("a full disk", () => {
  test("does not end training: lines wait, a checkpoint is tried again, and each is said once", async () => {
    const whole = await train(temporaryFolder());
    const folder = temporaryFolder();
    const notices: string[] = [];
    const spies = [vi.spyOn(fs, "writeSync"), vi.spyOn(fs, "mkdirSync")];
    const onEvent = ({ kind, step }: TrainingEvent): void => {
      if (kind !== "step") return;
      if (step === 2) for (const spy of spies) spy.mockImplementation(full);
      if (step === 6) for (const spy of spies) spy.mockRestore();
    };
    const { result, events, training } = await train(folder, onEvent, { onNotice: (line) => notices.push(line) });
    expect(result.reason).toBe("finished");
    expect(await parametersOf(training.model)).toEqual(await parametersOf(whole.training.model));
    expect(readMetrics(join(folder, "metrics.jsonl"))).toEqual(events);
    expect(notices).toEqual([
      expect.stringMatching(/metrics\.jsonl: the disk is full; .*; training goes on, what was to be written waits$/),
      expect.stringMatching(/step-00000004: the disk is full; .*training goes on and saves again later$/),
    ]);
    expect(events.flatMap((event) => (event.kind === "checkpoint" ? event.step : []))).not.toContain(4);
    expect(result.checkpoint).toContain(`step-0000000${result.step}`.slice(-8));
  });

  test("ends it where nothing is left to train: the result would be lost", async () => {
    const folder = temporaryFolder();
    let spy: { mockRestore(): void } | undefined;
    const onEvent = ({ kind, tokens }: TrainingEvent): void => {
      if (kind === "step" && tokens >= totalTokens) spy = vi.spyOn(fs, "mkdirSync").mockImplementation(full);
    };
    await expect(train(folder, onEvent)).rejects.toThrow("the disk is full");
    spy?.mockRestore();
  });
});
