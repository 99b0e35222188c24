/** PEFT's names of the tensors of an adapter: those of transformers' class behind a prefix. */
import type { EncoderKind, Head } from "@modernbert-ts/encoder";

const prefix = "base_model.model.";

export function peftName(kind: Pick<EncoderKind, "bareName">, head: Head, name: string): string {
  return prefix + (head === "none" ? kind.bareName(name) : name);
}

/** The name in transformers' class; undefined where it is none of PEFT's. */
export function nameInModel(peft: string): string | undefined {
  return peft.startsWith(prefix) ? peft.slice(prefix.length) : undefined;
}
