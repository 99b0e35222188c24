/** Runs the built `modernbert-train` in a process of its own, as a person would. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** `onLine` gets every line of stderr as it comes; `env` is added to the environment. */
export function start(
  args: readonly string[],
  onLine: (line: string) => void = () => undefined,
  env: Readonly<Record<string, string>> = {},
): Running {
  if (!existsSync(main))
    throw new Error("expected apps/trainer to be built, got no dist: run `npx turbo run build` first");
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let stdout = "";
  let stderr = "";
  let pending = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
    const lines = (pending + data.toString()).split("\n");
    pending = lines.pop()!;
    for (const line of lines) onLine(line);
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { process: child, finished };
}
