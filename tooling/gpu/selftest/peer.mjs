/** The Python peer as a child process: absent, with the reason, where Python has no torch and transformers. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Skip } from "./recorder.mjs";

const program = process.env["PYTHON"] ?? "python3";

export function startPeer(root) {
  const check = spawnSync(program, ["-c", "import torch, transformers"], { encoding: "utf8" });
  if (check.status !== 0) {
    const why = check.error?.message ?? check.stderr.trim().split("\n").at(-1);
    return { reason: `${program} has no torch and transformers (${why}): PYTHON names another` };
  }
  const child = spawn(program, [join(root, "peers/peer.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @throws Skip with what the peer says when it cannot. */
    async ask(op, parts = {}) {
      child.stdin.write(`${JSON.stringify({ op, ...parts })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error("the peer ended");
      const answer = JSON.parse(value);
      if (answer.error) throw new Skip(`the peer: ${answer.error}`);
      return answer;
    },
    stop: () => child.kill(),
  };
}
