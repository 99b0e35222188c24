/**
 * Where a model's files are: a folder as given, or a Hugging Face hub id, downloaded into the standard cache. Follows the variables
 * of Python's huggingface_hub (environment.ts, proxy.ts).
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ModelNotFoundError } from "../errors.ts";
import { adviceOn } from "../folder/other-formats.ts";
import { cachedSnapshot, cacheFolder, exists, lookAt } from "./cache.ts";
import { downloadModel } from "./download.ts";
import { expandHome, offlineVariable } from "./environment.ts";
import { DamagedDownloadError, HubRefusalError, HubUnreachableError } from "./errors.ts";
import type { HubModel } from "./listing.ts";
import { weightFiles, weightsEntries } from "./model-files.ts";

export interface ModelFolderOptions {
  /** Branch, tag or commit of a hub model; `main` by default. */
  readonly revision?: string;
  /** Only what is in the cache, as with HF_HUB_OFFLINE. Default false. */
  readonly localFilesOnly?: boolean;
  /** Whether the weights are needed; without them a hub model is its config and tokenizer only. Default true. */
  readonly weights?: boolean;
  /** What a person should know: a download, a cached model because the hub cannot be reached, the backend taken and why. */
  readonly onNotice?: (notice: string) => void;
  /** Looks at a hub model's folder before its weights are downloaded; what it throws is thrown on, and saves the download. */
  readonly check?: (folder: string) => Promise<void>;
}

/** A hub id: one or two names that neither start nor end with a dot or dash. */
const hubId = /^\w([\w.-]*\w)?(\/\w([\w.-]*\w)?)?$/;
/** A branch, tag or commit: names that git allows, and that stay in a folder when they become a path. */
const gitName = /^(?!.*(\.\.|\/\/|\/\.|@\{))[^\s\p{Cc}~^:?*[\\/.-][^\s\p{Cc}~^:?*[\\]*(?<!\/)$/u;

/** The folder of a model that is on disk after this call. @throws ModelNotFoundError WriteError */
export async function resolveModelFolder(source: string, options: ModelFolderOptions = {}): Promise<string> {
  const path = expandHome(source);
  const local = await lookAt(path);
  if (local?.isDirectory()) {
    if (options.weights !== false) await checkForm(path);
    return path;
  }
  if (local) {
    throw new ModelNotFoundError(
      `expected a folder with config.json and model.safetensors, got the file ${path}${adviceOn([path])}`,
    );
  }
  if (!hubId.test(source)) {
    throw new ModelNotFoundError(
      `there is no folder ${path}: give an existing folder or a hub id such as answerdotai/ModernBERT-base`,
    );
  }
  const model = { name: source, revision: options.revision ?? "main" };
  if (!gitName.test(model.revision)) {
    throw new ModelNotFoundError(
      `expected the name of a branch, tag or commit as revision, got ${JSON.stringify(model.revision)}`,
    );
  }
  const offline = options.localFilesOnly ? "localFilesOnly" : offlineVariable();
  if (offline) return fromCache(model, options, `${offline} is set`);
  return fromHub(model, options);
}

/** A folder without weights that are read, but with others. @throws ModelNotFoundError */
async function checkForm(folder: string): Promise<void> {
  for (const entry of weightsEntries) if (await exists(join(folder, entry))) return;
  const advice = adviceOn([...(await readdir(folder)), ...(await readdir(join(folder, "onnx")).catch(() => []))]);
  if (advice)
    throw new ModelNotFoundError(`expected ${weightsEntries.join(" or ")} in ${folder}, got neither${advice}`);
}

async function fromHub(model: HubModel, options: ModelFolderOptions): Promise<string> {
  const { name, revision } = model;
  const { weights = true, check, onNotice } = options;
  try {
    return await downloadModel(model, { weights, check, onNotice });
  } catch (error) {
    if (error instanceof DamagedDownloadError) throw new ModelNotFoundError(`${name}: ${error.message}`);
    if (error instanceof HubRefusalError) {
      const what = `there is no folder ${name}, and the hub refused ${name}@${revision} (${error.message})`;
      throw new ModelNotFoundError(`${what}: ${adviceFor(error)}`, { cause: error });
    }
    if (!(error instanceof HubUnreachableError)) throw error;
    const reason = `the connection to the hub failed (${error.message})`;
    const folder = await fromCache(model, options, reason);
    onNotice?.(`${reason}: using the copy in ${folder}`);
    return folder;
  }
}

/** The hub answers 401 for names that do not exist as well, so that nobody can probe for private ones. */
function adviceFor({ status }: HubRefusalError): string {
  const hidden = status === 401 || status === 403;
  const token = "if it is private or gated, set HF_TOKEN to a token that may read it";
  return `check the name and the revision${hidden ? `; ${token}` : ""}`;
}

async function fromCache(model: HubModel, { weights = true }: ModelFolderOptions, why: string): Promise<string> {
  const folder = await cachedSnapshot(model);
  if (await isWhole(folder, weights)) return folder;
  const where = `${model.name}@${model.revision} is not in the cache ${cacheFolder(model)}`;
  throw new ModelNotFoundError(
    `there is no folder ${model.name}, ${why}, and ${where}: download it once with a connection, or give a folder`,
  );
}

/** Whether a snapshot has its config and, where they are needed, all of its weights. */
async function isWhole(folder: string, weights: boolean): Promise<boolean> {
  const there = async (path: string): Promise<boolean> => exists(join(folder, path));
  if (!(await there("config.json")) && !(await there("encoder/config.json"))) return false;
  if (!weights) return true;
  for (const entry of weightsEntries) {
    const files = (await there(entry)) ? await weightFiles(folder, entry) : [];
    if (files.length > 0 && (await Promise.all(files.map(there))).every(Boolean)) return true;
  }
  return false;
}
