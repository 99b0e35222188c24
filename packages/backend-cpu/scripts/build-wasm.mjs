/**
 * Compiles the WebAssembly engine's kernels with AssemblyScript and writes them, with the code of its threads, as one JavaScript module
 * (generated/wasm.js): text survives every bundler, where a file beside the code does not. Its first line names what it was made of, and it is
 * made again only when that has changed.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

const root = new URL("../src/engines/wasm/", import.meta.url);
const generated = new URL("../generated/", import.meta.url);

/** Addresses below this belong to the control words of the threads (src/engines/wasm/threads.ts). */
const memoryBase = 65536;
/** 4 GiB less one page, so that the end of memory is still a 32-bit number. */
const maximumPages = 65535;

const header = `// Made by scripts/build-wasm.mjs of ${await hashOfSources()}.`;
const made = await readFile(new URL("wasm.js", generated), "utf8").catch(() => "");
if (!made.startsWith(header)) await make();

/** Of all that the module is made of: sources, this script, the compiler. */
async function hashOfSources() {
  const hash = createHash("sha256");
  for (const folder of [new URL("assembly/", root), new URL("worker/", root)].map((url) => fileURLToPath(url)))
    for (const file of (await readdir(folder)).sort())
      hash.update(`${file}\n${await readFile(join(folder, file), "utf8")}\n`);
  hash.update(await readFile(fileURLToPath(import.meta.url), "utf8"));
  hash.update(createRequire(import.meta.url)("assemblyscript/package.json").version);
  return hash.digest("hex").slice(0, 16);
}

async function make() {
  const plain = await compile("simd,threads");
  const relaxed = await compile("simd,threads,relaxed-simd");
  const kernels = deflateSync(Buffer.concat([plain, relaxed]), { level: 9 }).toString("base64");
  const runTasks = await readFile(new URL("worker/run-tasks.js", root), "utf8");
  const worker = await readFile(new URL("worker/worker.js", root), "utf8");

  await mkdir(generated, { recursive: true });
  await writeFile(
    new URL("wasm.d.ts", generated),
    `export declare const KERNELS: string;
export declare const PLAIN_BYTES: number;
export declare const WORKER: string;
export declare function runTasks(
  control: Int32Array,
  values: Float64Array,
  kernels: readonly ((...args: number[]) => void)[],
  scratch: number,
): unknown;
`,
  );
  await writeFile(
    new URL("wasm.js", generated),
    `${header}
${runTasks}
/** The kernels, then the same with fused multiply-add for engines that have relaxed SIMD: deflated, in base64. */
export const KERNELS = "${kernels}";
/** Bytes of the former. */
export const PLAIN_BYTES = ${plain.length};
/** A classic script for a worker. */
export const WORKER = ${JSON.stringify(runTasks.replace("export function", "function") + worker)};
`,
  );
}

async function compile(features) {
  const { main } = await import("assemblyscript/asc");
  let binary;
  const flags = {
    "-O3": [],
    "--noAssert": [],
    "--runtime": ["stub"],
    "--importMemory": [],
    "--noExportMemory": [],
    "--sharedMemory": [],
    "--initialMemory": ["1"],
    "--maximumMemory": [String(maximumPages)],
    "--memoryBase": [String(memoryBase)],
    "--enable": [features],
    // Exports that take vectors are calls between files, not from JavaScript.
    "--disableWarning": ["112"],
    "--outFile": ["module.wasm"],
  };
  const { error, stderr } = await main(
    ["index.ts", ...Object.entries(flags).flatMap(([name, values]) => [name, ...values])],
    {
      readFile: (name) => readFile(fileURLToPath(new URL(name, new URL("assembly/", root))), "utf8").catch(() => null),
      writeFile: (_name, data) => void (binary = data),
      listFiles: () => [],
    },
  );
  if (error)
    throw new Error(`[backend-cpu] the WebAssembly kernels do not compile: ${error.message}\n${stderr.toString()}`);
  return binary;
}
