/** How much a page downloads: the public API of each package, bundled, minified and compressed. Printed, and limited. */
import { gzipSync } from "node:zlib";
import { build, defaultClientConditions } from "vite";
import { expect, test } from "vitest";
import { appFolder } from "./support/app.ts";

const limit = 120_000;
const packages = ["modernbert", "tensor-core", "backend-webgpu", "tokenizer", "safetensors"].map(
  (name) => `@modernbert-ts/${name}`,
);
const entry = "virtual:entry";

/** gzip bytes of everything that these packages export; of their vocabulary and of other packages only with `together`. */
async function size(names: readonly string[], { together }: { readonly together: boolean }): Promise<number> {
  const result = await build({
    root: appFolder,
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@modernbert-ts/source", ...defaultClientConditions] },
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? `\0${entry}` : undefined),
        load: (id) => (id === `\0${entry}` ? names.map((name) => `export * from "${name}";`).join("\n") : undefined),
      },
    ],
    build: {
      write: false,
      target: "es2022",
      minify: true,
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: "strict",
        external: (id) =>
          id.includes("modernbert-vocabulary") || (!together && packages.includes(id) && !names.includes(id)),
      },
    },
  });
  const chunks = [result].flat().flatMap((each) => ("output" in each ? each.output : []));
  const code = chunks.map((chunk) => (chunk.type === "chunk" ? chunk.code : "")).join("\n");
  expect(code.length).toBeGreaterThan(1000);
  return gzipSync(code, { level: 9 }).length;
}

test(`model, backend and tokenizer are at most ${limit / 1000} kB`, async () => {
  const lines: string[] = [];
  for (const name of packages) lines.push(`${name.padEnd(30)} ${kilobytes(await size([name], { together: false }))}`);
  const total = await size(packages, { together: true });
  console.log(["gzip, without vocabulary", ...lines, `${"all".padEnd(30)} ${kilobytes(total)}`].join("\n"));
  expect(total).toBeLessThanOrEqual(limit);
});

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1).padStart(6)} kB`;
}
