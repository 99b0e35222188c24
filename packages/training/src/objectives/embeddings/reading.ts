/** Records of texts that belong together, in the shapes that sentence-transformers' losses take; which fields count is the loss's. */
import { sequenceOf } from "../../data/examples/example.ts";
import type { Example } from "../../data/examples/example.ts";
import type { ExampleReading, FieldDefinition } from "../../data/examples/read-examples.ts";
import { RecordError } from "../../data/examples/record-fields.ts";
import type { RecordFields } from "../../data/examples/record-fields.ts";
import { embeddingLossOf } from "./losses.ts";

export const embeddingReading: ExampleReading = {
  fields: {
    anchor: { default: "anchor", description: "A text; of pairs the first." },
    positive: { default: "positive", description: "The text that belongs to it; of scored pairs the second." },
    negative: { default: "negative", description: "A text that does not, or a list of such; records may lack it." },
    score: { default: "score", description: "Of scored pairs: how alike the two are, from -1 to 1." },
    scores: { default: "scores", description: "Of kl: a teacher's score for the positive and each negative." },
    vector: { default: "vector", description: "Of mse and cosine: a teacher's vector of the anchor." },
  },
  reader({ tokenizer, maxLength, values }) {
    const loss = embeddingLossOf(values);
    let candidates: number | undefined;
    /** A softmax over candidates wants as many of them in every record. */
    const checkCount = (count: number): void => {
      candidates ??= count;
      if (count !== candidates) throw new RecordError(`${candidates} scores, as in the first record`, `${count}`);
    };
    return (record) => {
      switch (loss) {
        case "info_nce":
          return [exampleOf([record.text("anchor"), record.text("positive"), ...negatives(record)], [])];
        case "scored":
          return [exampleOf([record.text("anchor"), record.text("positive")], [record.number("score")])];
        case "kl": {
          const texts = [record.text("positive"), ...negatives(record)];
          const scores = record.numbers("scores");
          if (scores.length !== texts.length)
            throw new RecordError(
              `a score for the positive and each of ${texts.length - 1} negatives`,
              `${scores.length}`,
            );
          checkCount(scores.length);
          return [exampleOf([record.text("anchor"), ...texts], scores)];
        }
        case "mse":
        case "cosine":
          return [exampleOf([record.text("anchor")], record.numbers("vector"))];
        default:
          throw new Error(`internal: unknown loss ${String(loss satisfies never)}`);
      }
    };

    function exampleOf(texts: readonly string[], given: readonly number[]): Example {
      const encodings = texts.map((text) => tokenizer.encode(text, { truncation: { maxLength }, padding: false }));
      return {
        sequences: encodings.map(sequenceOf),
        values: given,
        cut: encodings.some(({ overflowing }) => overflowing.length > 0),
      };
    }
  },
};

const { anchor, positive, negative } = embeddingReading.fields as Record<string, FieldDefinition>;

/** Pairs, with negatives or without. */
export const pairsReading: ExampleReading = {
  fields: { anchor: anchor!, positive: positive!, negative: negative! },
  reader: (options) => embeddingReading.reader({ ...options, values: { loss: "info_nce" } }),
};

function negatives(record: RecordFields): string[] {
  if (!record.has("negative")) return [];
  return typeof record.raw("negative") === "string" ? [record.text("negative")] : record.texts("negative");
}
