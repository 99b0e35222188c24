/** modules.json of sentence-transformers: what comes after the encoder on the way to a vector, and where its files lie. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { readJsonObjects } from "./json-file.ts";

/** A module as modules.json lists it: the last part of its class, and where its files lie. */
export interface Module {
  readonly name: string;
  /** "" is the folder itself. */
  readonly path: string;
}

export interface Modules {
  /** Whether there is a modules.json. */
  readonly listed: boolean;
  /** Where the pooling's config.json lies; undefined where a modules.json names no pooling. */
  readonly poolingPath: string | undefined;
  /** What comes after the pooling, in order. */
  readonly steps: readonly StepModule[];
  /** Modules that are not computed, as messages name them. */
  readonly refused: readonly string[];
}

/** A module that makes a vector of a vector, and where its files lie. */
export interface StepModule {
  readonly kind: StepKind;
  readonly path: string;
}

type StepKind = "Dense" | "LayerNorm" | "Normalize";

/** Where a module's config.json lies. */
export function configOf(path: string): string {
  return path === "" ? "config.json" : `${path}/config.json`;
}

const file = "modules.json";
/** Without modules.json the encoder is pooled, by this folder's settings where it has them. */
const plain: Modules = { listed: false, poolingPath: "1_Pooling", steps: [], refused: [] };

const stepKinds: readonly string[] = ["Dense", "LayerNorm", "Normalize"] satisfies readonly StepKind[];

/** In their order; undefined where there is no modules.json. @throws CheckpointError on a file that lists no modules. */
export async function listModules(folder: Folder): Promise<readonly Module[] | undefined> {
  const list = await readJsonObjects(folder, file);
  return list?.map(({ type, path = "" }) => {
    if (typeof type === "string" && typeof path === "string" && staysInside(path)) {
      return { name: type.slice(type.lastIndexOf(".") + 1), path };
    }
    throw new CheckpointError(
      "readFolder",
      `expected a type and a path in this folder for each module of ${folder.name}/${file}, got ${JSON.stringify(type)} and ${JSON.stringify(path)}`,
    );
  });
}

/** What a list of modules says of one vector per text. */
export function readModules(modules: readonly Module[] | undefined): Modules {
  if (!modules) return plain;
  const refused: Module[] = [];
  const steps: StepModule[] = [];
  let poolingPath: string | undefined;
  for (const [at, module] of modules.entries()) {
    const { name, path } = module;
    if (name === "Transformer" && at === 0 && path === "") continue;
    if (name === "Pooling" && at === 1) poolingPath = path;
    else if (isStep(module) && poolingPath !== undefined) steps.push({ kind: module.name, path });
    else refused.push(module);
  }
  return {
    listed: true,
    poolingPath,
    steps,
    refused: refused.map(nameOf),
  };
}

/** As messages name it. */
export function nameOf({ name, path }: Module): string {
  return path === "" ? name : `${name} (${path})`;
}

export function isStep(module: Module): module is Module & { readonly name: StepKind } {
  return stepKinds.includes(module.name);
}

/** "" is the folder itself. */
function staysInside(path: string): boolean {
  return path === "" || (!/[\\:]/.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part)));
}
