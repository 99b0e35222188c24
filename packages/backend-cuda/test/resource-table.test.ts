/** The table of what kernels take of a GPU: what ptxas prints is read, what grew or spills is a fault. */
import { expect, test } from "vitest";
import { compare, parsePtxas, readTable, writeTable } from "../scripts/resource-table.mjs";
import type { Use, Uses } from "../scripts/resource-table.mjs";

const printed = `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z5firstv' for 'sm_80'
ptxas info    : Function properties for _Z5firstv
    16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 36 registers, used 1 barriers, 128 bytes smem, 704 bytes cmem[0]
ptxas info    : Compiling entry function '_Z6secondv' for 'sm_80'
ptxas info    : Function properties for _Z6secondv
    0 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, used 0 barriers, 704 bytes cmem[0]
`;
const [first, second] = [
  { registers: 36, stack: 16, spilled: 0, shared: 128 },
  { registers: 255, stack: 0, spilled: 20, shared: 0 },
];
const targets = ["sm_80"];
const table = (use: Use): Uses => new Map([["a.cu first", { sm_80: use }]]);

test("ptxas is read", () => {
  expect(parsePtxas(printed)).toEqual([
    { name: "_Z5firstv", use: first },
    { name: "_Z6secondv", use: second },
  ]);
});

test("the table says what was written, targets without a kernel left out", () => {
  const measured = new Map<string, Record<string, Use>>([
    ["b.cu second", { sm_90a: second }],
    ["a.cu first", { sm_80: first, sm_90a: first }],
  ]);
  const text = writeTable(measured, ["sm_80", "sm_90a"]);
  expect(text.split("\n")[1]).toBe("a.cu first\t36 16 0 128\t36 16 0 128");
  expect(readTable(text)).toEqual(measured);
});

test("more is a fault, less a note", () => {
  const known = table(first);
  expect(compare(table(first), known, targets)).toEqual({ faults: [], notes: [] });
  expect(compare(table({ ...first, registers: 37 }), known, targets).faults).toEqual([
    "a.cu first on sm_80: registers 36 → 37",
  ]);
  const { faults, notes } = compare(table({ ...first, shared: 0 }), known, targets);
  expect([faults.length, notes.length]).toEqual([0, 1]);
});

test("a spill is a fault even where the table has it, and so is a kernel in one of both only", () => {
  const spills = table(second);
  expect(compare(spills, spills, targets).faults).toEqual(["a.cu first on sm_80 spills 20 bytes"]);
  expect(compare(spills, new Map(), targets).faults).toHaveLength(2);
  expect(compare(new Map(), table(first), targets).faults[0]).toMatch("no such kernel on sm_80");
  expect(compare(new Map(), table(first), ["sm_90a"]).faults).toEqual([]);
});
