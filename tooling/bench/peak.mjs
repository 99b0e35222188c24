/** The machine's f32 multiply-add peak in GFLOP/s: what percentages are taken of. Measured by fma_peak.c where there is a compiler. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @returns {number | undefined} of `threads` threads together */
export function fmaPeak(threads) {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-peak-"));
  try {
    const program = join(folder, "peak");
    const source = fileURLToPath(new URL("fma_peak.c", import.meta.url));
    const flags = ["-O3", "-march=native", "-pthread", source, "-o", program];
    if (spawnSync(process.env["CC"] ?? "cc", flags, { stdio: "ignore" }).status !== 0) return undefined;
    return Number(spawnSync(program, [String(threads)], { encoding: "utf8" }).stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
