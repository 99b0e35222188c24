/** The command stream over a device made of JavaScript: it reads the bytes as the native code does, as late as it may. */
import type { BufferId, View } from "@modernbert-ts/tensor-core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Buffers, CommandEncoder, CommandStream, offsetAddress, Pool, Staging, stagingBytes } from "../src/index.ts";
import type { Address, AddressBlock, StreamLibrary } from "../src/index.ts";

/** Memory by address, and commands that run when somebody waits. The kernel `add` adds its attribute to all f32 of a view. */
class LateDevice implements StreamLibrary<number> {
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly freed: number[] = [];
  #top = 64;
  #queue: DataView[] = [];
  #done = 0;

  constructor(bytes: number) {
    this.memory = new Uint8Array(bytes);
  }

  allocate(bytes: number): AddressBlock {
    this.#top += bytes;
    return { address: (this.#top - bytes) as Address, bytes };
  }

  /** No memory for commands. */
  full = false;

  submit(_: number, commands: Uint8Array, bytes: number): boolean {
    if (this.full) return false;
    this.#each(new DataView(commands.slice(0, bytes).buffer), (command) => this.#queue.push(command));
    return true;
  }

  #each({ buffer, byteOffset, byteLength }: DataView<ArrayBuffer>, use: (command: DataView) => unknown): void {
    for (let at = byteOffset, size; at < byteOffset + byteLength; at += size) {
      size = new DataView(buffer).getUint32(at + 8, true);
      use(new DataView(buffer, at, size));
    }
  }

  completed(): number {
    return this.#done;
  }

  async wait(_: number, count: number): Promise<void> {
    this.waitBlocking(_, count);
  }

  waitBlocking(_: number, count: number): void {
    for (const command of this.#queue.splice(0, count - this.#done)) {
      this.#run(command);
      this.#done++;
    }
  }

  takeError(): undefined {}

  destroyStream(): void {
    this.waitBlocking(0, this.#done + this.#queue.length);
  }

  #run(command: DataView): void {
    const [code, views] = [command.getInt32(0, true), command.getInt32(4, true)];
    const attribute = (at: number): number => command.getFloat64(16 + 112 * views + 8 * at, true);
    if (code === -1)
      this.memory.set(new Uint8Array(command.buffer, command.byteOffset + 32, attribute(1)), attribute(0));
    else if (code === -2) this.memory.copyWithin(attribute(0), attribute(1), attribute(1) + attribute(2));
    else if (code === -3) this.freed.push(attribute(0));
    else if (code === -4)
      this.#each(new DataView(this.memory.buffer, attribute(0), attribute(1)), (each) => this.#run(each));
    else {
      const extent = Number(command.getBigInt64(16 + 16, true));
      const data = new Float32Array(this.memory.buffer, Number(command.getBigInt64(16, true)), extent);
      data.forEach((value, at) => (data[at] = value + attribute(0)));
    }
  }
}

interface Rig {
  readonly device: LateDevice;
  readonly stream: CommandStream<number>;
  readonly pool: Pool<AddressBlock>;
  readonly buffers: Buffers<AddressBlock>;
  readonly commands: CommandEncoder<"add">;
}

function makeRig(bytes = 1 << 20): Rig {
  const device = new LateDevice(bytes);
  const stream = new CommandStream(device, 1);
  const pool = new Pool<AddressBlock>({
    allocate: (size) => device.allocate(size),
    free: ({ address }) => commands.free(address),
  });
  const buffers = new Buffers(pool);
  const commands = new CommandEncoder(stream, buffers, { add: 7 });
  return { device, stream, pool, buffers, commands };
}

function vector(buffer: BufferId, extent: number): View {
  return { buffer, dtype: "f32", shape: [extent], strides: [1], offset: 0 };
}

function floats({ device, buffers }: Rig, buffer: BufferId, extent: number): number[] {
  return [...new Float32Array(device.memory.buffer, buffers.find("read", buffer).address, extent)];
}

describe("the command stream", () => {
  test("keeps what finds no room: the error is that of the next call, and later the commands run", async () => {
    const rig = makeRig();
    const buffer = rig.buffers.allocate(8);
    rig.device.full = true;
    rig.commands.encode("add", [vector(buffer, 2)], [1]);
    await Promise.resolve();
    await expect(rig.stream.wait(rig.stream.count)).rejects.toThrow("[submit] expected room to queue");
    rig.device.full = false;
    await rig.stream.wait(rig.stream.count);
    expect(floats(rig, buffer, 2)).toEqual([1, 1]);
  });

  test("runs writes, kernels and copies in order, whatever is flushed when", async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ add: fc.integer({ min: -9, max: 9 }) }),
        fc.record({ write: fc.nat(99) }),
        fc.constant("flush"),
      ),
      { maxLength: 200 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const rig = makeRig();
        const buffer = rig.buffers.allocate(8);
        const { address } = rig.buffers.find("write", buffer);
        rig.commands.writeInline(address, new Uint8Array(8));
        let want = 0;
        for (const each of history) {
          if (typeof each === "string") rig.stream.flush();
          else if ("add" in each) {
            rig.commands.encode("add", [vector(buffer, 2)], [each.add]);
            want += each.add;
          } else {
            rig.commands.writeInline(address, new Uint8Array(Float32Array.of(each.write, each.write).buffer));
            want = each.write;
          }
        }
        await rig.stream.wait(rig.stream.count);
        expect(floats(rig, buffer, 2)).toEqual([want, want]);
      }),
    );
  });

  test("scratch memory is undefined at first, and free for the next command of the stream", async () => {
    const rig = makeRig();
    const seen: number[] = [];
    for (const add of [1, 2]) {
      rig.commands.scratch(12, (memory) => {
        expect(memory.shape).toEqual([3]);
        seen.push(rig.buffers.find("test", memory.buffer).address);
        rig.commands.encode("add", [{ ...memory, dtype: "f32" }], [add]);
      });
    }
    await rig.stream.wait(rig.stream.count);
    expect(seen[1]).toBe(seen[0]);
    expect([...new Float32Array(rig.device.memory.buffer, seen[0], 3)]).toEqual([3, 3, 3]);
    expect(rig.buffers.stats().liveBuffers).toBe(0);
  });

  test("submits by itself at the end of the turn", async () => {
    const rig = makeRig();
    const buffer = rig.buffers.allocate(4);
    rig.commands.encode("add", [vector(buffer, 1)], [3]);
    await Promise.resolve();
    rig.device.waitBlocking(0, 1);
    expect(floats(rig, buffer, 1)).toEqual([3]);
  });

  test("replays what was recorded, which did not run, as one command", async () => {
    const rig = makeRig();
    const buffer = rig.buffers.allocate(4);
    rig.commands.encode("add", [vector(buffer, 1)], [1]);
    const record = () => {
      for (let each = 0; each < 2000; each++) rig.commands.encode("add", [vector(buffer, 1)], [2]);
    };
    const kept = rig.stream.record(record, (recording) => {
      const block = rig.device.allocate(recording.length);
      rig.device.memory.set(recording, block.address);
      return block;
    });
    expect(rig.stream.count).toBe(1);
    for (let run = 0; run < 3; run++) rig.commands.replay(kept);
    expect(rig.stream.count).toBe(4);
    await rig.stream.wait(rig.stream.count);
    expect(floats(rig, buffer, 1)).toEqual([12_001]);
  });

  test("refuses views outside their buffer", () => {
    const rig = makeRig();
    const view = vector(rig.buffers.allocate(64), 16);
    rig.commands.encode("add", [view], [1]);
    for (const bad of [{ shape: [17] }, { offset: 1 }, { offset: -1 }, { strides: [-1] }]) {
      expect(() => rig.commands.encode("add", [{ ...view, ...bad }], [1])).toThrow("[add] expected a view inside");
    }
    rig.commands.encode("add", [{ ...view, shape: [0], offset: 999 }], [1]);
  });
});

test("staging fills no block anew before its commands are done, and holds a bounded number", async () => {
  const rig = makeRig(80 * stagingBytes);
  const staging = new Staging(rig.pool, rig.stream);
  const size = stagingBytes / 2;
  const target = rig.buffers.allocate(size);
  const { address } = rig.buffers.find("write", target);
  const sums: number[] = [];
  for (let write = 1; write <= 200; write++) {
    const from = staging.take(size, rig.stream.count + 1);
    rig.device.memory.fill(write % 251, from, from + size);
    rig.commands.copyBytes(address, from, size);
    // Each write's last byte goes to a place of its own.
    rig.commands.copyBytes(offsetAddress(0 as Address, write % 64), offsetAddress(address, size - 1), 1);
    if (write % 64 === 63) {
      await rig.stream.wait(rig.stream.count);
      sums.push(rig.device.memory[63]!);
    }
  }
  expect(sums).toEqual([63, 127, 191]);
  expect(staging.bytes).toBeLessThanOrEqual(64 * stagingBytes);
  staging.drain();
  expect(staging.bytes).toBe(0);
  rig.stream.destroy();
  expect(rig.device.memory[200 % 64]).toBe(200);
  expect(rig.device.freed.length).toBeGreaterThan(0);
});
