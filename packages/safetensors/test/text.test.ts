/** Text files of a folder are read within a limit, before anything is allocated. */

import { closeSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint, readText, SafetensorsError, textLimits, type Folder } from "@modernbert-ts/safetensors";
import { diskFolder, openSafetensors } from "@modernbert-ts/safetensors/node";
import { temporaryFolder } from "./support.ts";

/** A file of any claimed size; reading one that is over its limit fails the test. */
const claiming = (size: number, limit: number): Folder => ({
  name: "hub",
  open: async (path) =>
    path === "model.safetensors"
      ? undefined
      : {
          name: path,
          size,
          readInto: async (_offset, target) => {
            if (size > limit) expect.fail("an oversized file was read");
            target.fill(0x20);
          },
        },
});

test("a file within its limit is read, one byte more is refused by name, size and limit", async () => {
  expect(await readText(claiming(100, 100), "a.json", 100)).toBe(" ".repeat(100));
  await expect(readText(claiming(101, 100), "a.json", 100)).rejects.toThrow(
    "[safetensors] hub/a.json: expected a text file of at most 100 bytes, got 101",
  );
  await expect(readText(claiming(3 * 2 ** 30, textLimits.config), "config.json")).rejects.toThrow(
    "hub/config.json: expected a text file of at most 16777216 bytes, got 3221225472",
  );
  await expect(openCheckpoint(claiming(2 ** 40, textLimits.index))).rejects.toThrow(
    "hub/model.safetensors.index.json: expected a text file of at most 67108864 bytes, got 1099511627776",
  );
});

test("a sparse file of 3 GB on the disk is refused", async () => {
  const folder = temporaryFolder();
  for (const name of ["config.json", "model.safetensors.index.json"]) {
    writeFileSync(join(folder, name), "{}");
    const file = openSync(join(folder, name), "r+");
    ftruncateSync(file, 3 * 2 ** 30);
    closeSync(file);
  }
  const message = /got 3221225472$/;
  await expect(readText(diskFolder(folder), "config.json")).rejects.toThrow(message);
  await expect(openSafetensors(folder)).rejects.toThrow(message);
  await expect(openSafetensors(join(folder, "model.safetensors.index.json"))).rejects.toThrow(message);
});

test("bytes that are not UTF-8 are refused, a byte-order mark is not text", async () => {
  const folder = temporaryFolder();
  const read = (...bytes: number[]): Promise<string | undefined> => {
    writeFileSync(join(folder, "a.json"), Uint8Array.from(bytes));
    return readText(diskFolder(folder), "a.json");
  };
  expect(await read(0xef, 0xbb, 0xbf, 0x7b, 0x7d)).toBe("{}");
  await expect(read(0x22, 0xff, 0x22)).rejects.toThrow(/a\.json: expected UTF-8 text, got other bytes/);
  await expect(read(0x22, 0xff, 0x22)).rejects.toBeInstanceOf(SafetensorsError);
  expect(await readText(diskFolder(folder), "none.json")).toBeUndefined();
});
