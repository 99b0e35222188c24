/** `modernbert info`: what a model folder holds, and what a backend runs on, in words or JSON. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { backendNames, createBackend } from "@modernbert-ts/backends";
import type { BackendName } from "@modernbert-ts/backends";
import { countValues, readFolderConfig } from "@modernbert-ts/encoder";
import type { EncoderInfo, Head, HeadConfig } from "@modernbert-ts/encoder";
import { architectures, resolveModelFolder } from "@modernbert-ts/pipelines";
import { diskFolder, openSafetensors } from "@modernbert-ts/safetensors/node";
import { modelOption, notices } from "../options.ts";
import { write } from "../streams.ts";
import type { Streams } from "../streams.ts";
import { grouped, size, table } from "../text.ts";

interface Info {
  readonly folder: string;
  /** `model_type`. */
  readonly architecture: string;
  readonly head: Head;
  readonly parameters: number;
  /** Of the stored tensors; empty without weights. */
  readonly dtypes: readonly string[];
  readonly config: HeadConfig;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

interface InfoOptions {
  readonly model?: string;
  readonly backend?: BackendName | "auto";
  readonly json?: boolean;
}

export function infoCommand(streams: Streams): Command {
  return new Command("info")
    .summary("what a model folder holds, what a backend runs on")
    .description(
      "Describes a model (layers, heads, parameters, dtype, vocabulary, head, longest text, files), a backend (device, architecture, memory, driver), or both.",
    )
    .addOption(modelOption())
    .addOption(new Option("--backend <name>", "the backend to describe").choices(backendNames))
    .option("--json", "as one JSON object")
    .action(async ({ model, backend, json }: InfoOptions, command: Command) => {
      if (model === undefined && backend === undefined) {
        command.error("error: expected --model <dir>, --backend <name>, or both", { exitCode: 2 });
      }
      const device = backend === undefined ? undefined : await deviceOf(backend);
      const found =
        model === undefined
          ? undefined
          : await inspect(await resolveModelFolder(model, { onNotice: notices(streams) }));
      if (json) return write(streams, `${JSON.stringify({ ...device, ...found?.info })}\n`);
      const rows = [...(device ? Object.entries(device) : []), ...(found?.rows ?? [])];
      await write(streams, `${table(rows, ["left", "left"])}\n`);
    });
}

interface Device {
  readonly backend: BackendName;
  readonly device: string;
}

async function deviceOf(asked: BackendName | "auto"): Promise<Device> {
  const { name, backend, reason } = await createBackend(asked);
  await backend[Symbol.asyncDispose]();
  return { backend: name, device: reason };
}

/** As data, and in words. */
async function inspect(folder: string): Promise<{ readonly info: Info; readonly rows: string[][] }> {
  const { architecture, config, head = "none" } = await readFolderConfig(diskFolder(folder), architectures);
  const { kind } = architecture;
  const parameters = countValues(kind.parameters(config, head));
  const names = (await readdir(folder)).filter((name) => /\.(json|safetensors)$/.test(name)).sort();
  const files = await Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
  const dtypes = names.some((name) => name.endsWith(".safetensors")) ? await storedDTypes(folder) : [];
  const info: Info = { folder, architecture: kind.modelType, head, parameters, dtypes, config, files };
  const own = kind.describe(config).map((row) => [...row]);
  return { info, rows: describe(info, own, kind.info(config, head)) };
}

async function storedDTypes(folder: string): Promise<string[]> {
  await using checkpoint = await openSafetensors(folder);
  return [...new Set(checkpoint.names().map((name) => checkpoint.info(name).dtype))].sort();
}

function describe(
  { folder, architecture, head, parameters, dtypes, config, files }: Info,
  own: readonly string[][],
  { maxLength }: EncoderInfo,
): string[][] {
  return [
    ["model", folder],
    ["architecture", architecture],
    ["head", head],
    ["parameters", grouped(parameters)],
    ["stored as", dtypes.join(", ") || "no weights here"],
    ...own,
    ["vocabulary", `${grouped(config.vocabSize)} tokens, ${config.tieWordEmbeddings ? "tied" : "untied"} embedding`],
    ["longest text", `${grouped(maxLength)} tokens`],
    ...(head.endsWith("classification")
      ? [
          [
            "labels",
            `${config.labels.length}: ${config.labels.slice(0, 8).join(", ")}${config.labels.length > 8 ? ", …" : ""}`,
          ],
        ]
      : []),
    ...files.map(({ name, bytes }, index) => [index === 0 ? "files" : "", `${name} (${size(bytes)})`]),
  ];
}
