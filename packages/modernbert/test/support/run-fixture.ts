/** Runs a fixture's inputs through the model and its head: outputs as the reference pads them, the loss, and every gradient. */
import { add, valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import {
  maskedLmLogits,
  maskedLmLoss,
  multipleChoiceLogits,
  multipleChoiceLoss,
  nextSentenceLogits,
  nextSentenceLoss,
  pad,
  questionAnsweringLogits,
  questionAnsweringLoss,
  scoredPositions,
  sequenceClassificationLogits,
  sequenceClassificationLoss,
  tokenClassificationLogits,
  tokenClassificationLoss,
  unpad,
  unpadValues,
  uploadSpans,
} from "@modernbert-ts/encoder";
import type { Encoder, HeadConfig, Loss, PackedBatch, UnpaddedBatch } from "@modernbert-ts/encoder";
import type { Fixture } from "./fixture-data.ts";

export interface FixtureRun {
  readonly outputs: ReadonlyMap<string, Float32Array>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** A model that shows the states of its layers. */
type FixtureModel = Encoder & {
  hiddenStates(batch: PackedBatch): { readonly states: readonly Tensor[]; readonly last: Tensor };
};

interface HeadRun {
  /** Packed or pooled. */
  readonly logits: Tensor;
  readonly loss: Loss;
  /** Logits of the next sentence, beside those of tokens. */
  readonly next?: Tensor;
}

export async function runFixture(fixture: Fixture<HeadConfig>, model: FixtureModel): Promise<FixtureRun> {
  const ids = fixture.ints("input.input_ids");
  const columns = fixture.shape("input.input_ids").at(-1)!;
  const rows = unpad(ids, fixture.ints("input.attention_mask"), [ids.length / columns, columns]);
  const typeIds = fixture.names.includes("input.token_type_ids")
    ? unpadValues(fixture.ints("input.token_type_ids"), rows)
    : undefined;
  const unpadded = { ...rows, batch: { ...rows.batch, ...(typeIds && { typeIds }) } };
  const names = [...model.parameters.keys()];
  const { value, gradients } = valueAndGradients(
    model.runtime,
    [...model.parameters.values()],
    () => {
      const { states, last } = model.hiddenStates(unpadded.batch);
      return { states, last, ...runHead(fixture, model, last, unpadded) };
    },
    ({ loss }) => loss.loss,
  );
  const outputs = new Map<string, Float32Array>();
  const padded = async (tensor: Tensor): Promise<Float32Array> => pad(await readFloats(tensor), unpadded);
  outputs.set("last_hidden_state", await padded(value.last));
  for (const [index, state] of value.states.entries()) outputs.set(`hidden_states.${index}`, await padded(state));
  await setLogits(fixture, outputs, value.logits, unpadded);
  if (value.next) outputs.set("seq_relationship_logits", await readFloats(value.next));
  outputs.set("loss", await readFloats(value.loss.loss));

  const byName = new Map<string, Float32Array>();
  for (const [index, gradient] of gradients.entries()) byName.set(names[index]!, await readFloats(gradient!));
  const held = [value.last, ...value.states, value.logits, value.next, value.loss.loss, value.loss.lossSum];
  for (const tensor of new Set(held)) tensor?.dispose();
  if ("correct" in value.loss) (value.loss.correct as Tensor).dispose();
  for (const gradient of gradients) gradient?.dispose();
  return { outputs, gradients: byName };
}

function runHead(fixture: Fixture<HeadConfig>, model: FixtureModel, hidden: Tensor, unpadded: UnpaddedBatch): HeadRun {
  const batch = model.upload(unpadded.batch);
  switch (fixture.head) {
    case "masked-lm": {
      const labels = unpadValues(fixture.ints("input.labels"), unpadded);
      const scored = model.config.sparsePrediction ? scoredPositions(model.config, labels) : undefined;
      return { logits: maskedLmLogits(model, hidden, scored), loss: maskedLmLoss(model, hidden, labels) };
    }
    case "sequence-classification": {
      const logits = sequenceClassificationLogits(model, hidden, batch);
      return { logits, loss: sequenceClassificationLoss(model, logits, fixture.labels()) };
    }
    case "token-classification": {
      const logits = tokenClassificationLogits(model, hidden);
      const labels = unpadValues(fixture.ints("input.labels"), unpadded);
      return { logits, loss: tokenClassificationLoss(logits, labels) };
    }
    case "question-answering": {
      const logits = questionAnsweringLogits(model, hidden);
      const spans = { start: fixture.ints("input.start_positions"), end: fixture.ints("input.end_positions") };
      return { logits, loss: questionAnsweringLoss(logits, uploadSpans(model.runtime, batch.host, spans)) };
    }
    case "multiple-choice": {
      const logits = multipleChoiceLogits(model, hidden, batch, fixture.shape("input.input_ids")[1]!);
      return { logits, loss: multipleChoiceLoss(logits, fixture.ints("input.labels")) };
    }
    case "pretraining": {
      const [logits, next] = [maskedLmLogits(model, hidden), nextSentenceLogits(model, hidden, batch)];
      const masked = maskedLmLoss(model, hidden, unpadValues(fixture.ints("input.labels"), unpadded));
      const { loss } = nextSentenceLoss(next, fixture.ints("input.next_sentence_label"));
      return { logits, next, loss: { ...masked, loss: add(masked.loss, loss) } };
    }
    case "next-sentence": {
      const logits = nextSentenceLogits(model, hidden, batch);
      return { logits, loss: nextSentenceLoss(logits, fixture.ints("input.labels")) };
    }
    default:
      throw new Error(`no fixture of head ${fixture.head}`);
  }
}

async function setLogits(
  fixture: Fixture<HeadConfig>,
  outputs: Map<string, Float32Array>,
  logits: Tensor,
  unpadded: UnpaddedBatch,
): Promise<void> {
  const values = await readFloats(logits);
  if (fixture.head === "question-answering") {
    const column = (at: number): Float32Array => values.filter((_, index) => index % 2 === at);
    outputs.set("start_logits", pad(column(0), unpadded));
    outputs.set("end_logits", pad(column(1), unpadded));
    return;
  }
  const name = fixture.head === "pretraining" ? "prediction_logits" : "logits";
  const perToken = fixture.shape(`output.${name}`).length === 3;
  outputs.set(name, perToken ? pad(values, unpadded) : values);
}

async function readFloats(tensor: Tensor): Promise<Float32Array> {
  return Float32Array.from(await tensor.read());
}
