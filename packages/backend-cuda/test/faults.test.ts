/** What goes wrong on a device, provoked in the emulator: each fault has its type and one clear line, and the process ends in its own way. */
import { beforeEach, describe, expect, test } from "vitest";
import { missing } from "./library.ts";
import { runProgram } from "./support/run-program.ts";
import type { Ended } from "./support/run-program.ts";

function suffer(how: string, fault: string, variables: Readonly<Record<string, string>> = {}): Ended {
  return runProgram("suffer.mjs", [how], { MODERNBERT_CUDA_EMULATED_FAULT: fault, ...variables });
}

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

describe("a device that cannot be used", () => {
  test.for([
    ["no driver", {}, "there is no NVIDIA driver on this machine (libcuda.so.1): install"],
    ["old driver", {}, "the NVIDIA driver knows CUDA up to 12.2, and CUDA 13.0 is needed: install a newer driver"],
    ["no device", {}, "the NVIDIA driver shows no GPU: look at nvidia-smi -L: a GPU in MIG mode shows nothing until"],
    [
      "no device",
      { CUDA_VISIBLE_DEVICES: "" },
      'the NVIDIA driver shows no GPU, as CUDA_VISIBLE_DEVICES is "": set it to a GPU of nvidia-smi -L',
    ],
    [
      "no kernel image",
      {},
      "the library has no kernels for emulated on the CPU, sm_90: it needs sm_80 or newer: choose",
    ],
    [
      "old ptx",
      {},
      "the NVIDIA driver is too old to compile the library's kernels for emulated on the CPU, sm_90: install",
    ],
  ] as const)("%s %o", ([fault, variables, message]) => {
    const { lines, status } = suffer("open", fault, variables);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`CudaUnavailableError: [createCudaBackend] ${message}`);
    expect(status).toBe(0);
  });

  test("a slice of a GPU is named", () => {
    expect(suffer("open", "mig").lines[0]).toBe(
      "CUDA device 0, emulated on the CPU MIG 1g.10gb, sm_90, 2 SMs, 8.0 GiB, driver of CUDA 13.0, runtime 13.0, cuBLASLt 13.0.0",
    );
  });
});

describe("a lost device", () => {
  const lost = "DeviceLostError: [cuda] the GPU stopped";

  test("fails this call and all later ones, names the last commands, and leaves the exit to the process", () => {
    const { lines, status, signal, stderr } = suffer("kernels", "illegal address at kernel 4");
    // The host went on while the device failed: these are the last that were queued, the copy of the read among them.
    const last = "iota, fill, iota, fill, iota, fill, iota, copy of bytes";
    expect(lines[0]).toBe(
      `${lost} (an illegal memory access was encountered): make a new process; its last commands were ${last}`,
    );
    expect(lines.slice(1, 4)).toEqual([lines[0], lines[0], lines[0]]);
    expect(lines[4]).toBe("fine");
    expect({ status, signal, stderr }).toEqual({ status: 7, signal: null, stderr: "" });
  });

  test("names the command that failed where each is waited for", () => {
    const { lines } = suffer("kernels", "illegal address at kernel 4", { MODERNBERT_CUDA_SYNC: "1" });
    expect(lines[0]).toBe(`${lost} at iota, command 4 (an illegal memory access was encountered): make a new process`);
    expect(lines[1]).toBe(lines[0]);
  });

  test("is lost to all backends of the process", () => {
    const { lines, status } = suffer("two", "illegal address at kernel 1");
    expect(lines.map((line) => line.startsWith(lost))).toEqual([true, true]);
    expect(status).toBe(0);
  });

  test("in a worker ends the worker only", () => {
    const { lines, status, stderr } = suffer("worker", "illegal address at kernel 4");
    expect(lines[0]).toContain(lost);
    expect(lines.at(-1)).toBe("the worker ended");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("is found in a graph too", () => {
    const { lines } = suffer("replays", "illegal address at kernel 5");
    expect(lines.slice(0, 2)).toEqual(["fine", "fine"]);
    expect(lines[2]).toMatch(/its last commands were .*replay$/);
  });
});

test("no room is an OutOfMemoryError with the pool's state; what is cached is given up first, and the backend stays usable", () => {
  const { lines } = suffer("memory", `oom after ${96 << 20} bytes`);
  const [first, second, third] = lines;
  expect(first).toMatch(
    /^OutOfMemoryError: \[allocate\] expected room for 62914560 bytes, got none beside 20971520 in use and \d+ cached; \d+ of the device's 100663296 bytes are free: use smaller batches, or release tensors$/,
  );
  expect([second, third]).toEqual(["fine", "3"]);
});

test("no room for a kernel's code is an OutOfMemoryError of its command, and the backend stays usable", () => {
  const { lines } = suffer("kernels", "no room at kernel 3");
  expect(lines).toEqual([
    "OutOfMemoryError: [fill] expected room for code in the device's memory, got none: use smaller batches, or release tensors",
    ...Array.from({ length: 4 }, () => "fine"),
  ]);
});

test("no room for a product is an OutOfMemoryError, and the next one is right", () => {
  expect(suffer("products", "no room at product 2").lines).toEqual([
    "8",
    "OutOfMemoryError: [matmul] expected room for a product of cuBLASLt in memory, got none: use smaller batches, or release tensors",
    "8",
  ]);
});

test("after a kernel that found no room, those that read what it would have written do not run", () => {
  const refusal =
    "OutOfMemoryError: [segmentSum] expected room for code in the device's memory, got none: use smaller batches, or release tensors";
  for (const kernel of [1, 2, 3, 4])
    expect(suffer("segments", `no room at kernel ${kernel}`).lines).toEqual([refusal, "429 429", "fine"]);
});

test("no room for a graph is an OutOfMemoryError, and the next replay makes one", () => {
  const { lines } = suffer("replays", "no room for a graph");
  expect(lines).toEqual([
    "fine",
    "OutOfMemoryError: [replay] expected room for a graph in the device's memory, got none: use smaller batches, or release tensors",
    "fine",
  ]);
});

describe("a command that CUDA does not capture", () => {
  test("is named at each replay from the second on", () => {
    const refusal =
      'UnsupportedError: [fill] expected a command that a CUDA graph can hold, got "operation not permitted when stream is capturing": with MODERNBERT_CUDA_GRAPHS=0 captured commands are queued one by one';
    expect(suffer("replays", "uncapturable").lines).toEqual(["fine", refusal, refusal]);
  });

  test("runs without graphs", () => {
    const { lines } = suffer("replays", "uncapturable", { MODERNBERT_CUDA_GRAPHS: "0" });
    expect(lines).toEqual(["fine", "fine", "fine"]);
  });
});
