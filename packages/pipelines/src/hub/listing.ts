/** What a repository of the hub holds at a revision. All that comes from the network is checked before it is believed. */
import { readText } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { DamagedDownloadError } from "./errors.ts";
import { withRetries } from "./retry.ts";

export interface HubModel {
  /** Such as answerdotai/ModernBERT-base. */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** What the repository holds; models when absent. */
  readonly kind?: "models" | "datasets";
}

export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** Of the content: sha256 of a large file (64 digits), git's sha1 of any other (40 digits). */
  readonly hash: string;
}

/** The commit that a revision stands for. */
export async function commitOf(connection: Connection, model: HubModel): Promise<string> {
  const { name, revision, kind = "models" } = model;
  const url = `${connection.endpoint}/api/${kind}/${name}/revision/${encodeURIComponent(revision)}`;
  const { value } = await getJson(connection, url);
  return hexadecimal((value as { readonly sha?: unknown } | null)?.sha);
}

/** The files of a commit by path. */
export async function listFiles(
  connection: Connection,
  { name, kind = "models" }: HubModel,
  commit: string,
): Promise<ReadonlyMap<string, HubFile>> {
  const files = new Map<string, HubFile>();
  let url: string | undefined = `${connection.endpoint}/api/${kind}/${name}/tree/${commit}?recursive=true`;
  for (let page = 0; url !== undefined; page++) {
    if (page === mostPages || !url.startsWith(`${connection.endpoint}/`)) {
      throw new DamagedDownloadError(
        `expected a list of files of at most ${mostPages} pages on ${connection.endpoint}, got more`,
      );
    }
    const { value, next }: { value: unknown; next: string | undefined } = await getJson(connection, url);
    if (!Array.isArray(value)) throw new DamagedDownloadError("expected a list of files from the hub, got none");
    for (const entry of value as readonly (Partial<Entry> | null)[]) {
      const { type, path, size, oid, lfs } = entry ?? {};
      if (type !== "file" || typeof path !== "string" || typeof size !== "number") continue;
      files.set(path, { path, size, hash: hexadecimal(lfs?.oid ?? oid) });
    }
    url = next;
  }
  return files;
}

/** Where a file's content is. */
export function contentUrl({ endpoint }: Connection, { name, kind }: HubModel, commit: string, path: string): string {
  return `${endpoint}/${kind === "datasets" ? "datasets/" : ""}${name}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

interface Entry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string };
}

const mostJsonBytes = 1 << 25;

/** Of a thousand files each. */
const mostPages = 1000;

function getJson(connection: Connection, url: string): Promise<{ value: unknown; next: string | undefined }> {
  return withRetries(async () => {
    const { headers, body } = await connection.get(url, { accept: "application/json" });
    const text = await readText(body, mostJsonBytes);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(headers.get("link") ?? "")?.[1];
    try {
      return { value: JSON.parse(text) as unknown, next: next && new URL(next, url).href };
    } catch {
      throw new DamagedDownloadError(`expected JSON from ${url}, got ${JSON.stringify(text.slice(0, 40))}`);
    }
  });
}

/** Hashes become names of files: nothing else may. */
function hexadecimal(hash: unknown): string {
  if (typeof hash !== "string" || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    throw new DamagedDownloadError(`expected a commit or content hash from the hub, got ${String(hash).slice(0, 80)}`);
  }
  return hash;
}
