/** A folder that we saved, asked the same questions by us and by transformers. Needs Python with transformers; skipped without. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { cli } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const probe = spawnSync("python3", ["-c", "import transformers, torch"], { encoding: "utf8" });
const missing = probe.error ? "python3 is not there" : probe.status === 0 ? undefined : "python3 has no transformers";
const folder = temporaryFolder();
const script = (file: string): string => fileURLToPath(new URL(`../../../tooling/reference/${file}`, import.meta.url));

function python(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync("python3", args, { encoding: "utf8" });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
}

test("fill-mask as transformers' pipeline", async ({ skip }) => {
  if (missing) skip(missing);
  const text = "[MASK] is the [MASK] of 👩 (größer).";
  const model = join(folder, "fill-mask");
  await saveTinyModel(model);
  const { stdout, code, stderr } = await cli(["fill-mask", "--model", model, text, "--top-k", "20", "--json"]);
  expect(code, stderr).toBe(0);
  const ours = join(folder, "ours.json");
  writeFileSync(ours, stdout);
  python(script("check_fill_mask.py"), model, text, ours);
});

test("forward and every gradient as transformers", async ({ skip }) => {
  if (missing) skip(missing);
  const model = join(folder, "forward");
  await saveTinyModel(model);
  const [input, output] = [join(folder, "in.safetensors"), join(folder, "out.safetensors")];
  const shape = [2, 12];
  const ids = Int32Array.from({ length: 24 }, (_, at) => (at % 12 === 0 ? 2 : (at * 37) % 280));
  await writeSafetensors(input, [
    { name: "input_ids", dtype: "I32", shape, data: ids },
    { name: "attention_mask", dtype: "U8", shape, data: Uint8Array.from(ids, (_, at) => (at < 20 ? 1 : 0)) },
    {
      name: "labels",
      dtype: "I64",
      shape,
      data: BigInt64Array.from(ids, (id, at) => BigInt(at % 3 || at > 19 ? -100 : id)),
    },
  ]);
  const { code, stderr } = await cli([
    "forward",
    "--model",
    model,
    "--input",
    input,
    "--output",
    output,
    "--gradients",
  ]);
  expect(code, stderr).toBe(0);
  python(script("check_export.py"), model, "--input", input, "--output", output);
});
