/** Logits of a model's head for one sequence, row by row: one row of a text, or one of each token. */
import { maskedLmLogits, packSequences } from "@modernbert-ts/encoder";
import { taskOf } from "@modernbert-ts/pipelines";
import type { Pipeline } from "@modernbert-ts/pipelines";
import { cast, contiguous, slice } from "@modernbert-ts/tensor-core";

/** Rows of the vocabulary that are held at a time. */
const rowsAtOnce = 64;

/** In blocks, so that a long text of a masked-LM model needs little memory; nothing for a model without such a head. */
export async function* logitRows(pipeline: Pipeline, ids: Int32Array): AsyncGenerator<readonly Float32Array[]> {
  const { head, info } = pipeline.model;
  const pack = packSequences([ids]);
  switch (head) {
    case "sequence-classification":
      yield [...(await taskOf("classify").run(pipeline, pack, {}))];
      return;
    case "token-classification": {
      const [values] = await taskOf("token-classification").run(pipeline, pack, {});
      yield rowsOf(values!, info.labels.length);
      return;
    }
    case "question-answering": {
      const [values] = await taskOf("question-answering").run(pipeline, pack, {});
      // All starts and all ends: which token is the likeliest is what counts.
      yield [0, 1].map((which) => values!.filter((_, at) => at % 2 === which));
      return;
    }
    case "masked-lm":
      yield* vocabularyRows(pipeline, ids);
      return;
    default:
  }
}

async function* vocabularyRows({ model }: Pipeline, ids: Int32Array): AsyncGenerator<readonly Float32Array[]> {
  const hidden = model.run(packSequences([ids]), (states) => contiguous(states).alias());
  try {
    for (let first = 0; first < ids.length; first += rowsAtOnce) {
      const end = Math.min(first + rowsAtOnce, ids.length);
      const logits = model.runtime.scope(() => cast(maskedLmLogits(model, slice(hidden, 0, first, end)), "f32"));
      try {
        yield rowsOf((await logits.read()) as Float32Array, model.info.vocabSize);
      } finally {
        logits.dispose();
      }
    }
  } finally {
    hidden.dispose();
  }
}

function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, at) => values.subarray(at * width, (at + 1) * width));
}
