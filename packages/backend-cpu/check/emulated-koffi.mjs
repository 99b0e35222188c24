/**
 * Stands in for koffi in tests of a library for another processor: `load` starts serve.c with the library in an emulator
 * (MODERNBERT_CPU_EMULATOR, a command line), and its functions are calls to that process. Knows as much of koffi as library.ts uses:
 * integer arguments, at most one buffer or text among them, whose size is the last argument.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The struct `call` of serve.c. */
const layout = { bytes: 104, arguments: 40, buffer: 72, in: 80, out: 88, returnsText: 96 };

function load(path) {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-emulated-"));
  const fifos = ["requests", "replies"].map((name) => join(folder, name));
  execFileSync("mkfifo", fifos);
  const [emulator, ...options] = process.env.MODERNBERT_CPU_EMULATOR.split(" ");
  spawn(emulator, [...options, path, ...fifos], { stdio: ["ignore", "inherit", "inherit"] }).unref();
  const requests = openSync(fifos[0], "w");
  const replies = openSync(fifos[1], "r");
  rmSync(folder, { recursive: true });

  const send = (bytes) => {
    for (let at = 0; at < bytes.length;) at += writeSync(requests, bytes, at);
  };
  const receive = (bytes) => {
    for (let at = 0, got; at < bytes.length; at += got) {
      got = readSync(replies, bytes, { offset: at });
      if (got === 0) throw new Error("the emulated library has ended");
    }
    return bytes;
  };

  return {
    func(name, result, types) {
      const at = types.findIndex((type) => type.includes("*"));
      const takesIn = at >= 0 && types[at].startsWith("const");
      const call = (...values) => {
        const given = typeof values[at] === "string" ? Buffer.from(`${values[at]}\0`) : values[at];
        const size = at < 0 ? 0 : at === types.length - 1 ? given.length : values.at(-1);
        const request = Buffer.alloc(layout.bytes);
        request.write(name, "latin1");
        values.forEach((value, index) => {
          if (index !== at) request.writeBigInt64LE(BigInt(value), layout.arguments + 8 * index);
        });
        request.writeBigInt64LE(BigInt(at), layout.buffer);
        request.writeBigInt64LE(BigInt(takesIn ? size : 0), layout.in);
        request.writeBigInt64LE(BigInt(takesIn ? 0 : size), layout.out);
        request.writeBigInt64LE(result === "const char *" ? 1n : 0n, layout.returnsText);
        send(request);
        if (takesIn) send(given.subarray(0, size));

        const head = Number(receive(Buffer.alloc(8)).readBigInt64LE());
        if (result === "const char *") return head < 0 ? null : receive(Buffer.alloc(head)).toString();
        if (!takesIn && size > 0) receive(given.subarray(0, size));
        return result === "int32_t" ? head | 0 : head;
      };
      /** koffi's calls on another thread; here the caller waits, so tests of waiting itself are not for the emulator. */
      const async = (...values) => {
        const done = values.pop();
        setImmediate(() => done(null, call(...values)));
      };
      return Object.assign(call, { async });
    },
  };
}

export default { load };
