/** Runs a program of this folder on the emulated device, in a process of its own: faults are a process's. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  /** Lines of the standard output. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** @param variables Of the environment, beside the emulation. */
export function runProgram(name: string, args: readonly string[], variables: Readonly<Record<string, string>>): Ended {
  const program = fileURLToPath(new URL(name, import.meta.url));
  const env = { ...process.env, MODERNBERT_CUDA_EMULATE: "1", ...variables };
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, encoding: "utf8" });
  return { status, signal, lines: stdout.trimEnd().split("\n"), stderr };
}
