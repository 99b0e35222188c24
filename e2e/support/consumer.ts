/** What a consumer is: one file in consumers/. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

export interface Consumer {
  /** As in the table. */
  readonly name: string;
  /** Only with `npm run check:e2e`. */
  readonly slow?: boolean;
  /** Does what the README says, in an empty folder; throws where that does not work. Resolves to a word about it. */
  run(place: Place): Promise<string>;
}

/** An empty folder whose package managers ask the registry of the tests. */
export class Place {
  readonly folder: string;
  readonly registry: string;
  /** A tiny model. */
  readonly model: string;

  constructor(folder: string, registry: string, model: string) {
    this.folder = folder;
    this.registry = registry;
    this.model = model;
    this.write(".npmrc", `registry=${registry}/\naudit=false\nfund=false\n`);
    this.write("package.json", { name: "consumer", version: "1.0.0", private: true, type: "module" });
  }

  /** @param content Text, or an object for JSON. */
  write(name: string, content: string | object): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
  }

  /** Runs a command to its end. @returns What it wrote to standard output. @throws with all that it wrote, where it fails. */
  async command(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const [program, ...args] = line.split(" ") as [string, ...string[]];
    const options = { cwd: this.folder, env: { ...process.env, npm_config_registry: `${this.registry}/`, ...env } };
    try {
      return (await promisify(execFile)(program, args, { ...options, timeout: 240_000 })).stdout;
    } catch (error) {
      const { stdout, stderr, message } = error as Error & { readonly stdout: string; readonly stderr: string };
      throw new Error(`[e2e] expected ${line} to succeed, got: ${message}\n${stdout}${stderr}`, { cause: error });
    }
  }
}

/** A program that uses pipelines as the README does, on the tiny model, and prints which device it took. */
export const pipelinesProgram = (model: string): string => `
import { openPipeline, embed } from "@modernbert-ts/pipelines";
const model = await openPipeline(${JSON.stringify(model)});
const [vector] = await embed(model, ["a text"]);
const { device } = model.runtime.backend.capabilities;
await model[Symbol.asyncDispose]();
if (!vector.every(Number.isFinite)) throw new Error("expected finite numbers");
console.log(device);
`;
