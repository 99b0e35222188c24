/** Two openings of one model on the same texts: how far their vectors and logits are apart. */
import { embed, embedTokens } from "@modernbert-ts/pipelines";
import type { EncodeOptions, Pipeline } from "@modernbert-ts/pipelines";
import { logitRows } from "./logits.ts";

export interface Comparison {
  readonly texts: number;
  readonly tokens: number;
  /** Of hidden states: the largest difference, as a share of the largest number of that text's. */
  readonly error: number;
  /** The smallest of all texts' vectors. */
  readonly cosine: number;
  /** Names of the texts with the worst error and cosine. */
  readonly worst: { readonly error: string; readonly cosine: string };
  /** Absent where the model has no head. */
  readonly logits?: {
    readonly difference: number;
    /** Share of rows (texts; tokens of token heads) whose largest logit is the same label. */
    readonly agreement: number;
  };
}

/** @throws TensorError on texts that the model cannot use, by `encode.nameOf`; where a model gives NaN, as its tasks do. */
export async function compare(
  chosen: Pipeline,
  reference: Pipeline,
  texts: readonly string[],
  encode: Required<EncodeOptions>,
): Promise<Comparison> {
  const found = new Worst();
  for (const [at, text] of texts.entries()) {
    const name = encode.nameOf(at);
    const options = { ...encode, nameOf: () => name };
    const [[states], [wantedStates]] = [
      await embedTokens(chosen, [text], options),
      await embedTokens(reference, [text], options),
    ];
    found.addStates(name, states!, wantedStates!.values);
    const [[vector], [wanted]] = [await embed(chosen, [text], options), await embed(reference, [text], options)];
    found.addCosine(name, cosine(vector!, wanted!));
    const [ours, theirs] = [logitRows(chosen, states!.ids), logitRows(reference, states!.ids)];
    for await (const rows of ours) found.addRows(rows, (await theirs.next()).value as readonly Float32Array[]);
  }
  return found.comparison;
}

class Worst {
  #texts = 0;
  #tokens = 0;
  #error = 0;
  #cosine = 1;
  #worst = { error: "", cosine: "" };
  #difference = 0;
  #rows = 0;
  #same = 0;

  addStates(
    name: string,
    { values, ids }: { readonly values: Float32Array; readonly ids: Int32Array },
    wanted: Float32Array,
  ): void {
    const error = distance(values, wanted) / wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // A NaN is worse than any number.
    if (!(error <= this.#error) || this.#texts === 0) [this.#error, this.#worst.error] = [error, name];
    this.#texts++;
    this.#tokens += ids.length;
  }

  addCosine(name: string, value: number): void {
    if (!(value >= this.#cosine) || this.#worst.cosine === "") [this.#cosine, this.#worst.cosine] = [value, name];
  }

  addRows(rows: readonly Float32Array[], wanted: readonly Float32Array[]): void {
    for (const [at, row] of rows.entries()) {
      const difference = distance(row, wanted[at]!);
      if (!(difference <= this.#difference)) this.#difference = difference;
      this.#rows++;
      if (labelOf(row) === labelOf(wanted[at]!)) this.#same++;
    }
  }

  get comparison(): Comparison {
    const logits = { difference: this.#difference, agreement: this.#same / this.#rows };
    return {
      texts: this.#texts,
      tokens: this.#tokens,
      error: this.#error,
      cosine: this.#cosine,
      worst: this.#worst,
      ...(this.#rows > 0 && { logits }),
    };
  }
}

/** The largest difference of two numbers at one place. */
function distance(values: Float32Array, wanted: Float32Array): number {
  return values.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at]!)), 0);
}

/** In f64. */
function cosine(a: Float32Array, b: Float32Array): number {
  let [product, first, second] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    product += value * b[at]!;
    first += value * value;
    second += b[at]! * b[at]!;
  }
  return product / Math.sqrt(first * second);
}

/** The place of the largest; of one logit, its side of 0. */
function labelOf(row: Float32Array): number {
  if (row.length === 1) return row[0]! > 0 ? 1 : 0;
  return row.reduce((best, value, at) => (value > row[best]! ? at : best), 0);
}
