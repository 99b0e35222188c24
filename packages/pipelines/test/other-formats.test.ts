/** Folders that hold a model in another form: refused with what to do, before anything is loaded. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { resolveModelFolder } from "../src/hub/model-folder.ts";

const root = mkdtempSync(join(tmpdir(), "modernbert-formats-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each<[string, readonly string[], RegExp]>([
  ["bin", ["config.json", "pytorch_model.bin"], /got neither; it has pytorch_model\.bin.*save it again/],
  ["shards", ["config.json", "pytorch_model-00001-of-00002.bin"], /pytorch_model\.bin, which is not read/],
  ["onnx", ["config.json", "onnx/model.onnx"], /an ONNX file, which is not read: use the repository/],
  ["gguf", ["model-f16.gguf"], /a GGUF file, which is not read/],
  ["gliner", ["gliner_config.json", "pytorch_model.bin"], /a GLiNER model .* span head is not implemented/],
])("%s", async (name, files, message) => {
  const folder = join(root, name);
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  await expect(resolveModelFolder(folder)).rejects.toThrow(message);
  writeFileSync(join(folder, "model.safetensors"), "");
  expect(await resolveModelFolder(folder)).toBe(folder);
});

test("a file instead of a folder", async () => {
  const file = join(root, "tiny.gguf");
  writeFileSync(file, "");
  await expect(resolveModelFolder(file)).rejects.toThrow(/got the file .*tiny\.gguf; it has a GGUF file/);
});
