import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  float32ToBfloat16,
  float32ToFloat16,
  readSafetensors,
  safetensorsDTypes,
  SafetensorsError,
} from "@modernbert-ts/safetensors";
import { openSafetensors } from "@modernbert-ts/safetensors/node";

const path = join(import.meta.dirname, "fixtures/python/golden.safetensors");
const file = readSafetensors(readFileSync(path), "golden.safetensors");

describe("a file by the Python library", () => {
  test("has its metadata, shapes and names", () => {
    expect(file.metadata["made_with"]).toMatch(/^torch 2\.13\.0/);
    expect(file.tensors.get("scalar")!.shape).toEqual([]);
    expect(file.tensors.get("empty")!.shape).toEqual([0, 3]);
    expect(file.toFloat32('ünïcode "quoted"\n')).toEqual(Float32Array.of(1.5));
    expect(file.toFloat32("empty")).toEqual(new Float32Array(0));
  });

  const counting = [0, 1, 2, 3, 100, 127];

  // Numbers to 127 are not exact in eight bits: those formats have a file of their own (dtypes.test.ts).
  test.each(safetensorsDTypes.filter((dtype) => !dtype.startsWith("F8")))("holds %s", (dtype) => {
    const name = `dtype.${dtype.toLowerCase()}`;
    const tensor = file.get(name);
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([2, 3]);
    const expected = dtype === "BOOL" ? [0, 1, 1, 1, 1, 1] : counting;
    if (dtype.includes("F")) expect([...file.toFloat32(name)]).toEqual(expected);
    else expect([...file.toInt32(name)]).toEqual(expected);
  });

  test("float16 and bfloat16 are rounded as torch rounds them", () => {
    const values = file.toFloat32("rounding.f32");
    expect(float32ToFloat16(values)).toEqual(file.get("rounding.f16").data);
    expect(float32ToBfloat16(values)).toEqual(file.get("rounding.bf16").data);
  });

  test("reads the same from the disk, tensor by tensor", async () => {
    await using reader = await openSafetensors(path);
    expect(reader.names()).toEqual([...file.tensors.keys()]);
    expect(reader.metadata).toEqual(file.metadata);
    for (const name of reader.names()) {
      expect(reader.info(name)).toEqual(file.tensors.get(name));
      expect(await reader.read(name)).toEqual(file.get(name));
      const target = new Uint8Array(reader.info(name).byteLength);
      await reader.readInto(name, target);
      expect(target).toEqual(file.bytes(name));
      if (reader.info(name).dtype.includes("F")) expect(await reader.readFloat32(name)).toEqual(file.toFloat32(name));
      else expect(await reader.readInt32(name)).toEqual(file.toInt32(name));
    }
  });

  test("fills the caller's array and checks its size", async () => {
    await using reader = await openSafetensors(path);
    const memory = new Float32Array(8).fill(-1);
    expect(await reader.readFloat32("dtype.bf16", memory.subarray(1, 7))).toEqual(Float32Array.from(counting));
    expect([...memory]).toEqual([-1, ...counting, -1]);
    await expect(reader.readFloat32("dtype.f32", memory)).rejects.toThrow(
      /"dtype.f32": expected a target of 6 elements, got 8/,
    );
    await expect(reader.readInto("dtype.f32", memory)).rejects.toThrow(
      /"dtype.f32": expected a target of 24 bytes, got 32/,
    );
  });

  test("refuses a conversion that would lose the meaning, and a name that is not there", async () => {
    await using reader = await openSafetensors(path);
    for (const read of [(name: string) => reader.readFloat32(name), async (name: string) => file.toFloat32(name)]) {
      await expect(read("dtype.i64")).rejects.toThrow(/"dtype.i64": expected F32, F64, F16, BF16 or float8, got I64/);
      await expect(read("dtype")).rejects.toThrow(SafetensorsError);
    }
    expect(() => file.toInt32("dtype.f16")).toThrow(/expected an integer dtype, got F16/);
  });
});

describe("the golden fixtures of the repository", () => {
  const packages = join(import.meta.dirname, "../..");
  const folders = ["modernbert", "training"].flatMap((owner) => {
    const fixtures = join(packages, owner, "test/fixtures");
    return readdirSync(fixtures).map((name) => join(fixtures, name));
  });
  /** Of a model or an optimizer: values of parameters and their gradients. */
  const models = folders.filter((folder) =>
    ["config.json", "golden.safetensors"].every((name) => existsSync(join(folder, name))),
  );

  test("are found", () => expect(models.length).toBeGreaterThan(15));

  test.each(models)("%s", async (folder) => {
    JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    await using reader = await openSafetensors(join(folder, "golden.safetensors"));
    const names = reader.names();
    for (const name of names) {
      if (name.startsWith("input.") && reader.info(name).dtype !== "F32") await reader.readInt32(name);
      else expect((await reader.readFloat32(name)).every(Number.isFinite), name).toBe(true);
    }
    const parameters = names.filter((name) => name.startsWith("param.")).map((name) => name.slice("param.".length));
    expect(parameters.length).toBeGreaterThan(3);
    for (const name of parameters) {
      const gradient = names.find((other) => /^grad\.(\d+\.)?/.test(other) && other.endsWith(`.${name}`))!;
      expect(reader.info(gradient).shape).toEqual(reader.info(`param.${name}`).shape);
    }
  });
});

test("the main entry and what it imports use no Node module", () => {
  const source = join(import.meta.dirname, "../src");
  const files = readdirSync(source).filter((name) => name.endsWith(".ts") && name !== "node.ts");
  expect(files).toContain("index.ts");
  for (const name of files)
    expect(readFileSync(join(source, name), "utf8"), name).not.toMatch(/from "(node:|\.\/node)/);
});
