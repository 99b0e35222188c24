/** `modernbert classify-tokens`: entities in each text, with their offsets. */
import { Option } from "commander";
import type { Command } from "commander";
import { classifyTokens } from "@modernbert-ts/pipelines";
import type { Aggregation, Entity, TokenInput } from "@modernbert-ts/pipelines";
import type { InputRecord } from "../inputs/input-record.ts";
import { positiveInteger, repeated } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { percent, table } from "../text.ts";

interface TokenOptions extends TaskOptions {
  readonly aggregation: Aggregation;
  readonly ignore?: readonly string[];
  readonly stride?: number;
  readonly perWord?: boolean;
}

export function classifyTokensCommand(streams: Streams): Command {
  return taskCommand<TokenOptions, TokenInput, readonly Entity[]>(streams, {
    name: "classify-tokens",
    summary: "entities in each text, with offsets",
    description:
      "Token classification. Offsets count UTF-16 units. Records may have words, a list, in place of text, or a text_pair.",
    options: [
      new Option("--aggregation <strategy>", "how tokens become entities, as transformers names it")
        .choices(["none", "simple", "first", "average", "max"])
        .default("simple"),
      new Option("--ignore <label>", "left out; may be repeated (default: O)").argParser(repeated),
      new Option("--stride <tokens>", "read a text that is too long in windows that share so many tokens").argParser(
        positiveInteger,
      ),
      new Option("--per-word", "a label for each word (first, average and max)"),
    ],
    head: "token-classification",
    atOnce: 128,
    input: inputOf,
    answer: (pipeline, inputs, { aggregation, ignore, stride, perWord = false }, encode) =>
      classifyTokens(pipeline, inputs, {
        ...encode,
        aggregationStrategy: aggregation,
        perWord,
        ...(ignore && { ignoreLabels: ignore }),
        ...(stride && { stride }),
      }),
    show: (entities) =>
      entities.length === 0
        ? "-"
        : table(
            entities.map(({ entity, entity_group, score, start, end, word }) => [
              entity ?? entity_group!,
              percent(score),
              `${start}-${end}`,
              word,
            ]),
            ["left", "right", "right", "left"],
          ),
  });
}

function inputOf(record: InputRecord): TokenInput {
  return record.has("words") ? { words: record.texts("words") } : record.textOrPair();
}
