/** Properties of slabs over random histories: no two ranges overlap, everything goes back, little lies idle, what repeats needs nothing new. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Pool, Slabs } from "../src/index.ts";
import type { Address, AddressBlock, Heap } from "../src/index.ts";

/** A device with room for `room` bytes; its allocations never touch. */
class Device implements Heap<AddressBlock> {
  readonly out = new Set<AddressBlock>();
  readonly #room: number;
  #next = 1 << 20;

  constructor(room = Infinity) {
    this.#room = room;
  }

  get bytes(): number {
    return [...this.out].reduce((total, { bytes }) => total + bytes, 0);
  }

  allocate(bytes: number): AddressBlock | undefined {
    if (this.bytes + bytes > this.#room) return undefined;
    const block = { address: this.#next as Address, bytes };
    this.#next += bytes;
    this.out.add(block);
    return block;
  }

  free(block: AddressBlock): void {
    expect(this.out.delete(block), "freed once, and only what was allocated").toBe(true);
  }

  room(): string {
    return `${this.#room - this.bytes} of ${this.#room} bytes are free`;
  }
}

/** Live ranges lie inside slabs, apart from one another, and sum up. */
function checkRanges(device: Device, slabs: Slabs, live: Iterable<AddressBlock>): void {
  const ranges = [...live].sort((a, b) => a.address - b.address);
  let end = 0;
  for (const { address, bytes } of ranges) {
    expect(address, "overlaps").toBeGreaterThanOrEqual(end);
    expect(address % 256).toBe(0);
    end = address + bytes;
    const home = [...device.out].find((slab) => slab.address <= address && end <= slab.address + slab.bytes);
    expect(home, "outside all slabs").toBeDefined();
  }
  const used = ranges.reduce((total, { bytes }) => total + bytes, 0);
  expect(used + slabs.reuse.cachedBytes()).toBe(device.bytes);
}

const sizes = fc.oneof(fc.nat(5000), fc.nat(3 << 20), fc.nat(40 << 20));
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ take: sizes }) },
  { weight: 4, arbitrary: fc.record({ give: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ trim: fc.nat(8 << 20) }) },
);

describe("any history", () => {
  test("keeps ranges apart and gives everything back", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(50 << 20, Infinity), (steps, room) => {
        const device = new Device(room);
        const slabs = new Slabs(device);
        const live: AddressBlock[] = [];
        for (const each of steps) {
          if ("take" in each) {
            const block = slabs.allocate(each.take);
            if (block === undefined) expect(room).toBeLessThan(Infinity);
            else live.push(block);
            expect(block?.bytes ?? each.take).toBeGreaterThanOrEqual(each.take);
          } else if ("give" in each) {
            const [block] = live.splice(each.give % Math.max(1, live.length), 1);
            if (block) slabs.free(block);
          } else {
            slabs.reuse.trim(each.trim);
            if (live.length === 0) expect(slabs.reuse.cachedBytes()).toBeLessThanOrEqual(each.trim);
          }
          checkRanges(device, slabs, live);
        }
        for (const block of live) slabs.free(block);
        slabs.reuse.trim(0);
        expect(device.out.size).toBe(0);
        expect(slabs.reuse.cachedBytes()).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("that repeats comes to need nothing new", () => {
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 30 }), fc.nat(), (requests, order) => {
        const slabs = new Slabs(new Device());
        const round = (): number => {
          const live = requests.map((bytes) => slabs.allocate(bytes)!);
          live.sort((a, b) => ((a.address * 31 + order) % 97) - ((b.address * 31 + order) % 97));
          for (const block of live) slabs.free(block);
          return slabs.reuse.allocations();
        };
        for (let rounds = 0; rounds < 4; rounds++) round();
        expect(round()).toBe(round());
      }),
    );
  });
});

test("allocations are few, and little is allocated ahead", () => {
  const device = new Device();
  const slabs = new Slabs(device);
  let asked = 0;
  for (let each = 0; each < 2000; each++) {
    const bytes = 256 * (1 + ((each * 7919) % 2000));
    asked += slabs.allocate(bytes)!.bytes;
  }
  expect(device.bytes).toBeLessThan(1.3 * asked);
  expect(device.out.size).toBeLessThan(60);
  const one = new Device();
  new Slabs(one).allocate(1000);
  expect(one.bytes).toBe(2 << 20);
});

test("neighbours that come back are joined, whatever their order", () => {
  const device = new Device();
  const slabs = new Slabs(device);
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [0, 2, 1],
    [1, 0, 2],
  ]) {
    const parts = [0, 1, 2].map(() => slabs.allocate(512 << 10)!);
    for (const at of order) slabs.free(parts[at]!);
    slabs.free(slabs.allocate(2 << 20)!);
    expect(device.out.size).toBe(1);
  }
});

describe("a pool over slabs", () => {
  test("counts the idle parts of slabs as cached, and slabs as allocations", () => {
    const pool = new Pool<AddressBlock>(new Slabs(new Device()), { granule: 256 });
    const blocks = [100, 3000, 70_000].map((bytes) => pool.take(bytes));
    const active = blocks.reduce((total, { bytes }) => total + bytes, 0);
    expect(pool.stats()).toMatchObject({ activeBytes: active, cachedBytes: (2 << 20) - active, allocations: 1 });
    for (const block of blocks) pool.give(block);
    expect(pool.stats()).toMatchObject({ activeBytes: 0, cachedBytes: 2 << 20, allocations: 1 });
    pool.trim();
    expect(pool.stats().cachedBytes).toBe(0);
  });

  test("frees empty slabs before it refuses, and says what there is", () => {
    const device = new Device(10 << 20);
    const pool = new Pool<AddressBlock>(new Slabs(device), { granule: 256 });
    const kept = pool.take(3 << 20);
    pool.give(pool.take(4 << 20));
    expect(pool.take(6 << 20).bytes).toBe(6 << 20);
    expect(() => pool.take(1 << 20).bytes && pool.take(1 << 20)).toThrow(
      `[allocate] expected room for ${1 << 20} bytes, got none beside ${10 << 20} in use and 0 cached; 0 of ${10 << 20} bytes are free`,
    );
    pool.give(kept);
    pool.destroy();
    expect(device.out.size).toBe(0);
  });

  test("hands nothing out that a capture holds", () => {
    const pool = new Pool<AddressBlock>(new Slabs(new Device()), { granule: 256 });
    const { recording: held, release } = pool.capture(() => {
      const block = pool.take(1000);
      pool.give(block);
      return block;
    });
    const other = pool.take(1000);
    expect(other.address).not.toBe(held.address);
    pool.give(other);
    release();
    expect(pool.stats().activeBytes).toBe(0);
  });
});
