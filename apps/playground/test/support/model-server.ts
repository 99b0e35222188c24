/** A server of one model that can change, hang and go away, and says what it was asked: by folder address and as a hub. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** Such as "GET /model/config.json", in their order. */
  readonly requests: string[];
  /** How it answers: as it should, never, or by closing the connection. */
  mode: "answers" | "hangs" | "is down";
  /** What the hub's main is. */
  commit: string;
  /** Files with other content than in the folder. */
  readonly changed: Map<string, Buffer>;
}

/** The files below /model, and below /owner/name/resolve/COMMIT with a hub's way to ask for the commit. */
export async function serveModel(folder: string): Promise<ModelServer> {
  const state = {
    url: "",
    requests: [] as string[],
    mode: "answers" as ModelServer["mode"],
    commit: "a".repeat(40),
    changed: new Map<string, Buffer>(),
  };
  const read = (name: string): Buffer | undefined => {
    try {
      return state.changed.get(name) ?? readFileSync(join(folder, name));
    } catch {
      return undefined;
    }
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url!, "http://x").pathname;
    state.requests.push(`${request.method} ${path}`);
    if (state.mode === "hangs") return;
    if (state.mode === "is down") return void request.socket.destroy();
    const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "etag" };
    if (path === "/api/models/owner/name/revision/main") {
      return void response.writeHead(200, headers).end(JSON.stringify({ sha: state.commit }));
    }
    if (path.startsWith("/api/")) return void response.writeHead(401, headers).end();
    const content = read(path.replace(/^\/(model|owner\/name\/resolve\/[^/]+)\//, ""));
    if (!content) return void response.writeHead(404, headers).end();
    const etag = `"${createHash("sha256").update(content).digest("hex")}"`;
    response.writeHead(200, { ...headers, etag, "content-length": content.length }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
