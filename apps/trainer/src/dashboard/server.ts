/**
 * The report of a run while it trains, on this machine. It only shows: two pages and a script, to GET alone. Whoever asks by a name that is
 * not this machine's (a page elsewhere whose name was made to point here) is refused, as is all that is odd or large.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { UserError } from "../errors.ts";
import { style } from "../report/style.ts";
import { liveScript } from "./live-script.ts";

export interface Dashboard extends AsyncDisposable {
  readonly url: string;
}

export interface DashboardOptions {
  /** 127.0.0.1 by default in the command: whoever reaches another address sees the run. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The page, and the inside of its `<main>` as it is at the moment. */
  readonly page: () => string;
  readonly body: () => string;
}

const styleHash = createHash("sha256").update(style).digest("base64");

const headers = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${styleHash}'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** @throws UserError when the address cannot be had. */
export async function openDashboard({ host, port, page, body }: DashboardOptions): Promise<Dashboard> {
  const content: Readonly<Record<string, () => readonly [type: string, text: string]>> = {
    "/": () => ["text/html", page()],
    "/body": () => ["text/html", body()],
    "/live.js": () => ["text/javascript", liveScript],
  };
  const server = createServer(
    { maxHeaderSize: 8192, requestTimeout: 5000, headersTimeout: 5000 },
    (request, response) => {
      const refused = refusal(request, content);
      if (refused) answer(response, refused, "text/plain", `${refused}\n`);
      else answer(response, 200, ...content[request.url!]!());
    },
  );
  server.maxConnections = 32;
  // A page that is left open must not keep a finished run from ending.
  server.unref();
  await listen(server, host, port);
  const { address, port: taken } = server.address() as AddressInfo;
  const shown = isIP(address) === 6 ? `[${address}]` : address;
  return {
    url: `http://${shown}:${taken}/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The status of a request that gets nothing. */
function refusal({ method, url = "", headers: asked }: IncomingMessage, content: object): number | undefined {
  if (!isOwnName(asked.host)) return 403;
  if (asked["sec-fetch-site"] !== undefined && !["same-origin", "none"].includes(String(asked["sec-fetch-site"])))
    return 403;
  if (asked["content-length"] !== undefined || asked["transfer-encoding"] !== undefined) return 413;
  if (!Object.hasOwn(content, url)) return 404;
  return method === "GET" || method === "HEAD" ? undefined : 405;
}

/** An address, or a name that only this machine can have here: no page from elsewhere can carry it. */
function isOwnName(host: string | undefined): boolean {
  const name = /^(\[[\da-f:]+\]|[\w.-]+)(?::\d+)?$/i.exec(host ?? "")?.[1]?.toLowerCase();
  if (name === undefined) return false;
  return name === "localhost" || name === hostname().toLowerCase() || isIP(name.replace(/^\[|\]$/g, "")) > 0;
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { ...headers, "Content-Type": `${type}; charset=utf-8` });
  response.end(text);
  if (status >= 400) response.once("finish", () => response.socket?.destroySoon());
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "something else listens there" : error.message;
      reject(new UserError(`--dashboard: cannot listen on ${host}:${port}: ${why}; take another port`));
    });
    server.listen({ host, port }, resolve);
  });
}
