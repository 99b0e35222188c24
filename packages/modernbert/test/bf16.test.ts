/** bf16 on the native engine: outputs and gradients are no further from the f32 goldens than those of torch's own bf16. */
import { readdirSync, readFileSync } from "node:fs";
import { bfloat16Precision } from "@modernbert-ts/tensor-core";
import { describe, expect, it } from "vitest";
import { ModernBert } from "../src/index.ts";
import { relativeError } from "./support/compare.ts";
import { engines } from "./support/engines.ts";
import { fixtureFolder, fixtureModel, readFixture } from "./support/fixture.ts";
import { runFixture } from "./support/run-fixture.ts";

/** By fixture and tensor: what tooling/reference/bf16_fixture.py measured. */
const torchErrors = JSON.parse(readFileSync(new URL("bf16-errors.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Readonly<Record<string, number>>>
>;

const native = engines.find(({ name }) => name === "native, fused");
/** One place of bf16, for tensors that torch happens to hit. */
const onePlace = 2 ** -7;
const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value + 1e-6), 0) / values.length);

describe.skipIf(!native)("bf16 on the native engine", () => {
  it.each(readdirSync(fixtureFolder(".")))("%s", async (name) => {
    const fixture = readFixture(name);
    const exact = fixtureModel(fixture, await native!.create());
    const model = new ModernBert({ ...exact, head: exact.head, precision: bfloat16Precision });
    const { outputs, gradients } = await runFixture(fixture, model);
    const torch = torchErrors[name]!;
    const ours = Object.keys(torch).map((tensor) => {
      const [group, rest] = [tensor.slice(0, tensor.indexOf(".")), tensor.slice(tensor.indexOf(".") + 1)];
      return relativeError((group === "output" ? outputs : gradients).get(rest)!, fixture.floats(tensor));
    });
    // What lies near 0 before a ReLU falls on either side, in torch too.
    const slack = name === "activation_relu" ? 1.5 : 1;
    expect(geometricMean(ours)).toBeLessThan(slack * geometricMean(Object.values(torch)));
    const far = Object.entries(torch).flatMap(([tensor, error], at) =>
      ours[at]! > Math.max(2.5 * slack * error, onePlace) ? [`${tensor}: off by ${ours[at]}, torch by ${error}`] : [],
    );
    expect(far).toEqual([]);
  });
});
