/** A repository of the hub: the commit that a revision stands for, whose files never change. */
import { isJsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { ModelNotFoundError } from "../../errors.ts";
import { webFolder, latestFile } from "./web-folder.ts";
import type { WebFolderOptions } from "./web-folder.ts";

const commitHash = /^[0-9a-f]{40}$/;

/** @throws ModelNotFoundError where the hub shows no such model. */
export async function hubFolder(
  hub: string,
  { id, revision }: { readonly id: string; readonly revision: string },
  options: Omit<WebFolderOptions, "immutable">,
): Promise<Folder> {
  const commit = commitHash.test(revision) ? revision : await commitOf(hub, id, revision, options);
  return webFolder(id, `${hub}/${id}/resolve/${commit}`, { ...options, immutable: true });
}

/** Without an answer it is the one of the last visit. Files of the commit before are dropped. */
async function commitOf(
  hub: string,
  id: string,
  revision: string,
  options: Omit<WebFolderOptions, "immutable">,
): Promise<string> {
  const url = `${hub}/api/models/${id}/revision/${encodeURIComponent(revision)}`;
  const before = await shaOf((await options.kept.find(url))?.blob);
  const sha = await shaOf((await latestAnswer(url, id, options)).blob);
  if (sha === undefined) {
    throw new ModelNotFoundError(
      `expected ${id} with revision ${revision} on ${hub}, got none: check the name; a page opens no private or gated model`,
    );
  }
  if (before !== undefined && before !== sha) await options.kept.forget(`${hub}/${id}/resolve/${before}/`);
  return sha;
}

async function latestAnswer(url: string, id: string, options: Omit<WebFolderOptions, "immutable">) {
  try {
    return await latestFile(url, { ...options, immutable: false }, () => {});
  } catch (error) {
    // The hub answers 401 for what is not there as for what is private.
    if ((error as { status?: number }).status !== 401) throw error;
    throw new ModelNotFoundError(
      `expected a model of the hub that a page may read, got status 401 for ${id}: check the name; a page opens no private or gated model`,
    );
  }
}

async function shaOf(blob: Blob | undefined): Promise<string | undefined> {
  try {
    const answer: unknown = JSON.parse((await blob?.text()) ?? "null");
    const sha = isJsonObject(answer) ? answer["sha"] : undefined;
    return typeof sha === "string" && commitHash.test(sha) ? sha : undefined;
  } catch {
    return undefined;
  }
}
