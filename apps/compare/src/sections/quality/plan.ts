/** What is trained at each level, and what a record holds. */
import type { Level } from "../../level.ts";
import type { JsonObject } from "../../records/record.ts";
import type { ModelName } from "../pair.ts";
import type { Pretrained } from "../training/pretrain.ts";

export interface QualityPlan {
  /** Pretraining. */
  readonly tokens: number;
  /** Sentences that the tag probe learns on; a third as many are held out. */
  readonly sentences: number;
  /** Epochs of fine-tuning on e-mails; 0 leaves e-mails out. */
  readonly mailEpochs: number;
  /** Whether ModernBERT is fine-tuned on whole e-mails too. */
  readonly whole: boolean;
  /** Whether BERT is also trained for as long as ModernBERT takes. */
  readonly equalTime: boolean;
  /** Learning rates of which each model has its best, told by a short run of each; without them both have the usual one. */
  readonly rates?: { readonly tried: readonly number[]; readonly tokens: number };
}

export const qualityPlans: Readonly<Record<Level, QualityPlan>> = {
  quick: { tokens: 700_000, sentences: 1500, mailEpochs: 0, whole: false, equalTime: false },
  standard: { tokens: 2_400_000, sentences: 4000, mailEpochs: 1, whole: true, equalTime: true },
  full: {
    tokens: 3_000_000,
    sentences: 4000,
    mailEpochs: 1,
    whole: true,
    equalTime: true,
    rates: { tried: [1e-3, 3e-3, 6e-3], tokens: 800_000 },
  },
};

/** Three layers of 96: what two cores train in minutes. BERT's feed-forward part is as wide as makes the parameters equal. */
const shape = { num_hidden_layers: 3, hidden_size: 96, num_attention_heads: 3 } as const;

/** Section `model` of the configuration; dropout is off in both. */
export const trainedModels: Readonly<Record<ModelName, JsonObject>> = {
  bert: {
    preset: "bert-tiny",
    ...shape,
    intermediate_size: 288,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  },
  modernbert: {
    preset: "17m",
    ...shape,
    intermediate_size: 192,
    global_attn_every_n_layers: 3,
    local_attention: 8,
    attn_out_dropout_prob: 0,
  },
};

export type QualityRecord = {
  readonly model: ModelName;
  readonly seed: number;
  /** Equal tokens, or as many as ModernBERT's time allows. */
  readonly equal: "tokens" | "time";
  readonly parameters: number;
  readonly pretrained: Pretrained;
  /** Shares, on frozen vectors. */
  readonly tags: number;
  readonly spamProbe: number | null;
  /** F1 after fine-tuning, by tokens of an e-mail. */
  readonly spam: readonly { readonly maxLength: number; readonly f1: number }[];
};

/** Of a run that tells how well a learning rate does. */
export type RateRecord = { readonly model: ModelName; readonly rate: number; readonly trial: Pretrained };

export type BaselineRecord = { readonly tags: number; readonly spamF1: number | null };

export type AnyRecord = QualityRecord | RateRecord | BaselineRecord;
