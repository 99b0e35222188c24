/** Preloaded by a process: it is gone, as by `kill -9`, when a file is about to get its name, the first that fits KILL_AT. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const pattern = new RegExp(process.env.KILL_AT);
const { rename } = fs.promises;
fs.promises.rename = async (from, to) => {
  if (pattern.test(to)) {
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => undefined);
  }
  return rename(from, to);
};
syncBuiltinESMExports();
