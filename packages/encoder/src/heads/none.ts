/** No head: the encoder alone. */
import type { HeadDefinition } from "./definition.ts";

export const noHead: HeadDefinition = {
  classSuffix: "Model",
  labelNames: [],
  parameters: () => [],
  plan: () => ({ outputs: [], loss: undefined }),
};
