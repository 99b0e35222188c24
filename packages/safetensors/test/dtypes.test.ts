/** float8 as torch widens it, and tensors of dtypes that this package does not know. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSafetensors, SafetensorsError } from "@modernbert-ts/safetensors";
import { openSafetensors } from "@modernbert-ts/safetensors/node";
import { craft } from "./support.ts";

const path = join(import.meta.dirname, "fixtures/float8/golden.safetensors");
const file = readSafetensors(readFileSync(path), "golden.safetensors");

test.each(["F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"])("all 256 values of %s are torch's", async (dtype) => {
  const expected = file.toFloat32(`${dtype}.f32`);
  expect(expected).toHaveLength(256);
  const wrong = [...file.toFloat32(dtype)].flatMap((value, bits) => (Object.is(value, expected[bits]) ? [] : [bits]));
  expect(wrong).toEqual([]);
  await using reader = await openSafetensors(path);
  expect(await reader.readFloat32(dtype)).toEqual(expected);
  expect(await reader.read(dtype)).toEqual({ dtype, shape: [256], data: Uint8Array.from(expected.keys()) });
  await expect(reader.readInt32(dtype)).rejects.toThrow(`"${dtype}": expected an integer dtype, got ${dtype}`);
});

const none = (dtype: string): object => ({ dtype, shape: [0], data_offsets: [0, 0] });

describe("a tensor of an unknown dtype", () => {
  test("leaves the file readable, and is named when it is read", async () => {
    await using reader = await openSafetensors(path);
    expect(reader.info("complex")).toMatchObject({ dtype: "C64", shape: [2, 3], byteLength: 48 });
    expect(reader.info("scales")).toMatchObject({ dtype: "F8_E8M0", shape: [256], byteLength: 256 });
    const message = /golden\.safetensors: tensor "complex": expected a dtype among F64 .* BOOL, got "C64"$/;
    for (const call of ["read", "readFloat32", "readInt32"] as const) {
      await expect(reader[call]("complex")).rejects.toThrow(message);
      await expect(reader[call]("complex")).rejects.toBeInstanceOf(SafetensorsError);
    }
    for (const call of ["get", "toFloat32", "toInt32"] as const) expect(() => file[call]("complex")).toThrow(message);
  });

  test("its raw bytes can be had", async () => {
    await using reader = await openSafetensors(path);
    const bytes = new Uint8Array(256);
    await reader.readInto("scales", bytes);
    expect(bytes).toEqual(file.bytes("scales"));
    expect(bytes).toEqual(Uint8Array.from({ length: 256 }, (_, i) => i));
  });

  test("may be empty, or named as a member of every object", () => {
    const odd = readSafetensors(
      craft(
        { none: none("F8_E8M0"), member: none("toString"), a: { dtype: "U8", shape: [1], data_offsets: [0, 1] } },
        1,
      ),
    );
    expect([...odd.tensors.keys()]).toEqual(["none", "member", "a"]);
    expect(() => odd.get("member")).toThrow('"member": expected a dtype among');
    expect(odd.toInt32("a")).toEqual(Int32Array.of(0));
  });
});
