/** BERT: config, parameters, packed forward pass. Heads, losses and folders are the encoder package's. */
export type { BertConfig, DropoutRates } from "./config/config.ts";
export { createConfig, parseConfig } from "./config/parse-config.ts";
export { presets } from "./config/presets.ts";
export { Bert, bertArchitecture } from "./model.ts";
export type { BertOptions } from "./model.ts";
