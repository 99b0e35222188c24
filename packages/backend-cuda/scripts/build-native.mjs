/**
 * Compiles the native library into build/<platform>-<arch>/: the emulated one with g++ (CXX names another compiler, CXX=none does without, CXXFLAGS adds flags),
 * with `--cuda` the one for GPUs, with nvcc (NVCC names another; `--targets sm_80,ptx` some of the targets of nvcc.mjs). `--out DIR` builds
 * elsewhere. Objects are kept, and only what changed is compiled again. Without a C++ compiler it prints one line and succeeds: the backend then
 * says what is missing when it is asked for.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  changed,
  compile,
  files,
  inParallel,
  newest,
  writeScalarFunctions,
} from "@modernbert-ts/device-kit/native/build.mjs";
import { writeMapPrograms } from "./map-programs.mjs";
import { allTargets, generated, kernelOptions, kit, nvcc, sources } from "./nvcc.mjs";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../", import.meta.url));
const { values: options } = parseArgs({
  options: { cuda: { type: "boolean", default: false }, targets: { type: "string" }, out: { type: "string" } },
});
const out = options.out ?? join(root, "build", `${process.platform}-${process.arch}`);

const added = (process.env.CXXFLAGS ?? "").split(/\s+/).filter(Boolean);
const common = ["-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", ...added];
const targets = options.targets?.split(",") ?? allTargets;

const failed = "compiling failed";

const ways = {
  emulated: {
    compiler: process.env.CXX ?? "g++",
    c: ["-x", "c", "-std=gnu11", ...common],
    cpp: ["-x", "c++", "-std=c++17", "-ffp-contract=off", "-Wno-unknown-pragmas", ...common],
    link: ["-lpthread", "-ldl", ...added],
    file: "modernbert_cuda_emulated.node",
    folders: ["simt", "engine", "kernels", "products"],
    // Half of a kernel's time goes to reading this.
    prefix: "simt/simt.h",
  },
  cuda: {
    compiler: nvcc,
    c: common.flatMap((flag) => ["-Xcompiler", flag]),
    cpp: [
      ...kernelOptions(targets),
      "--compress-mode=size",
      "-Xcompiler",
      "-Wall,-Wno-unknown-pragmas,-fPIC,-fvisibility=hidden",
      // A kernel whose registers spill to memory does not compile.
      "-Xptxas",
      "--warn-on-spills,--warning-as-error",
    ],
    link: ["-cudart", "static", "-lpthread", "-ldl"],
    file: "modernbert_cuda.node",
    folders: ["engine", "kernels", "products"],
  },
};

await main(options.cuda ? "cuda" : "emulated").catch((error) => {
  console.error(`[backend-cuda] ${error.message.trimEnd()}`);
  process.exitCode = 1;
});

async function main(name) {
  const way = ways[name];
  if (process.platform !== "linux") return console.log("[backend-cuda] the native library is for Linux: not built.");
  if (!compilerWorks(way.compiler)) {
    const message = `expected a compiler (${way.compiler}), found none that works: the ${name} library is not built.`;
    if (name === "cuda") throw new Error(message);
    return console.log(`[backend-cuda] ${message}`);
  }
  await writeScalarFunctions(generated, "cuda");
  writeMapPrograms(generated);
  const objects = join(out, `objects-${name}`);
  mkdirSync(objects, { recursive: true });
  const includes = [sources, kit, generated, require("node-api-headers").include_dir].flatMap((folder) => [
    "-I",
    folder,
  ]);
  const headers = newest([sources, kit, generated].flatMap((folder) => files(folder, ".h")));
  const jobs = [kit, ...way.folders.map((folder) => join(sources, folder))]
    .flatMap((folder) => files(folder, ".c", ".cpp", ".cu"))
    .map((source) => {
      const flags = [...(extname(source) === ".c" ? way.c : way.cpp), ...includes];
      const stamp = createHash("sha256")
        .update([way.compiler, ...flags].join(" "))
        .digest("hex")
        .slice(0, 12);
      const file = relative(sources, source).replaceAll(/[/.]+/g, "-");
      return { source, flags, object: join(objects, `${file}-${stamp}.o`) };
    });
  const stale = jobs.filter(({ source, object }) => changed(object) < Math.max(headers, changed(source)));
  const library = join(out, way.file);
  if (stale.length === 0 && changed(library) >= newest(jobs.map(({ object }) => object))) return;

  const prefixes = way.prefix === undefined ? [] : await precompiled(way, includes, objects);
  await inParallel(stale, async ({ source, flags, object }) => {
    const before = extname(source) === ".cu" ? prefixes : [];
    await compile(way.compiler, [...before, ...flags, "-c", source, "-o", `${object}.${process.pid}`], failed);
    renameSync(`${object}.${process.pid}`, object);
  });
  const temporary = `${library}.${process.pid}`;
  await compile(way.compiler, ["-shared", ...jobs.map(({ object }) => object), ...way.link, "-o", temporary], failed);
  renameSync(temporary, library);
  console.log(`[backend-cuda] ${name} library built: ${way.compiler}, ${stale.length} files compiled`);
}

/** Compiles the header that every kernel includes. @returns The flags that include it. */
async function precompiled({ compiler, cpp, prefix }, includes, objects) {
  const header = join(objects, "prefix.h");
  writeFileSync(header, `#include "${prefix}"\n`);
  await compile(compiler, [...cpp, ...includes, "-x", "c++-header", "-c", header, "-o", `${header}.gch`], failed);
  return ["-include", header];
}

function compilerWorks(compiler) {
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
