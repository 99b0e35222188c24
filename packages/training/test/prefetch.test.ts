import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { PrefetchLoader } from "../src/index.ts";

const worker = new URL("support/prefetch-worker.mjs", import.meta.url);
const built = existsSync(fileURLToPath(new URL("../dist/data/prefetch/serve.js", import.meta.url)));

interface Row {
  readonly at: number;
  readonly clock: number;
}

function loader(data: object, at = 0, tokens = 0): PrefetchLoader<Row> {
  const made = new PrefetchLoader<Row>({ worker, data: { end: 50, ...data }, state: { at }, tokens });
  onTestFinished(() => made.close());
  return made;
}

describe.skipIf(!built)(`batches made ahead${built ? "" : " (skipped: the package is not built)"}`, () => {
  test("come in order with their clocks and states, and end", () => {
    const ahead = loader({});
    for (let at = 0; at < 50; at++) {
      expect(ahead.state()).toEqual({ at });
      expect(ahead.next(20 * at)!.rows).toEqual([{ at, clock: 20 * at }]);
    }
    expect(ahead.next(1000)).toBeUndefined();
    expect(ahead.state()).toEqual({ at: 50 });
  });

  test("go on from a state, and are made again for a clock that was not foretold", () => {
    const ahead = loader({}, 7, 500);
    expect(ahead.next(500)!.rows).toEqual([{ at: 7, clock: 500 }]);
    expect(ahead.next(9999)!.rows).toEqual([{ at: 8, clock: 9999 }]);
    expect(ahead.state()).toEqual({ at: 9 });
    expect(ahead.next(10_019)!.rows).toEqual([{ at: 9, clock: 10_019 }]);
  });

  test("what goes wrong in their thread is thrown where they are asked for, behind those before it", () => {
    const ahead = loader({ broken: 2 });
    expect(ahead.next(0)!.rows[0]!.at).toBe(0);
    expect(ahead.next(20)!.rows[0]!.at).toBe(1);
    expect(() => ahead.next(40)).toThrow("[loader] expected ids, got others");
    expect(() => loader({ broken: "open" }).next(0)).toThrow("[loader] expected a file, got none");
  });
});
