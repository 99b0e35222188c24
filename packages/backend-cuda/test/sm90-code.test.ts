/** Machine code for sm_90a, where there is a disassembler: tensor cores and TMA are what its kernels use. Registers and spills: `npm run check:cuda`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const native = join(root, "src", "native");
const kit = join(dirname(createRequire(import.meta.url).resolve("@modernbert-ts/device-kit/package.json")), "native");
const folder = mkdtempSync(join(tmpdir(), "modernbert-sm90-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** CUOBJDUMP names another disassembler than the one on the path. */
const disassembler = process.env["CUOBJDUMP"] ?? "cuobjdump";
const works = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const noCompiler = !works("nvcc") && "there is no nvcc";
const noDisassembler = !works(disassembler) && "there is no cuobjdump (CUOBJDUMP names one)";

const files = readdirSync(join(native, "kernels", "sm90")).filter((name) => name.endsWith(".cu"));

test.for(files)("%s multiplies by wgmma and loads by TMA", { timeout: 300_000 }, (file, { skip }) => {
  const reason = noCompiler || noDisassembler;
  if (reason) skip(reason);
  const cubin = join(folder, `${file}.cubin`);
  const target = ["-gencode", "arch=compute_90a,code=sm_90a"];
  const options = ["-x", "cu", "-std=c++17", "-O3", "-I", native, "-I", kit, ...target, "-cubin", "-o", cubin];
  expect(spawnSync("nvcc", [...options, join(native, "kernels", "sm90", file)], { encoding: "utf8" })).toMatchObject({
    status: 0,
    stderr: "",
  });
  const { stdout } = spawnSync(disassembler, ["-sass", cubin], { encoding: "utf8", maxBuffer: 1 << 30 });
  const kernels = stdout.split("Function : ").slice(1);
  expect(kernels.length).toBeGreaterThan(0);
  for (const kernel of kernels) {
    for (const instruction of ["HGMMA", "UTMALDG", "USETMAXREG"]) expect(kernel).toContain(instruction);
    for (const instruction of ["STL", "LDL"]) expect(kernel).not.toMatch(new RegExp(`\\b${instruction}\\b`));
  }
});
