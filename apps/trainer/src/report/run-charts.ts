/** The charts of a run, from its events: training as a smoothed line over the faint raw one, held-out scores as dots. */
import type { StepEvent, TrainingEvent } from "@modernbert-ts/training";
import { formatCount, formatPercent } from "../format.ts";
import { capitalise, formatMetric } from "../metrics.ts";
import type { RunSummary } from "../run-folder.ts";
import type { Chart, Point, Series } from "./chart.ts";

/** Enough for the eye; a long run has thousands of steps. */
const maxPoints = 240;

export function runCharts(events: readonly TrainingEvent[], { baselines, objective }: RunSummary): Chart[] {
  const steps = thinOut(events.filter((event) => event.kind === "step"));
  const evaluations = events.filter((event) => event.kind === "evaluation");
  const lastTokens = steps.at(-1)?.tokens ?? 0;
  const of = (value: (step: StepEvent) => number): Point[] => steps.map((step) => [step.tokens, value(step)]);
  const levels = (wanted: string): Series[] =>
    baselines
      .filter((baseline) => baseline.of === wanted)
      .map(({ name, value }) => ({
        kind: "reference",
        name,
        points: [
          [0, value],
          [lastTokens, value],
        ],
      }));
  const formatX = formatCount;
  return [
    {
      title: `Loss (${objective.lossUnit})`,
      formatX,
      formatY: (value) => value.toFixed(2),
      series: [
        ...training(of(({ loss }) => loss)),
        { kind: "dots", name: "held out", points: evaluations.map(({ tokens, loss }) => [tokens, loss]) },
        ...levels("loss"),
      ],
    },
    ...objective.metrics.map((metric): Chart => ({
      title: capitalise(metric.title),
      formatX,
      formatY: (value) => formatMetric(metric, value),
      include: [0],
      series: [
        ...(steps[0]?.metrics[metric.name] === undefined ? [] : training(of(({ metrics }) => metrics[metric.name]!))),
        {
          kind: "dots",
          name: "held out",
          points: evaluations.map(({ tokens, metrics }) => [tokens, metrics[metric.name]!]),
        },
        ...levels(metric.name),
      ],
    })),
    {
      title: "Learning rate",
      formatX,
      formatY: formatSmall,
      include: [0],
      series: [{ kind: "line", name: "learning rate", points: of(({ learningRate }) => learningRate) }],
    },
    {
      title: "Tokens per second",
      formatX,
      formatY: formatCount,
      include: [0],
      series: training(
        of(({ tokensPerSecond }) => tokensPerSecond),
        "tokens per second",
      ),
    },
    {
      title: "Packing efficiency",
      formatX,
      formatY: formatPercent,
      include: [0.9, 1],
      series: training(
        of(({ packingEfficiency }) => packingEfficiency),
        "packing efficiency",
      ),
    },
    {
      title: "Gradient norm",
      formatX,
      formatY: formatSmall,
      include: [0],
      series: training(
        of(({ gradientNorm }) => gradientNorm),
        "gradient norm",
      ),
    },
  ];
}

function training(points: readonly Point[], name: string = "training"): Series[] {
  return [
    { kind: "raw", name, points },
    { kind: "line", name, points: smooth(points) },
  ];
}

function formatSmall(value: number): string {
  return value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(0) : String(Number(value.toPrecision(2)));
}

/** Means over equal stretches of steps. */
function thinOut(steps: readonly StepEvent[]): StepEvent[] {
  const stretch = Math.ceil(steps.length / maxPoints);
  if (stretch <= 1) return [...steps];
  return Array.from({ length: Math.ceil(steps.length / stretch) }, (_, at) => {
    const part = steps.slice(at * stretch, (at + 1) * stretch);
    const mean = (value: (step: StepEvent) => number): number =>
      part.reduce((sum, step) => sum + value(step), 0) / part.length;
    return {
      ...part.at(-1)!,
      loss: mean(({ loss }) => loss),
      metrics: Object.fromEntries(
        Object.keys(part[0]!.metrics).map((name) => [name, mean(({ metrics }) => metrics[name]!)]),
      ),
      tokensPerSecond: 1 / mean(({ tokensPerSecond }) => 1 / tokensPerSecond),
      packingEfficiency: mean(({ packingEfficiency }) => packingEfficiency),
      gradientNorm: mean(({ gradientNorm }) => gradientNorm),
    };
  });
}

/** Centred mean over about a twentieth of the points: no lag, unlike a running average. */
function smooth(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 40);
  return points.map(([x], at) => {
    const half = Math.min(reach, at, points.length - 1 - at);
    const near = points.slice(at - half, at + half + 1);
    return [x, near.reduce((sum, [, y]) => sum + y, 0) / near.length];
  });
}
