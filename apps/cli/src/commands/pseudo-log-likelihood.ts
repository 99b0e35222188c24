/** `modernbert pseudo-log-likelihood`: how likely a masked language model finds each text. */
import type { Command } from "commander";
import { pseudoLogLikelihood } from "@modernbert-ts/pipelines";
import type { PseudoLogLikelihood } from "@modernbert-ts/pipelines";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { printable } from "../text.ts";

export function pseudoLogLikelihoodCommand(streams: Streams): Command {
  return taskCommand<TaskOptions, string, PseudoLogLikelihood>(streams, {
    name: "pseudo-log-likelihood",
    summary: "how likely each text is",
    description:
      "Masks each token in turn. Gives the sum of natural logarithms, the number of tokens and the pseudo-perplexity; with --json each token's own, too.",
    head: "masked-lm",
    // Few, because each token of a text is a sequence of its own.
    atOnce: 16,
    input: (record) => record.text("text"),
    answer: (pipeline, inputs, _, encode) => pseudoLogLikelihood(pipeline, inputs, encode),
    show({ pseudo_log_likelihood: sum, num_tokens: tokens }, text) {
      return `${sum.toFixed(3)}  ${tokens} tokens  perplexity ${Math.exp(-sum / tokens).toFixed(2)}  ${printable(text)}`;
    },
  });
}
