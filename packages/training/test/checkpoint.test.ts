import fs from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CheckpointError } from "../src/checkpoint/errors.ts";
import { completeCheckpoints, listCheckpoints } from "../src/checkpoint/find.ts";
import { openCheckpoint, openLatestCheckpoint, restoreTensors } from "../src/checkpoint/load.ts";
import { saveCheckpoint } from "../src/checkpoint/save.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { parametersOf, tinyTraining } from "./support/tiny-training.ts";

afterEach(() => vi.restoreAllMocks());

const unexpected = (notice: string): never => {
  throw new Error(`unexpected notice: ${notice}`);
};

/** Saves step numbers as the state of otherwise equal checkpoints. */
async function save(directory: string, step: number, keep = 10): Promise<string> {
  const { model, optimizer } = tinyTraining();
  const files = { "config.json": '{"model_type":"modernbert"}' };
  return saveCheckpoint(
    { step, model: model.parameters, optimizer: optimizer.state(), state: { step }, files },
    { directory, keep },
  );
}

/** The message is one line, starts with the operation and says what to do. */
async function refusal(promise: Promise<unknown>): Promise<CheckpointError> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).toMatch(/^\[\w+\] [^\n]+$/);
  return error as CheckpointError;
}

async function fileHandlePrototype(path: string): Promise<FileHandle> {
  const handle = await open(path);
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

test("what was saved comes back, bit for bit", async () => {
  const directory = temporaryFolder();
  const saved = tinyTraining({}, 0);
  const path = await save(directory, 7);
  const checkpoint = await openCheckpoint(path);
  expect(checkpoint).toEqual({ path, step: 7, state: { step: 7 } });
  expect(fs.readFileSync(join(path, "config.json"), "utf8")).toContain("modernbert");
  const other = tinyTraining();
  for (const tensor of [...other.model.parameters.values(), ...other.optimizer.state().values()])
    other.runtime.write(tensor, new Float32Array(tensor.size).fill(0.5));
  await restoreTensors(checkpoint, "model", other.model.parameters);
  await restoreTensors(checkpoint, "optimizer", other.optimizer.state());
  expect(await parametersOf(other.model)).toEqual(await parametersOf(saved.model));
  expect(Array.from(await other.optimizer.state().get("beta_powers")!.read())).toEqual([1, 1]);
});

describe("rotation", () => {
  test("keeps the newest", async () => {
    const directory = temporaryFolder();
    for (const step of [1, 2, 3, 4]) await save(directory, step, 2);
    expect(listCheckpoints(directory).map(({ step }) => step)).toEqual([3, 4]);
    expect(fs.readdirSync(directory)).toHaveLength(2);
  });

  test("a damaged one does not count: the only complete one stays", async () => {
    const directory = temporaryFolder();
    const good = await save(directory, 1, 1);
    fs.truncateSync(join(await save(directory, 2, 2), "model.safetensors"), 10);
    const { removeOldCheckpoints } = await import("../src/checkpoint/find.ts");
    removeOldCheckpoints(directory, 2, 1);
    expect(completeCheckpoints(directory).map(({ path }) => path)).toEqual([good]);
  });

  test("never removes the one that was just written, whatever later ones there are", async () => {
    const directory = temporaryFolder();
    for (const step of [7, 8, 9, 3, 4]) await save(directory, step, 2);
    expect(listCheckpoints(directory).map(({ step }) => step)).toEqual([3, 4, 8, 9]);
  });

  test("finishes a removal that was interrupted", async () => {
    const directory = temporaryFolder();
    fs.renameSync(await save(directory, 1), join(directory, "step-00000001.removed"));
    await save(directory, 2);
    expect(fs.readdirSync(directory)).toEqual(["step-00000002"]);
  });
});

describe("a save that fails leaves the earlier checkpoint and no litter", () => {
  test.each([
    ["write", 1],
    ["write", 4],
    ["sync", 1],
    ["sync", 5],
  ] as const)("full disk at %s number %d", async (call, number) => {
    const directory = temporaryFolder();
    const earlier = await save(directory, 1);
    const before = fs.readFileSync(join(earlier, "model.safetensors"));
    const prototype = await fileHandlePrototype(join(earlier, "model.safetensors"));
    const original = prototype[call] as (...args: unknown[]) => Promise<unknown>;
    let calls = 0;
    vi.spyOn(prototype, call).mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      if (++calls === number) return Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
      return original.apply(this, args);
    } as never);
    const error = await refusal(save(directory, 2));
    expect(error.code).toBe("io");
    expect(error.message).toContain(
      "the disk is full; free some space and run again (earlier checkpoints are unchanged)",
    );
    expect(fs.readdirSync(directory)).toEqual(["step-00000001"]);
    expect(fs.readFileSync(join(earlier, "model.safetensors"))).toEqual(before);
    await openCheckpoint(earlier);
  });
});

describe("damage", () => {
  const damages: Record<string, (path: string) => void> = {
    "a flipped bit in the parameters": (path) => {
      const file = join(path, "model.safetensors");
      const bytes = fs.readFileSync(file);
      bytes[bytes.length - 3]! ^= 16;
      fs.writeFileSync(file, bytes);
    },
    "a truncated optimizer": (path) => fs.truncateSync(join(path, "optimizer.safetensors"), 100),
    "a missing file": (path) => fs.rmSync(join(path, "training.json")),
    "a missing manifest": (path) => fs.rmSync(join(path, "manifest.json")),
    "a manifest that is half there": (path) => fs.truncateSync(join(path, "manifest.json"), 30),
    "an empty manifest": (path) => fs.writeFileSync(join(path, "manifest.json"), "null"),
  };

  test("any flipped bit of the manifest is seen", async () => {
    const path = await save(temporaryFolder(), 1);
    const file = join(path, "manifest.json");
    const bytes = fs.readFileSync(file);
    const accepted: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1 << bit;
        fs.writeFileSync(file, flipped);
        const error = await openCheckpoint(path).catch((caught: unknown) => caught);
        if (!(error instanceof CheckpointError && error.code === "corrupt")) accepted.push(flipped.toString("utf8"));
      }
    }
    // White space between fields may be another: it says nothing.
    expect(
      accepted.filter((text) => text.replaceAll(/\s/g, "") !== bytes.toString("utf8").replaceAll(/\s/g, "")),
    ).toEqual([]);
  });

  test.each([
    { files: [] },
    { files: [null] },
    { files: [{ file: "../x", bytes: 1, sha256: "0".repeat(64) }] },
    { step: 7 },
    { step: "1" },
  ])("a manifest of an earlier release with %j is refused", async (change) => {
    const path = await save(temporaryFolder(), 1);
    const file = join(path, "manifest.json");
    const { fingerprint: _, ...manifest } = JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, unknown>;
    fs.writeFileSync(file, JSON.stringify(manifest));
    await openCheckpoint(path);
    fs.writeFileSync(file, JSON.stringify({ ...manifest, ...change }));
    expect((await refusal(openCheckpoint(path))).code).toBe("corrupt");
  });

  test.each(Object.keys(damages))("%s is seen; the one before is taken, with a notice", async (kind) => {
    const directory = temporaryFolder();
    const before = await save(directory, 1);
    const damaged = await save(directory, 2);
    damages[kind]!(damaged);
    expect((await refusal(openCheckpoint(damaged))).code).toBe("corrupt");
    const notices: string[] = [];
    const checkpoint = await openLatestCheckpoint(directory, (notice) => notices.push(notice));
    expect(checkpoint?.path).toBe(before);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/^\[\w+\] expected [^\n]* it was renamed to .*\.damaged, trying the one before$/);
    expect(fs.readdirSync(directory).sort()).toEqual(["step-00000001", "step-00000002.damaged"]);
    await save(directory, 2);
    expect((await openLatestCheckpoint(directory, unexpected))?.step).toBe(2);
  });

  test("when all are damaged nothing is made up", async () => {
    const directory = temporaryFolder();
    fs.rmSync(join(await save(directory, 1), "manifest.json"));
    const error = await refusal(openLatestCheckpoint(directory, () => undefined));
    expect(error.code).toBe("corrupt");
    expect(error.message).toContain("start anew without --resume");
  });

  test("no checkpoint at all is not an error", async () => {
    expect(await openLatestCheckpoint(join(temporaryFolder(), "none"), unexpected)).toBeUndefined();
    expect((await refusal(openCheckpoint("/nowhere/step-00000001"))).code).toBe("missing");
  });
});

test("tensors of another model are refused by name", async () => {
  const checkpoint = await openCheckpoint(await save(temporaryFolder(), 1));
  const { runtime, model } = tinyTraining();
  const renamed = new Map([...model.parameters].map(([name, tensor]) => [name.replace("square", "round"), tensor]));
  expect((await refusal(restoreTensors(checkpoint, "model", renamed))).message).toContain("square.weight");
  const reshaped = new Map(model.parameters).set("norm.weight", runtime.tensor([1], [1]));
  const error = await refusal(restoreTensors(checkpoint, "model", reshaped));
  expect(error.code).toBe("mismatch");
  expect(error.message).toContain("expected F32 [1] for norm.weight, got F32 [8]");
});
