/** The numbers of an event by the names that trackers show them under: `train/loss`, `held_out/maskedAccuracy`. */
import type { TrainingEvent } from "@modernbert-ts/training";

/** None for events that carry no numbers. */
export function scalarsOf(event: TrainingEvent): Record<string, number> {
  switch (event.kind) {
    case "step": {
      const { loss, metrics, learningRate, gradientNorm, lossScale, packingEfficiency, tokensPerSecond, tokens } =
        event;
      const numbers = { loss, ...metrics, learningRate, gradientNorm, lossScale, packingEfficiency, tokensPerSecond };
      return named("train", { ...numbers, tokens });
    }
    case "evaluation":
      return {
        ...named("held_out", { loss: event.loss, ...event.metrics }),
        ...named("held_out_loss", event.sources ?? {}),
      };
    case "checkpoint":
      return {};
    default:
      return event satisfies never;
  }
}

function named(group: string, numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [`${group}/${name}`, value]));
}
