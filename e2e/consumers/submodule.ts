/** A git submodule in another pnpm and turbo monorepo, whose TypeScript is not ours, from builds and from sources; the same, pruned to one app. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer, Place } from "../support/consumer.ts";

const ours = join(import.meta.dirname, "..", "..");
const submodule = "vendor/modernbert-ts";

/** The part of a pnpm-workspace.yaml below `key`. */
function section(yaml: string, key: string): string {
  const [found] = new RegExp(`^${key}:\\n(?:[ #].*\\n)+`, "m").exec(yaml) ?? [];
  if (found === undefined) throw new Error(`expected ${key} in pnpm-workspace.yaml, found none`);
  return found;
}

function writeHost(place: Place): void {
  const theirs = readFileSync(join(ours, "pnpm-workspace.yaml"), "utf8");
  const packages = `packages:\n  - apps/*\n  - ${submodule}/packages/*\n`;
  const copied = ["catalog", "allowBuilds", "overrides"].map((key) => section(theirs, key));
  // Not every registry has the pinned pnpm.
  place.write("pnpm-workspace.yaml", `${packages}${copied.join("")}pmOnFail: ignore\n`);
  place.write(".gitignore", "node_modules\ndist\nout\n.turbo\n");
  place.write("package.json", {
    name: "host",
    private: true,
    packageManager: "pnpm@12.21.0",
    devDependencies: { turbo: "^2.5.0", typescript: "~6.0.0" },
  });
  place.write("turbo.json", {
    futureFlags: { pruneIncludesGlobalFiles: true },
    globalDependencies: [`${submodule}/tsconfig.base.json`],
    tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] } },
  });
  place.write("apps/embed/package.json", {
    name: "embed",
    private: true,
    type: "module",
    scripts: { build: "tsc" },
    dependencies: { "@modernbert-ts/pipelines": "workspace:*" },
    devDependencies: { "@types/node": "^20.19.0", typescript: "~6.0.0" },
  });
  const compilerOptions = {
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "esnext.disposable"],
    types: ["node"],
    strict: true,
    outDir: "dist",
    rootDir: "src",
  };
  place.write("apps/embed/tsconfig.json", { compilerOptions, include: ["src"] });
  place.write("apps/embed/tsconfig.source.json", {
    extends: "./tsconfig.json",
    compilerOptions: {
      customConditions: ["@modernbert-ts/source"],
      allowImportingTsExtensions: true,
      noEmit: true,
      lib: ["es2023", "esnext.disposable", "dom"],
      rootDir: "../..",
    },
  });
  place.write("apps/embed/src/main.ts", pipelinesProgram(place.model).replace("[vector]", "[vector = []]"));
}

/** Without a C compiler: it would take a minute, and says nothing about the monorepo. */
const env = { CC: "none", CXX: "none", TURBO_TELEMETRY_DISABLED: "1" };
const pnpm = "npx --yes pnpm@12";

async function buildAndRun(place: Place, folder = "."): Promise<string> {
  await place.command(`${pnpm} --dir ${folder} exec turbo run build --filter=embed`, env);
  const device = await place.command(`node ${folder}/apps/embed/dist/main.js`);
  if (!device.startsWith("CPU, WebAssembly")) throw new Error(`expected WebAssembly, got ${device}`);
  return device.trim();
}

export const gitSubmodule: Consumer = {
  name: "git submodule, pnpm 12, turbo, turbo prune",
  slow: true,
  async run(place) {
    await place.command("git init --quiet");
    const source = pathToFileURL(ours).href;
    await place.command(`git -c protocol.file.allow=always submodule --quiet add ${source} ${submodule}`);
    writeHost(place);
    await place.command(`${pnpm} install`);
    const device = await buildAndRun(place);

    await place.command(`${pnpm} --dir apps/embed exec tsc -p tsconfig.source.json`);

    // What a build derives comes back from the cache.
    const tokenizer = join(place.folder, submodule, "packages", "tokenizer");
    for (const folder of ["dist", "generated"]) rmSync(join(tokenizer, folder), { recursive: true });
    await buildAndRun(place);
    if (!existsSync(join(tokenizer, "generated"))) throw new Error("expected turbo to restore generated, it did not");

    await place.command(`${pnpm} exec turbo prune embed`, env);
    await place.command(`${pnpm} --dir out install --frozen-lockfile`);
    await buildAndRun(place, "out");
    return device;
  },
};
