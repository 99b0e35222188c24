/** Ham or spam: read off a frozen model, and by a model that is trained for it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed } from "@modernbert-ts/pipelines";
import type { Pipeline } from "@modernbert-ts/pipelines";
import { f1Of, tfIdfDecisions } from "@modernbert-ts/trainer/baselines";
import type { Mail } from "@modernbert-ts/trainer/corpora";
import type { Parts } from "../../data/corpora.ts";
import type { Context } from "../section.ts";
import { probe } from "./linear-probe.ts";
import type { Examples } from "./linear-probe.ts";
import { trainQuietly } from "./train.ts";

const isSpam = ({ label }: Mail): boolean => label === "spam";

/** F1 of TF-IDF and logistic regression on the same mails, whole. */
export function tfIdfF1({ train, heldOut }: Parts<Mail>): number {
  const labelled = (mails: readonly Mail[]) => mails.map((mail) => ({ text: mail.text, wanted: isSpam(mail) }));
  return f1Of(heldOut.map(isSpam), tfIdfDecisions(labelled(train), labelled(heldOut), 1));
}

/** Share of the held-out mails that a linear classifier on the mean of the tokens' vectors tells right, of each the first `maxLength` tokens. */
export async function spamProbe(
  pipeline: Pipeline,
  { train, heldOut }: Parts<Mail>,
  maxLength: number,
): Promise<number> {
  const cut: Pipeline = { ...pipeline, settings: { ...pipeline.settings, maxLength } };
  const width = pipeline.info.hiddenSize;
  const examples = async (mails: readonly Mail[]): Promise<Examples> => {
    const texts = mails.map(({ text }) => text);
    const rows = await embed(cut, texts, { pooling: "mean", normalize: false, truncate: true });
    const vectors = new Float32Array(rows.length * width);
    for (const [at, row] of rows.entries()) vectors.set(row, at * width);
    return { vectors, labels: Int32Array.from(mails, (mail) => Number(isSpam(mail))) };
  };
  return probe(pipeline.runtime, { width, classes: 2 }, await examples(train), await examples(heldOut));
}

export interface FineTuning {
  /** A folder. */
  readonly model: string;
  /** Of a mail, in tokens: what is behind is cut. */
  readonly maxLength: number;
  readonly epochs: number;
  readonly seed: number;
}

/** F1 of spam of the model after it was trained on mails. @throws the signal's reason */
export async function fineTunedF1(
  { workFolder, threads, signal }: Pick<Context, "workFolder" | "threads" | "signal">,
  mails: Parts<Mail>,
  { model, maxLength, epochs, seed }: FineTuning,
): Promise<number> {
  const folder = join(workFolder, "spam");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const [train, validation] = (["train", "heldOut"] as const).map((part) => {
    const path = join(folder, `${part}.jsonl`);
    writeFileSync(path, mails[part].map((mail) => `${JSON.stringify(mail)}\n`).join(""));
    return path;
  }) as [string, string];
  const config = {
    objective: "sequence_classification",
    output: join(folder, "run"),
    backend: "cpu",
    threads,
    seed,
    data: { train: [train], validation: [validation], max_length: maxLength },
    model: { from: model },
    batch: { micro_batch_tokens: Math.max(2048, maxLength), examples: 16 },
    length: `${epochs} epochs`,
    optimizer: { learning_rate: 1e-3 },
    schedule: { kind: "linear", warmup: "5%" },
    evaluation: { every: "100000 steps" },
    checkpoints: { every: "100000 steps", keep: 1 },
  };
  const { score } = await trainQuietly(config, "spam", signal);
  rmSync(folder, { recursive: true, force: true });
  return score!.metrics["f1"]!;
}
