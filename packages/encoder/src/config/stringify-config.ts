/** The text of config.json: like `JSON.stringify`, but floats that are whole are written as such (`2.0`). */
import type { JsonObject } from "./json-fields.ts";

/** @param floatFields keys whose values Python must read as floats: transformers 5 refuses `2` where it declares a float. */
export function stringifyConfig(json: JsonObject, floatFields: readonly string[]): string {
  const floatLine = new RegExp(`^(\\s*"(?:${floatFields.join("|")})": -?\\d+)(,?)$`, "gm");
  return `${JSON.stringify(json, null, 2).replace(floatLine, "$1.0$2")}\n`;
}
