/** npm with and without optional packages; what is installed has no install script and stays small. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer, Place } from "../support/consumer.ts";

const mostPackages = 24;
const mostBytes = 23e6;

interface Lock {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean; readonly optional?: boolean }>>;
}

function installed({ folder }: Place): { readonly packages: number; readonly bytes: number } {
  const lock = JSON.parse(readFileSync(join(folder, "node_modules", ".package-lock.json"), "utf8")) as Lock;
  const scripted = Object.keys(lock.packages).filter((name) => lock.packages[name]!.hasInstallScript);
  if (scripted.length > 0) throw new Error(`expected no install script, got those of ${scripted.join(", ")}`);
  const files = readdirSync(join(folder, "node_modules"), { recursive: true, withFileTypes: true });
  const sizes = files.filter((file) => file.isFile()).map((file) => statSync(join(file.parentPath, file.name)).size);
  return { packages: Object.keys(lock.packages).length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

export const npmPipelines: Consumer = {
  name: "pipelines, npm, with and without optional packages",
  async run(place) {
    place.write("main.js", pipelinesProgram(place.model));
    await place.command("npm install @modernbert-ts/pipelines");
    const { packages, bytes } = installed(place);
    const native = await place.command("node main.js");
    if (!native.includes("native")) throw new Error(`expected the native engine, got ${native}`);
    if (packages > mostPackages || bytes > mostBytes)
      throw new Error(`expected ${mostPackages} packages of ${mostBytes} bytes at most, got ${packages} of ${bytes}`);
    await place.command("npm ci --omit=optional");
    const wasm = await place.command("node main.js");
    if (!wasm.includes("WebAssembly")) throw new Error(`expected WebAssembly, got ${wasm}`);
    return `${packages} packages, ${(bytes / 1e6).toFixed(1)} MB`;
  },
};
