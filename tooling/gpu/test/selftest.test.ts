/** The self-test's own rules: what bundle is refused, what becomes of a stage that hangs or fails. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

/** Untyped: these modules are plain JavaScript. */
async function load(name: string): Promise<Record<string, never>> {
  return (await import(new URL(`../selftest/${name}.mjs`, import.meta.url).href)) as Record<string, never>;
}
type Any = (...args: unknown[]) => unknown;
const { checkBundle, writeManifest } = (await load("manifest")) as Record<string, Any>;
const { sourcesChecksum } = (await load("sources")) as Record<string, Any>;
const { runLimited } = (await load("limit")) as unknown as { runLimited: (...args: unknown[]) => Promise<string> };
const recorder = (await load("recorder")) as unknown as {
  Recorder: new (...args: unknown[]) => { part: Any; end: Any };
  Skip: new (reason: string) => Error;
  readResult: (folder: string, stage: string) => { outcome: string; parts: Record<string, unknown>[] };
  noteOutcome: Any;
};

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "modernbert-selftest-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that ended may wait for its parent to look at it. */
function isRunning(pid: number): boolean {
  const state = `/proc/${pid}/stat`;
  return existsSync(state) && !/\) [ZX] /.test(readFileSync(state, "utf8"));
}

function write(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const bundle = (): string => join(folder, "runs/bundle");

describe("a bundle", () => {
  beforeEach(() => {
    write("packages/backend-cuda/package.json", "{}");
    for (const name of ["tooling/gpu/a.mjs", "tooling/bench/b.mjs"]) write(name, name);
    write("runs/bundle/code/main.js", "1");
    write("runs/bundle/node.xz", "2");
    writeManifest!(bundle(), { commit: "abc", sources: sourcesChecksum!(folder) });
  });

  test("as it was made is taken, with what a run adds", () => {
    write("runs/bundle/results/probe.json", "{}");
    write("runs/bundle/node", "");
    expect(checkBundle!(bundle())).toBeUndefined();
  });

  test.each([
    ["a changed file", "runs/bundle/code/main.js", "expected code/main.js as it was bundled, found it changed"],
    ["a file too many", "runs/bundle/code/more.js", "expected no code/more.js in the bundle"],
    ["other sources around it", "tooling/gpu/a.mjs", "expected the sources of commit abc, found others"],
  ])("with %s is refused", (_, file, message) => {
    write(file, "other");
    expect(() => checkBundle!(bundle())).toThrow(message);
  });

  test("without a file, or without a manifest, is refused", () => {
    rmSync(join(bundle(), "node.xz"));
    expect(() => checkBundle!(bundle())).toThrow("expected the bundle to have node.xz");
    rmSync(join(bundle(), "manifest.json"));
    expect(() => checkBundle!(bundle())).toThrow("found none: make it again (pnpm gpu:bundle)");
  });

  test("away from a checkout is taken whatever the sources are", () => {
    write("tooling/gpu/a.mjs", "other");
    rmSync(join(folder, "packages/backend-cuda/package.json"));
    expect(checkBundle!(bundle())).toBeUndefined();
  });
});

describe("a stage", () => {
  test("that hangs is killed with all that it started, and keeps its parts", async () => {
    const stage = fileURLToPath(new URL("support/hanging-stage.mjs", import.meta.url));
    const outcome = await runLimited([process.execPath, stage, folder], 4, { stdio: "ignore" });
    expect(outcome).toBe("stopped after 4 s");
    recorder.noteOutcome(folder, "hanging", outcome);
    const { parts, ...result } = recorder.readResult(folder, "hanging");
    expect(result).toMatchObject({ outcome: "stopped after 4 s", device: "none" });
    expect(parts).toMatchObject([{ name: "found" }]);
    await vi.waitFor(() => expect(isRunning(parts[0]!["pid"] as number)).toBe(false));
  });

  test("that fails is noted, with nothing else to tell", async () => {
    const outcome = await runLimited([process.execPath, "-e", "process.exit(3)"], 60);
    expect(outcome).toBe("ended with code 3");
    recorder.noteOutcome(folder, "failing", outcome);
    expect(recorder.readResult(folder, "failing")).toEqual({ stage: "failing", outcome, parts: [] });
  });

  test("writes each part as it is found: numbers, reasons, failures", async () => {
    const record = new recorder.Recorder(folder, "kernels", {}, /^(speed|gone|wrong)/);
    const parts = (): unknown => recorder.readResult(folder, "kernels").parts;
    await record.part("speed", () => ({ milliseconds: 2 }));
    expect(parts()).toMatchObject([{ name: "speed", milliseconds: 2 }]);
    await record.part("gone", () => {
      throw new recorder.Skip("there is no peer");
    });
    await record.part("wrong", () => {
      throw new Error("other words");
    });
    await record.part("unwanted", () => ({}));
    expect(parts()).toMatchObject([
      {},
      { skipped: "there is no peer" },
      { failed: expect.stringContaining("other words") as string },
    ]);
    expect(recorder.readResult(folder, "kernels").outcome).toBe("running");
    record.end("done");
    expect(recorder.readResult(folder, "kernels").outcome).toBe("complete");
  });
});
