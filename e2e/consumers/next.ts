/** Next.js: a client component with all that runs in browsers, and a route that opens a model on the server. */
import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { launch } from "../../apps/playground/test/support/chromium.ts";
import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer, Place } from "../support/consumer.ts";

const clientPage = `"use client";
import { useEffect, useState } from "react";
export default function Page() {
  const [text, setText] = useState("");
  useEffect(() => {
    void (async () => {
      const { createTokenizerPool, loadModernBertTokenizer } = await import("@modernbert-ts/tokenizer");
      const { createWebGpuBackend } = await import("@modernbert-ts/backend-webgpu");
      const pool = createTokenizerPool(await loadModernBertTokenizer(), { workers: 1, minUnits: 0 });
      setText(String((await pool.encodeBatch(["a text"])).length) + typeof createWebGpuBackend);
    })();
  }, []);
  return <p>{text}</p>;
}
`;

const route = (model: string): string =>
  pipelinesProgram(model)
    .replace("\nconst model", "\nexport const dynamic = 'force-dynamic';\nexport async function GET() {\nconst model")
    .replace("console.log(device);", "return new Response(device);\n}");

const layout = `export default function Layout({ children }) {
  return <html><body>{children}</body></html>;
}
`;

/** Starts the built app on a port that the system chooses, hands its address to `use`, and ends it. */
async function served<T>(
  place: Place,
  use: (url: string) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const next = ["node_modules/next/dist/bin/next", "start", "--port", "0", "--hostname", "127.0.0.1"];
  const server = spawn(process.execPath, next, {
    cwd: place.folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      server.once("exit", (code) => reject(new Error(`expected next start to run, got exit ${code}`)));
      let heard = "";
      server.stdout.on("data", (bytes: Buffer) => {
        heard += bytes.toString();
        const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(heard) ?? [];
        if (found) resolve(found);
      });
    });
    return await use(url);
  } finally {
    server.kill();
  }
}

async function answerOf(url: string): Promise<string> {
  const response = await fetch(`${url}/api`);
  const text = await response.text();
  if (!response.ok || !text.includes("native")) throw new Error(`expected the native engine, got ${text}`);
  return text;
}

const build = (place: Place, bundler: string): Promise<string> =>
  place.command(`node node_modules/next/dist/bin/next build --${bundler}`, { NEXT_TELEMETRY_DISABLED: "1" });

const next = (bundler: "webpack" | "turbopack"): Consumer => ({
  name: `Next.js, ${bundler}`,
  slow: true,
  async run(place) {
    await place.command(
      "npm install --ignore-scripts next@16 react@19 react-dom@19 @modernbert-ts/pipelines @modernbert-ts/tokenizer @modernbert-ts/backend-webgpu",
    );
    place.write("next.config.mjs", 'export default { serverExternalPackages: ["@modernbert-ts/pipelines"] };\n');
    place.write("app/layout.jsx", layout);
    place.write("app/page.jsx", clientPage);
    place.write("app/api/route.js", route(place.model));
    const built = await build(place, bundler);
    if (built.includes("Critical dependency")) throw new Error(`expected no warning, got ${built}`);
    return served(place, answerOf);
  },
});

export const nextWebpack: Consumer = next("webpack");
export const nextTurbopack: Consumer = next("turbopack");

/** examples/next-page with a layout, in Chromium: two texts are compared on the server. */
export const nextPage: Consumer = {
  name: "Next.js, examples/next-page in Chromium",
  slow: true,
  async run(place) {
    await place.command(
      "npm install --ignore-scripts next@16 react@19 react-dom@19 typescript@5 @types/node@20 @types/react@19 @modernbert-ts/pipelines",
    );
    place.write("app/layout.jsx", layout);
    const example = join(import.meta.dirname, "..", "..", "examples", "next-page");
    for (const name of ["next.config.ts", "app", "lib"])
      cpSync(join(example, name), join(place.folder, name), { recursive: true });
    await build(place, "turbopack");
    return served(place, compareTexts, { MODEL: place.model });
  },
};

async function compareTexts(url: string): Promise<string> {
  const browser = await launch({ webgpu: false });
  try {
    const page = await browser.newPage();
    const read = async (): Promise<string> => (await page.textContent("p")) ?? "";
    await page.goto(url);
    await page.fill("[name=a]", "the same");
    await page.fill("[name=b]", "the same");
    await page.click("button");
    await page.waitForURL(/a=the\+same/);
    const alike = await read();
    await page.goto(`${url}/?a=one+text&b=another`);
    const other = await read();
    const picture = process.env["MODERNBERT_E2E_PICTURE"];
    if (picture) await page.screenshot({ path: picture });
    if (alike !== "1.000" || !/^-?0\.\d{3}$/.test(other))
      throw new Error(`expected 1.000 for equal texts and less for others, got ${alike} and ${other}`);
    return `${alike}, ${other}`;
  } finally {
    await browser.close();
  }
}
