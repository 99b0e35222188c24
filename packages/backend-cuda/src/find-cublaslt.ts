/** Where cuBLASLt is: in the folders that the environment names, the loader's, the toolkit's, or those of pip's nvidia packages. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Best first. */
const fileNames = ["libcublasLt.so.13", "libcublasLt.so.12"];

/** What of this machine decides. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The file system's root: "/" but in tests. */
  readonly root: string;
}

export interface CublasLtSearch {
  /** Of the library; undefined where there is none. */
  readonly path: string | undefined;
  /** The places in the order in which they were looked at, for people: `*` stands for any name. */
  readonly places: readonly string[];
}

export function findCublasLt(machine: Machine = { env: process.env, home: homedir(), root: "/" }): CublasLtSearch {
  const places = placesOf(machine);
  for (const place of places) {
    for (const folder of expand(place)) {
      const name = fileNames.find((file) => existsSync(join(folder, file)));
      if (name !== undefined) return { path: join(folder, name), places };
    }
  }
  return { path: undefined, places };
}

/** Without repetitions. */
function placesOf({ env, home, root }: Machine): readonly string[] {
  const listed = (name: string): string[] => (env[name] ?? "").split(":").filter(Boolean);
  const below = (name: string, folder: string): string[] => (env[name] ? [join(env[name], folder)] : []);
  const toolkits = [env["CUDA_HOME"], env["CUDA_PATH"], join(root, "usr/local/cuda"), join(root, "usr/local/cuda-*")];
  const pythons = [
    ...below("VIRTUAL_ENV", "lib/python3*/site-packages"),
    ...below("CONDA_PREFIX", "lib/python3*/site-packages"),
    join(home, ".local/lib/python3*/site-packages"),
    ...["usr/local/lib/python3*", "usr/lib/python3*"].flatMap((folder) =>
      ["site-packages", "dist-packages"].map((name) => join(root, folder, name)),
    ),
  ];
  return [
    ...new Set([
      ...listed("MODERNBERT_CUDA_LIBRARY_PATH"),
      ...listed("LD_LIBRARY_PATH"),
      ...loaderFolders(root),
      ...toolkits.flatMap((toolkit) =>
        toolkit ? ["lib64", "targets/*/lib"].map((folder) => join(toolkit, folder)) : [],
      ),
      ...below("CONDA_PREFIX", "lib"),
      ...pythons.map((folder) => join(folder, "nvidia/*/lib")),
    ]),
  ];
}

/** Those of /etc/ld.so.conf.d, then those that it always looks at. */
function loaderFolders(root: string): string[] {
  const settings = expand(join(root, "etc/ld.so.conf.d/*.conf"));
  const configured = settings.flatMap((file) => {
    const lines = orNothing(() => readFileSync(file, "utf8").split("\n"));
    return lines.map((line) => line.trim()).filter((line) => line.startsWith("/"));
  });
  const usual = ["usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"];
  return [...configured.map((folder) => join(root, folder)), ...usual.map((folder) => join(root, folder))];
}

/** The paths that a pattern stands for, newest version first; none where nothing fits. */
function expand(pattern: string): string[] {
  const [first, ...rest] = pattern.split("/");
  return rest.reduce<string[]>(
    (paths, part) => paths.flatMap((path) => (part.includes("*") ? matches(path, part) : [`${path}/${part}`])),
    [first!],
  );
}

function matches(folder: string, part: string): string[] {
  const [before, after] = part.split("*") as [string, string];
  return orNothing(() => readdirSync(folder))
    .filter((name) => name.startsWith(before) && name.endsWith(after) && name.length >= part.length - 1)
    .toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))
    .map((name) => `${folder}/${name}`);
}

/** What cannot be read has nothing in it. */
function orNothing(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
