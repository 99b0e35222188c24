/** One way to the hub: its address, the token, the proxies, and what an answer or its absence means. */
import type { HubEnvironment } from "./environment.ts";
import { DamagedDownloadError, HubRefusalError, HubUnreachableError } from "./errors.ts";
import { describeProxies, proxiedFetch, proxiesFrom } from "./proxy.ts";
import { retryAfterMs, TransientError } from "./retry.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** @throws TransientError when the connection is lost or falls silent */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Connection {
  readonly endpoint: string;
  /**
   * One GET; redirects are followed. A 416 is an answer, every other refusal an error.
   * @throws HubRefusalError TransientError HubUnreachableError
   */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export async function connect({ endpoint, token, idleMs }: HubEnvironment): Promise<Connection> {
  if (!URL.canParse(endpoint)) throw new HubUnreachableError(`expected HF_ENDPOINT to be an address, got ${endpoint}`);
  if (token && !/^[\x21-\x7e]+$/.test(token))
    throw new HubUnreachableError("expected a token of visible ASCII characters, got one with others");
  const { origin, username, password } = new URL(endpoint);
  if (username || password) throw new HubUnreachableError("expected HF_ENDPOINT without user and password, got some");
  const proxies = proxiesFrom(process.env);
  const send = await proxiedFetch(proxies);
  const through = proxies ? `, through the proxy ${describeProxies(proxies)}` : "";
  return {
    endpoint,
    async get(url, headers = {}) {
      const silence = new Silence(idleMs);
      const lost = (error: unknown): HubUnreachableError => lostConnection(silence.broken ?? error, through);
      const sent = { ...headers };
      if (token && new URL(url).origin === origin) sent["authorization"] = `Bearer ${token}`;
      let response: Response;
      try {
        response = await send(url, { headers: sent, signal: silence.signal });
      } catch (error) {
        silence.end();
        throw lost(error);
      }
      const body = heard(response, silence, lost);
      if (!response.ok && response.status !== 416) throw await refused(response, body);
      return { status: response.status, headers: response.headers, body };
    },
  };
}

/** Ends a request in which nothing arrives for a time. */
class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  broken: Error | undefined;

  constructor(idleMs: number) {
    this.#timer = setTimeout(() => {
      this.broken = new Error(`nothing came for ${idleMs / 1000} s`);
      this.#controller.abort();
    }, idleMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  /** Something arrived. */
  heard(): void {
    this.#timer.refresh();
  }
  end(): void {
    clearTimeout(this.#timer);
  }
}

async function* heard(
  { body }: Response,
  silence: Silence,
  lost: (error: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    if (!body) return;
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      silence.heard();
      yield chunk;
    }
  } catch (error) {
    throw lost(error);
  } finally {
    silence.end();
  }
}

/** System errors of a network that is not there: trying again at once would only delay the copy in the cache. */
const absent = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function lostConnection(error: unknown, through: string): HubUnreachableError {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const inner = cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : undefined;
  const reason = `${inner === undefined ? message : `${message}: ${inner}`}${through}`;
  const { code = "" } = (cause ?? {}) as NodeJS.ErrnoException;
  return new (absent.has(code) ? HubUnreachableError : TransientError)(reason, { cause: error });
}

/** What the hub means by an answer that is no success: its own words, cut to a line. */
async function refused({ status, headers }: Response, body: AsyncIterable<Uint8Array>): Promise<Error> {
  const said = headers.get("x-error-message") ?? errorIn(await readText(body, 1e4).catch(() => ""));
  const refusal = new HubRefusalError(
    status,
    said
      .replaceAll(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .slice(0, 200),
  );
  if (status !== 429 && status < 500) return refusal;
  return new TransientError(refusal.message, { waitMs: retryAfterMs(headers.get("retry-after")) });
}

/** The message in a JSON answer; a page for people says nothing here. */
function errorIn(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as { readonly error?: unknown; readonly message?: unknown };
    return [error, message].find((said) => typeof said === "string") ?? "";
  } catch {
    return "";
  }
}

/** A whole body as text. @throws DamagedDownloadError beyond `most` bytes */
export async function readText(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > most) throw new DamagedDownloadError(`expected at most ${most} bytes from the hub, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
