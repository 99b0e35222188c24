/** A page with the model, the tokenizer and all engines of browsers: its size, and what it does under policies that forbid something. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { vi } from "vitest";
import { launch } from "../../apps/playground/test/support/chromium.ts";
import { serveFolder } from "../../apps/playground/test/support/serve-folder.ts";
import type { Consumer, Place } from "../support/consumer.ts";

const engines = `
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { createWebGpuBackend } from "@modernbert-ts/backend-webgpu";
import { Runtime } from "@modernbert-ts/tensor-core";
import { createTokenizerPool, loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
`;
const withoutModel = `${engines}
console.log(createCpuBackend, createWebGpuBackend, Runtime, createTokenizerPool, loadModernBertTokenizer);
`;
const program = `${engines}
import { loadModelFolder } from "@modernbert-ts/modernbert";
async function main() {
  const notices = [];
  const runtime = new Runtime(await createCpuBackend({ onNotice: (notice) => notices.push(notice) }));
  const { device } = runtime.backend.capabilities;
  const pool = createTokenizerPool(await loadModernBertTokenizer(), { workers: 2, minUnits: 0 });
  const texts = (await pool.encodeBatch(["a text", "another"])).length;
  const functions = [createWebGpuBackend, loadModelFolder].map((each) => typeof each);
  document.title = JSON.stringify({ device, notices, texts, functions });
}
main().catch((error) => (document.title = JSON.stringify({ error: String(error) })));
`;

interface Answer {
  readonly error?: string;
  readonly device: string;
  readonly notices: readonly string[];
  readonly texts: number;
}

/** Gzipped, without the vocabulary, which is a file of its own. */
const mostBytes = { "engines.js": 100e3, "main.js": 122e3 };

function sizeOf(folder: string): number {
  const files = readdirSync(folder).filter((name) => name.endsWith(".js") && !name.includes("vocabulary"));
  return files.map((name) => gzipSync(readFileSync(join(folder, name))).length).reduce((sum, size) => sum + size, 0);
}

const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const policies = [
  { policy: "default-src 'self' 'wasm-unsafe-eval' blob:", device: /^CPU, WebAssembly.*threads/, notices: [] },
  {
    policy: "default-src 'self' 'wasm-unsafe-eval'",
    device: /^CPU, WebAssembly.*1 thread\b/,
    notices: [/takes one thread, because workers do not start/],
  },
  {
    policy: "default-src 'self' blob:",
    device: /^TypeScript engine/,
    notices: [/takes its TypeScript engine.*'wasm-unsafe-eval'/],
  },
  {
    policy: "default-src 'self'; worker-src 'none'",
    device: /^TypeScript engine/,
    notices: [/takes its TypeScript engine/],
  },
];

async function answerUnder(place: Place, policy: string): Promise<Answer> {
  const headers = { ...isolated, "content-security-policy": policy };
  await using server = await serveFolder(join(place.folder, "dist-main.js"), headers);
  const browser = await launch({ webgpu: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/index.html`);
    // From outside: the policies forbid the page to evaluate text.
    return JSON.parse(await vi.waitUntil(() => page.title(), { timeout: 60_000 })) as Answer;
  } finally {
    await browser.close();
  }
}

export const pageWithAllEngines: Consumer = {
  name: "page with all engines, esbuild, content security policies",
  slow: true,
  async run(place) {
    place.write("engines.js", withoutModel);
    place.write("main.js", program);
    const ours = ["backend-cpu", "backend-webgpu", "modernbert", "tensor-core", "tokenizer"];
    await place.command(`npm install ${ours.map((name) => `@modernbert-ts/${name}`).join(" ")} esbuild`);
    const sizes = [];
    for (const [file, most] of Object.entries(mostBytes)) {
      const how = "--bundle --minify --format=esm --splitting --chunk-names=[name]-[hash]";
      await place.command(`node_modules/.bin/esbuild ${file} ${how} --outdir=dist-${file}`);
      const bytes = sizeOf(join(place.folder, `dist-${file}`));
      if (bytes > most) throw new Error(`expected ${file} of at most ${most} bytes gzipped, got ${bytes}`);
      sizes.push(`${(bytes / 1e3).toFixed(1)} kB`);
    }
    place.write("dist-main.js/index.html", '<!doctype html><body><script type="module" src="main.js"></script></body>');
    for (const { policy, device, notices } of policies) {
      const answer = await answerUnder(place, policy);
      const fits =
        answer.error === undefined &&
        device.test(answer.device) &&
        answer.texts === 2 &&
        answer.notices.length === notices.length &&
        notices.every((notice, at) => notice.test(answer.notices[at]!));
      if (!fits) throw new Error(`expected ${device.source} under ${policy}, got ${JSON.stringify(answer)}`);
    }
    return `${sizes.join(", with the model ")} gzipped; ${policies.length} policies`;
  },
};
