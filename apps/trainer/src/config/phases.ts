/**
 * The phases of a configuration: each is the whole configuration with what the phase says in the place of what stands above. What makes the
 * model and its optimizer cannot change, nor where the run lives.
 */
import { objectiveOf, suggestionFor } from "@modernbert-ts/training";
import { UsageError } from "../errors.ts";
import type { TrainerConfig } from "./config.ts";
import { isFields, merge } from "./merge.ts";
import type { Fields } from "./merge.ts";

export interface Phase {
  readonly name: string;
  readonly config: TrainerConfig;
}

const changeable = ["name", "length", "seed", "data", "batch", "model", "optimizer", "schedule", "evaluation"];
const ofModel = ["global_rope_theta", "local_rope_theta"];

/**
 * One, called "training", where a configuration has none.
 * @param check a whole configuration, as its file would be checked. @throws UsageError.
 */
export function phasesOf(config: TrainerConfig, check: (value: unknown, source: string) => TrainerConfig): Phase[] {
  if (config.phases.length === 0) return [{ name: "training", config }];
  const allowed = [...changeable, objectiveOf(config.objective)!.settings.section];
  const { phases, ...common } = config;
  const result = phases.map((changes, at): Phase => {
    const { name = `phase ${at + 1}`, ...fields } = changes;
    const source = `phases.${at}`;
    expectKnown(source, changes, allowed);
    const { optimizer } = fields;
    if (isFields(optimizer) && "kind" in optimizer)
      throw new UsageError(`${source}.optimizer: kind cannot differ between phases, which carry its state on`);
    if (isFields(fields["model"])) expectKnown(`${source}.model`, fields["model"], ofModel);
    // Data in another order than those of the phase before.
    const seed = (config.seed + at) % 2 ** 32;
    return { name: String(name), config: check({ ...merge({ ...common, seed }, fields), phases: [] }, source) };
  });
  const names = result.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new UsageError(`phases: expected a name for each, got ${twice} twice`);
  return result;
}

function expectKnown(source: string, fields: Fields, allowed: readonly string[]): void {
  const stray = Object.keys(fields).find((key) => !allowed.includes(key));
  if (stray === undefined) return;
  const guess = suggestionFor(stray, allowed);
  throw new UsageError(
    `${source}: ${stray} cannot differ between phases${guess ? `; did you mean ${guess}?` : `, only ${allowed.join(", ")}`}`,
  );
}
