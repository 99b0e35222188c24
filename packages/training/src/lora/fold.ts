/** An adapter and the model that it was trained beside as one plain model folder: W + scale · B·A, summed in f64. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { classNameOf, configText, headNames, readFolderConfig } from "@modernbert-ts/encoder";
import type { Architecture, Encoder, HeadConfig } from "@modernbert-ts/encoder";
import { diskFolder, openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import { checkpointFiles, filesBesideWeights } from "../checkpoint/format.ts";
import { DataError, ioError } from "../errors.ts";
import { AtomicDirectory } from "../files/atomic-directory.ts";
import { parseAdapterConfig } from "./adapter-config.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import { adapterFiles, openAdapterTensors } from "./adapter-tensors.ts";
import type { AdapterTensors } from "./adapter-tensors.ts";
import { expectSameBase } from "./base.ts";
import { foldedWeights } from "./folded-weights.ts";
import type { Described } from "./modules.ts";

export interface FoldOptions<C extends HeadConfig, E extends Encoder<C>> {
  readonly architectures: readonly Architecture<C, E>[];
  /** Folder of the base; by default the one that the adapter names. */
  readonly base?: string;
  /** Of a checkpoint with a moving average of the weights: the weights themselves. */
  readonly raw?: boolean;
}

/**
 * Weights in f32, the head of the adapter, files beside the weights from the adapter or else from the base. The folder appears whole or not at all.
 * Resolves to whether it holds a moving average.
 * @param adapter a PEFT folder, made here or by PEFT, or a checkpoint of a run with LoRA.
 * @throws DataError for an adapter that asks for what is not done here, or that does not fit the base; SafetensorsError.
 */
export async function foldAdapter<C extends HeadConfig, E extends Encoder<C>>(
  adapter: string,
  target: string,
  { architectures, base: given, raw = false }: FoldOptions<C, E>,
): Promise<boolean> {
  const path = join(adapter, adapterFiles.config);
  const config = parseAdapterConfig(readFileSync(path, "utf8"), path);
  const base = given ?? config.base;
  if (base === undefined || !existsSync(join(base, "config.json")))
    throw new DataError(
      "missing",
      "lora",
      `expected the folder of the model that ${adapter} was trained beside, got ${base ?? "no name"}: name it with --base`,
    );
  await expectSameBase(adapter, base);
  await using tensors = await openAdapterTensors(adapter, { raw });
  await using stored = await openSafetensors(base);
  const model = await describe(adapter, base, config, tensors, architectures);
  const entries = foldedWeights(model, config, tensors, { reader: stored, folder: base });
  const aside = new AtomicDirectory(target);
  try {
    await writeSafetensors(join(aside.path, checkpointFiles.model), entries);
    writeFileSync(join(aside.path, "config.json"), configText(model.kind, model.config, model.head, "float32"), {
      flush: true,
    });
    for (const file of filesBesideWeights) {
      const from = [adapter, base].map((folder) => join(folder, file)).find((each) => existsSync(each));
      if (file === "config.json" || from === undefined) continue;
      mkdirSync(dirname(join(aside.path, file)), { recursive: true });
      writeFileSync(join(aside.path, file), readFileSync(from), { flush: true });
    }
    aside.commit();
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ENOSPC" ? ioError("lora", target, error) : error;
  } finally {
    aside.discard();
  }
  return tensors.averaged;
}

/** Config and head: the adapter's own where it has a config.json, as those made here; else the base's with the adapter's head. */
async function describe<C extends HeadConfig, E extends Encoder<C>>(
  adapter: string,
  base: string,
  { head: asked, className }: AdapterConfig,
  { shapes }: AdapterTensors,
  architectures: readonly Architecture<C, E>[],
): Promise<Described<C>> {
  const own = existsSync(join(adapter, "config.json"));
  const { architecture, config, head } = await readFolderConfig(diskFolder(own ? adapter : base), architectures);
  const { kind } = architecture;
  const named = asked ?? headNames.find((name) => classNameOf(architecture, name) === className) ?? head;
  const found = own ? head : named;
  if (!found) throw new DataError("invalid", "lora", `expected ${adapter} or ${base} to name a head, got none`);
  const classes = own ? undefined : shapes.get(`${kind.names(found).classifier}.weight`)?.[0];
  if (classes === undefined || classes === config.labels.length) return { kind, config, head: found };
  return {
    kind,
    config: { ...config, labels: Array.from({ length: classes }, (_, at) => `LABEL_${at}`) },
    head: found,
  };
}
