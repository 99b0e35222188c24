/**
 * Cosines and sines of the rotary embedding (Su et al. 2021), on the device, per layer kind. They are made on the host for as many
 * positions as batches have needed so far, and kept. Angles are rounded to f32 as the reference rounds them: at position 8000
 * exact angles would differ from what every published model was trained with.
 */
import type { DType, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { LayerKind, ModernBertConfig, RopeSettings } from "./config/config.ts";
import { headSize } from "./config/config.ts";

export interface RopeTable {
  /** [P, headSize / 2] */
  readonly cos: Tensor;
  /** [P, headSize / 2] */
  readonly sin: Tensor;
}

const round = Math.fround;

/** Tables are made for at least this many positions, so that short batches never cause a second upload. */
const leastPositions = 128;

export class RopeTables {
  readonly #runtime: Runtime;
  readonly #config: ModernBertConfig;
  readonly #dtype: DType;
  readonly #tables = new Map<LayerKind, RopeTable>();

  /** @param dtype f32 or f64. */
  constructor(runtime: Runtime, config: ModernBertConfig, dtype: DType) {
    this.#runtime = runtime;
    this.#config = config;
    this.#dtype = dtype;
  }

  /** Tables with at least `positions` rows; they belong to this object. */
  table(kind: LayerKind, positions: number): RopeTable {
    const known = this.#tables.get(kind);
    if (known && known.cos.shape[0]! >= positions) return known;
    const rows = Math.min(
      this.#config.maxPositionEmbeddings,
      2 ** Math.ceil(Math.log2(Math.max(positions, leastPositions))),
    );
    const { cos, sin } = ropeValues(this.#config.rope[kind], headSize(this.#config), rows);
    const shape = [rows, headSize(this.#config) / 2];
    const upload = (values: Float64Array): Tensor =>
      this.#runtime.keep(
        this.#runtime.tensor(this.#dtype === "f64" ? values : Float32Array.from(values), shape, this.#dtype),
      );
    const table = { cos: upload(cos), sin: upload(sin) };
    known?.cos.dispose();
    known?.sin.dispose();
    this.#tables.set(kind, table);
    return table;
  }

  dispose(): void {
    for (const { cos, sin } of this.#tables.values()) {
      cos.dispose();
      sin.dispose();
    }
    this.#tables.clear();
  }
}

/** cos and sin of position · frequency, row-major [rows, width / 2]. */
export function ropeValues(
  settings: RopeSettings,
  width: number,
  rows: number,
): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const frequencies = ropeFrequencies(settings, width);
  const factor = settings.type === "yarn" ? settings.attentionFactor : 1;
  const half = width / 2;
  const cos = new Float64Array(rows * half);
  const sin = new Float64Array(rows * half);
  for (let position = 0; position < rows; position++) {
    for (let j = 0; j < half; j++) {
      const angle = round(position * frequencies[j]!);
      cos[position * half + j] = Math.cos(angle) * factor;
      sin[position * half + j] = Math.sin(angle) * factor;
    }
  }
  return { cos, sin };
}

/** Angle per position [width / 2], in f32 steps as in transformers' modeling_rope_utils. */
export function ropeFrequencies(settings: RopeSettings, width: number): Float32Array {
  const { theta } = settings;
  const base = Float32Array.from({ length: width / 2 }, (_, j) => round(theta ** round((2 * j) / width)));
  switch (settings.type) {
    case "default":
      return base.map((power) => 1 / power);
    case "linear":
      return base.map((power) => round(1 / power) / settings.factor);
    case "yarn": {
      const [low, high] = yarnRange(settings, width);
      return base.map((power, j) => {
        const ramp = round(Math.min(1, Math.max(0, round(round(j - low) / round(high - low)))));
        const kept = round(1 - ramp);
        const stretched = round(round(1 / round(settings.factor * power)) * round(1 - kept));
        return stretched + round(round(1 / power) * kept);
      });
    }
    default:
      throw new Error(`internal: unknown rope ${String(settings satisfies never)}`);
  }
}

/** The pairs between which YaRN goes over from kept to stretched frequencies (arXiv 2309.00071, §3.2). */
function yarnRange(
  { theta, originalMaxPositionEmbeddings, betaFast, betaSlow }: RopeSettings & { readonly type: "yarn" },
  width: number,
): [number, number] {
  const pairWith = (rotations: number): number =>
    (width * Math.log(originalMaxPositionEmbeddings / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = Math.max(Math.floor(pairWith(betaFast)), 0);
  const high = Math.min(Math.ceil(pairWith(betaSlow)), width - 1);
  return [low, low === high ? high + 0.001 : high];
}
