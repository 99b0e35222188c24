/** The torch peer as a child process: absent, with the reason, where Python has no torch and transformers. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export function startTorch() {
  const python = process.env["PYTHON"] ?? "python3";
  const probe = spawnSync(python, ["-c", "import torch, transformers"], { stdio: "ignore" });
  if (probe.status !== 0) return { reason: `${python} has no torch and transformers (set PYTHON)` };
  const child = spawn(python, [fileURLToPath(new URL("torch_peer.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async request(message) {
      child.stdin.write(`${JSON.stringify(message)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error("the torch peer ended");
      return JSON.parse(value);
    },
    stop: () => child.kill(),
  };
}
