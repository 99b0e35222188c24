import fs from "node:fs";
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import { expect, test } from "vitest";
import { combineModels } from "../src/checkpoint/combine.ts";
import { meanRule, tiesRule } from "../src/checkpoint/combine-rules.ts";
import { temporaryFolder } from "./data-fixtures.ts";

const rows = (...values: number[][]): Float32Array[] => values.map((each) => Float32Array.from(each));

test("the mean, uniform and weighted", () => {
  expect([...meanRule()(rows([1, 2], [3, 6]))]).toEqual([2, 4]);
  expect([...meanRule([3, 1])(rows([1, 2], [3, 6]))]).toEqual([1.5, 3]);
});

test("TIES: trims, elects a sign, takes the mean of those that agree", () => {
  const base = [1, 1, 1, 1, 1];
  // Differences: [4, -3, 0.1, 2, 0], [-1, -5, 0.2, 3, 0], [2, 4, 0.3, 0, 0]; the two largest of each count.
  const values = rows(base, [5, -2, 1.1, 3, 1], [0, -4, 1.2, 4, 1], [3, 5, 1.3, 1, 1]);
  // 0: 4, 2 → +3. 1: -3, -5, +4 → minus: -4. 2: nothing. 3: 3 alone. 4: nothing.
  expect([...tiesRule(0.4)(values)]).toEqual([4, -3, 1, 4, 1]);
  expect(tiesRule(1)(rows(base, [2, 0, 1, 1, 1]))).toEqual(rows([2, 0, 1, 1, 1])[0]);
});

test("folders become one folder, or none when they are not of one shape", async () => {
  const folder = temporaryFolder();
  const write = async (name: string, values: number[], tensor = "w"): Promise<string> => {
    const path = join(folder, name);
    fs.mkdirSync(path);
    fs.writeFileSync(join(path, "config.json"), JSON.stringify({ name }));
    const data = Float32Array.from(values);
    await writeSafetensors(join(path, "model.safetensors"), [
      { name: tensor, dtype: "F32", shape: [data.length], data },
    ]);
    return path;
  };
  const [one, two] = [await write("one", [1, 2]), await write("two", [3, 6])];
  const target = join(folder, "mean");
  await combineModels([one, two], target, meanRule());
  expect(fs.readdirSync(target).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(fs.readFileSync(join(target, "config.json"), "utf8")).toBe('{"name":"one"}');
  await using reader = await openSafetensors(target);
  expect([...(await reader.readFloat32("w"))]).toEqual([2, 4]);
  for (const odd of [await write("longer", [1, 2, 3]), await write("other", [1, 2], "v")])
    await expect(combineModels([one, odd], join(folder, "none"), meanRule())).rejects.toThrow(
      /\[combineModels\] expected models of one shape, got w \[2\] in only one of .*one and /,
    );
  expect(fs.readdirSync(folder).filter((name) => name.startsWith("none"))).toEqual([]);
});
