/** The files that make an adapter in training one of PEFT's: adapter_config.json, and which base it belongs to. */
import { classNameOf } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import { adapterConfigText } from "./adapter-config.ts";
import { adapterFiles } from "./adapter-tensors.ts";
import { baseText } from "./base.ts";
import type { Lora, LoraOptions } from "./lora.ts";
import { modulesOf, trainedOfHead } from "./modules.ts";

/** @param base folder of the model that the adapter is trained beside. */
export async function adapterDescription(
  encoder: Encoder,
  { modules }: Lora,
  options: LoraOptions,
  base: string,
): Promise<Readonly<Record<string, string>>> {
  const { kind, head } = encoder;
  const named = (name: string): string => (head === "none" ? kind.bareName(name) : name);
  const all = modulesOf(encoder).map(({ name }) => named(name));
  const text = adapterConfigText({
    ...options,
    base,
    head,
    className: classNameOf({ kind }, head),
    modules: shortest(modules.map(named), all),
    // Modules at the top of transformers' class: head, classifier.
    saved: [...new Set([...trainedOfHead(encoder)].map((name) => name.split(".")[0]!))],
  });
  return { [adapterFiles.config]: text, [adapterFiles.base]: await baseText(base) };
}

/** Last words of names, where PEFT finds the same modules by these; else whole names. */
function shortest(modules: readonly string[], all: readonly string[]): readonly string[] {
  const words = [...new Set(modules.map(last))];
  const meant = all.filter((name) => words.includes(last(name)));
  return meant.length === modules.length ? words : modules;
}

function last(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
