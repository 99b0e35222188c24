/** The probes for a GPU and for the emulator, and what the emulator answers. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kernelOptions, kit, nvcc, sources as native } from "../../../packages/backend-cuda/scripts/nvcc.mjs";
import { tools } from "./places.mjs";

const folder = join(tools, "probes");
const headers = [native, kit, folder].flatMap((path) => ["-I", path]);

const sources = (path, ending) =>
  readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(path, name));

/** @param {string} to folder @param {boolean} cuda with those for a GPU */
export function addProbes(to, cuda) {
  mkdirSync(to, { recursive: true });
  const kernels = sources(folder, ".cu");
  const emulated = ["-x", "c++", "-std=c++17", "-O2", "-ffp-contract=off", "-Wno-unknown-pragmas", ...headers];
  const program = join(to, "probes-emulated");
  run(process.env.CXX ?? "g++", [...emulated, ...kernels, ...sources(join(native, "simt"), ".cpp"), "-o", program]);
  writeFileSync(join(to, "answers.jsonl"), execFileSync(program, ["check"]));
  if (!cuda) return;
  const options = [...kernelOptions(["sm_80", "sm_90a", "ptx"]), "-cudart", "static", ...headers];
  run(nvcc, [...options, ...kernels, "-o", join(to, "probes")]);
}

const run = (program, args) => execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
