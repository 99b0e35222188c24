/** Our declarations of cuBLASLt against the real one, where it is installed, and the emulated one against both. Needs no GPU. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findCublasLt } from "../src/find-cublaslt.ts";
import { missing } from "./library.ts";

const native = fileURLToPath(new URL("../src/native", import.meta.url));
const kit = join(dirname(createRequire(import.meta.url).resolve("@modernbert-ts/device-kit/package.json")), "native");
const folder = mkdtempSync(join(tmpdir(), "modernbert-cublaslt-"));
const [program, emulated] = [join(folder, "cublaslt"), join(folder, "libemulated.so")];
afterAll(() => rmSync(folder, { recursive: true }));

function compile(sources: readonly string[], ...options: readonly string[]): void {
  const flags = ["-x", "c++", "-std=c++17", "-O1", "-fPIC", "-I", native, "-I", kit];
  const { stderr } = spawnSync(process.env["CXX"] ?? "g++", [...flags, ...sources, ...options], { encoding: "utf8" });
  expect(stderr).toBe("");
}

beforeAll(() => {
  if (missing) return;
  const probe = fileURLToPath(new URL("support/cublaslt.cpp", import.meta.url));
  compile([probe, join(native, "products/cublaslt.cpp")], "-ldl", "-o", program);
  const simt = join(native, "simt");
  const sources = readdirSync(simt).filter((name) => name.endsWith(".cpp"));
  compile(
    sources.map((name) => join(simt, name)),
    "-shared",
    "-o",
    emulated,
  );
}, 120_000);

const answers = `version 13 or 12: 1
product 0
transpose a 7 0 7 7
transpose b 7 0 7 7
epilogue 7 0 7 7
bias 7 7 0 7
no value 7
unknown 7
matrix 0
batch 7 0 7 7
batch stride 7 7 0 7
preference 0
workspace 7 7 0 7
reductions 7 0 7 7
alignment 7 0 7 7
alignment 7 0 7 7
alignment 7 0 7 7
alignment 7 0 7 7
ends 0 0 0
`;

test("the emulated one answers as the real one", ({ skip }) => {
  if (missing) skip(missing);
  expect(spawnSync(program, [emulated], { encoding: "utf8" })).toMatchObject({
    status: 0,
    stdout: answers,
    stderr: "",
  });
});

test("the real one answers, and has kept what was set", ({ skip }) => {
  if (missing) skip(missing);
  const { path } = findCublasLt();
  if (path === undefined) skip("there is no cuBLASLt (pip install nvidia-cublas)");
  // Sums and factors in f32, a bias, bf16, 8 rows, 4 columns, 8 elements from column to column.
  const kept = "68 0 4 14 8 4 8\n";
  expect(spawnSync(program, [path!], { encoding: "utf8" })).toMatchObject({ status: 0, stdout: answers, stderr: kept });
});

test("a library that is not there, or is another one, is said", ({ skip }) => {
  if (missing) skip(missing);
  expect(spawnSync(program, ["/nowhere/libcublasLt.so.13"], { encoding: "utf8" }).stdout).toContain("cannot open");
  expect(spawnSync(program, ["libm.so.6"], { encoding: "utf8" }).stdout).toBe("libm.so.6 has no cublasLtGetVersion\n");
});
