/** ModernBERT beside transformers and torch (the fixtures of packages/modernbert), and ten steps of training beside another engine. */
import { maskedLmLoss, unpad, unpadValues } from "@modernbert-ts/modernbert";
import { Runtime, valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { fixtureFailures, relativeError } from "../../../../packages/modernbert/test/support/compare.ts";
import { fixtureModel, parseFixture } from "../../../../packages/modernbert/test/support/fixture-data.ts";
import type { Fixture } from "../../../../packages/modernbert/test/support/fixture-data.ts";
import { runFixture } from "../../../../packages/modernbert/test/support/run-fixture.ts";
import { StableAdamW } from "../../../../packages/training/src/optimizer/stable-adamw.ts";

const steps = 10;

async function fetchFixture(url: string, name: string): Promise<Fixture> {
  const [config, golden] = await Promise.all(
    ["config.json", "golden.safetensors"].map((file) => fetch(`${url}/${name}/${file}`)),
  );
  return parseFixture(name, (await config!.json()) as Record<string, unknown>, await golden!.arrayBuffer());
}

export async function goldenFailures(backend: Backend, url: string, name: string): Promise<string[]> {
  const fixture = await fetchFixture(url, name);
  const model = fixtureModel(fixture, new Runtime(backend, { fusion: "auto" }));
  const failures = fixtureFailures(fixture, await runFixture(fixture, model));
  model.dispose();
  return failures;
}

export async function trainingFailures(
  backend: Backend,
  oracle: Backend,
  url: string,
  name: string,
): Promise<string[]> {
  const fixture = await fetchFixture(url, name);
  const [got, wanted] = [await train(fixture, backend), await train(fixture, oracle)];
  const failures: string[] = [];
  if (!(relativeError(got.losses, wanted.losses) <= 1e-4)) failures.push(`losses ${got.losses.join(", ")}`);
  if (!(wanted.losses.at(-1)! < wanted.losses[0]! - 0.1))
    failures.push(`nothing is learned: ${wanted.losses.join(", ")}`);
  for (const [key, values] of wanted.parameters) {
    const error = relativeError(got.parameters.get(key)!, values);
    if (!(error <= 1e-3)) failures.push(`${key}: ${error.toExponential(2)}`);
  }
  return failures;
}

async function train(fixture: Fixture, backend: Backend) {
  const runtime = new Runtime(backend);
  const model = fixtureModel(fixture, runtime);
  const optimizer = new StableAdamW(model, { maxLearningRate: 0.01 });
  const ids = fixture.ints("input.input_ids");
  const columns = fixture.shape("input.input_ids").at(-1)!;
  const unpadded = unpad(ids, fixture.ints("input.attention_mask"), [ids.length / columns, columns]);
  const labels = unpadValues(fixture.ints("input.labels"), unpadded);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = runtime.scope(() => {
      const { value, gradients } = valueAndGradients(
        runtime,
        [...model.parameters.values()],
        () => maskedLmLoss(model, model.encode(unpadded.batch), labels),
        (result) => result.loss,
      );
      optimizer.setLearningRate(0.01);
      optimizer.update(gradients);
      return value.loss;
    });
    losses.push(await loss.item());
    loss.dispose();
  }
  const parameters = new Map<string, Float32Array>();
  for (const [name, tensor] of model.parameters) parameters.set(name, Float32Array.from(await tensor.read()));
  optimizer.dispose();
  model.dispose();
  return { losses, parameters };
}
