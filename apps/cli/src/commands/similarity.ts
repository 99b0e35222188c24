/** `modernbert similarity`: how near the two texts of each pair are. */
import { Option } from "commander";
import type { Command } from "commander";
import { embed, similarity, similarityOf } from "@modernbert-ts/pipelines";
import type { SimilarityName, TextPair } from "@modernbert-ts/pipelines";
import type { InputRecord } from "../inputs/input-record.ts";
import { CliError } from "../errors.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { Named, TaskOptions } from "../task-command.ts";
import { printable } from "../text.ts";

interface SimilarityOptions extends TaskOptions {
  readonly similarity?: SimilarityName;
}

export const similarityNames: readonly SimilarityName[] = ["cosine", "dot", "euclidean", "manhattan"];

export function similarityCommand(streams: Streams): Command {
  return taskCommand<SimilarityOptions, TextPair, number>(streams, {
    name: "similarity",
    summary: "how near the two texts of each pair are",
    description: "Two texts as arguments, or records with text and text_pair. Distances are negative.",
    options: [
      new Option("--similarity <function>", "how to compare (default: the model's own, or cosine)").choices(
        similarityNames,
      ),
    ],
    head: "none",
    atOnce: 128,
    recordsOnly: () => true,
    input: pairOf,
    gather: (blocks, _, { length }) => (length === 0 ? undefined : onePair(blocks)),
    async answer(pipeline, inputs, { similarity: name = similarityOf(pipeline) }, { truncate, nameOf }) {
      const vectors = await embed(pipeline, inputs.flat(), {
        truncate,
        nameOf: (index) => `${index % 2 === 0 ? "text" : "text_pair"} of ${nameOf(index >> 1)}`,
      });
      return inputs.map((_, at) => similarity(name, [vectors[2 * at]!], [vectors[2 * at + 1]!])[0]![0]!);
    },
    show: (score, [text, pair]) => `${score.toFixed(4)}  ${printable(text)} | ${printable(pair)}`,
  });
}

function pairOf(record: InputRecord): TextPair {
  return [record.text("text"), record.text("text_pair")];
}

async function* onePair(blocks: AsyncIterable<readonly InputRecord[]>): AsyncGenerator<readonly Named<TextPair>[]> {
  for await (const block of blocks) {
    const [first, second] = block;
    if (block.length !== 2) throw new CliError(`expected two texts, got ${block.length}: give two, or records`);
    yield [{ name: "the arguments", input: [first!.text("text"), second!.text("text")] }];
  }
}
