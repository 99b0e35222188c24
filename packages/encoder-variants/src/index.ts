/** The block of ModernBERT with each of its choices as a switch, for ablations: what lies between BERT and ModernBERT. */
export { parseVariant, variantToJSON } from "./config.ts";
export type { VariantConfig } from "./config.ts";
export { variantKind } from "./kind.ts";
export { EncoderVariant, variantArchitecture } from "./model.ts";
