/** Tests in processes of their own. They run the built package (Node 20 cannot import TypeScript), so `tsc -b` must have run. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { missing } from "./native.ts";

const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
/** Why no child can use the native engine here, or undefined. */
export const reason = missing ?? (existsSync(built) ? undefined : "the package is not built");

/** Of the code that children run: `work` queues a second of work on `backend` and reads its result. */
export const prelude = `
  const { createCpuBackend } = await import(${JSON.stringify(pathToFileURL(built).href)});
  const work = (backend, steps) => {
    const shape = [512, 512], strides = [512, 1];
    const view = () => ({ buffer: backend.allocate(1 << 20), dtype: "f32", shape, strides, offset: 0 });
    const a = view(), c = view();
    backend.run("fill", [a], [], { value: 1 / 512 });
    for (let step = 0; step < steps; step++) backend.run("matmul", [c], [a, a], { alpha: 1, accumulate: step > 0 });
    return backend.read(c.buffer, 0, 4).then((bytes) => new Float32Array(bytes)[0] * 512);
  };
`;

/** @param seconds after which the child is ended: it then has no status. */
export function runChild(
  code: string,
  seconds = 50,
): {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
} {
  return spawnSync(process.execPath, ["--input-type=module", "-e", prelude + code], {
    encoding: "utf8",
    timeout: 1000 * seconds,
  });
}

/** A child that goes on until it is killed. */
export function startChild(code: string): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", prelude + code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}
