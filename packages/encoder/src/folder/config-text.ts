/** The text of a model's config.json. */
import { stringifyConfig } from "../config/stringify-config.ts";
import type { JsonObject } from "../config/json-fields.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { Head } from "../info.ts";
import type { EncoderKind } from "../kind.ts";
import { classNameOf } from "./read-config.ts";

/** @param dtype what transformers calls the dtype of the stored weights, such as "float32". @param more other fields. */
export function configText<C extends HeadConfig>(
  kind: EncoderKind<C>,
  config: C,
  head: Head,
  dtype: string,
  more: JsonObject = {},
): string {
  const fields = {
    architectures: [classNameOf({ kind }, head)],
    ...kind.configToJSON(config),
    torch_dtype: dtype,
    ...more,
  };
  return stringifyConfig(fields, kind.floatFields);
}
