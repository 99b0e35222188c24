/** How a model's embeddings are pooled. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { EncoderInfo, Pooling } from "@modernbert-ts/encoder";
import { readText } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";

const path = "1_Pooling/config.json";

/** What a sentence-transformers folder says in 1_Pooling/config.json, else `classifier_pooling`. @throws CheckpointError */
export async function readPooling(folder: Folder, { classifierPooling }: EncoderInfo): Promise<Pooling | undefined> {
  const text = await readText(folder, path);
  if (text === undefined) return classifierPooling;
  const modes = parseObject(`${folder.name}/${path}`, text);
  const on = Object.keys(modes).filter((key) => key.startsWith("pooling_mode_") && modes[key] === true);
  if (on.length !== 1) return undefined;
  return ({ pooling_mode_cls_token: "cls", pooling_mode_mean_tokens: "mean" } as const)[on[0]!];
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  const found =
    value === undefined ? "text that is not JSON" : Array.isArray(value) ? "an array" : JSON.stringify(value);
  throw new CheckpointError("pooling", `expected a JSON object in ${file}, got ${found}: download or save it again`);
}
