/**
 * Records of a question, a text and answers, as in SQuAD: texts that are too long become several overlapping windows. A window without the
 * answer is to point at its first token, as for a question without an answer.
 */
import { sequenceOf } from "../../data/examples/example.ts";
import type { Encoding } from "@modernbert-ts/tokenizer";
import type { Example } from "../../data/examples/example.ts";
import type { ExampleReading } from "../../data/examples/read-examples.ts";
import { RecordError } from "../../data/examples/record-fields.ts";
import type { RecordFields } from "../../data/examples/record-fields.ts";
import { numberOf } from "../settings.ts";

/** What an evaluation knows of a window. */
export interface WindowNote {
  /** Of the record, in the order of reading. */
  readonly question: number;
  readonly context: string;
  readonly answers: readonly string[];
  /** Start and end of each token in the context, -1 for tokens that are no part of it. */
  readonly offsets: Int32Array;
}

interface Answers {
  readonly texts: readonly string[];
  /** Of the first answer in the context, in UTF-16 units; -1 where there is none. */
  readonly start: number;
}

export const answerReading: ExampleReading = {
  fields: {
    question: { default: "question", description: "The question." },
    context: { default: "context", description: "The text that the answer is a part of." },
    answers: {
      default: "answers",
      description: "{ text: [...], answer_start: [...] } as in SQuAD, starts in characters; empty lists for no answer.",
    },
  },
  reader({ tokenizer, maxLength, values }) {
    const stride = numberOf(values, "doc_stride");
    let question = 0;
    return (record) => {
      const context = record.text("context");
      const { texts, start } = answersOf(record, context);
      const whole = tokenizer.encode(record.text("question"), {
        pair: context,
        offsets: "utf16",
        truncation: { maxLength, strategy: "only_second", stride },
        padding: false,
      });
      const number = question++;
      return [whole, ...whole.overflowing].map((window): Example => {
        const offsets = contextOffsets(window);
        const note: WindowNote = { question: number, context, answers: texts, offsets };
        const end = start + (texts[0]?.length ?? 0);
        return { sequences: [sequenceOf(window)], values: spanOf(offsets, start, end), note, cut: false };
      });
    };
  },
};

function answersOf(record: RecordFields, context: string): Answers {
  const value = record.raw("answers") as { readonly text?: unknown; readonly answer_start?: unknown };
  const [texts, starts] = [value.text, value.answer_start].map((list) =>
    Array.isArray(list) || ArrayBuffer.isView(list) ? Array.from(list as ArrayLike<unknown>) : undefined,
  );
  if (!texts || !starts || texts.length !== starts.length || texts.some((text) => typeof text !== "string"))
    throw new RecordError("answers with lists text and answer_start of one length", JSON.stringify(value).slice(0, 60));
  if (texts.length === 0) return { texts: [], start: -1 };
  const [text, first] = [texts[0] as string, Number(starts[0])];
  // Starts count characters, strings UTF-16 units.
  const start = [...context].slice(0, first).join("").length;
  if (text === "" || context.slice(start, start + text.length) !== text)
    throw new RecordError(
      `the answer ${JSON.stringify(text)} at character ${first} of the context`,
      JSON.stringify(context.slice(start, start + text.length)),
    );
  return { texts: texts as string[], start };
}

function contextOffsets({ ids, offsets, sequenceIds }: Encoding): Int32Array {
  return Int32Array.from({ length: 2 * ids.length }, (_, at) => (sequenceIds[at >> 1] === 1 ? offsets![at]! : -1));
}

/** First and last token of characters start..end-1; 0 and 0 where the window does not hold all of them. */
export function spanOf(offsets: Int32Array, start: number, end: number): [number, number] {
  if (start < 0) return [0, 0];
  let [first, last] = [-1, -1];
  for (let token = 0; 2 * token < offsets.length; token++) {
    const [from, to] = [offsets[2 * token]!, offsets[2 * token + 1]!];
    if (from < 0 || from === to) continue;
    if (first < 0 && from <= start && start < to) first = token;
    if (from < end && end <= to) last = token;
  }
  return first < 0 || last < 0 ? [0, 0] : [first, last];
}
