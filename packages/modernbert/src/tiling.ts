/**
 * Starts a larger model from a trained smaller one: "center tiling with wraparound" (arXiv 2412.13663 §2.2.2, App. A.2; FlexBERT
 * `tile_weights_from_middle`). Weights sit in the middle of the larger ones and repeat around the edges; layers are spread as
 * Gopher does (Rae et al. 2021). On host arrays: it runs once, before training.
 */
import { ConfigError } from "@modernbert-ts/encoder";
import type { Head } from "@modernbert-ts/encoder";
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { Shape } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";
import { names, parameterShapes } from "./parameters.ts";

/** Parameters on the host, row-major, as `parameterShapes` names them. */
export type HostParameters = ReadonlyMap<string, Float32Array>;

/**
 * The parameters of a model of shape `to` from those of a trained one of shape `from`. The final norm starts at ones.
 * @throws ConfigError unless `to` is at least as large in every extent and has the same vocabulary.
 */
export function tileParameters(
  parameters: HostParameters,
  from: ModernBertConfig,
  to: ModernBertConfig,
  head: Head,
): Map<string, Float32Array> {
  checkSizes(from, to);
  const sourceShapes = parameterShapes(from, head);
  const result = new Map<string, Float32Array>();
  for (const [name, shape] of parameterShapes(to, head)) {
    const source = sourceName(name, from, to);
    const values = parameters.get(source);
    if (values === undefined && sourceShapes.has(source)) {
      throw new ConfigError("tileParameters", `expected ${source} among the parameters, got none`);
    }
    const size = sizeOf(shape);
    const fresh = values === undefined || name.startsWith("model.final_norm.");
    const tiled = fresh
      ? new Float32Array(size).fill(name.endsWith(".weight") ? 1 : 0)
      : tileParts(values, sourceShapes.get(source)!, shape, partsOf(name));
    result.set(name, tiled);
  }
  return result;
}

/** Which of `count` layers layer `layer` of `wanted` starts from: layer · count / wanted, halves rounded to even. */
export function sourceLayer(layer: number, count: number, wanted: number): number {
  const position = (layer * count) / wanted;
  const below = Math.floor(position);
  const tie = position - below === 0.5;
  const nearest = tie ? below + (below % 2) : Math.round(position);
  return Math.min(nearest, count - 1);
}

/**
 * out[r][c] = values[(r − offR) mod rows][(c − offC) mod columns] with off = ⌊(larger − smaller) / 2⌋.
 * @param from [rows] or [rows, columns]
 */
export function tile(values: Float32Array, from: Shape, to: Shape): Float32Array {
  const [rows, columns = 1] = from as [number, number?];
  const [toRows, toColumns = 1] = to as [number, number?];
  const [rowOffset, columnOffset] = [Math.floor((toRows - rows) / 2), Math.floor((toColumns - columns) / 2)];
  const result = new Float32Array(toRows * toColumns);
  for (let r = 0; r < toRows; r++) {
    const row = modulo(r - rowOffset, rows) * columns;
    for (let c = 0; c < toColumns; c++) result[r * toColumns + c] = values[row + modulo(c - columnOffset, columns)]!;
  }
  return result;
}

function modulo(a: number, n: number): number {
  return ((a % n) + n) % n;
}

/** Fused projections are tiled part by part along their rows: q, k and v, and the two halves of the gated unit. */
function partsOf(name: string): number {
  if (name.includes(".attn.Wqkv.")) return 3;
  return name.includes(".mlp.Wi.") ? 2 : 1;
}

function tileParts(values: Float32Array, from: Shape, to: Shape, parts: number): Float32Array {
  const part = ([rows, ...rest]: Shape): Shape => [rows! / parts, ...rest];
  const tiles = Array.from({ length: parts }, (_, at) => {
    const length = values.length / parts;
    return tile(values.subarray(at * length, (at + 1) * length), part(from), part(to));
  });
  if (parts === 1) return tiles[0]!;
  const result = new Float32Array(tiles[0]!.length * parts);
  tiles.forEach((tiled, at) => result.set(tiled, at * tiled.length));
  return result;
}

/** Layer 0 has no attention norm: a layer that starts from it has none to tile, and starts its own at ones. */
function sourceName(name: string, from: ModernBertConfig, to: ModernBertConfig): string {
  return name.replace(/^model\.layers\.(\d+)\./, (_, layer) => {
    return `model.layers.${sourceLayer(Number(layer), from.layers.length, to.layers.length)}.`;
  });
}

function sizes({ hiddenSize, intermediateSize, layers }: ModernBertConfig): number[] {
  return [hiddenSize, intermediateSize, layers.length];
}

function checkSizes(from: ModernBertConfig, to: ModernBertConfig): void {
  if (from.vocabSize !== to.vocabSize) {
    throw new ConfigError(
      "tileParameters",
      `expected ${names.embedding} of one size, got ${from.vocabSize} and ${to.vocabSize}`,
    );
  }
  const larger = sizes(to);
  if (sizes(from).some((size, at) => size > larger[at]!)) {
    throw new ConfigError(
      "tileParameters",
      `expected a model at least as large in hidden size, intermediate size and layers, got ${larger.join(", ")} for ${sizes(from).join(", ")}`,
    );
  }
}
