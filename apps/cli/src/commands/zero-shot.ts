/** `modernbert zero-shot`: how well labels that the model has never seen fit each text. */
import { Option } from "commander";
import type { Command } from "commander";
import { zeroShot } from "@modernbert-ts/pipelines";
import type { ZeroShotAnswer } from "@modernbert-ts/pipelines";
import { CliError } from "../errors.ts";
import { repeated } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { percent, printable } from "../text.ts";

interface ZeroShotOptions extends TaskOptions {
  readonly label?: readonly string[];
  readonly template?: string;
  readonly multiLabel?: boolean;
}

export function zeroShotCommand(streams: Streams): Command {
  return taskCommand<ZeroShotOptions, string, ZeroShotAnswer>(streams, {
    name: "zero-shot",
    summary: "how well labels of your own fit each text",
    description: "Needs a model of natural language inference, with a label that begins with entail.",
    options: [
      new Option("--label <name>", "one of the labels; repeated for each").argParser(repeated),
      new Option("--template <text>", 'a sentence with {} where the label goes (default: "This example is {}.")'),
      new Option("--multi-label", "judge each label by itself"),
    ],
    head: "sequence-classification",
    atOnce: 64,
    check({ label }) {
      if (!label) throw new CliError("--label: expected at least one, got none: name the labels, each with --label");
    },
    input: (record) => record.text("text"),
    answer: (pipeline, inputs, { label, template, multiLabel = false }, encode) =>
      zeroShot(pipeline, inputs, label!, {
        ...encode,
        multiLabel,
        ...(template !== undefined && { hypothesisTemplate: template }),
      }),
    show({ labels, scores, sequence }) {
      const shown = labels.map((label, at) => `${label} ${percent(scores[at]!)}`).join(", ");
      return `${printable(shown)}  ${printable(sequence)}`;
    },
  });
}
