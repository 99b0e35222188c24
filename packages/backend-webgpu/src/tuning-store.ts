/**
 * Where measured choices are kept between runs: in Node a file in the user's cache folder (or `MODERNBERT_CACHE`), in the browser its
 * Cache storage. Neither is needed: what cannot be kept is measured again.
 */
import { importHidden } from "./hidden-import.ts";

export interface TuningStore {
  load(key: string): Promise<string | undefined>;
  save(key: string, text: string): Promise<void>;
}

interface NodeGlobals {
  readonly process?: {
    readonly versions?: { readonly node?: string };
    readonly env: Readonly<Record<string, string | undefined>>;
  };
}

/** The parts of Node that are used; they are imported when they are needed, so that browsers never see them. */
interface NodeModules {
  readonly fs: {
    readFile(path: string, encoding: "utf8"): Promise<string>;
    writeFile(path: string, text: string): Promise<void>;
    rename(from: string, to: string): Promise<void>;
    mkdir(path: string, options: { recursive: true }): Promise<unknown>;
  };
  readonly os: { homedir(): string };
}

async function nodeModules(): Promise<NodeModules> {
  return { fs: await importHidden("node:fs/promises"), os: await importHidden("node:os") };
}

/** A name that any file system takes. */
function fileName(key: string): string {
  return `${key.replace(/[^A-Za-z0-9.]+/g, "-").slice(0, 160)}.json`;
}

/** @param folder Default `MODERNBERT_CACHE`, else `modernbert-ts` in `XDG_CACHE_HOME` or `~/.cache`. */
export function fileStore(folder?: string): TuningStore {
  async function place(): Promise<{ fs: NodeModules["fs"]; folder: string }> {
    const { fs, os } = await nodeModules();
    const { env } = (globalThis as NodeGlobals).process!;
    const cache = env["XDG_CACHE_HOME"] || `${os.homedir()}/.cache`;
    return { fs, folder: folder ?? (env["MODERNBERT_CACHE"] || `${cache}/modernbert-ts`) };
  }
  return {
    async load(key) {
      const { fs, folder: from } = await place();
      return fs.readFile(`${from}/${fileName(key)}`, "utf8").catch(() => undefined);
    },
    async save(key, text) {
      const { fs, folder: to } = await place();
      const path = `${to}/${fileName(key)}`;
      await fs.mkdir(to, { recursive: true });
      await fs.writeFile(`${path}.part`, text);
      await fs.rename(`${path}.part`, path);
    },
  };
}

function openCache(): Promise<Cache> {
  return caches.open("modernbert-ts");
}

/** Entries of a cache are named by paths of the page's origin; nothing is ever fetched from them. */
function cachePath(key: string): string {
  return `/modernbert-ts/${fileName(key)}`;
}

const browserStore: TuningStore = {
  load: async (key) => (await (await openCache()).match(cachePath(key)))?.text(),
  save: async (key, text) => (await openCache()).put(cachePath(key), new Response(text)),
};

export function defaultStore(): TuningStore {
  const isNode = (globalThis as NodeGlobals).process?.versions?.node !== undefined;
  return isNode ? fileStore() : browserStore;
}
