/** All presets by name. A preset is a value in a file here and a line in this table. */
import { bertBase, bertMini } from "./bert.ts";
import { ettin150m, ettin17m, ettin32m, ettin68m } from "./ettin.ts";
import { finetune } from "./finetune.ts";
import { mmbertBase, mmbertSmall } from "./mmbert.ts";
import { base, large } from "./modernbert.ts";
import type { Preset } from "./preset.ts";

export const presets: Readonly<Record<string, Preset>> = {
  base,
  large,
  "ettin-17m": ettin17m,
  "ettin-32m": ettin32m,
  "ettin-68m": ettin68m,
  "ettin-150m": ettin150m,
  "mmbert-small": mmbertSmall,
  "mmbert-base": mmbertBase,
  "bert-base": bertBase,
  "bert-mini": bertMini,
  finetune,
};
