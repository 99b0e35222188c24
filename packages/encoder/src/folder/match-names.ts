/**
 * Which stored tensor belongs to which parameter: each under the names that its architecture knows, the tied matrix under either of its
 * two. Tensors that nothing needs are listed; one that would change what is computed, had config.json not left it out, is refused.
 */
import type { Shape } from "@modernbert-ts/tensor-core";
import { CheckpointError, listNames } from "../errors.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { EncoderKind, ParameterSpecs, SharedNames } from "../kind.ts";

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
  /** Other stored tensors that must equal a used one: of its other names, or the decoder that is tied to the embedding. By name, the used one's. */
  readonly twins: ReadonlyMap<string, string>;
}

/** @throws CheckpointError on parameters of the encoder that are missing, on wrong shapes, and on biases that config.json leaves out. */
export function matchNames<C extends HeadConfig>(
  checkpoint: StoredTensors,
  specs: ParameterSpecs,
  { names, storedNames }: { readonly names: SharedNames } & Pick<EncoderKind<C>, "storedNames">,
  { tieWordEmbeddings }: Pick<HeadConfig, "tieWordEmbeddings">,
  folder: string,
): NameMatch {
  const stored = new Map<string, string>();
  const missing: string[] = [];
  const twins = new Map<string, string>();
  for (const name of specs.keys()) {
    const tied = tieWordEmbeddings && name === names.embedding ? storedNames(names.decoder) : [];
    const [found, ...others] = [...storedNames(name), ...tied].filter((known) => checkpoint.has(known));
    if (found === undefined) missing.push(name);
    else stored.set(name, found);
    for (const other of others) twins.set(other, found!);
  }
  const needed = missing.filter((name) => !specs.get(name)!.head);
  if (needed.length > 0) throw new CheckpointError("loadModel", `expected ${listNames(needed)} in ${folder}, got none`);
  checkShapes(checkpoint, specs, stored, folder);

  const used = new Set(stored.values());
  const unused = checkpoint.names().filter((name) => !used.has(name) && !twins.has(name));
  checkLayers(unused, [...specs.keys()].flatMap(storedNames), folder);
  return { stored, missing, unused, twins };
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
