/** Answers while typing: one at a time, the latest wins. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { latest } from "../src/latest.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A `run` whose answers are given by hand. */
function slow() {
  const running: { input: string; finish: () => void }[] = [];
  const run = (input: string): Promise<string> =>
    new Promise((resolve) => running.push({ input, finish: () => resolve(input.toUpperCase()) }));
  return { running, run, inputs: () => running.map(({ input }) => input) };
}

test("waits for a pause in typing", async () => {
  const { run, inputs } = slow();
  const { ask } = latest(100, run, () => {});
  for (const text of ["a", "ab", "abc"]) {
    ask(text);
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(inputs()).toEqual([]);
  await vi.advanceTimersByTimeAsync(60);
  expect(inputs()).toEqual(["abc"]);
});

test("runs one at a time, skips what was overtaken, and shows only the latest answer", async () => {
  const { running, run, inputs } = slow();
  const shown: string[] = [];
  const { ask } = latest(10, run, (answer) => shown.push(answer));
  for (const text of ["a", "b", "c"]) {
    ask(text);
    await vi.advanceTimersByTimeAsync(20);
  }
  expect(inputs()).toEqual(["a"]);
  running[0]!.finish();
  await vi.advanceTimersByTimeAsync(0);
  expect(inputs()).toEqual(["a", "c"]);
  running[1]!.finish();
  await vi.advanceTimersByTimeAsync(0);
  expect(shown).toEqual(["C"]);
});

test("an answer to what was cancelled is not shown", async () => {
  const { running, run } = slow();
  const shown: string[] = [];
  const { ask, cancel } = latest(10, run, (answer) => shown.push(answer));
  ask("a");
  await vi.advanceTimersByTimeAsync(20);
  cancel();
  running[0]!.finish();
  await vi.advanceTimersByTimeAsync(20);
  expect(shown).toEqual([]);
});
