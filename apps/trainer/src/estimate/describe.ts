/** A plan in words: a block for each phase, a sum, and a warning for what does not fit. */
import type { TrainerConfig } from "../config/config.ts";
import { formatBytes, formatCount, formatDays, formatPercent } from "../format.ts";
import type { Hardware, PhaseEstimate } from "./estimate.ts";

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
    "From formulas, for sequences of the full length: shorter ones take less. Exchange between devices and evaluations are not in it.",
  ];
}

function describePhase({ name, config, estimate }: Part, cost: PlannedCost): string[] {
  const { tokens, tokensPerStep, steps, flopsPerToken, tokensPerSecond, seconds, memory } = estimate;
  const { parameters, gradients, optimizer, activations } = memory;
  const all = parameters + gradients + optimizer + activations;
  const parts = [
    `parameters ${formatBytes(parameters)}`,
    `gradients ${formatBytes(gradients)}`,
    `optimizer ${formatBytes(optimizer)}`,
    `activations of ${formatCount(Number(config.batch.micro_batch_tokens))} tokens ${formatBytes(activations)}`,
  ];
  return [
    "",
    `${name}: ${formatCount(tokens)} tokens, sequences of ${config.data.max_length}`,
    `  steps    ${formatCount(steps)} of ${formatCount(tokensPerStep)} tokens`,
    `  compute  ${formatCount(flopsPerToken)} FLOP a token, ${(flopsPerToken * tokens).toExponential(2)} in all`,
    `  memory   ${formatBytes(all)} a device: ${parts.join(", ")}`,
    `  speed    ${formatCount(tokensPerSecond)} tokens/s`,
    `  time     ${formatDays(seconds)}${price(seconds, cost)}`,
    ...warnings(config, estimate, cost),
  ];
}

function price(seconds: number, { price: hour, devices }: PlannedCost): string {
  if (hour === undefined) return "";
  return `, ${((seconds / 3600) * devices * hour).toLocaleString("en", { maximumFractionDigits: 0 })} at ${hour} an hour and device`;
}

function warnings({ batch, data }: TrainerConfig, estimate: PhaseEstimate, { devices, device }: PlannedCost): string[] {
  const { largestMicroBatch: largest } = estimate;
  const { micro_batches: microBatches = 1 } = batch;
  const lines = [];
  if (largest < data.max_length)
    lines.push(`does not fit: a ${device} has no room for a micro-batch of even one sequence beside the parameters`);
  else if (largest < Number(estimate.tokensPerStep / microBatches))
    lines.push(
      `does not fit: batch.micro_batch_tokens of at most ${largest} do; more batch.micro_batches keep the step as large`,
    );
  if (microBatches < devices)
    lines.push(`${devices} devices share ${microBatches} micro-batches: some would have nothing to do`);
  return lines.map((line) => `  WARNING  ${line}`);
}
