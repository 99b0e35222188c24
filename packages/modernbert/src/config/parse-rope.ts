/**
 * Rotary settings of each layer kind from either generation: flat `global_rope_theta`, `local_rope_theta` and `rope_scaling`,
 * or `rope_parameters` by layer type. The fields of a rope type are those of transformers' modeling_rope_utils.
 */
import { fail, isJsonObject, JsonFields } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { LayerKind, RopeSettings } from "./config.ts";

/** Names of the layer kinds in config.json. */
export const layerTypes: Readonly<Record<LayerKind, string>> = {
  global: "full_attention",
  local: "sliding_attention",
};

const publishedTheta: Readonly<Record<LayerKind, number>> = { global: 160_000, local: 10_000 };

export function parseRope(fields: JsonFields, maxPositionEmbeddings: number): Record<LayerKind, RopeSettings> {
  const byType = fields.object("rope_parameters");
  if (Object.keys(byType).length > 0 && !Object.values(layerTypes).some((type) => Object.hasOwn(byType, type))) {
    fields.fail("rope_parameters", `an object with ${layerTypes.global} and ${layerTypes.local}`);
  }
  const scaling = fields.object("rope_scaling");
  const globalTheta = fields.above("global_rope_theta", publishedTheta.global, 1);
  const localIsGlobal = fields.raw("local_rope_theta") === null; // transformers 4: null means the global one
  const localTheta = localIsGlobal ? globalTheta : fields.above("local_rope_theta", publishedTheta.local, 1);
  const parse = (kind: LayerKind, theta: number): RopeSettings => {
    const name = layerTypes[kind];
    const given = (Object.hasOwn(byType, name) ? byType[name] : undefined) ?? {};
    if (!isJsonObject(given)) fail(`rope_parameters.${name}`, "an object", given);
    return parseSettings({ ...given, ...scaling }, `rope_parameters.${name}.`, theta, maxPositionEmbeddings);
  };
  return { global: parse("global", globalTheta), local: parse("local", localTheta) };
}

function parseSettings(
  json: JsonObject,
  path: string,
  defaultTheta: number,
  maxPositionEmbeddings: number,
): RopeSettings {
  const fields = new JsonFields(json, path);
  if (fields.above("partial_rotary_factor", 1, 0) !== 1) fields.fail("partial_rotary_factor", "1 or absent");
  const theta = fields.above("rope_theta", defaultTheta, 1);
  const type = fields.raw("rope_type") ?? fields.raw("type") ?? "default";
  switch (type) {
    case "default":
      return { type: "default", theta };
    case "linear":
      return { type: "linear", theta, factor: fields.above("factor", undefined, 0) };
    case "yarn":
      return parseYarn(fields, theta, maxPositionEmbeddings);
    default:
      return fail(`${path}rope_type`, "default, linear or yarn (no other is implemented)", type);
  }
}

/** YaRN (Peng et al. 2023, arXiv 2309.00071), with the defaults of transformers. */
function parseYarn(fields: JsonFields, theta: number, maxPositionEmbeddings: number): RopeSettings {
  if (!fields.boolean("truncate", true)) fields.fail("truncate", "true or absent");
  const original = fields.integer("original_max_position_embeddings", maxPositionEmbeddings);
  const factor =
    fields.raw("factor") === null ? maxPositionEmbeddings / original : fields.above("factor", undefined, 0);
  const optional = (name: string): number | undefined =>
    (fields.raw(name) ?? null) === null ? undefined : fields.above(name, undefined, 0);
  const magnitude = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const [mscale, mscaleAll] = [optional("mscale"), optional("mscale_all_dim")];
  const inferred = mscale && mscaleAll ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1);
  return {
    type: "yarn",
    theta,
    factor,
    originalMaxPositionEmbeddings: original,
    betaFast: optional("beta_fast") ?? 32,
    betaSlow: optional("beta_slow") ?? 1,
    attentionFactor: optional("attention_factor") ?? inferred,
  };
}
