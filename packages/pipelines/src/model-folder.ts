/**
 * Where a model's files are: a folder as given, or a Hugging Face hub id, downloaded into the standard cache.
 * Respects HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, as Python's huggingface_hub does.
 */
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { downloadFileToCacheDir, getHFHubCachePath, HubApiError, listFiles, modelInfo } from "@huggingface/hub";

/** No model at that path or id; the message says what was tried and what to do. */
export class ModelNotFoundError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`[model] ${message}`, options);
    this.name = "ModelNotFoundError";
  }
}

export interface ModelFolderOptions {
  /** Branch, tag or commit of a hub model; `main` by default. */
  readonly revision?: string;
  /** Called once per file that is downloaded. */
  readonly onDownload?: (file: string, bytes: number) => void;
}

const hubId = /^[\w.-]+(\/[\w.-]+)?$/;
const wanted =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|model\.safetensors\.index)\.json$|^model[\w.-]*\.safetensors$/;

/** The folder of a model that is on disk after this call. */
export async function resolveModelFolder(model: string, options: ModelFolderOptions = {}): Promise<string> {
  const local = await stat(model).catch(() => undefined);
  if (local?.isDirectory()) return model;
  if (local)
    throw new ModelNotFoundError(`expected a folder with config.json and model.safetensors, got the file ${model}`);
  if (!hubId.test(model))
    throw new ModelNotFoundError(
      `there is no folder ${model}: give an existing folder or a hub id such as answerdotai/ModernBERT-base`,
    );
  const revision = options.revision ?? "main";
  if (isSet(process.env["HF_HUB_OFFLINE"])) return cachedSnapshot(model, revision, "HF_HUB_OFFLINE is set");
  try {
    return await download(model, revision, options.onDownload);
  } catch (error) {
    if (error instanceof HubApiError) {
      const advice =
        error.statusCode === 401 || error.statusCode === 403
          ? "set HF_TOKEN to a token that may read it"
          : "check its name and revision";
      throw new ModelNotFoundError(`the hub answered ${error.statusCode} for ${model}@${revision}: ${advice}`, {
        cause: error,
      });
    }
    return cachedSnapshot(
      model,
      revision,
      `the hub cannot be reached (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

async function download(
  model: string,
  revision: string,
  onDownload: ModelFolderOptions["onDownload"],
): Promise<string> {
  const { HF_ENDPOINT: hubUrl, HF_TOKEN: accessToken } = process.env;
  const access = { ...(hubUrl && { hubUrl }), ...(accessToken && { accessToken }) };
  const { sha } = await modelInfo({ name: model, revision, additionalFields: ["sha"], ...access });
  const repo = { type: "model", name: model } as const;
  const refs = join(getHFHubCachePath(), `models--${model.replaceAll("/", "--")}`, "refs", revision);
  const paths: string[] = [];
  for await (const file of listFiles({ repo, revision: sha, ...access })) {
    if (file.type !== "file" || !wanted.test(file.path)) continue;
    onDownload?.(file.path, file.size);
    paths.push(await quietly(() => downloadFileToCacheDir({ repo, path: file.path, revision: sha, ...access })));
  }
  const [first] = paths;
  if (!first) throw new ModelNotFoundError(`${model}@${revision} has no config.json or safetensors files`);
  await mkdir(dirname(refs), { recursive: true });
  await writeFile(refs, sha);
  return dirname(first);
}

/** The library announces each file with console.debug, which is standard output in Node and would spoil JSON lines. */
async function quietly<T>(body: () => Promise<T>): Promise<T> {
  const { debug } = console;
  console.debug = () => {};
  try {
    return await body();
  } finally {
    console.debug = debug;
  }
}

/** A snapshot that an earlier download left in the cache. */
async function cachedSnapshot(model: string, revision: string, why: string): Promise<string> {
  const folder = join(getHFHubCachePath(), `models--${model.replaceAll("/", "--")}`);
  const commit = await readFile(join(folder, "refs", revision), "utf8").then(
    (text) => text.trim(),
    () => revision,
  );
  const snapshot = join(folder, "snapshots", commit);
  const files = await readdir(snapshot).catch(() => []);
  if (files.includes("config.json")) return snapshot;
  throw new ModelNotFoundError(
    `${why} and ${model}@${revision} is not in the cache ${folder}: download it first, or give a folder`,
  );
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false", "no", "off"].includes(value.toLowerCase());
}
