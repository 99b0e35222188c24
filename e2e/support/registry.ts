/**
 * A registry for the tests: the packed packages from a folder of tarballs; whatever else is asked for comes from the registry that npm is
 * configured with.
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

interface Manifest {
  readonly name: string;
  readonly version: string;
}

export interface Registry extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
}

/** Package managers may refuse what is younger than a day. */
const published = "2020-01-01T00:00:00.000Z";

/** @param tarballs A folder of packages as `pnpm pack` makes them. */
export async function startRegistry(tarballs: string): Promise<Registry> {
  const packages = new Map<string, { readonly manifest: Manifest; readonly file: string }>();
  for (const file of readdirSync(tarballs).map((name) => join(tarballs, name))) {
    const { stdout } = await promisify(execFile)("tar", ["-xOzf", file, "package/package.json"]);
    const manifest = JSON.parse(stdout) as Manifest;
    packages.set(manifest.name, { manifest, file });
  }
  const npm = ["config", "get", "registry"];
  const upstream = execFileSync("npm", npm, { encoding: "utf8", shell: process.platform === "win32" }).trim();
  let url = "";

  function packument({ manifest, file }: { readonly manifest: Manifest; readonly file: string }): object {
    const { name, version } = manifest;
    const integrity = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
    const dist = { tarball: `${url}/${name}/-/${version}.tgz`, integrity };
    const time = { created: published, modified: published, [version]: published };
    return { name, "dist-tags": { latest: version }, time, versions: { [version]: { ...manifest, dist } } };
  }

  async function passOn(path: string, { headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept = "application/json" } = headers;
    const found = await fetch(new URL(path.slice(1), upstream), { headers: { accept } });
    const type = found.headers.get("content-type") ?? "application/json";
    response.writeHead(found.status, { "content-type": type }).end(Buffer.from(await found.arrayBuffer()));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url!;
    const [, name, tarball] = /^\/((?:@[^/]+\/)?[^/]+)(\/-\/.*)?$/.exec(decodeURIComponent(path)) ?? [];
    const found = packages.get(name ?? "");
    if (found === undefined) return passOn(path, request, response);
    const body = tarball ? readFileSync(found.file) : JSON.stringify(packument(found));
    response.writeHead(200, { "content-type": tarball ? "application/octet-stream" : "application/json" }).end(body);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
