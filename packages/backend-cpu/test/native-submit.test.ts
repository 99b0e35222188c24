/** Commands that find no room in the native library: an error by name, after which the backend and the same commands work. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { reason, runChild } from "./children.ts";
import { describeNative } from "./native.ts";

const limits =
  existsSync("/proc/self/statm") && spawnSync("prlimit", ["--version"]).status === 0
    ? undefined
    : "there is no prlimit to limit a process's memory (Linux, util-linux)";

describeNative(
  "commands without room",
  () => {
    test("a recording that cannot be queued is an OutOfMemoryError, and runs when there is room again", () => {
      const { status, stdout, stderr } = runChild(`
        const { execFileSync } = await import("node:child_process");
        const { readFileSync } = await import("node:fs");
        /** Room for so many bytes more than the process has now. */
        const limit = (bytes) => {
          const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[0]);
          const most = bytes === undefined ? "unlimited" : pages * 4096 + bytes;
          execFileSync("prlimit", ["--pid", String(process.pid), "--as=" + most + ":"]);
        };
        const refusal = (call) => {
          try {
            call();
          } catch (error) {
            return error.name + ": " + error.message;
          }
        };
        const backend = await createCpuBackend({ engine: "native", threads: 2 });
        const size = 128 << 20;
        const target = backend.allocate(size);
        const last = async () => new Uint8Array(await backend.read(target, size - 1, 1))[0];
        backend.write(target, new Uint8Array(size));
        const replay = backend.capture(() => backend.write(target, new Uint8Array(size).fill(7)));
        await work(backend, 2);

        limit(48 << 20);
        const refusals = [refusal(() => backend.allocate(size)), refusal(() => replay.run()), refusal(() => replay.run())];
        const meanwhile = [await last(), await work(backend, 3)];
        limit();
        replay.run();
        const afterwards = [await last(), await work(backend, 4)];
        await backend[Symbol.asyncDispose]();
        console.log(JSON.stringify({ refusals, meanwhile, afterwards, disposed: refusal(() => replay.run()) }));
      `);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const { refusals, meanwhile, afterwards, disposed } = JSON.parse(stdout) as Record<string, string[]>;
      const noRoom = expect.stringMatching(
        /^OutOfMemoryError: \[submit\] expected room to queue 134\d{6} bytes of commands/,
      );
      expect(refusals).toEqual([expect.stringMatching(/^OutOfMemoryError: \[allocate\]/), noRoom, noRoom]);
      expect({ meanwhile, afterwards }).toEqual({ meanwhile: [0, 3], afterwards: [7, 4] });
      expect(disposed).toMatch(/^UseAfterDisposeError: /);
    });
  },
  reason ?? limits,
);
