/** How a folder's texts become sparse vectors (SPLADE), as sentence-transformers' SparseEncoder reads it. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { field, isText, readJsonObject } from "./json-file.ts";
import { configOf, nameOf } from "./modules.ts";
import type { Module } from "./modules.ts";

export interface SparseSettings {
  /** Over the tokens of a text. */
  readonly strategy: "max" | "sum";
  /** log(1 + max(0, logit)), or that of it once more. */
  readonly activation: "relu" | "log1p_relu";
  /** What is asked for and not computed. */
  readonly refused: readonly string[];
}

const keys = ["pooling_strategy", "activation_function", "word_embedding_dimension", "embedding_dimension"];
const strategies = ["max", "sum"] as const;
const activations = ["relu", "log1p_relu"] as const;

/** undefined where the modules make no sparse vectors. @throws CheckpointError on malformed files. */
export async function readSparse(
  folder: Folder,
  modules: readonly Module[] | undefined,
  foreign: readonly string[],
): Promise<SparseSettings | undefined> {
  const pooling = modules?.find(({ name }) => name === "SpladePooling");
  if (!modules || !pooling) return undefined;
  const path = configOf(pooling.path);
  const json = (await readJsonObject(folder, path)) ?? {};
  const read = <T extends string>(key: string, known: readonly [T, ...T[]]): T => {
    const value = field(folder, path, json, key, known.join(" or "), isText);
    const found = value === undefined ? known[0] : known.find((name) => name === value);
    if (found) return found;
    throw new CheckpointError(
      "readFolder",
      `expected ${key} in ${folder.name}/${path} to be ${known.join(" or ")}, got ${JSON.stringify(value)}`,
    );
  };
  const [first] = modules;
  const others = modules.filter((module) => module !== pooling && module !== first);
  const start = first && ["Transformer", "MLMTransformer"].includes(first.name) && first.path === "" ? [] : [first!];
  return {
    strategy: read("pooling_strategy", strategies),
    activation: read("activation_function", activations),
    refused: [
      ...[...start, ...others].map(nameOf),
      ...Object.keys(json)
        .filter((key) => !keys.includes(key))
        .map((key) => `${key} of ${path}`),
      ...foreign,
    ],
  };
}
