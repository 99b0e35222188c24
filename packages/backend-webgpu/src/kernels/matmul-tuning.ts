/**
 * Measures the shapes of `matmul` on the adapter at hand: for each class of products the time of a few runs with every shader. A GPU takes
 * about a tenth of a second for it, and some seconds for compiling on slow drivers. Within ten percent the rule of thumb stays.
 */
import type { Device } from "./device.ts";
import type { Lane } from "./space.ts";
import { classOf, rowClasses, ruleOfThumb } from "./matmul-choice.ts";
import type { MatmulTable, RecipeName } from "./recipe-names.ts";
import { describeProduct, run } from "./matmul.ts";
import { recipes } from "./matmul-recipes.ts";
import type { Product } from "./matmul-recipes.ts";

export interface TuningOptions {
  /** Columns and depth of what is measured. Default 768. */
  readonly size?: number;
  readonly rows?: readonly number[];
  /** Waits for the device. */
  readonly finish: () => Promise<void>;
  /** In milliseconds. */
  readonly now?: () => number;
}

/** Runs that one measurement times together, and how often it is repeated: the best counts. */
const runs = 4;
const rounds = 2;
const margin = 0.9;

/** y = x·Wᵀ, its gradient for x, its gradient for W: which of a and b lies along the depth. */
const layouts = [
  [true, true],
  [true, false],
  [false, false],
] as const;

export async function tuneMatmul(device: Device, options: TuningOptions): Promise<MatmulTable> {
  const { size = 768, rows = rowClasses, finish, now = () => performance.now() } = options;
  const table: Record<string, RecipeName> = {};
  const dtypes = device.features.f16Arithmetic ? (["f32", "f16"] as const) : (["f32"] as const);
  const largest = Math.max(...rows, size);
  const ids = [size * largest, size * size, size * largest].map((count) => device.memory.allocate(count * 4));
  try {
    const buffers = ids.map((id) => device.memory.find("tune", id));
    for (const [count, dtype] of rows.flatMap((each) => dtypes.map((type) => [each, type] as const))) {
      for (const [aAlongDepth, bAlongDepth] of layouts) {
        const lane = (at: number, strides: readonly number[]): Lane => {
          return { buffer: buffers[at]!, dtype, offset: 0, strides };
        };
        const product = describeProduct(
          [count, size, size],
          [
            lane(0, aAlongDepth ? [size, 0, 1] : [1, 0, largest]),
            lane(1, bAlongDepth ? [0, size, 1] : [0, 1, size]),
            lane(2, [size, 1, 0]),
          ],
        );
        table[classOf(product)] = await fastest(device, product, finish, now);
      }
    }
  } finally {
    for (const id of ids) device.memory.release(id);
  }
  return table;
}

async function fastest(
  device: Device,
  product: Product,
  finish: () => Promise<void>,
  now: () => number,
): Promise<RecipeName> {
  const usual = ruleOfThumb(product);
  const times = new Map<RecipeName, number>();
  for (const recipe of Object.values(recipes)) {
    const queue = async (count: number): Promise<number> => {
      const started = now();
      for (let at = 0; at < count; at++) run(device, product, recipe, { alpha: 1, accumulate: false });
      await finish();
      return now() - started;
    };
    await queue(1);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) best = Math.min(best, await queue(runs));
    times.set(recipe.name, best);
  }
  let winner = usual;
  for (const [name, time] of times) {
    if (time < times.get(winner)! * (winner === usual ? margin : 1)) winner = name;
  }
  return winner;
}
