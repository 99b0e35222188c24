/** Records of a query and documents with a label each: graded, or 1 for those that belong to it. */
import { sequenceOf } from "../../data/examples/example.ts";
import type { ExampleReading } from "../../data/examples/read-examples.ts";
import { RecordError } from "../../data/examples/record-fields.ts";
import { choiceOf } from "../settings.ts";
import { rerankingLosses } from "./losses.ts";

export const rerankingReading: ExampleReading = {
  fields: {
    query: { default: "query", description: "What is looked for." },
    documents: { default: "docs", description: "A list of texts, any number." },
    labels: {
      default: "labels",
      description: "A number of at least 0 for each: 0 for what does not belong to the query.",
    },
  },
  reader({ tokenizer, maxLength, values }) {
    const loss = choiceOf(values, "loss", rerankingLosses);
    return (record) => {
      const query = record.text("query");
      const documents = record.texts("documents");
      const labels = record.numbers("labels");
      if (documents.length === 0) throw new RecordError("at least one document", "none");
      if (labels.length !== documents.length)
        throw new RecordError(`a label for each of ${documents.length} documents`, `${labels.length} labels`);
      const most = loss === "bce" ? 1 : Number.POSITIVE_INFINITY;
      const stray = labels.find((label) => !(label >= 0 && label <= most));
      if (stray !== undefined)
        throw new RecordError(`labels ${loss === "bce" ? "from 0 to 1" : "of at least 0"}`, String(stray));
      if (loss === "listwise" && labels.every((label) => label === 0))
        throw new RecordError("a label above 0 in each list", "none");
      const encodings = documents.map((pair) =>
        tokenizer.encode(query, { pair, truncation: { maxLength, strategy: "only_second" }, padding: false }),
      );
      const cut = encodings.some(({ overflowing }) => overflowing.length > 0);
      return [{ sequences: encodings.map(sequenceOf), values: labels, cut }];
    };
  },
};
