/** What PEFT says of the texts of fixtures/lora. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@modernbert-ts/safetensors";
import type { SafetensorsFile } from "@modernbert-ts/safetensors";
import type { ExampleRow } from "../../src/data/examples/example-row.ts";
import { runningSum } from "../../src/data/examples/example-row.ts";

export const fixtures: string = fileURLToPath(new URL("../fixtures/lora", import.meta.url));
export const golden: SafetensorsFile = readSafetensors(readFileSync(`${fixtures}/golden.safetensors`));

/** All texts, packed. */
export function goldenRow(): ExampleRow {
  const [mask, ids, labels] = ["attention_mask", "input_ids", "labels"].map((name) => golden.toInt32(`input.${name}`));
  const width = golden.tensors.get("input.input_ids")!.shape[1]!;
  const lengths = Array.from(labels!, (_, row) => mask!.slice(row * width, (row + 1) * width).filter(Boolean).length);
  return {
    typeIds: new Int32Array(lengths.reduce((sum, length) => sum + length, 0)),
    ids: ids!.filter((_, at) => mask![at] === 1),
    cuSeqlens: Int32Array.from(runningSum(lengths)),
    maxSeqlen: Math.max(...lengths),
    examples: lengths.map((_, at) => at),
    firstSequence: Int32Array.from([...lengths.keys(), lengths.length]),
    values: Array.from(labels!, (label) => Float32Array.of(label)),
    notes: lengths.map(() => null),
  };
}
