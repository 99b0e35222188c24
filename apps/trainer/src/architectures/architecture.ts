/** What the trainer knows of an architecture beside what all code does: its shapes by name, and the fields of section `model` that are its own. */
import type { Architecture, EncoderKind, HeadConfig } from "@modernbert-ts/encoder";
import type { TokenRoles } from "@modernbert-ts/training";
import type { ModelConfig } from "../config/model-section.ts";

export type Shape = Readonly<
  Record<"num_hidden_layers" | "hidden_size" | "num_attention_heads" | "intermediate_size", number>
>;

/** Of the data. */
export interface Vocabulary {
  /** Rows of the embedding. */
  readonly size: number;
  readonly roles: TokenRoles;
}

export interface TrainedArchitecture<C extends HeadConfig = HeadConfig> {
  readonly architecture: Architecture<C>;
  /** By the names of `model.preset`. */
  readonly presets: Readonly<Record<string, C>>;
  /** Fields of `model` that other architectures do not have. */
  readonly fields: readonly (keyof ModelConfig)[];
  /** From scratch. @throws ConfigError */
  create(model: ModelConfig, shape: Shape, vocabulary: Vocabulary): C;
  /** That of a folder, with what the configuration says in its place. */
  configure(stored: C, model: ModelConfig): C;
  /**
   * Fields that say what the weights of a folder were trained with, as it has them: stated otherwise they are refused. Whatever is neither
   * here nor taken by `configure` would be passed over.
   */
  trainedWith?(stored: C, model: ModelConfig): Readonly<Partial<Record<keyof ModelConfig, unknown>>>;
  /** First values where they are not the kind's own. */
  initial?(model: ModelConfig): EncoderKind<C>["initial"];
}
