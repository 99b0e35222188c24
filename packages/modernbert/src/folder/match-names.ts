/**
 * Which stored tensor belongs to which parameter. Checkpoints of the bare encoder lack the prefix `model.`; checkpoints of another
 * head have tensors that this one does not use. Everything else that does not fit is an error that names it.
 */
import type { Shape } from "@modernbert-ts/tensor-core";
import type { Head } from "../config/config.ts";
import { CheckpointError, listNames } from "../errors.ts";
import { decoderName } from "../parameters.ts";

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
  /** Stored tensors that belong to another head, or to nothing that is computed. */
  readonly unused: readonly string[];
  /** A stored copy of the tied decoder. */
  readonly tiedDecoder: string | undefined;
}

/** First parts of the names that a head uses besides the encoder's. */
const families: Readonly<Record<Head, readonly string[]>> = {
  none: [],
  "masked-lm": ["head", "decoder"],
  "sequence-classification": ["head", "classifier"],
  "token-classification": ["head", "classifier"],
  "question-answering": ["head", "classifier"],
  "multiple-choice": ["head", "classifier"],
};

/** Tables that old versions saved although they follow from the config. */
const derivedTensor = /(^|\.)rotary_emb\.\w*inv_freq$/;

/** @throws CheckpointError on encoder tensors that are missing, on unknown ones and on wrong shapes. */
export function matchNames(
  checkpoint: StoredTensors,
  shapes: ReadonlyMap<string, Shape>,
  head: Head,
  folder: string,
): NameMatch {
  const stored = new Map<string, string>();
  const missing: string[] = [];
  for (const name of shapes.keys()) {
    const found = [name, name.replace(/^model\./, "")].find((candidate) => checkpoint.has(candidate));
    if (found === undefined) missing.push(name);
    else stored.set(name, found);
  }
  const encoder = missing.filter((name) => name.startsWith("model."));
  if (encoder.length > 0)
    throw new CheckpointError("loadModel", `expected ${listNames(encoder)} in ${folder}, got none`);
  checkShapes(checkpoint, shapes, stored, folder);

  const used = new Set(stored.values());
  const rest = checkpoint.names().filter((name) => !used.has(name));
  const tiedDecoder = families[head].includes("decoder") ? rest.find((name) => name === decoderName) : undefined;
  const isUnused = (name: string): boolean => {
    const family = name.slice(0, name.indexOf("."));
    const otherHead = ["head", "decoder", "classifier"].includes(family) && !families[head].includes(family);
    return otherHead || derivedTensor.test(name);
  };
  const unknown = rest.filter((name) => name !== tiedDecoder && !isUnused(name));
  if (unknown.length > 0) {
    throw new CheckpointError(
      "loadModel",
      `expected only tensors that config.json accounts for in ${folder}, got ${listNames(unknown)}`,
    );
  }
  return { stored, missing, unused: rest.filter(isUnused), tiedDecoder };
}

function checkShapes(
  checkpoint: StoredTensors,
  shapes: ReadonlyMap<string, Shape>,
  stored: ReadonlyMap<string, string>,
  folder: string,
): void {
  const wrong: string[] = [];
  for (const [name, source] of stored) {
    const expected = shapes.get(name)!.join(", ");
    const got = checkpoint.info(source).shape.join(", ");
    if (expected !== got) wrong.push(`${name} [${expected}] (got [${got}])`);
  }
  if (wrong.length > 0) {
    throw new CheckpointError("loadModel", `expected the shapes of config.json in ${folder}: ${listNames(wrong)}`);
  }
}
