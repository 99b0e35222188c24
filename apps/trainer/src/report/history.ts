/**
 * A run as its report shows it: stretches of steps, few enough for the eye and for memory however long the run, and every evaluation.
 * Grows event by event: the report of a finished run and the live page are made of the same.
 */
import type { EvaluationEvent, StepEvent, TrainingEvent } from "@modernbert-ts/training";

/** Consecutive steps: means weighted by steps, the clock of the last. Not finite where no step had a number. */
export interface Stretch {
  readonly steps: number;
  readonly step: number;
  readonly tokens: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly packingEfficiency: number;
  readonly secondsPerToken: number;
  /** What was scored for each token seen; NaN in files of earlier releases. */
  readonly scoredShare: number;
}

/** When there are so many stretches, two become one. */
const most = 480;

export class History {
  #stretches: Stretch[] = [];
  readonly #evaluations: EvaluationEvent[] = [];
  #open: Stretch | undefined;
  /** Steps of a full stretch. */
  #size = 1;
  #last: TrainingEvent | undefined;
  #tokens = 0;

  constructor(events: Iterable<TrainingEvent> = []) {
    for (const event of events) this.add(event);
  }

  add(event: TrainingEvent): void {
    this.#last = event;
    if (event.kind === "evaluation") this.#evaluations.push(event);
    if (event.kind !== "step") return;
    const stretch = stretchOf(event, event.tokens - this.#tokens);
    this.#tokens = event.tokens;
    this.#open = this.#open ? joined(this.#open, stretch) : stretch;
    if (this.#open.steps < this.#size) return;
    this.#stretches.push(this.#open);
    this.#open = undefined;
    if (this.#stretches.length === most) this.#halve();
  }

  /** In order, the one that is not full yet too. */
  get stretches(): readonly Stretch[] {
    return this.#open ? [...this.#stretches, this.#open] : this.#stretches;
  }

  get evaluations(): readonly EvaluationEvent[] {
    return this.#evaluations;
  }

  /** Training time so far. */
  get seconds(): number {
    return this.#last?.seconds ?? 0;
  }

  #halve(): void {
    const pairs = Array.from({ length: most / 2 }, (_, at) => at * 2);
    this.#stretches = pairs.map((at) => joined(this.#stretches[at]!, this.#stretches[at + 1]!));
    this.#size *= 2;
  }
}

function stretchOf({ step, tokens, weight, tokensPerSecond, ...event }: StepEvent, stepTokens: number): Stretch {
  const { loss, metrics, learningRate, gradientNorm, packingEfficiency, skipped = false } = event;
  // JSON has null in the place of what is not finite; those of a step that was skipped do not count.
  const number = (value: number | null): number => (skipped ? Number.NaN : (value ?? Number.NaN));
  return {
    steps: 1,
    step,
    tokens,
    loss: number(loss),
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, number(value)])),
    learningRate,
    gradientNorm: number(gradientNorm),
    packingEfficiency,
    secondsPerToken: 1 / tokensPerSecond,
    scoredShare: weight === undefined || stepTokens <= 0 ? Number.NaN : weight / stepTokens,
  };
}

function joined(a: Stretch, b: Stretch): Stretch {
  const mean = (of: (stretch: Stretch) => number): number => {
    const parts = [a, b].filter((part) => Number.isFinite(of(part)));
    const steps = parts.reduce((sum, part) => sum + part.steps, 0);
    return parts.reduce((sum, part) => sum + of(part) * part.steps, 0) / steps;
  };
  return {
    steps: a.steps + b.steps,
    step: b.step,
    tokens: b.tokens,
    loss: mean(({ loss }) => loss),
    metrics: Object.fromEntries(Object.keys(b.metrics).map((name) => [name, mean(({ metrics }) => metrics[name]!)])),
    learningRate: b.learningRate,
    gradientNorm: mean(({ gradientNorm }) => gradientNorm),
    packingEfficiency: mean(({ packingEfficiency }) => packingEfficiency),
    secondsPerToken: mean(({ secondsPerToken }) => secondsPerToken),
    scoredShare: mean(({ scoredShare }) => scoredShare),
  };
}
