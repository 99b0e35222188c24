import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const built = existsSync(fileURLToPath(new URL("../dist/data/prefetch/serve.js", import.meta.url)));
const script = fileURLToPath(new URL("support/prefetch-run.mjs", import.meta.url));

/** What a loader that stands at `at` gives for these clocks. */
function ask(data: object, at: number, clocks: readonly number[]): unknown[] {
  const given = [data, at, clocks].map((value) => JSON.stringify(value));
  return JSON.parse(execFileSync(process.execPath, [script, ...given], { encoding: "utf8" })) as unknown[];
}

const batch = (at: number, clock: number): object => ({ rows: [{ at, clock }], state: { at: at + 1 } });

const ended = (reason: string): string =>
  `[loader] expected batches from the thread that makes them ahead, got its end (${reason}): go on from the last checkpoint, or set data.prefetch to 0`;

describe.skipIf(!built)(`batches made ahead${built ? "" : " (skipped: the package is not built)"}`, () => {
  test("come in order with their clocks and states, and end", () => {
    const clocks = Array.from({ length: 51 }, (_, at) => 20 * at);
    const batches = clocks.slice(0, 50).map((clock, at) => batch(at, clock));
    expect(ask({}, 0, clocks)).toEqual([...batches, { rows: "end", state: { at: 50 } }]);
  });

  test("go on from a state, and are made again for a clock that was not foretold", () => {
    const expected = [batch(7, 500), batch(8, 9999), batch(9, 10_019)];
    expect(ask({}, 7, [500, 9999, 10_019])).toEqual(expected);
  });

  test("what goes wrong in their thread is thrown where they are asked for, behind those before it", () => {
    const expected = [batch(0, 0), batch(1, 20), "[loader] expected ids, got others"];
    expect(ask({ broken: 2 }, 0, [0, 20, 40])).toEqual(expected);
    expect(ask({ broken: "open" }, 0, [0])).toEqual(["[loader] expected a file, got none"]);
  });

  test("a thread that ends is an error at once, with its reason, each time a batch is asked for", () => {
    expect(ask({ dies: 1 }, 0, [0, 20, 20])).toEqual([batch(0, 0), ended("exit code 3"), ended("exit code 3")]);
    expect(ask({ dies: "at once" }, 0, [0])).toEqual([ended("no such module")]);
  });
});
