/** The native stream, with commands written by hand: what no encoder writes ends the stream and not the process; guards find writes outside. */
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { loadAddon } from "../src/addon.ts";
import type { Addon } from "../src/addon.ts";
import { createCudaBackend } from "../src/index.ts";
import { findLibrary } from "../src/locate.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

function open(): { readonly addon: Addon; readonly stream: number } {
  const addon = loadAddon(findLibrary("emulated")!);
  const stream = addon.createStream(0, 0, "");
  onTestFinished(() => addon.destroyStream(stream));
  return { addon, stream };
}

/** A command without views. */
function command(operation: number, ...attributes: readonly number[]): Uint8Array {
  const bytes = 16 + 8 * attributes.length;
  const words = Int32Array.of(operation, 0, bytes, 0);
  return Buffer.concat([new Uint8Array(words.buffer), new Uint8Array(Float64Array.from(attributes).buffer)]);
}

/** Runs commands and gives the error of the first `count`, if any. */
function run(
  { addon, stream }: ReturnType<typeof open>,
  count: number,
  commands: readonly Uint8Array[],
): string | undefined {
  for (const each of commands) addon.submit(stream, each, each.byteLength);
  while (!addon.waitBlocking(stream, count, 50));
  return addon.takeError(stream, count);
}

describe("bytes that are no commands", () => {
  test.for([
    ["an operation above all", [9999, 0, 16, 0]],
    ["an operation below all", [-99, 0, 16, 0]],
    ["views that do not fit", [0, 7, 16, 0]],
    ["fewer views than none", [0, -1, 16, 0]],
    ["a length beyond the end", [0, 0, 64, 0]],
    ["a length of nothing", [0, 0, 0, 0]],
  ] as const)("%s", ([, words]) => {
    const error = run(open(), 1, [new Uint8Array(Int32Array.from(words).buffer)]);
    expect(error).toBe("lost\ncuda\nexpected whole commands of this library after command 0, got other bytes");
  });
});

describe("guards", () => {
  const [write, guard, check] = [-1, -5, -6];

  test.for([
    [-8, -8],
    [1024, 1024],
    [1020, 1024],
    [-256, -256],
    [1272, 1272],
  ] as const)("find a write at byte %i", ([at, seen]) => {
    const opened = open();
    const buffer = opened.addon.allocate(opened.stream, 4096) + 256;
    const commands = [command(guard, buffer, 1024), command(write, buffer + at, 8, 7), command(check, buffer, 1024)];
    expect(run(opened, 3, commands)).toBe(
      `value\nguard\nexpected writes inside buffers only, got one at byte ${seen} of a buffer of 1024 bytes, before command 3; the last commands were write`,
    );
  });

  test("find nothing where writes stay inside", () => {
    const opened = open();
    const buffer = opened.addon.allocate(opened.stream, 4096) + 256;
    const inside = [0, 8, 1016].map((at) => command(write, buffer + at, 8, 7));
    expect(run(opened, 5, [command(guard, buffer, 1024), ...inside, command(check, buffer, 1024)])).toBe(undefined);
  });
});

test("a fault in a replay is that of the replay's number, whether a graph ran or not", () => {
  const opened = open();
  const { addon, stream } = opened;
  const buffer = addon.allocate(stream, 4096) + 256;
  run(opened, 2, [command(-5, buffer, 1024), command(-1, buffer + 1024, 8, 7)]);
  const recording = command(-6, buffer, 1024);
  const kept = addon.allocateHost(stream, recording.byteLength);
  addon.copyIn(kept, recording);
  for (let number = 3; number < 7; number++) {
    const error = run(opened, number, [command(-4, kept, recording.byteLength)]);
    expect(error).toContain(`before command ${number};`);
    addon.submit(stream, command(-4, kept, recording.byteLength), 32);
    while (!addon.waitBlocking(stream, ++number, 50));
    expect(addon.takeError(stream, number - 1)).toBe(undefined);
    expect(addon.takeError(stream, number)).toContain(`before command ${number};`);
  }
});

test("a timeline has a line for each command: name, time, bytes of its views", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-timeline-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "timeline.json");
  vi.stubEnv("MODERNBERT_CUDA_TIMELINE", path);
  const backend = await createCudaBackend({ emulate: true });
  const view = {
    buffer: backend.allocate(4000),
    dtype: "f32",
    shape: [10, 100],
    strides: [100, 1],
    offset: 0,
  } as const;
  const replay = backend.capture!(() => backend.run("iota", [view], [], { start: 0, step: 1 }));
  backend.run("fill", [view], [], { value: 1 });
  for (let each = 0; each < 3; each++) replay.run();
  await backend[Symbol.asyncDispose]();
  const events = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>[];
  const kernels = events.filter(({ name }) => name === "fill" || name === "iota");
  expect(kernels.map(({ name }) => name)).toEqual(["fill", "iota", "iota", "iota"]);
  for (const each of kernels) expect(each).toMatchObject({ ph: "X", args: { bytes: 4000 } });
  const ends = events.map(({ ts, dur }) => [ts as number, (ts as number) + (dur as number)] as const);
  ends.forEach(([from, to], at) => {
    expect(to).toBeGreaterThanOrEqual(from);
    if (at > 0) expect(from).toBeGreaterThanOrEqual(ends[at - 1]![1] - 0.01);
  });
});

test("a timeline that cannot be written is refused by name", async () => {
  vi.stubEnv("MODERNBERT_CUDA_TIMELINE", "/nowhere/timeline.json");
  await expect(createCudaBackend({ emulate: true })).rejects.toThrow(
    "MODERNBERT_CUDA_TIMELINE, got /nowhere/timeline.json",
  );
});
