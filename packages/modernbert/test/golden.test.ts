/** Outputs, losses and every gradient against transformers 5.17 and torch 2.13, on every engine. */
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { activationTolerance, gradientFloor, gradientTolerance, relativeError } from "./support/compare.ts";
import { onEveryEngine } from "./support/engines.ts";
import { fixtureFolder, fixtureModel, readFixture } from "./support/fixture.ts";
import { runFixture } from "./support/run-fixture.ts";

onEveryEngine(({ create, dtype }) => {
  it.each(readdirSync(fixtureFolder(".")))("%s", async (name) => {
    const fixture = readFixture(name);
    const runtime = await create();
    const model = fixtureModel(fixture, runtime, dtype);
    const { outputs, gradients } = await runFixture(fixture, model);

    const failures: string[] = [];
    const check = (tensor: string, got: ArrayLike<number> | undefined, tolerance: number, floor?: number): void => {
      const error = relativeError(got ?? [], fixture.floats(tensor), floor);
      if (!(error <= tolerance)) failures.push(`${tensor}: ${error.toExponential(2)}`);
    };
    for (const tensor of fixture.names) {
      const [group, rest] = [tensor.slice(0, tensor.indexOf(".")), tensor.slice(tensor.indexOf(".") + 1)];
      if (group === "output") check(tensor, outputs.get(rest), activationTolerance);
      if (group === "grad") check(tensor, gradients.get(rest), gradientTolerance, gradientFloor);
    }
    expect(failures).toEqual([]);
    expect(gradients.size).toBe(fixture.names.filter((tensor) => tensor.startsWith("grad.")).length);
    model.dispose();
    expect(runtime.backend.memory().liveBuffers).toBe(0);
  });
});
