/** What a variant says of its models to the code that all architectures share: as ModernBERT, but for its choices. */
import type { EncoderKind } from "@modernbert-ts/encoder";
import { initialValues, modernbertKind } from "@modernbert-ts/modernbert";
import { modelType, parseVariant, variantToJSON } from "./config.ts";
import type { VariantConfig } from "./config.ts";
import { parameterSpecs } from "./parameters.ts";

export const variantKind: EncoderKind<VariantConfig> = {
  ...modernbertKind,
  modelType,
  className: "EncoderVariant",
  parseConfig: parseVariant,
  configToJSON: variantToJSON,
  info: (config, head) => ({ ...modernbertKind.info(config, head), modelType }),
  layers: (config) =>
    modernbertKind.layers(config).map(({ window, held }) => ({
      window,
      held: { ...held, compute: held.compute - (config.gated ? 0 : config.intermediateSize) },
    })),
  describe: ({ positions, normPlacement, gated, ...config }) => [
    ...modernbertKind.describe(config).filter(([name]) => name !== "rope" || positions === "rope"),
    ["positions", positions],
    ["norms", `${normPlacement}-norm`],
    ["gate", gated ? "yes" : "no"],
  ],
  parameters: parameterSpecs,
  initial: (config, head, _name, spec) => initialValues(config, head, spec, "huggingface"),
};
