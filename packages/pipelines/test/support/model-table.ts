/** Layouts of published models (fixtures/model_table), each as a tiny folder with weights by a formula. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { float32ToBfloat16, float32ToFloat16 } from "@modernbert-ts/safetensors";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll } from "vitest";
import type { DecisionQuestion, Json } from "../../src/index.ts";

type Files = Readonly<Record<string, object | null>>;

/** Made by tooling/reference/model_table_fixture.py. */
export interface Row {
  readonly model: string;
  readonly task: string;
  readonly files: Files;
  readonly tokenizer: string;
  readonly tokenizerClass: string;
  /** Where the tokenizer lies, "" where not elsewhere. */
  readonly tokenizerFolder?: string;
  readonly dtype: "F32" | "F16" | "BF16";
  readonly texts?: readonly string[];
  readonly targets?: readonly string[];
  readonly weights: Readonly<Record<string, readonly (readonly [name: string, shape: readonly number[]])[]>>;
  readonly answer: unknown;
}

interface Table {
  readonly given: {
    readonly texts: readonly string[];
    readonly pairs: readonly (readonly [string, string])[];
    readonly masked: readonly string[];
    readonly state: Json;
    readonly questions: Readonly<Record<string, DecisionQuestion>>;
    readonly tokenizerConfig: object;
  };
  readonly rows: readonly Row[];
  readonly refused: readonly { readonly model: string; readonly files: Files; readonly todo: string }[];
}

const fixture = fileURLToPath(new URL("../fixtures/model_table", import.meta.url));
export const { given, rows, refused } = JSON.parse(readFileSync(join(fixture, "table.json"), "utf8")) as Table;
const root = mkdtempSync(join(tmpdir(), "modernbert-table-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Multiples of 1/64 between -1/2 and 1/2, of the tensor's name and the place; norms lie around 1. */
function valuesOf(name: string, size: number): Float32Array {
  let hash = 2166136261;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 16777619);
  const norm = /(norm\.weight|LayerNorm\.(weight|gamma)|scorer\.0\.weight)$/.test(name);
  return Float32Array.from({ length: size }, (_, at) => {
    let x = Math.imul(at + 1, 0x9e3779b1) ^ hash;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    const value = ((x ^ (x >>> 16)) >>> 26) / 64 - 0.5;
    return norm ? 1 + value / 2 : value;
  });
}

const inDtype = {
  F32: (data: Float32Array) => data,
  F16: float32ToFloat16,
  BF16: float32ToBfloat16,
};

function writeFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content === null ? "" : JSON.stringify(content));
  }
}

let folders = 0;

/** A folder of these files. */
export function folderOfFiles(files: Files): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  writeFiles(folder, files);
  return folder;
}

/** The folder of a row. */
export async function folderOf(row: Row): Promise<string> {
  const { files, tokenizer, tokenizerClass, tokenizerFolder = "", dtype, weights } = row;
  const tokenizerConfig = { ...given.tokenizerConfig, tokenizer_class: tokenizerClass };
  const folder = folderOfFiles({ ...files, [`${tokenizerFolder}tokenizer_config.json`]: tokenizerConfig });
  cpSync(join(fixture, `${tokenizer}.json`), join(folder, tokenizerFolder, "tokenizer.json"));
  for (const [path, tensors] of Object.entries(weights)) {
    const entries = tensors.map(([name, shape]) => {
      const data = valuesOf(
        name,
        shape.reduce((size, axis) => size * axis, 1),
      );
      if (path !== "model.safetensors") return { name, dtype: "F32" as const, shape, data };
      return { name, dtype, shape, data: inDtype[dtype](data) };
    });
    await writeSafetensors(join(folder, path), entries);
  }
  return folder;
}
