/** Bundlers for browsers: the tokenizer's pool and the CPU backend in Chromium, from what each makes of them. */
import { join } from "node:path";
import { launch } from "../../apps/playground/test/support/chromium.ts";
import { serveFolder } from "../../apps/playground/test/support/serve-folder.ts";
import type { Consumer, Place } from "../support/consumer.ts";

const program = `
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { createWebGpuBackend } from "@modernbert-ts/backend-webgpu";
import { createTokenizerPool, loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
async function main() {
  const pool = createTokenizerPool(await loadModernBertTokenizer(), { workers: 2, minUnits: 0 });
  const encodings = await pool.encodeBatch(Array.from({ length: 8 }, () => "Hello World!".repeat(10_000)));
  const backend = await createCpuBackend();
  const { device } = backend.capabilities;
  await backend[Symbol.asyncDispose]();
  return encodings.length + " texts, " + device + ", " + typeof createWebGpuBackend;
}
main().then((text) => (document.title = text), (error) => (document.title = "failed: " + error));
`;

const html = (script: string): string => `<!doctype html><body><script type="module" src="${script}"></script></body>`;

async function inChromium(place: Place, folder: string): Promise<string> {
  await using server = await serveFolder(join(place.folder, folder));
  const browser = await launch({ webgpu: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/index.html`);
    await page.waitForFunction("document.title !== ''", undefined, { timeout: 60_000 });
    const title = await page.title();
    if (!title.startsWith("8 texts, CPU, WebAssembly"))
      throw new Error(`expected 8 texts and WebAssembly, got ${title}`);
    return title;
  } finally {
    await browser.close();
  }
}

interface Bundler {
  readonly name: string;
  readonly packages: string;
  readonly files?: Readonly<Record<string, string>>;
  /** What goes into package.json. */
  readonly settings?: object;
  /** Writes to dist. */
  readonly build: string;
  /** The bundle in dist, where the bundler writes no page of its own. */
  readonly bundle?: string;
}

const bundlers: readonly Bundler[] = [
  {
    name: "Vite",
    packages: "vite@7",
    files: { "index.html": html("/main.js"), "vite.config.js": 'export default { worker: { format: "es" } };\n' },
    build: "node node_modules/vite/bin/vite.js build",
  },
  {
    name: "webpack",
    packages: "webpack@5 webpack-cli@6",
    build: "node node_modules/webpack-cli/bin/cli.js ./main.js --mode production --output-path dist",
    bundle: "main.js",
  },
  {
    name: "esbuild",
    packages: "esbuild",
    build: "node_modules/.bin/esbuild main.js --bundle --format=esm --splitting --outdir=dist",
    bundle: "main.js",
  },
  {
    name: "Rollup",
    packages: "rollup@4 @rollup/plugin-node-resolve",
    build: "node_modules/.bin/rollup main.js --format es --dir dist --plugin node-resolve={browser:true}",
    bundle: "main.js",
  },
  {
    name: "Parcel",
    packages: "parcel@2",
    files: { "index.html": html("main.js") },
    settings: { "@parcel/resolver-default": { packageExports: true } },
    build: "node_modules/.bin/parcel build index.html --dist-dir dist --no-cache",
  },
];

export const bundlersForBrowsers: readonly Consumer[] = bundlers.map(
  ({ name, packages, files = {}, settings = {}, build, bundle }) => ({
    name: `${name}, in Chromium`,
    slow: true,
    async run(place) {
      place.write("main.js", program);
      place.write("package.json", { name: "consumer", private: true, type: "module", ...settings });
      for (const [file, content] of Object.entries(files)) place.write(file, content);
      const ours = ["backend-cpu", "backend-webgpu", "tokenizer"].map((each) => `@modernbert-ts/${each}`);
      await place.command(`npm install ${ours.join(" ")} ${packages}`);
      await place.command(build);
      if (bundle !== undefined) place.write("dist/index.html", html(bundle));
      return inChromium(place, "dist");
    },
  }),
);
