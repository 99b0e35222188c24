/** What nvidia-smi says of the GPU; undefined where there is none. */
import { spawnSync } from "node:child_process";

function query(fields) {
  const device = process.env["CUDA_VISIBLE_DEVICES"]?.split(",")[0] || "0";
  const args = [`--id=${device}`, `--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"];
  const { status, stdout } = spawnSync("nvidia-smi", args, { encoding: "utf8", timeout: 10_000 });
  if (status !== 0) return undefined;
  const values = stdout.trim().split("\n")[0].split(", ");
  return Object.fromEntries(fields.map((field, at) => [field, values[at]]));
}

/** Name, driver, memory in MiB. */
export const driver = () => query(["name", "driver_version", "memory.total", "mig.mode.current"]);

/** In MHz, W, °C and MiB. */
export const clocks = () =>
  query(["clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem", "power.draw", "temperature.gpu", "memory.used"]);
