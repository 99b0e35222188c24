/** Settings of vectors that may be missing: a snapshot of the hub's cache need not hold all files of its repository. */
import type { Folder } from "@modernbert-ts/safetensors";
import type { Notify } from "../notices.ts";

/** A folder of a model, and what it does not show. */
export interface ModelFolder extends Folder {
  /** Files that it lacks and that the model may have. */
  readonly uncertain?: readonly string[];
}

/** Files that decide how vectors are made, and what is assumed without them. */
const assumptions = {
  "modules.json": "no Normalize",
  "1_Pooling/config.json": "pooling mean",
  "config_sentence_transformers.json": "no prompts, all dimensions",
  "sentence_bert_config.json": "the longest text of config.json, upper case kept",
} as const;

export const vectorFiles = Object.keys(assumptions) as readonly (keyof typeof assumptions)[];

/** Tells what vectors of such a folder rest on; to be called before some are made. */
export function noticeAssumptions(
  { folder, uncertain }: { readonly folder: string; readonly uncertain: readonly string[] },
  onNotice: Notify | undefined,
): void {
  const assumed = vectorFiles
    .filter((path) => uncertain.includes(path))
    .map((path) => `${path} (${assumptions[path]})`);
  if (assumed.length === 0) return;
  onNotice?.(
    `the copy ${folder} lacks files that the model may have, vectors are made as without them: ${assumed.join(", ")}; open the model by its hub id once with a connection to bring them`,
  );
}
