/**
 * `fetch` through the proxies that the environment names. Node's own knows none before version 24; Bun's and Deno's read the same
 * variables themselves.
 */
import { HubUnreachableError } from "./errors.ts";

type Variables = Readonly<Record<string, string | undefined>>;

export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  /** Hosts that are reached without, by commas. */
  readonly noProxy: string;
}

/** HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, lower case first; undefined where there is no proxy. */
export function proxiesFrom(variables: Variables): Proxies | undefined {
  const value = (name: string): string => variables[name] || variables[name.toUpperCase()] || "";
  const all = value("all_proxy");
  const httpProxy = address(value("http_proxy") || all);
  const httpsProxy = address(value("https_proxy") || all);
  if (!httpProxy && !httpsProxy) return undefined;
  return { httpProxy, httpsProxy, noProxy: value("no_proxy") };
}

/** A `fetch` for these proxies; the built-in one without any. HTTPS goes through the HTTP proxy where it has none of its own, in a tunnel. */
export async function proxiedFetch(proxies: Proxies | undefined): Promise<typeof fetch> {
  if (!proxies || "Bun" in globalThis || "Deno" in globalThis) return fetch;
  const undici = await import("undici");
  const dispatcher = new undici.EnvHttpProxyAgent({ ...proxies, proxyTunnel: false });
  const proxied = (url: string, options: RequestInit): Promise<unknown> =>
    undici.fetch(url, { ...(options as object), dispatcher });
  return proxied as typeof fetch;
}

/** The proxies as people may see them: without user and password. */
export function describeProxies({ httpProxy, httpsProxy }: Proxies): string {
  return [...new Set([httpProxy, httpsProxy])]
    .filter(Boolean)
    .map((proxy) => new URL(proxy).host)
    .join(", ");
}

/** @throws HubUnreachableError on an address that is none, or of a kind that is not spoken */
function address(proxy: string): string {
  if (proxy === "") return proxy;
  const full = proxy.includes("://") ? proxy : `http://${proxy}`;
  const { protocol, href } = URL.canParse(full) ? new URL(full) : { protocol: "no address", href: "" };
  if (["http:", "https:"].includes(protocol)) return href;
  throw new HubUnreachableError(`expected proxies as http://HOST:PORT, got one with ${protocol}`);
}
