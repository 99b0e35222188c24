/**
 * Which stored tensor belongs to which parameter: each under the names that its architecture knows, the tied matrix under either of its
 * two. Tensors that nothing needs are listed; one that would change what is computed, had config.json not left it out, is refused.
 */
import type { Shape } from "@modernbert-ts/tensor-core";
import { CheckpointError, listNames } from "../errors.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { EncoderKind, ParameterSpecs } from "../kind.ts";

/** The tensors of an open checkpoint. */
export interface StoredTensors {
  names(): readonly string[];
  has(name: string): boolean;
  info(name: string): { readonly shape: Shape };
}

export interface NameMatch {
  /** Parameter name → stored name. */
  readonly stored: ReadonlyMap<string, string>;
  /** Parameters of the head that the checkpoint lacks. */
  readonly missing: readonly string[];
  /** Stored tensors that nothing of this model is computed from. */
  readonly unused: readonly string[];
  /** A stored decoder beside the stored embedding that it is tied to. */
  readonly tiedDecoder: string | undefined;
}

/** @throws CheckpointError on parameters of the encoder that are missing, on wrong shapes, and on biases that config.json leaves out. */
export function matchNames<C extends HeadConfig>(
  checkpoint: StoredTensors,
  specs: ParameterSpecs,
  { names, storedNames }: Pick<EncoderKind<C>, "names" | "storedNames">,
  { tieWordEmbeddings }: Pick<HeadConfig, "tieWordEmbeddings">,
  folder: string,
): NameMatch {
  const stored = new Map<string, string>();
  const missing: string[] = [];
  const find = (name: string): string | undefined => storedNames(name).find((known) => checkpoint.has(known));
  for (const name of specs.keys()) {
    const found = find(name) ?? (tieWordEmbeddings && name === names.embedding ? find(names.decoder) : undefined);
    if (found === undefined) missing.push(name);
    else stored.set(name, found);
  }
  const needed = missing.filter((name) => !specs.get(name)!.head);
  if (needed.length > 0) throw new CheckpointError("loadModel", `expected ${listNames(needed)} in ${folder}, got none`);
  checkShapes(checkpoint, specs, stored, folder);

  const used = new Set(stored.values());
  const decoder = tieWordEmbeddings ? find(names.decoder) : undefined;
  const tiedDecoder = decoder !== undefined && !used.has(decoder) ? decoder : undefined;
  const unused = checkpoint.names().filter((name) => !used.has(name) && name !== tiedDecoder);
  checkLayers(unused, [...specs.keys()].flatMap(storedNames), folder);
  return { stored, missing, unused, tiedDecoder };
}

const layerOf = (name: string): string => name.slice(0, name.lastIndexOf("."));

/** A layer that is computed, with a part that is not: the result would not be the stored model's. */
function checkLayers(unused: readonly string[], known: readonly string[], folder: string): void {
  const layers = new Set(known.map(layerOf));
  const left = unused.filter((name) => layers.has(layerOf(name)));
  if (left.length === 0) return;
  throw new CheckpointError(
    "loadModel",
    `expected only what config.json says of each layer in ${folder}, got ${listNames(left)}: correct the fields of biases in config.json`,
  );
}

function checkShapes(
  checkpoint: StoredTensors,
  specs: ParameterSpecs,
  stored: ReadonlyMap<string, string>,
  folder: string,
): void {
  const wrong: string[] = [];
  for (const [name, source] of stored) {
    const expected = specs.get(name)!.shape.join(", ");
    const got = checkpoint.info(source).shape.join(", ");
    if (expected !== got) wrong.push(`${name} [${expected}] (got [${got}])`);
  }
  if (wrong.length > 0) {
    throw new CheckpointError("loadModel", `expected the shapes of config.json in ${folder}: ${listNames(wrong)}`);
  }
}
