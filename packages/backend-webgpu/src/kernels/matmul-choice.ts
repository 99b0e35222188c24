/** Which shader a product takes: by rule. */
import { canUseQuads, recipes } from "./matmul-recipes.ts";
import type { Product, Recipe } from "./matmul-recipes.ts";
import type { Device } from "./space.ts";

export function chooseRecipe(device: Device, product: Product): Recipe {
  if (device.isSoftware && canUseQuads(product)) return recipes.direct;
  return recipes[ruleOfThumb(product)];
}

/** Few rows take the flat tile; the large one only where it makes enough workgroups to fill a device. */
export function ruleOfThumb({ rows, columns, batches }: Product): "flat" | "medium" | "large" {
  if (rows <= 8) return "flat";
  return Math.floor(rows / 64) * Math.floor(columns / 64) * batches >= 32 ? "large" : "medium";
}
