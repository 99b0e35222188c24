/** One file of a model folder over HTTP, counted as it arrives and kept by the browser as a Blob (on disk when it is large). */

/** `total` is undefined where the server does not say, or says it of compressed bytes. */
type OnBytes = (loaded: number, total: number | undefined) => void;

/** Stores that do not let visitors list files answer 403 for what is not there. */
const missing: ReadonlySet<number> = new Set([403, 404, 410]);

/** undefined where there is no such file. A page of HTML is no model file: servers of single-page apps answer everything with one. */
export async function fetchFile(url: string, onBytes: OnBytes): Promise<Blob | undefined> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new Error(
      `[playground] expected an answer from ${url}, got none: check the address, and that its server allows other pages to read it (CORS)`,
      { cause },
    );
  });
  const { status, headers, body } = response;
  if (missing.has(status) || headers.get("content-type")?.startsWith("text/html")) return undefined;
  if (!response.ok || !body) throw new Error(`[playground] expected the file ${url}, got status ${status}`);
  const length = headers.has("content-encoding") ? 0 : Number(headers.get("content-length"));
  const total = length > 0 ? length : undefined;
  let loaded = 0;
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        loaded += chunk.length;
        onBytes(loaded, total);
        controller.enqueue(chunk);
      },
    }),
  );
  return new Response(counted).blob().catch((cause: unknown) => {
    throw new Error(`[playground] the connection broke off after ${loaded} bytes of ${url}: load it again`, { cause });
  });
}
