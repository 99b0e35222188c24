/** Records of a text, choices to go on with it, and the number of the right one. */
import { sequenceOf } from "../../data/examples/example.ts";
import type { ExampleReading } from "../../data/examples/read-examples.ts";
import { RecordError } from "../../data/examples/record-fields.ts";

export const choiceReading: ExampleReading = {
  fields: {
    text: { default: "question", description: "A text that each choice is put behind." },
    choices: { default: "choices", description: "A list of texts, as many in every record." },
    label: { default: "label", description: "Which of them is right, from 0; or its text." },
  },
  reader({ tokenizer, maxLength }) {
    let expected: number | undefined;
    return (record) => {
      const text = record.text("text");
      const choices = record.texts("choices");
      if (choices.length < 2) throw new RecordError("at least 2 choices", String(choices.length));
      expected ??= choices.length;
      if (choices.length !== expected)
        throw new RecordError(`${expected} choices, as in the first record`, String(choices.length));
      const label = record.label("label");
      const named = choices.indexOf(label);
      const right = named >= 0 ? named : /^\d+$/.test(label) ? Number(label) : -1;
      if (right < 0 || right >= choices.length)
        throw new RecordError(`a choice from 0 to ${choices.length - 1}`, JSON.stringify(label));
      const encodings = choices.map((pair) =>
        tokenizer.encode(text, { pair, truncation: { maxLength }, padding: false }),
      );
      const cut = encodings.some(({ overflowing }) => overflowing.length > 0);
      return [{ sequences: encodings.map(sequenceOf), values: [right], cut }];
    };
  },
};
