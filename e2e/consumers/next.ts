/** Next.js: a client component with all that runs in browsers, and a route that opens a model on the server. */
import { spawn } from "node:child_process";
import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer, Place } from "../support/consumer.ts";

const page = `"use client";
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

/** Starts the built app on a port that the system chooses, asks the route, and ends it. */
async function answerOf(place: Place): Promise<string> {
  const next = ["node_modules/next/dist/bin/next", "start", "--port", "0", "--hostname", "127.0.0.1"];
  const server = spawn(process.execPath, next, { cwd: place.folder, stdio: ["ignore", "pipe", "inherit"] });
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
    const response = await fetch(`${url}/api`);
    const text = await response.text();
    if (!response.ok || !text.includes("native")) throw new Error(`expected the native engine, got ${text}`);
    return text;
  } finally {
    server.kill();
  }
}

const next = (bundler: "webpack" | "turbopack"): Consumer => ({
  name: `Next.js, ${bundler}`,
  slow: true,
  async run(place) {
    await place.command(
      "npm install --ignore-scripts next@16 react@19 react-dom@19 @modernbert-ts/pipelines @modernbert-ts/tokenizer @modernbert-ts/backend-webgpu",
    );
    place.write("next.config.mjs", 'export default { serverExternalPackages: ["@modernbert-ts/pipelines"] };\n');
    place.write("app/layout.jsx", layout);
    place.write("app/page.jsx", page);
    place.write("app/api/route.js", route(place.model));
    const built = await place.command(`node node_modules/next/dist/bin/next build --${bundler}`, {
      NEXT_TELEMETRY_DISABLED: "1",
    });
    if (built.includes("Critical dependency")) throw new Error(`expected no warning, got ${built}`);
    return answerOf(place);
  },
});

export const nextWebpack: Consumer = next("webpack");
export const nextTurbopack: Consumer = next("turbopack");
