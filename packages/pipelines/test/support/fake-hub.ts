/** A Hugging Face hub on loopback: the three routes that a download takes, and the ways in which they fail. */
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const commit = "a".repeat(39) + "1";

export interface HubRepository {
  readonly name: string;
  /** Models and their branch main when left out. */
  readonly kind?: "datasets";
  readonly revision?: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths that the hub keeps as large files, named by their sha256. */
  readonly large?: readonly string[];
  /** Without this token the repository looks as if it were not there: status 401. */
  readonly token?: string;
}

/** What goes wrong with a file: the connection is cut in its middle, or falls silent there, or a byte is another; or a status. */
export interface Fault {
  readonly kind: "cut" | "stall" | "damage" | number;
  /** How often; always when left out. */
  times?: number;
  readonly headers?: OutgoingHttpHeaders;
}

export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  /** By path. Empty it and the hub works again. */
  readonly faults: Map<string, Fault>;
  /** `METHOD path` of every request so far, without queries; and the range, if one was asked for. */
  readonly requests: string[];
  /** Answer everything with this status. */
  status: number | undefined;
  /** Answer each request for a part with the whole. */
  withoutRanges: boolean;
  /** Resolves when half of a file that stalls has been sent. */
  readonly stalled: Promise<void>;
  /** Ends all connections, in whatever they are. */
  disconnect(): void;
}

export async function startFakeHub(repository: HubRepository): Promise<FakeHub> {
  const requests: string[] = [];
  const faults = new Map<string, Fault>();
  const stalling = new EventEmitter();
  const stalled = once(stalling, "stalled").then(() => {});
  const stall = (): void => void stalling.emit("stalled");
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://hub");
    const { range, authorization } = request.headers;
    requests.push([request.method, pathname, range].filter(Boolean).join(" "));
    if (hub.status !== undefined) return refuse(response, hub.status, "Sorry");
    const { name, token, kind = "models", revision = "main" } = repository;
    const [api, home] = [`/api/${kind}/${name}`, `/${kind === "models" ? "" : "datasets/"}${name}`];
    const known = pathname.startsWith(`${api}/`) || pathname.startsWith(`${home}/`);
    if (token !== undefined && authorization !== `Bearer ${token}`)
      return refuse(response, 401, "Invalid username or password.");
    if (!known) return refuse(response, 404, "Repository not found");
    if (pathname === `${api}/revision/${encodeURIComponent(revision)}`)
      return json(response, { _id: "1", id: name, sha: commit });
    if (pathname === `${api}/tree/${commit}`) return json(response, tree(repository));
    const path = pathname.slice(`${home}/resolve/${commit}/`.length);
    const content = repository.files.get(path);
    if (!pathname.startsWith(`${home}/resolve/${commit}/`) || !content) return refuse(response, 404, "Not found");
    const fault = nextFault(faults, path);
    if (typeof fault?.kind === "number") return refuse(response, fault.kind, "Come back later", fault.headers);
    return send(hub.withoutRanges ? undefined : range, response, content, fault?.kind, stall);
  });
  await listen(server);
  const hub: FakeHub = {
    url: addressOf(server),
    faults,
    requests,
    status: undefined,
    withoutRanges: false,
    stalled,
    disconnect: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hub;
}

type Server = ReturnType<typeof createServer>;

export function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

export function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function nextFault(faults: Map<string, Fault>, path: string): Fault | undefined {
  const fault = faults.get(path);
  if (fault?.times !== undefined && --fault.times <= 0) faults.delete(path);
  return fault;
}

function tree({ files, large = [] }: HubRepository): object[] {
  const folders = [
    ...new Set([...files.keys()].filter((path) => path.includes("/")).map((path) => path.split("/")[0])),
  ];
  const entries = [...files].map(([path, content]) => ({
    type: "file",
    path,
    size: content.length,
    oid: createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex"),
    ...(large.includes(path) && {
      lfs: { oid: createHash("sha256").update(content).digest("hex"), size: content.length, pointerSize: 134 },
    }),
  }));
  return [...folders.map((path) => ({ type: "directory", path, size: 0, oid: commit })), ...entries];
}

function send(
  range: IncomingMessage["headers"]["range"],
  response: ServerResponse,
  whole: Uint8Array,
  fault: "cut" | "stall" | "damage" | undefined,
  stall: () => void,
): void {
  const headers = { etag: '"x"', "content-type": "application/octet-stream" };
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  const content = whole.subarray(start);
  const part = { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` };
  response.writeHead(start > 0 ? 206 : 200, { ...headers, ...(start > 0 && part), "content-length": content.length });
  if (fault === undefined) return void response.end(content);
  if (fault === "damage") return void response.end(content.map((byte, at) => (at === 100 ? byte ^ 1 : byte)));
  response.write(content.subarray(0, content.length / 2), () => {
    if (fault === "cut") response.destroy();
    else stall();
  });
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, error: string, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error }));
}
