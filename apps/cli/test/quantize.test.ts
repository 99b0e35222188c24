/** `modernbert quantize`: the folder answers as `--weights` does, and says what it is. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cli } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const model = fileURLToPath(new URL("../../../packages/pipelines/test/fixtures/labels/nli", import.meta.url));
const folder = temporaryFolder();
const text = "the cat sat on the mat";

const classify = (path: string, args: readonly string[]): ReturnType<typeof cli> =>
  cli(["classify", "--model", path, "--backend", "cpu", "--json", ...args, text]);

test.each(["int8", "bf16"])("%s", async (format) => {
  const output = join(folder, format);
  expect(await cli(["quantize", model, "--out", output, "--dtype", format])).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
  const wanted = await classify(model, ["--weights", format]);
  expect(wanted.code).toBe(0);
  expect(await classify(output, format === "int8" ? [] : ["--weights", format])).toEqual(wanted);
  const { stdout } = await cli(["info", "--model", output, "--json"]);
  const dtypes = (JSON.parse(stdout) as { dtypes: string[] }).dtypes;
  expect(dtypes.toSorted()).toEqual(format === "int8" ? ["BF16", "F32", "I8"] : ["BF16", "F32"]);
});

test("a folder in bytes takes no other weights, and an output that is there is left alone", async () => {
  const output = join(folder, "again");
  await cli(["quantize", model, "--out", output]);
  const { code, stderr } = await cli(["classify", "--model", output, "--backend", "cpu", "--weights", "bf16", text]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/expected weights int8 for .*again, whose linear layers are stored so, got bf16/);
  const second = await cli(["quantize", model, "--out", output]);
  expect(second).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/expected a new folder, got .*again/) as string,
  });
});
