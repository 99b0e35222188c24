/** The batches that are measured. A rehearsal has the same ones, made tiny. */
import { createConfig, packSequences } from "../../../packages/modernbert/dist/index.js";
import { lengthsOf, sequencesOf, sum } from "../../bench/cases.mjs";
import { shapeConfig } from "../../bench/shapes.mjs";

const tiny = {
  num_hidden_layers: 2,
  hidden_size: 32,
  num_attention_heads: 2,
  intermediate_size: 48,
  vocab_size: 512,
  pad_token_id: 0,
  cls_token_id: 1,
  bos_token_id: 1,
  sep_token_id: 2,
  eos_token_id: 2,
};

export const configOf = (shape, emulate, fields = {}) =>
  emulate ? createConfig({ ...tiny, ...fields }) : shapeConfig(shape);

/** @returns {number[]} of `BxL` or `mixed`; `…*N`: so many times */
export function lengthsFor(name, emulate) {
  const [kind, times = "1"] = name.split("*");
  const once = lengthsOf(kind);
  const all = Array.from({ length: Number(times) }, () => once).flat();
  return emulate ? all.slice(0, 3).map((length) => 3 + (length % 13)) : all;
}

/** What people see of a batch. */
export const sizesOf = (lengths) => ({
  tokens: sum(lengths),
  sequences: lengths.length,
  longest: Math.max(...lengths),
});

/** Ids as in bench/cases.mjs, within the vocabulary. peers/peer.py makes the same ones. */
export function packedOf(lengths, { vocabSize }) {
  const ids = sequencesOf(lengths);
  return packSequences(ids.map((sequence) => sequence.map((id) => id % vocabSize)));
}

/** The batch of a training step: three tokens of ten are predicted. */
export function maskedBatch(lengths, config) {
  const packed = packedOf(lengths, config);
  const tokens = packed.ids.length;
  const maskedPositions = Int32Array.from({ length: Math.floor(0.3 * tokens) }, (_, at) => 3 * at);
  const maskedLabels = maskedPositions.map((at) => packed.ids[at]);
  const labels = new Int32Array(tokens).fill(-100);
  maskedPositions.forEach((position, at) => (labels[position] = maskedLabels[at]));
  const sequences = lengths.map((length, document) => ({ document, chunk: 0, epoch: 0, length }));
  const row = { ...packed, sequences, labels, maskedPositions, maskedLabels };
  return { rows: [row], sequences: lengths.length, tokens, weight: maskedPositions.length, packingEfficiency: 1 };
}
