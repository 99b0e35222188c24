/** Model files kept in the browser's Cache API: whole or not at all, at most so many bytes, the oldest leave first. */

export interface KeptFile {
  /** undefined: it is known that the server has no such file. */
  readonly blob: Blob | undefined;
  readonly validator: string | undefined;
}

export interface KeptFiles {
  find(url: string): Promise<KeptFile | undefined>;
  /** Keeps a file, or that there is none. Where there is no room that is told, and nothing is kept. */
  keep(url: string, file: KeptFile): Promise<void>;
  /** Drops what begins with an address; "" drops all. */
  forget(prefix: string): Promise<void>;
  /** Bytes of all files. */
  size(): Promise<number>;
}

const cacheName = "modernbert-models";
const validatorHeader = "x-validator";
const keptHeader = "x-kept";

/** What is used of a browser's Cache. */
interface Cache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
  delete(url: string): Promise<boolean>;
  keys(): Promise<readonly Request[]>;
}
const { caches } = globalThis as { readonly caches?: { open(name: string): Promise<Cache> } };

/** `onNotice` hears why files are not kept. */
export async function openKeptFiles(maxBytes: number, onNotice: (notice: string) => void): Promise<KeptFiles> {
  if (maxBytes <= 0) return nothingKept;
  const told = (reason: string): void => onNotice(`the model is not kept for the next visit: ${reason}`);
  try {
    if (!caches) throw new Error("this page is served neither over https nor from this computer");
    return keptIn(await caches.open(cacheName), maxBytes, told);
  } catch (error) {
    told((error as Error).message);
    return nothingKept;
  }
}

const nothingKept: KeptFiles = {
  find: async () => undefined,
  keep: async () => {},
  forget: async () => {},
  size: async () => 0,
};

function keptIn(cache: Cache, maxBytes: number, told: (reason: string) => void): KeptFiles {
  /** All entries, the oldest first. */
  async function entries(): Promise<readonly { url: string; bytes: number; kept: number }[]> {
    const found = await Promise.all(
      (await cache.keys()).map(async ({ url }) => {
        const headers = (await cache.match(url))?.headers;
        return { url, bytes: Number(headers?.get("content-length")), kept: Number(headers?.get(keptHeader)) };
      }),
    );
    return found.toSorted((a, b) => a.kept - b.kept);
  }

  async function size(): Promise<number> {
    return (await entries()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async function makeRoom(bytes: number): Promise<void> {
    const all = await entries();
    let held = all.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of all) {
      if (held + bytes <= maxBytes) return;
      await cache.delete(entry.url);
      held -= entry.bytes;
    }
  }

  return {
    size,

    async find(url) {
      const response = await cache.match(url);
      if (!response) return undefined;
      const validator = response.headers.get(validatorHeader) ?? undefined;
      if (response.status === 404) return { blob: undefined, validator };
      const blob = await response.blob().catch(() => undefined);
      if (blob && blob.size === Number(response.headers.get("content-length"))) return { blob, validator };
      await cache.delete(url); // the browser lost a part of it
      return undefined;
    },

    async keep(url, { blob, validator }) {
      const bytes = blob?.size ?? 0;
      if (bytes > maxBytes) return told(`${url} is larger than the ${Math.round(maxBytes / 1e6)} MB that are kept`);
      try {
        await makeRoom(bytes);
        const headers = {
          "content-length": String(bytes),
          [keptHeader]: String(Date.now()),
          ...(validator !== undefined && { [validatorHeader]: validator }),
        };
        await cache.put(url, new Response(blob ?? null, { status: blob ? 200 : 404, headers }));
      } catch (error) {
        await cache.delete(url).catch(() => false);
        const full = (error as Error).name === "QuotaExceededError";
        told(full ? "the browser gives this page no more room" : (error as Error).message);
      }
    },

    async forget(prefix) {
      for (const { url } of await cache.keys()) if (url.startsWith(prefix)) await cache.delete(url);
    },
  };
}
