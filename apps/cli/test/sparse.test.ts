/** `embed --kind sparse` on a SPLADE folder and `--role` on folders with prompts: the numbers of sentence-transformers (goldens of pipelines). */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cli, errorOf } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

interface Sparse {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

const fixture = fileURLToPath(new URL("../../../packages/pipelines/test/fixtures/vector_kinds", import.meta.url));
const goldens = JSON.parse(readFileSync(join(fixture, "goldens.json"), "utf8")) as {
  readonly texts: Readonly<Record<"queries" | "documents", readonly string[]>>;
  readonly sparse: readonly {
    readonly name: string;
    readonly files: Readonly<Record<string, unknown>>;
    readonly topK?: number;
    readonly queries: readonly Sparse[];
    readonly documents: readonly Sparse[];
  }[];
};
const root = temporaryFolder();

function folderOf(name: string, files: Readonly<Record<string, unknown>>): string {
  const folder = join(root, name);
  cpSync(join(fixture, "base"), folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(content));
  }
  return folder;
}

const cases = goldens.sparse.flatMap(({ name, files, topK, queries, documents }) => [
  { name, files, topK, role: "query", texts: goldens.texts.queries, expected: queries },
  { name, files, topK, role: "document", texts: goldens.texts.documents, expected: documents },
]);

test.each(cases)("$name, --role $role", async ({ name, files, topK, role, texts, expected }) => {
  const model = folderOf(`${name}-${role}`.replaceAll(/\W+/g, "-"), files);
  const args = ["embed", "--model", model, "--backend", "cpu", "--kind", "sparse", "--role", role, "--json"];
  const { stdout, stderr, code } = await cli([...args, ...(topK ? ["--top-k", String(topK)] : []), "--", ...texts]);
  expect(code, stderr).toBe(0);
  const found = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Sparse);
  expect(found.map(({ indices }) => indices)).toEqual(expected.map(({ indices }) => indices));
  for (const [at, { values }] of found.entries())
    for (const [place, value] of values.entries()) expect(value).toBeCloseTo(expected[at]!.values[place]!, 4);
});

test("a model that makes no sparse vectors is refused by name", async () => {
  const model = folderOf("plain", {});
  const result = await cli(["embed", "--model", model, "--backend", "cpu", "--kind", "sparse", "a"]);
  expect(errorOf(result)).toMatch(/sparse/i);
});
