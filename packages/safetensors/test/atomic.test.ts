/** A write that fails must leave the earlier file and no litter, whatever fails: the disk, the limit, the source, the folder. */

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WriteError, writeFileAtomic } from "@modernbert-ts/safetensors/node";
import { temporaryFolder } from "./support.ts";

const folder = temporaryFolder();
const path = join(folder, "checkpoint");
const block = new Uint8Array(64 * 1024).fill(1);

beforeEach(() => writeFileSync(path, "the earlier checkpoint"));
afterEach(() => {
  vi.restoreAllMocks();
  expect(readdirSync(folder)).toEqual(["checkpoint"]);
});

async function expectRefused(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, code: string): Promise<void> {
  const error = await writeFileAtomic(path, chunks).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WriteError);
  expect(error).toMatchObject({ code, path });
  expect((error as Error).message).toMatch(
    new RegExp(`^\\[writeFileAtomic\\] cannot write ${path}: ${code}: .*; a file that was there before is unchanged$`),
  );
  expect(readFileSync(path, "utf8")).toBe("the earlier checkpoint");
}

/** The prototype of every FileHandle, to make the system fail from within. */
async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(path);
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

test("replaces a file and flushes before and after the rename", async () => {
  const sync = vi.spyOn(await fileHandlePrototype(), "sync");
  const seen: string[] = [];
  sync.mockImplementation(async () => void seen.push(readFileSync(path, "utf8").slice(0, 3)));
  await writeFileAtomic(path, [new TextEncoder().encode("new "), new TextEncoder().encode("file")]);
  expect(readFileSync(path, "utf8")).toBe("new file");
  expect(seen).toEqual(["the", "new"]);
});

test("a short write is continued", async () => {
  const prototype = await fileHandlePrototype();
  const write = prototype.write as (buffer: Uint8Array, offset: number, length: number) => Promise<unknown>;
  vi.spyOn(prototype, "write").mockImplementation(function (
    this: FileHandle,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ) {
    return write.call(this, buffer, offset, Math.min(length, 3));
  } as never);
  await writeFileAtomic(path, [new TextEncoder().encode("a longer text")]);
  expect(readFileSync(path, "utf8")).toBe("a longer text");
});

test("a full disk", async () => {
  const write = vi.spyOn(await fileHandlePrototype(), "write");
  write.mockResolvedValueOnce({ bytesWritten: block.length } as never).mockRejectedValueOnce(systemError("ENOSPC"));
  await expectRefused([block, block], "ENOSPC");
  expect(write).toHaveBeenCalledTimes(2);
});

test("a disk that fails only when it is flushed", async () => {
  vi.spyOn(await fileHandlePrototype(), "sync").mockRejectedValueOnce(systemError("EIO"));
  await expectRefused([block], "EIO");
});

const hasPrlimit = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;
const prlimit = (...flags: string[]): string =>
  execFileSync("prlimit", ["--pid", String(process.pid), ...flags], { encoding: "utf8" }).trim();

test.skipIf(!hasPrlimit)("a real refusal by the kernel: the limit on file size (needs Linux and prlimit)", async () => {
  const before = prlimit("--fsize", "--raw", "--noheadings", "--output", "SOFT");
  prlimit(`--fsize=${2.5 * block.length}:`);
  try {
    await expectRefused([block, block, block], "EFBIG");
  } finally {
    prlimit(`--fsize=${before}:`);
  }
});

async function* failingSource(): AsyncGenerator<Uint8Array> {
  yield block;
  throw new RangeError("no more");
}

test("a source that throws: its own error comes out", async () => {
  await expect(writeFileAtomic(path, failingSource())).rejects.toThrow(new RangeError("no more"));
  expect(readFileSync(path, "utf8")).toBe("the earlier checkpoint");
});

test("a folder that is not there, and a folder in the file's place", async () => {
  await expect(writeFileAtomic(join(folder, "no/file"), [block])).rejects.toThrow(
    /ENOENT: the folder does not exist, create it first/,
  );
  await expect(writeFileAtomic(folder, [block])).rejects.toThrow(/EISDIR: a folder has that name, choose another one/);
});
