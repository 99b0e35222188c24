/**
 * Stands in for addon.ts in tests of a library for another processor: serve.c runs with the library in an emulator
 * (MODERNBERT_CPU_EMULATOR, a command line), and the addon's functions are calls of the C functions in that process, which take integers
 * and at most one buffer or text.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The struct `call` of serve.c. */
const layout = { bytes: 104, arguments: 40, buffer: 72, in: 80, out: 88, returnsText: 96 };

function serve(path) {
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

  /** `at`: which of the values is a buffer or a text; `out`: it is written to; `text`: the function returns one. */
  return (name, values, { at = -1, out = false, text = false } = {}) => {
    const given = typeof values[at] === "string" ? Buffer.from(`${values[at]}\0`) : values[at];
    const size = given?.length ?? 0;
    const request = Buffer.alloc(layout.bytes);
    request.write(name, "latin1");
    values.forEach((value, index) => {
      if (index !== at) request.writeBigInt64LE(BigInt(value), layout.arguments + 8 * index);
    });
    request.writeBigInt64LE(BigInt(at), layout.buffer);
    request.writeBigInt64LE(BigInt(out ? 0 : size), layout.in);
    request.writeBigInt64LE(BigInt(out ? size : 0), layout.out);
    request.writeBigInt64LE(text ? 1n : 0n, layout.returnsText);
    send(request);
    if (!out && size > 0) send(given);

    const head = Number(receive(Buffer.alloc(8)).readBigInt64LE());
    if (text) return head < 0 ? undefined : receive(Buffer.alloc(head)).toString();
    if (out && size > 0) receive(given);
    return head;
  };
}

const int32 = (value) => value | 0;

/** The functions of addon.ts. */
export function loadAddon(path) {
  const call = serve(path);
  const first = { at: 0 };
  return {
    abi: () => int32(call("mb_abi", [])),
    operation: (name) => int32(call("mb_operation", [name], first)),
    scalarFunction: (name) => int32(call("mb_scalar_function", [name], first)),
    isaName: (index) => call("mb_isa_name", [index], { text: true }),
    isaMultipliesBf16: (index) => int32(call("mb_isa_multiplies_bf16", [index])) !== 0,
    isaSupported: (index) => int32(call("mb_isa_supported", [index])) !== 0,
    copyIn: (to, from) => void call("mb_copy", [to, from, from.length], { at: 1 }),
    copyOut: (to, from) => void call("mb_copy", [to, from, to.length], { at: 0, out: true }),
    limitScratch: (bytes) => void call("mb_limit_scratch", [bytes]),
    createStream: (threads, isa) => call("mb_stream_create", [threads, isa]),
    /** Descriptors are those of this process, not of the one that computes. */
    mapFile: () => 0,
    allocate: (stream, bytes) => call("mb_stream_allocate", [stream, bytes]),
    submit: (stream, commands, bytes) =>
      int32(call("mb_stream_submit", [stream, commands.subarray(0, bytes), bytes], { at: 1 })) !== 0,
    completed: (stream) => call("mb_stream_completed", [stream]),
    wait: async (stream, count, milliseconds) => int32(call("mb_stream_wait", [stream, count, milliseconds])) !== 0,
    waitBlocking: (stream, count, milliseconds) => int32(call("mb_stream_wait", [stream, count, milliseconds])) !== 0,
    takeError(stream, count) {
      const text = Buffer.alloc(256);
      const taken = int32(call("mb_stream_take_error", [stream, count, text, text.length], { at: 2, out: true }));
      return taken === 0 ? undefined : text.toString("utf8", 0, text.indexOf(0));
    },
    destroyStream: (stream) => void call("mb_stream_destroy", [stream, 1]),
  };
}
