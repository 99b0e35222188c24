/** Records of a text, perhaps a second one, and a label, several labels or a number. */
import { sequenceOf } from "../../data/examples/example.ts";
import type { ExampleReading } from "../../data/examples/read-examples.ts";
import { classFinder } from "../../data/examples/labels.ts";
import type { RecordFields } from "../../data/examples/record-fields.ts";
import { problemOf } from "./problem.ts";

export const sequenceReading: ExampleReading = {
  fields: {
    text: { default: "text", description: "A text." },
    text_pair: { default: "text_pair", description: "The second text of a pair, where records have it." },
    label: { default: "label", description: "A label; a list of labels where there may be several; a number." },
  },
  labelsOf(record, values) {
    const problem = problemOf(values);
    if (problem === "regression") return [];
    return problem === "multi_label" ? record.labels("label") : [record.label("label")];
  },
  reader({ tokenizer, maxLength, labels, values }) {
    const problem = problemOf(values);
    const find = classFinder(labels);
    const valuesOf = (record: RecordFields): number[] => {
      if (problem === "regression") return [record.number("label")];
      if (problem === "single_label") return [find(record.label("label"))];
      const wanted = new Set(record.labels("label").map(find));
      return labels.map((_, label) => Number(wanted.has(label)));
    };
    return (record) => {
      const pair = record.has("text_pair") ? { pair: record.text("text_pair") } : {};
      const truncation = { maxLength };
      const encoding = tokenizer.encode(record.text("text"), { ...pair, truncation, padding: false });
      return [{ sequences: [sequenceOf(encoding)], values: valuesOf(record), cut: encoding.overflowing.length > 0 }];
    };
  },
};
