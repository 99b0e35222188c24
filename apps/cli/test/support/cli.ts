/** The command line in two forms: as a function (quick, from the sources) and as the built bin in a process of its own. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { run } from "../../src/program.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** In this process. `input` is all of stdin. */
export async function cli(args: readonly string[], input: string | Uint8Array | Readable = ""): Promise<Result> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = input instanceof Readable ? input : Readable.from([Buffer.from(input)]);
  const texts = Promise.all([textOf(stdout), textOf(stderr)]);
  const code = await run(args, { stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { code, stdout: out, stderr: err };
}

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** Starts the built bin. */
export function startBin(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  if (!existsSync(main)) throw new Error(`expected ${main}, got none: build apps/cli first (npm test does)`);
  return spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env }, stdio: "pipe" });
}

/** Runs the built bin to its end. */
export async function bin(args: readonly string[], input = "", env: NodeJS.ProcessEnv = {}): Promise<Result> {
  const child = startBin(args, env);
  child.stdin!.on("error", () => {}); // it may end before it has read everything
  child.stdin!.end(input);
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout!),
    textOf(child.stderr!),
    new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (exit, signal) => (exit === null ? reject(new Error(`killed by ${signal}`)) : resolve(exit)));
    }),
  ]);
  return { code, stdout, stderr };
}

/** The error line; notices stand before it. Fails when the command did not fail in the one way that is allowed. */
export function errorOf({ code, stderr }: Result): string {
  const lines = stderr.trimEnd().split("\n");
  const errors = lines.filter((line) => line.startsWith("error: "));
  if (code !== 1 || errors.length !== 1 || errors[0] !== lines.at(-1)) {
    throw new Error(`expected exit code 1 and one error line at the end, got ${code} and:\n${stderr}`);
  }
  if (errors[0]!.startsWith("error: unexpected")) throw new Error(`expected an error of the library, got ${errors[0]}`);
  return errors[0]!;
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
