/** modules.json of sentence-transformers: what comes after the encoder on the way to a vector, and where its settings lie. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { readJsonObjects } from "./json-file.ts";

export interface Modules {
  /** Whether there is a modules.json. */
  readonly listed: boolean;
  /** Where the pooling's config.json lies; undefined where a modules.json names no pooling. */
  readonly poolingPath: string | undefined;
  readonly normalize: boolean;
  /** Modules that are not computed, as messages name them. */
  readonly refused: readonly string[];
}

const file = "modules.json";
/** Without modules.json the encoder is pooled, by this folder's settings where it has them. */
const plain: Modules = { listed: false, poolingPath: "1_Pooling", normalize: false, refused: [] };

/** Modules in the order in which they are computed; any other or in another order is refused. */
const order = ["Transformer", "Pooling", "Normalize"];

/** @throws CheckpointError on a file that lists no modules. */
export async function readModules(folder: Folder): Promise<Modules> {
  const list = await readJsonObjects(folder, file);
  if (!list) return plain;
  const modules = list.map(({ type, path = "" }) => {
    if (typeof type === "string" && typeof path === "string" && staysInside(path)) {
      return { name: type.slice(type.lastIndexOf(".") + 1), path };
    }
    throw new CheckpointError(
      "readFolder",
      `expected a type and a path in this folder for each module of ${folder.name}/${file}, got ${JSON.stringify(type)} and ${JSON.stringify(path)}`,
    );
  });
  let reached = -1;
  const refused = modules.filter(({ name, path }) => {
    const at = order.indexOf(name);
    if (at <= reached || (name === "Transformer" && path !== "")) return true;
    reached = at;
    return false;
  });
  return {
    listed: true,
    poolingPath: modules.find(({ name }) => name === "Pooling")?.path,
    normalize: modules.some(({ name }) => name === "Normalize"),
    refused: refused.map(({ name, path }) => (path === "" ? name : `${name} (${path})`)),
  };
}

/** "" is the folder itself. */
function staysInside(path: string): boolean {
  return path === "" || (!/[\\:]/.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part)));
}
