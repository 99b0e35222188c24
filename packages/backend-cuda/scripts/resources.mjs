/**
 * What each kernel takes of a GPU: registers, stack, spilled bytes and static shared memory, as ptxas counts them, beside resources.tsv.
 *
 *   node scripts/resources.mjs           fails where a kernel takes more than the table says, is not in it, or spills; for sm_80 and sm_90a
 *   node scripts/resources.mjs --all     for all targets
 *   node scripts/resources.mjs --write   measures all targets and writes the table
 *
 * Files that did not change are not compiled again (build/resources).
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { changed, files, inParallel, newest, writeScalarFunctions } from "@modernbert-ts/device-kit/native/build.mjs";
import { writeMapPrograms } from "./map-programs.mjs";
import { allTargets, generated, kernelOptions, kit, nvcc, sources } from "./nvcc.mjs";
import { compare, parsePtxas, readTable, writeTable } from "./resource-table.mjs";

const { values: options } = parseArgs({ options: { all: { type: "boolean" }, write: { type: "boolean" } } });
const table = fileURLToPath(new URL("../resources.tsv", import.meta.url));
const cache = fileURLToPath(new URL("../build/resources/", import.meta.url));
const machineCode = allTargets.filter((name) => name !== "ptx");
const targets = options.all || options.write ? machineCode : ["sm_80", "sm_90a"];

try {
  execFileSync(nvcc, ["--version"], { stdio: "ignore" });
} catch {
  console.log(`\n▸ resources of CUDA kernels\n  skipped: there is no ${nvcc} that works`);
  process.exit(0);
}
await writeScalarFunctions(generated, "cuda");
writeMapPrograms(generated);
const measured = await measure();
if (options.write) writeFileSync(table, writeTable(measured, machineCode));
const known = existsSync(table) ? readTable(readFileSync(table, "utf8")) : new Map();
const { faults, notes } = compare(measured, known, targets);
for (const note of notes) console.log(`  ${note}`);
for (const fault of faults) console.error(`✗ ${fault}`);
console.log(`[backend-cuda] ${measured.size} kernels on ${targets.join(", ")}: ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;

/** By `file kernel`, then by target. */
async function measure() {
  mkdirSync(cache, { recursive: true });
  const headers = newest([sources, kit, generated].flatMap((folder) => files(folder, ".h")));
  const jobs = files(join(sources, "kernels"), ".cu").flatMap((source) =>
    targets.map((target) => ({ source, target })),
  );
  const reports = [];
  await inParallel(jobs, async ({ source, target }) => {
    const file = relative(join(sources, "kernels"), source);
    const text = await report(source, file, target, headers);
    reports.push(...parsePtxas(text).map((kernel) => ({ ...kernel, target, key: `${file} ${kernel.name}` })));
  });
  const names = demangle(reports.map(({ key }) => key));
  const uses = new Map();
  reports.forEach(({ target, use }, at) => {
    uses.set(names[at], { ...uses.get(names[at]), [target]: use });
  });
  return uses;
}

/** What ptxas says of one file. */
async function report(source, file, target, headers) {
  const command = [
    ...kernelOptions([target]),
    "-cubin",
    "-Xptxas",
    "-v",
    ...[sources, kit, generated].flatMap((folder) => ["-I", folder]),
  ];
  const stamp = createHash("sha256")
    .update([nvcc, ...command].join(" "))
    .digest("hex")
    .slice(0, 12);
  const path = join(cache, `${file.replaceAll(/[/.]+/g, "-")}-${target}-${stamp}`);
  if (changed(`${path}.txt`) < Math.max(headers, changed(source))) {
    const { stderr, stdout } = await promisify(execFile)(nvcc, [...command, source, "-o", `${path}.cubin`]);
    writeFileSync(`${path}.txt`, stdout + stderr);
  }
  return readFileSync(`${path}.txt`, "utf8");
}

/** Names as in the sources, without return type and parameters. */
function demangle(keys) {
  if (keys.length === 0) return [];
  const lines = execFileSync("c++filt", { input: keys.join("\n"), encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.map((line) => {
    const [file, ...rest] = line.split(" ");
    const name = rest
      .join(" ")
      .replaceAll("(anonymous namespace)::", "")
      .replace(/^void /, "");
    let depth = 0;
    const end = [...name].findIndex((letter) => {
      depth += letter === "<" ? 1 : letter === ">" ? -1 : 0;
      return letter === "(" && depth === 0;
    });
    return `${file} ${end < 0 ? name : name.slice(0, end)}`;
  });
}
