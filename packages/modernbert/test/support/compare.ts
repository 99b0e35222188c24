/** How near the goldens a computed value must be. Without Node, so that pages compare too. */
import type { HeadConfig } from "@modernbert-ts/encoder";
import type { Fixture } from "./fixture-data.ts";
import type { FixtureRun } from "./run-fixture.ts";

/** In parts of the largest value of a tensor. */
const activationTolerance = 5e-5;
const gradientTolerance = 5e-4;

/**
 * One rounding of 1 in f32. Some gradients are 0 and only their rounding is left: a classifier's bias moves all logits of a softmax
 * alike, a key's bias all scores of a query. Such a gradient is a sum of terms of at most 1 that cancel. Its error has the scale of these
 * terms, not of the sum, so it has a bound of its own where the golden is no more than rounding: one of these each, ours and the golden's.
 */
const roundingOfOne = 2 ** -23;

/**
 * What is too far from the golden tensor `name` (of its gradients, where it begins with `grad.`), for a list of failures; undefined
 * where `got` is near enough.
 */
export function goldenFailure(
  name: string,
  got: ArrayLike<number> | undefined,
  wanted: ArrayLike<number>,
): string | undefined {
  const tolerance = name.startsWith("grad.") ? gradientTolerance : activationTolerance;
  const { difference, largest } = compare(got ?? [], wanted);
  const limit = name.startsWith("grad.") && largest <= roundingOfOne ? 2 * roundingOfOne : tolerance * largest;
  return difference <= limit
    ? undefined
    : `${name}: off by ${difference.toExponential(2)}, limit ${limit.toExponential(2)}`;
}

/** Every golden output and gradient of a fixture that `run` does not give, or not near enough. */
export function fixtureFailures(fixture: Fixture<HeadConfig>, { outputs, gradients }: FixtureRun): string[] {
  const failures: string[] = [];
  for (const name of fixture.names) {
    const [group, rest] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
    if (group !== "output" && group !== "grad") continue;
    const failure = goldenFailure(name, (group === "output" ? outputs : gradients).get(rest), fixture.floats(name));
    if (failure !== undefined) failures.push(failure);
  }
  const count = fixture.names.filter((name) => name.startsWith("grad.")).length;
  if (gradients.size !== count) failures.push(`${gradients.size} gradients, expected ${count}`);
  return failures;
}

/** max |got - wanted| / max |wanted|. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  const { difference, largest } = compare(got, wanted);
  return difference / Math.max(largest, 1e-12);
}

/** max |got - wanted|, infinite for another length and for what is not finite, and max |wanted|. */
function compare(got: ArrayLike<number>, wanted: ArrayLike<number>): { difference: number; largest: number } {
  let difference = got.length === wanted.length ? 0 : Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let at = 0; at < wanted.length; at++) {
    const here = Math.abs(got[at]! - wanted[at]!);
    difference = Math.max(difference, here <= Number.MAX_VALUE ? here : Number.POSITIVE_INFINITY);
    largest = Math.max(largest, Math.abs(wanted[at]!));
  }
  return { difference, largest };
}
