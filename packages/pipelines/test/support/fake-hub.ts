/** A Hugging Face hub on loopback: the three routes that a download takes, and the ways in which they fail. */
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const commit = "a".repeat(39) + "1";

export interface HubRepository {
  readonly name: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths that the hub keeps as large files, named by their sha256. */
  readonly large?: readonly string[];
  /** Without this token the repository looks as if it were not there: status 401. */
  readonly token?: string;
}

/** What goes wrong, by path. Empty it and the hub works again. */
type Faults = Map<string, "cut" | "stall" | "damage">;

export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  readonly faults: Faults;
  /** `METHOD path` of every request so far, without queries. */
  readonly requests: string[];
  /** Answer everything with this status. */
  status: number | undefined;
  /** Resolves when half of a file that stalls has been sent. */
  readonly stalled: Promise<void>;
}

export async function startFakeHub(repository: HubRepository): Promise<FakeHub> {
  const requests: string[] = [];
  const faults: Faults = new Map();
  const stalling = new EventEmitter();
  const stalled = once(stalling, "stalled").then(() => {});
  const stall = (): void => void stalling.emit("stalled");
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://hub");
    requests.push(`${request.method} ${pathname}`);
    if (hub.status !== undefined) return refuse(response, hub.status, "Sorry");
    const authorized = repository.token === undefined || request.headers.authorization === `Bearer ${repository.token}`;
    const { name } = repository;
    const known = pathname.startsWith(`/api/models/${name}/`) || pathname.startsWith(`/${name}/`);
    if (!authorized) return refuse(response, 401, "Invalid username or password.");
    if (!known) return refuse(response, 404, "Repository not found");
    if (pathname === `/api/models/${name}/revision/main`) return json(response, { _id: "1", id: name, sha: commit });
    if (pathname === `/api/models/${name}/tree/${commit}`) return json(response, tree(repository));
    const path = pathname.slice(`/${name}/resolve/${commit}/`.length);
    const content = repository.files.get(path);
    if (!pathname.startsWith(`/${name}/resolve/${commit}/`) || !content) return refuse(response, 404, "Not found");
    return send(request, response, content, faults.get(path), stall);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hub: FakeHub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    requests,
    status: undefined,
    stalled,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hub;
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
  request: IncomingMessage,
  response: ServerResponse,
  content: Uint8Array,
  fault: "cut" | "stall" | "damage" | undefined,
  stall: () => void,
): void {
  const headers = { etag: '"x"', "content-type": "application/octet-stream" };
  if (request.headers.range === "bytes=0-0") {
    response.writeHead(206, { ...headers, "content-range": `bytes 0-0/${content.length}`, "content-length": 1 });
    response.end(content.subarray(0, 1));
    return;
  }
  response.writeHead(200, { ...headers, "content-length": content.length });
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

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error }));
}
