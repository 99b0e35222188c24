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
    test("a recording that finds no room is an OutOfMemoryError; one that was made before runs", () => {
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
        const values = (value) => new Uint8Array(size).fill(value);
        const [sevens, eights] = [values(7), values(8)];
        const replay = backend.capture(() => backend.write(target, sevens));
        await work(backend, 2);

        limit(48 << 20);
        const record = () => backend.capture(() => backend.write(target, eights));
        const refusals = [refusal(() => backend.allocate(size)), refusal(record), refusal(record), refusal(() => replay.run())];
        const meanwhile = [await last(), await work(backend, 3)];
        limit();
        record().run();
        const afterwards = [await last(), await work(backend, 4)];
        await backend[Symbol.asyncDispose]();
        console.log(JSON.stringify({ refusals, meanwhile, afterwards, disposed: refusal(() => replay.run()) }));
      `);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const { refusals, meanwhile, afterwards, disposed } = JSON.parse(stdout) as Record<string, string[]>;
      const noRoom = expect.stringMatching(
        /^OutOfMemoryError: \[allocate\] expected room for 134\d{6} bytes, got none/,
      );
      expect(refusals).toEqual([noRoom, noRoom, noRoom, null]);
      expect({ meanwhile, afterwards }).toEqual({ meanwhile: [7, 3], afterwards: [8, 4] });
      expect(disposed).toMatch(/^UseAfterDisposeError: /);
    });
  },
  reason ?? limits,
);
