/** One answer for one folder: the server and the command line give the vectors of sentence-transformers, whatever stands beside the model. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../../cli/test/support/cli.ts";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { post } from "./stub-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Made by tooling/reference/sentence_fixture.py; packages/pipelines tests the library with all of them. */
interface Variant {
  readonly name: string;
  readonly files: Readonly<Record<string, unknown>>;
  readonly weights?: Readonly<Record<string, Readonly<Record<string, readonly number[] | readonly number[][]>>>>;
  readonly texts: readonly string[];
  readonly vectors: readonly (readonly number[])[];
}

const fixture = fileURLToPath(
  new URL("../../../packages/pipelines/test/fixtures/sentence_transformers", import.meta.url),
);
const names = [
  "no modules.json",
  "mode cls",
  "model_max_length",
  "default prompt",
  "do_lower_case",
  "Dense of two modes, truncate_dim",
];
const all = JSON.parse(readFileSync(join(fixture, "variants.json"), "utf8")) as Variant[];
const variants = all.filter(({ name }) => names.includes(name));

let server: RunningServer;
const folders = new Map<string, string>();

beforeAll(async () => {
  const root = await temporaryFolder();
  for (const variant of variants) folders.set(variant.name, await folderOf(root, variant));
  const model = [...folders.values()];
  const servedModelName = [...folders.keys()];
  server = await startServer({ model, servedModelName, port: 0, backend: "cpu", threads: 1, logLevel: "silent" });
  await server.ready;
}, 120_000);
afterAll(() => server.close());

async function folderOf(root: string, { name, files, weights = {} }: Variant): Promise<string> {
  const folder = join(root, name);
  cpSync(join(fixture, "base"), folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(content));
  }
  for (const [path, tensors] of Object.entries(weights)) {
    const entries = Object.entries(tensors).map(([tensor, rows]) => {
      const data = Float32Array.from(rows.flat());
      const shape = Array.isArray(rows[0]) ? [rows.length, data.length / rows.length] : [data.length];
      return { name: tensor, dtype: "F32" as const, shape, data };
    });
    await writeSafetensors(join(folder, path, "model.safetensors"), entries);
  }
  return folder;
}

test("the variants are there", () => {
  expect(variants.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
});

test.each(variants)("$name", async ({ name, texts, vectors }) => {
  const near = vectors.map((vector) => vector.map((value) => expect.closeTo(value, 4) as unknown));
  const body = { model: name, input: texts, normalize: false, truncate: true };
  const answer = (await (await post(`${server.url}/v1/embeddings`, body)).json()) as {
    data: { embedding: number[] }[];
  };
  expect(answer.data.map(({ embedding }) => embedding)).toEqual(near);
  const args = ["embed", "--model", folders.get(name)!, "--backend", "cpu", "--truncate"];
  const { stdout, stderr } = await cli(args, texts.join("\n"));
  expect(stdout, stderr).not.toBe("");
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(near);
});
