/**
 * Which shader a product takes: by a table that was measured on this adapter, else by rule. The same product always takes the same one,
 * so results repeat bit for bit as long as the table does.
 */
import { canUseQuads, hasHalves, isAlongDepth, recipes } from "./matmul-recipes.ts";
import type { Product, Recipe } from "./matmul-recipes.ts";
import type { MatmulTable, RecipeName } from "./recipe-names.ts";

/** Rows of the products that are measured; a product belongs to the first class that has its rows, or to the last. */
export const rowClasses = [8, 64, 512] as const;

/** Products of one class take one shader. Batches count as rows: both make workgroups. @param half Whether f16 are multiplied in f16. */
export function classOf(product: Product, half: boolean = hasHalves(product)): string {
  const { rows, batches, lanes } = product;
  const total = rows * batches;
  const size = rowClasses.find((limit) => total <= limit) ?? rowClasses.at(-1)!;
  const [a, b] = lanes.map(({ strides }) => strides.slice(-3)) as [number[], number[]];
  const [first, second] = [isAlongDepth(a[0]!, a[2]!), isAlongDepth(b[1]!, b[2]!)];
  return `${size} ${first ? "depth" : "side"} ${second ? "depth" : "side"}${half ? " f16" : ""}`;
}

/** Few rows take the flat tile; the large one only where it makes enough workgroups to fill a device. */
export function ruleOfThumb({ rows, columns, batches }: Product): RecipeName {
  if (rows <= 8) return "flat";
  return Math.floor(rows / 64) * Math.floor(columns / 64) * batches >= 32 ? "large" : "medium";
}

/** @param preferred By class, or one for all products; `undefined` where only the rule decides. `direct` is left where it does not fit. */
export function chooseRecipe(product: Product, preferred: MatmulTable | RecipeName | undefined): Recipe {
  // A table that was measured without f16 arithmetic has no classes of its own for f16.
  const measured = (table: MatmulTable) => table[classOf(product)] ?? table[classOf(product, false)];
  const name = typeof preferred === "object" ? measured(preferred) : preferred;
  if (name === undefined || (name === "direct" && !canUseQuads(product))) return recipes[ruleOfThumb(product)];
  return recipes[name];
}
