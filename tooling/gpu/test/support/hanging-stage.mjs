/** A stage that finds one thing, starts another process, and never ends: `hanging-stage.mjs FOLDER`. */
import { spawn } from "node:child_process";
import { Recorder } from "../../selftest/recorder.mjs";

const record = new Recorder(process.argv[2], "hanging", { device: "none" });
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
await record.part("found", () => ({ pid: child.pid }));
setInterval(() => {}, 1000);
