/**
 * Where a model's files are: a folder as given, or a Hugging Face hub id, downloaded into the standard cache.
 * Respects HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, as Python's huggingface_hub does.
 */
import { stat } from "node:fs/promises";
import { HubApiError } from "@huggingface/hub";
import { WriteError } from "@modernbert-ts/safetensors/node";
import { ModelNotFoundError } from "../errors.ts";
import { cachedSnapshot, cacheFolder, DamagedDownloadError, downloadSnapshot } from "./cache.ts";
import type { HubModel } from "./cache.ts";

export interface ModelFolderOptions {
  /** Branch, tag or commit of a hub model; `main` by default. */
  readonly revision?: string;
  /** Whether the weights are needed; without them a hub model is its config and tokenizer only. Default true. */
  readonly weights?: boolean;
  /** What a person should know: a download, a cached model because the hub cannot be reached, the backend taken and why. */
  readonly onNotice?: (notice: string) => void;
}

/** A hub id: one or two names that neither start nor end with a dot or dash. */
const hubId = /^\w([\w.-]*\w)?(\/\w([\w.-]*\w)?)?$/;
const smallFiles =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|modules|sentence_bert_config|config_sentence_transformers|1_Pooling\/config)\.json$/;
const weightFiles = /^model([\w.-]*\.safetensors|\.safetensors\.index\.json)$/;

/** The folder of a model that is on disk after this call. @throws ModelNotFoundError */
export async function resolveModelFolder(source: string, options: ModelFolderOptions = {}): Promise<string> {
  const local = await stat(source).catch(() => undefined);
  if (local?.isDirectory()) return source;
  if (local) {
    throw new ModelNotFoundError(`expected a folder with config.json and model.safetensors, got the file ${source}`);
  }
  if (!hubId.test(source)) {
    throw new ModelNotFoundError(
      `there is no folder ${source}: give an existing folder or a hub id such as answerdotai/ModernBERT-base`,
    );
  }
  const model = { name: source, revision: options.revision ?? "main" };
  if (isTrue(process.env["HF_HUB_OFFLINE"])) return fromCache(model, options, "HF_HUB_OFFLINE is set");
  try {
    return await fromHub(model, options);
  } catch (error) {
    if (error instanceof ModelNotFoundError || error instanceof WriteError) throw error;
    if (error instanceof DamagedDownloadError) throw new ModelNotFoundError(`${source}: ${error.message}`);
    const { refusal, reason } = explain(error);
    if (refusal) {
      const what = `there is no folder ${source}, and the hub refused ${source}@${model.revision} (${reason})`;
      throw new ModelNotFoundError(`${what}: ${refusal}`, { cause: error });
    }
    const folder = await fromCache(model, options, `the connection to the hub failed (${reason})`);
    options.onNotice?.(`the connection to the hub failed (${reason}): using the copy in ${folder}`);
    return folder;
  }
}

async function fromHub(model: HubModel, { weights = true, onNotice }: ModelFolderOptions): Promise<string> {
  const token = process.env["HF_TOKEN"];
  if (token && !token.startsWith("hf_")) throw new ModelNotFoundError("expected HF_TOKEN to start with hf_");
  const folder = await downloadSnapshot(model, {
    wanted: (path) => smallFiles.test(path) || (weights && weightFiles.test(path)),
    onDownload: (path, bytes) => onNotice?.(`downloading ${model.name}/${path} (${megabytes(bytes)} MB)`),
  });
  if (folder) return folder;
  throw new ModelNotFoundError(`${model.name}@${model.revision} has no config.json and no safetensors files`);
}

async function fromCache(model: HubModel, { weights = true }: ModelFolderOptions, why: string): Promise<string> {
  const folder = await cachedSnapshot(
    model,
    (files) => files.includes("config.json") && (!weights || files.some((file) => file.endsWith(".safetensors"))),
  );
  if (folder) return folder;
  const where = `${model.name}@${model.revision} is not in the cache ${cacheFolder(model)}`;
  throw new ModelNotFoundError(
    `there is no folder ${model.name}, ${why}, and ${where}: download it once with a connection, or give a folder`,
  );
}

/** What the hub's answer means; no refusal when it gave none, or is out of order itself. */
function explain(error: unknown): { readonly refusal?: string; readonly reason: string } {
  if (!(error instanceof HubApiError)) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    return { reason: cause instanceof Error ? `${message}: ${cause.message || String(cause)}` : message };
  }
  const reason = `status ${error.statusCode}`;
  if (error.statusCode === 429 || error.statusCode >= 500) return { reason };
  // The hub answers 401 for names that do not exist as well, so that nobody can probe for private ones.
  const hidden = error.statusCode === 401 || error.statusCode === 403;
  const token = "if it is private or gated, set HF_TOKEN to a token that may read it";
  return { reason, refusal: `check the name and the revision${hidden ? `; ${token}` : ""}` };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "on", "yes", "true"].includes(value.toLowerCase());
}
