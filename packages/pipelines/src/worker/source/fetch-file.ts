/** One file over HTTP, counted as it arrives and held by the browser as a Blob (on disk when it is large). */
import { DownloadError } from "./download-error.ts";

export interface Fetching {
  readonly signal: AbortSignal;
  /** Milliseconds without an answer or a byte after which it is given up. */
  readonly patience: number;
}

/** `total` is undefined where the server does not say, or says it of compressed bytes. */
type OnBytes = (loaded: number, total: number | undefined) => void;

export interface FetchedFile {
  readonly blob: Blob;
  /** Which version of the file it is; undefined where the server does not say. */
  readonly validator: string | undefined;
}

/** Stores that do not let visitors list files answer 403 for what is not there. */
const missing: ReadonlySet<number> = new Set([403, 404, 410]);

/**
 * undefined where there is no such file. A page of HTML is no model file: servers of single-page apps answer everything with one.
 * @throws DownloadError where the server gives no file; what `signal` says when it is aborted.
 */
export async function fetchFile(url: string, fetching: Fetching, onBytes: OnBytes): Promise<FetchedFile | undefined> {
  using watch = watched(url, fetching);
  const response = await ask(url, {}, watch);
  const { status, headers, body } = response;
  if (missing.has(status) || headers.get("content-type")?.startsWith("text/html")) {
    void body?.cancel().catch(() => {});
    return undefined;
  }
  if (!response.ok || !body) throw new DownloadError(url, `expected the file ${url}, got status ${status}`, { status });
  const length = headers.has("content-encoding") ? 0 : Number(headers.get("content-length"));
  const total = length > 0 ? length : undefined;
  let loaded = 0;
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        watch.alive();
        loaded += chunk.length;
        onBytes(loaded, total);
        controller.enqueue(chunk);
      },
    }),
  );
  const blob = await new Response(counted).blob().catch((cause: unknown) => {
    watch.check();
    throw new DownloadError(url, `the connection broke off after ${loaded} bytes of ${url}: load it again`, { cause });
  });
  return { blob, validator: validatorOf(headers) };
}

/** Whether a server still has the version that `validator` names; undefined where it does not say. @throws like `fetchFile`. */
export async function hasVersion(url: string, validator: string, fetching: Fetching): Promise<boolean | undefined> {
  using watch = watched(url, fetching);
  const { ok, headers } = await ask(url, { method: "HEAD" }, watch);
  const now = ok ? validatorOf(headers) : undefined;
  return now === undefined ? undefined : now === validator;
}

interface Watch extends Disposable {
  readonly signal: AbortSignal;
  /** Puts the end of patience off. */
  alive(): void;
  /** @throws what `signal` says, or that there was no answer. */
  check(): void;
}

function watched(url: string, { signal, patience }: Fetching): Watch {
  const silent = new AbortController();
  let timer: ReturnType<typeof setTimeout>;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), patience);
  };
  alive();
  return {
    signal: AbortSignal.any([signal, silent.signal]),
    alive,
    check() {
      signal.throwIfAborted();
      if (!silent.signal.aborted) return;
      const seconds = Math.round(patience / 100) / 10;
      throw new DownloadError(
        url,
        `expected more of ${url}, got nothing for ${seconds} s: check the connection, then load it again`,
      );
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

async function ask(url: string, init: RequestInit, watch: Watch): Promise<Response> {
  try {
    const response = await fetch(url, { ...init, signal: watch.signal });
    watch.alive();
    return response;
  } catch (cause) {
    watch.check();
    throw new DownloadError(
      url,
      `expected an answer from ${url}, got none: check the address, and that its server allows other pages to read it (CORS)`,
      { cause },
    );
  }
}

/** An ETag, or what servers show to all pages: date and length. */
function validatorOf(headers: Headers): string | undefined {
  const modified = headers.get("last-modified");
  return headers.get("etag") ?? (modified === null ? undefined : `${modified}, ${headers.get("content-length")} bytes`);
}
