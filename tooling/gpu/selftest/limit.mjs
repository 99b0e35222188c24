/** Runs a program for a limited time. */
import { spawn } from "node:child_process";

/**
 * The program and all that it started are killed at the limit.
 * @param {string[]} command
 * @param {number} seconds
 * @returns {Promise<string | undefined>} why it did not come to its end
 */
export function runLimited([program, ...args], seconds, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], ...options, detached: true });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child.pid);
    }, seconds * 1000);
    const stop = () => killGroup(child.pid);
    process.once("SIGINT", stop).once("SIGTERM", stop);
    child.once("error", (error) => resolve(`did not start: ${error.message}`));
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      process.off("SIGINT", stop).off("SIGTERM", stop);
      // A peer that outlived the stage would hold the GPU.
      killGroup(child.pid);
      if (late) resolve(`stopped after ${seconds} s`);
      else resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`);
    });
  });
}

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
