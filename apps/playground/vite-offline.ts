/** A Vite plugin that adds service-worker.js: it keeps all files of the build, so that the page opens without a network. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { Plugin } from "vite";

const source = (files: readonly string[], version: string): string => `
const cacheName = "playground-${version}";
const files = ${JSON.stringify(files)};
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(files)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  const old = async () => (await caches.keys()).filter((name) => name.startsWith("playground-") && name !== cacheName);
  event.waitUntil(old().then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  // The build's files are the same for everyone, whatever the server's Vary says.
  const kept = caches.match(request, { cacheName, ignoreVary: true, ignoreSearch: request.mode === "navigate" });
  event.respondWith(kept.then((response) => response ?? fetch(request)));
});
`;

export function offline(): Plugin {
  let publicFolder = "";
  return {
    name: "offline",
    apply: "build",
    enforce: "post",
    configResolved(config) {
      publicFolder = config.publicDir;
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const built = Object.keys(bundle).filter((name) => !name.endsWith(".map") && name !== "index.html");
        // Models below it are kept by whoever opens them.
        const beside = readdirSync(publicFolder, { withFileTypes: true }).filter((entry) => entry.isFile());
        const files = ["./", ...built, ...beside.map(({ name }) => name)].map((name) =>
          name === "./" ? name : `./${name}`,
        );
        const version = createHash("sha256").update(files.join("\n")).digest("hex").slice(0, 12);
        this.emitFile({ type: "asset", fileName: "service-worker.js", source: source(files, version).trimStart() });
      },
    },
  };
}
