/**
 * Folders whose linear layers are stored in bytes: compressed-tensors' format "int-quantized", of which one scheme is done, that of
 * `int8Linear`. config.json says so in `quantization_config`; a matrix `NAME` [n, k] is I8, and `NAME_scale` [n, 1] what 1 is worth in each channel.
 */
import { fail, isJsonObject } from "../config/json-fields.ts";
import type { JsonObject } from "../config/json-fields.ts";

const eightBits = { num_bits: 8, type: "int", symmetric: true } as const;
const weights = { ...eightBits, strategy: "channel", dynamic: false } as const;
const activations = { ...eightBits, strategy: "token", dynamic: true } as const;
const scheme = {
  quant_method: "compressed-tensors",
  format: "int-quantized",
  quantization_status: "compressed",
} as const;
/** What computing does not depend on: how scales were found, who wrote the folder. */
const remarks = ["observer", "observer_kwargs", "global_compression_ratio", "version"];

/** The name of the scales of a stored matrix. */
export function scaleOf(name: string): string {
  return `${name}_scale`;
}

/** @param ignore the linear layers that are not in bytes. */
export function quantizationToJSON(ignore: readonly string[]): JsonObject {
  const group = { targets: ["Linear"], weights, input_activations: activations };
  return { quantization_config: { ...scheme, config_groups: { group_0: group }, ignore } };
}

/** Whether a config.json is that of such a folder. @throws ConfigError for any other `quantization_config`. */
export function isQuantized(json: JsonObject): boolean {
  const root = "quantization_config";
  const config = json[root];
  if (config === undefined || config === null) return false;
  const { config_groups: groups, ignore: _, ...rest } = objectOf(root, config);
  const [first, second] = Object.entries(objectOf(`${root}.config_groups`, groups));
  if (first === undefined || second !== undefined) fail(`${root}.config_groups`, "one group", groups);
  const [name, group] = first;
  const path = `${root}.config_groups.${name}`;
  const { targets, weights: own, input_activations: inputs, ...more } = objectOf(path, group);
  if (JSON.stringify(targets) !== '["Linear"]')
    fail(`${path}.targets`, '["Linear"] (no other is implemented)', targets);
  expectFields(root, rest, scheme);
  expectFields(path, more, {});
  expectFields(`${path}.weights`, own, weights);
  expectFields(`${path}.input_activations`, inputs, activations);
  return true;
}

function objectOf(path: string, value: unknown): JsonObject {
  return isJsonObject(value) ? value : fail(path, "an object", value);
}

/** Fields that are not wanted may only be empty: what they ask for is not done. */
function expectFields(path: string, value: unknown, wanted: JsonObject): void {
  const fields = objectOf(path, value);
  for (const name of new Set([...Object.keys(wanted), ...Object.keys(fields)])) {
    const got = fields[name];
    if (Object.hasOwn(wanted, name)) {
      if (got !== wanted[name])
        fail(`${path}.${name}`, `${JSON.stringify(wanted[name])} (no other is implemented)`, got);
    } else if (!isEmpty(got) && !remarks.includes(name))
      fail(`${path}.${name}`, "left out (it is not implemented)", got);
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}
