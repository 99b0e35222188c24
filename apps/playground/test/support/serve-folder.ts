/** A folder over HTTP that any page may read, as model hubs do. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface FolderServer extends AsyncDisposable {
  readonly url: string;
}

/** `headers` go with every answer; `missing` is the status of what is not there. */
export async function serveFolder(
  folder: string,
  headers: Record<string, string> = {},
  missing = 404,
): Promise<FolderServer> {
  const types: Record<string, string> = {
    html: "text/html",
    js: "text/javascript",
    css: "text/css",
    svg: "image/svg+xml",
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, "http://x").pathname).replace(/\/$/, "/index.html");
    const type = types[path.split(".").at(-1)!] ?? "application/octet-stream";
    readFile(join(folder, path)).then(
      (content) =>
        response.writeHead(200, { "access-control-allow-origin": "*", "content-type": type, ...headers }).end(content),
      () => response.writeHead(missing, { "access-control-allow-origin": "*" }).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
