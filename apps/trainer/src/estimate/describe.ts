/** A plan in words: a block for each phase, a sum, and a warning for what does not fit. */
import type { TrainerConfig } from "../config/config.ts";
import { objectiveOf } from "@modernbert-ts/training";
import { parseCount } from "../config/quantity.ts";
import { formatBytes, formatCount, formatDays, formatPercent } from "../format.ts";
import type { Hardware, PhaseEstimate } from "./estimate.ts";
import type { PlannedData } from "./planned-data.ts";

export interface PlannedCost extends Hardware {
  readonly device: string;
  readonly dtype: string;
  /** Of an hour of one device; unknown where it is not given. */
  readonly price: number | undefined;
}

interface Part {
  readonly name: string;
  readonly config: TrainerConfig;
  readonly estimate: PhaseEstimate;
  readonly data: PlannedData;
}

export function describePlan(parts: readonly Part[], cost: PlannedCost): string[] {
  const { device, dtype, devices, flops, memory, mfu } = cost;
  const seconds = parts.reduce((sum, { estimate }) => sum + estimate.seconds, 0);
  const tokens = parts.reduce((sum, { estimate }) => sum + estimate.tokens, 0);
  const parameters = formatCount(parts[0]!.estimate.parameters);
  const total =
    parts.length > 1
      ? [`all phases  ${formatCount(tokens)} tokens, ${formatDays(seconds)}${price(seconds, cost)}`]
      : [];
  return [
    `${parameters} parameters on ${devices} × ${device}: ${formatCount(flops)}FLOPS in ${dtype} and ${formatBytes(memory)} each, of which ${formatPercent(mfu)} is used (--mfu)`,
    ...parts.flatMap((part) => describePhase(part, cost)),
    ...total,
    `From formulas, ${parts.every(({ data }) => data.measured) ? "for sequences as long as those of data.train" : "for sequences of the full length: shorter ones take less"}. Exchange between devices and evaluations are not in it.`,
  ];
}

function describePhase({ name, config, estimate, data }: Part, cost: PlannedCost): string[] {
  const { tokens, tokensPerStep, steps, flopsPerToken, tokensPerSecond, seconds, memory, checkpoint } = estimate;
  const { parameters, gradients, optimizer, activations, working } = memory;
  const all = parameters + gradients + optimizer + activations + working;
  const parts = [
    `parameters ${formatBytes(parameters)}`,
    `gradients ${formatBytes(gradients)}`,
    `optimizer ${formatBytes(optimizer)}`,
    `activations of ${formatCount(Math.min(parseCount(config.batch.micro_batch_tokens)!, tokensPerStep))} tokens ${formatBytes(activations)}`,
    `backward of a layer ${formatBytes(working)}`,
  ];
  return [
    "",
    `${name}: ${formatCount(tokens)} tokens, ${describeLengths(config, data)}`,
    ...describeTrained(estimate),
    `  steps    ${formatCount(steps)} of ${formatCount(tokensPerStep)} tokens`,
    `  compute  ${formatCount(flopsPerToken)} FLOP a token, ${(flopsPerToken * tokens).toExponential(2)} in all`,
    `  memory   ${formatBytes(all)} a device: ${parts.join(", ")}`,
    `  disk     ${formatBytes(checkpoint)} a checkpoint`,
    `  speed    ${formatCount(tokensPerSecond)} tokens/s`,
    `  time     ${formatDays(seconds)}${price(seconds, cost)}`,
    ...warnings(config, estimate, cost),
  ];
}

/** Where it is not all. */
function describeTrained({ trained, parameters }: PhaseEstimate): string[] {
  return trained === parameters
    ? []
    : [
        `  trains   ${formatCount(trained)} of ${formatCount(parameters)} parameters (${formatPercent(trained / parameters)})`,
      ];
}

function describeLengths(
  { data: { max_length: most }, batch: { examples } }: TrainerConfig,
  data: PlannedData,
): string {
  const sequences = data.measured
    ? `sequences of ${formatCount(mean(data.lengths))} on average, ${Math.max(...data.lengths)} at most`
    : `sequences of ${most}`;
  return examples === undefined ? sequences : `${sequences}; ${examples} examples a step`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function price(seconds: number, { price: hour, devices }: PlannedCost): string {
  if (hour === undefined) return "";
  return `, ${((seconds / 3600) * devices * hour).toLocaleString("en", { maximumFractionDigits: 0 })} at ${hour} an hour and device`;
}

function warnings(
  { data, objective }: TrainerConfig,
  estimate: PhaseEstimate,
  { devices, device }: PlannedCost,
): string[] {
  const { largestMicroBatch: largest, microBatches } = estimate;
  const { head, reading } = objectiveOf(objective)!;
  const lines = [];
  if (largest < data.max_length)
    lines.push(`does not fit: a ${device} has no room for a micro-batch of even one sequence beside the parameters`);
  else if (largest < Number(estimate.tokensPerStep / microBatches))
    lines.push(
      `does not fit: batch.micro_batch_tokens of at most ${largest} do; more batch.micro_batches keep the step as large`,
    );
  if (microBatches < devices)
    lines.push(`${devices} devices share ${microBatches} micro-batches: some would have nothing to do`);
  if (reading && head === "masked-lm")
    lines.push("the logits of all tokens, which this objective keeps, are not in the memory");
  return lines.map((line) => `  WARNING  ${line}`);
}
