/** Programs of test/support with the emulator, compiled for one test file. */
import { spawnSync } from "node:child_process";
import type { SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const native = fileURLToPath(new URL("../../src/native", import.meta.url));
const kit = join(dirname(createRequire(import.meta.url).resolve("@modernbert-ts/device-kit/package.json")), "native");

export type FiberOrder = "forward" | "backward" | "shuffled";
export const fiberOrders: readonly FiberOrder[] = ["forward", "backward", "shuffled"];

export interface Program extends Disposable {
  run(argument: string, order?: FiberOrder): SpawnSyncReturns<string>;
}

/** The emulator without the library that stands in for cuBLASLt. */
function emulator(): string[] {
  return ["simt", "simt/hopper"].flatMap((room) =>
    readdirSync(join(native, room))
      .filter((name) => name.endsWith(".cpp") && !name.startsWith("cublaslt"))
      .map((name) => join(native, room, name)),
  );
}

/** @param names Of files in test/support. */
export function compileProgram(...names: readonly string[]): Program {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-emulator-"));
  const sources = [...emulator(), ...names.map((name) => fileURLToPath(new URL(name, import.meta.url)))];
  const program = join(folder, "program");
  const options = ["-x", "c++", "-std=c++17", "-O1", "-Wno-unknown-pragmas", "-I", native, "-I", kit, "-o", program];
  const { stderr } = spawnSync(process.env["CXX"] ?? "g++", [...options, ...sources], { encoding: "utf8" });
  expect(stderr).toBe("");
  return {
    run: (argument, order = "forward") =>
      spawnSync(program, [argument], {
        env: { ...process.env, MODERNBERT_CUDA_FIBER_ORDER: order },
        encoding: "utf8",
      }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
