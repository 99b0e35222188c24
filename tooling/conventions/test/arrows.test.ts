/** The picture in docs/architecture.md as a test: who may depend on whom, and that folders inside a package know each other one way. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** From the ground up: each may depend on those of the lines above. */
const storeys: readonly (readonly string[])[] = [
  ["tensor-core", "safetensors", "tokenizer"],
  ["conformance", "device-kit", "encoder"],
  ["backend-tfjs"],
  ["modernbert", "bert", "backend-cpu", "backend-webgpu", "backend-cuda", "collective-mpi", "collective-nccl"],
  ["backends", "training"],
  ["pipelines"],
  ["bulk", "ai-sdk", "langchain"],
  ["server", "trainer", "playground"],
  ["compare"],
  ["cli"],
];
const storeyOf = new Map(storeys.flatMap((names, storey) => names.map((name) => [name, storey] as const)));

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const scope = "@modernbert-ts/";
const members = ["packages", "apps"].flatMap((parent) =>
  readdirSync(join(root, parent))
    .map((name) => join(root, parent, name))
    .filter((folder) => existsSync(join(folder, "package.json"))),
);

/** Sources below a folder. */
function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

interface Import {
  readonly from: string;
  readonly type: boolean;
}

/** The imports and re-exports at the top of a file; `import()` is not among them. */
function importsOf(path: string): Import[] {
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']/gm)].map((found) => ({
    from: found[2]!,
    type: found[1] !== undefined,
  }));
}

describe.each(members)("%s", (folder) => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const name = manifest.name.slice(scope.length);
  const files = existsSync(join(folder, "src")) ? sources(join(folder, "src")) : [];

  test("depends on what lies below it", () => {
    const { dependencies, peerDependencies, optionalDependencies } = manifest;
    const all = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
    const ours = all.filter((other) => other.startsWith(scope)).map((other) => other.slice(scope.length));
    const storey = storeyOf.get(name);
    expect(storey, `${name} has a storey in this test`).toBeDefined();
    expect(ours.filter((other) => !(storeyOf.get(other)! < storey!))).toEqual([]);
  });

  test("imports no device library at the top of a file", () => {
    const device = /^(webgpu|@tensorflow\/.*)$/;
    const found = files.filter((file) => importsOf(file).some(({ from, type }) => !type && device.test(from)));
    expect(found).toEqual([]);
  });

  test("has folders that know each other one way", () => {
    const src = join(folder, "src");
    /** The folder of a file right below src, or the file itself. */
    const roomOf = (file: string): string => relative(src, file).split("/")[0]!;
    const arrows = new Map<string, Set<string>>();
    for (const file of files) {
      const local = importsOf(file).filter(({ from }) => from.startsWith("."));
      const rooms = local.map(({ from }) => roomOf(join(dirname(file), from))).filter((room) => room !== roomOf(file));
      arrows.set(roomOf(file), new Set([...(arrows.get(roomOf(file)) ?? []), ...rooms]));
    }
    expect(circles(arrows)).toEqual([]);
  });

  test("says @throws for what it throws", () => {
    const found = files.filter((file) => /^\s*(\/\*\*|\*).*\b(Errors|Throws): /m.test(readFileSync(file, "utf8")));
    expect(found.map((file) => relative(folder, file))).toEqual([]);
  });

  test("has members that are #private", () => {
    const found = files.filter((file) => /^\s*(private|protected|public)\s+[\w#]/m.test(readFileSync(file, "utf8")));
    expect(found.map((file) => relative(folder, file))).toEqual([]);
  });
});

/** The ways that lead back to where they began, shortest first found. */
function circles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found = new Set<string>();
  const walk = (way: readonly string[]): void => {
    for (const next of arrows.get(way.at(-1)!) ?? []) {
      const back = way.indexOf(next);
      if (back === 0) found.add([...way, next].join(" → "));
      else if (back < 0 && next > way[0]!) walk([...way, next]);
    }
  };
  for (const start of arrows.keys()) walk([start]);
  return [...found];
}
