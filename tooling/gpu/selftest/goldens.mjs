/** The goldens of packages/modernbert, outputs and all gradients, in f32 and bf16. */
import { readdirSync } from "node:fs";
import { fixtureFailures, relativeError } from "../../../packages/modernbert/test/support/compare.ts";
import { fixtureFolder, fixtureModel, readFixture } from "../../../packages/modernbert/test/support/fixture.ts";
import { runFixture } from "../../../packages/modernbert/test/support/run-fixture.ts";
import { ModernBert } from "../../../packages/modernbert/src/index.ts";
import { bfloat16Precision, Runtime } from "../../../packages/tensor-core/dist/index.js";

/** What bf16 may be off, in parts of a tensor's largest value. */
const tolerance = { output: 0.1, grad: 0.4 };
/** Gradients below are rounding alone. */
const least = 1e-4;

export const goldenNames = () => readdirSync(fixtureFolder("."));

/** @param {"f32" | "bf16"} dtype of the products */
export async function runGolden(backend, name, dtype) {
  const fixture = readFixture(name);
  const runtime = new Runtime(backend);
  const exact = fixtureModel(fixture, runtime);
  const { config, head, parameters } = exact;
  const model =
    dtype === "f32" ? exact : new ModernBert({ runtime, config, head, parameters, precision: bfloat16Precision });
  try {
    const found = await runFixture(fixture, model);
    if (dtype === "bf16") return nearEnough(fixture, found);
    const failures = fixtureFailures(fixture, found);
    if (failures.length > 0) throw new Error(failures.slice(0, 3).join("; "));
    return {};
  } finally {
    exact.dispose();
  }
}

function nearEnough(fixture, { outputs, gradients }) {
  const worst = { output: 0, grad: 0 };
  for (const name of fixture.names) {
    const [group, ...rest] = name.split(".");
    if (!(group in worst)) continue;
    const wanted = fixture.floats(name);
    if (group === "grad" && wanted.every((value) => Math.abs(value) < least)) continue;
    const got = (group === "output" ? outputs : gradients).get(rest.join("."));
    const error = relativeError(got ?? [], wanted);
    if (!(error <= tolerance[group])) throw new Error(`${name}: off by ${error.toPrecision(3)} of its largest value`);
    worst[group] = Math.max(worst[group], error);
  }
  return worst;
}
