/**
 * Folders whose linear layers are stored in bytes or half bytes, as config.json says in `quantization_config`, in the words of
 * compressed-tensors: one scheme of "int-quantized", that of `int8Linear`, and one of "pack-quantized", that of `int4Linear`.
 */
import { int4Group } from "@modernbert-ts/tensor-core";
import { fail, isJsonObject } from "../config/json-fields.ts";
import type { JsonObject } from "../config/json-fields.ts";
import type { QuantizedFormat } from "../weights/formats.ts";

const bits = (num_bits: number) => ({ num_bits, type: "int", symmetric: true }) as const;
const activations = { ...bits(8), strategy: "token", dynamic: true } as const;
const scheme = { quant_method: "compressed-tensors", quantization_status: "compressed" } as const;

/** What tells the schemes apart. */
const schemes = {
  int8: { format: "int-quantized", weights: { ...bits(8), strategy: "channel", dynamic: false } },
  int4: { format: "pack-quantized", weights: { ...bits(4), strategy: "group", group_size: int4Group, dynamic: false } },
} as const satisfies Record<QuantizedFormat, unknown>;
const formats = Object.keys(schemes) as QuantizedFormat[];
/** What computing does not depend on: how scales were found, who wrote the folder. */
const remarks = ["observer", "observer_kwargs", "global_compression_ratio", "version"];

/** @param ignore the linear layers that are not quantised. */
export function quantizationToJSON(name: QuantizedFormat, ignore: readonly string[]): JsonObject {
  const { format, weights } = schemes[name];
  const group = { targets: ["Linear"], weights, input_activations: activations };
  return { quantization_config: { ...scheme, format, config_groups: { group_0: group }, ignore } };
}

/** What a config.json says that linear layers are stored in; undefined for floating point. @throws ConfigError for any other `quantization_config`. */
export function quantizationOf(json: JsonObject): QuantizedFormat | undefined {
  const root = "quantization_config";
  const config = json[root];
  if (config === undefined || config === null) return undefined;
  const { config_groups: groups, ignore: _, format, ...rest } = objectOf(root, config);
  const found = formats.find((each) => schemes[each].format === format);
  if (!found) {
    const known = formats.map((each) => `"${schemes[each].format}"`).join(" or ");
    return fail(`${root}.format`, `${known} (no other is implemented)`, format);
  }
  const [first, second] = Object.entries(objectOf(`${root}.config_groups`, groups));
  if (first === undefined || second !== undefined) fail(`${root}.config_groups`, "one group", groups);
  const [name, group] = first;
  const path = `${root}.config_groups.${name}`;
  const { targets, weights: own, input_activations: inputs, ...more } = objectOf(path, group);
  if (JSON.stringify(targets) !== '["Linear"]')
    fail(`${path}.targets`, '["Linear"] (no other is implemented)', targets);
  expectFields(root, rest, scheme);
  expectFields(path, more, {});
  expectFields(`${path}.weights`, own, schemes[found].weights);
  expectFields(`${path}.input_activations`, inputs, activations);
  return found;
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
