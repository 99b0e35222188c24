/** What calls of all kinds share: errors as the SDK has them, and what is told beside an answer. */
import { InvalidArgumentError, NoSuchModelError, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import type { SharedV4Headers, SharedV4Warning } from "@ai-sdk/provider";
import { InputError, ModelNotFoundError, UnsuitableModelError } from "@modernbert-ts/pipelines";
import type { Pipeline } from "@modernbert-ts/pipelines";
import type { SharedModel } from "./shared-models.ts";

export interface Call {
  readonly modelId: string;
  readonly modelType: "embeddingModel" | "rerankingModel" | "decisionModel";
  /** What the SDK calls the texts of such a call. */
  readonly texts: "values" | "documents" | "state";
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * `work` on the model.
 * @throws NoSuchModelError where there is none, UnsupportedFunctionalityError where it is of another kind, InvalidArgumentError on texts and
 * options that it does not take, the signal's reason, and what else opening and computing throw.
 */
export async function onModel<T>(model: SharedModel, call: Call, work: (model: Pipeline) => Promise<T>): Promise<T> {
  try {
    return await model.use(work, call.abortSignal);
  } catch (error) {
    throw sdkError(error, call);
  }
}

function sdkError(error: unknown, { modelId, modelType, texts }: Call): unknown {
  if (error instanceof ModelNotFoundError) return new NoSuchModelError({ modelId, modelType, message: error.message });
  if (error instanceof UnsuitableModelError) {
    return new UnsupportedFunctionalityError({ functionality: modelType, message: error.message });
  }
  if (error instanceof InputError) {
    const argument = error.argument === "text" ? texts : error.argument;
    return new InvalidArgumentError({ argument, message: error.message, cause: error });
  }
  return error;
}

/** Notices of the model, and what was asked for and not done. */
export function warningsOf(model: SharedModel, headers: SharedV4Headers = {}): SharedV4Warning[] {
  const warnings: SharedV4Warning[] = model.takeNotices().map((message) => ({ type: "other", message }));
  // The SDK names itself in every call.
  const others = Object.keys(headers).filter((name) => name.toLowerCase() !== "user-agent");
  if (others.length === 0) return warnings;
  const details = `${others.join(", ")} went nowhere: the model runs in this process`;
  return [...warnings, { type: "unsupported", feature: "headers", details }];
}
