/** What routes that work on masks need of the model. */
import { ServeError } from "../../errors.ts";
import type { Service } from "../../service.ts";

/** The id of the mask token. @throws ServeError 424 for a model that fills no masks. */
export function maskIdOf({ files }: Pick<Service, "files">): number {
  if (files.info.head !== "masked-lm") throw new ServeError("Backend", "Model is not a masked language model");
  const { mask } = files.tokenizer.specialTokens;
  if (mask === undefined) throw new ServeError("Backend", "the model's tokenizer has no mask token");
  return mask;
}
