/** A process, or a thread of JavaScript, may end at any time: with work queued, and without disposal. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { missing } from "./library.ts";

const program = fileURLToPath(new URL("support/leave.mjs", import.meta.url));

test.for(["at the end", "by exit", "in a read", "a worker that ends", "a worker that is stopped"])(
  "ends cleanly: %s",
  (how, { skip }) => {
    if (missing) skip(missing);
    const env = { ...process.env, MODERNBERT_CUDA_EMULATE: "1" };
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, how], { env, encoding: "utf8" });
    expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: "left\n", stderr: "" });
  },
);
