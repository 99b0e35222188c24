/** Decisions as LangChain asks for them: typed questions about a text, messages or JSON. */
import { BaseDecisionModel, parseClassifierResponse } from "@langchain/core/decisions";
import type { ClassifierResponse, Content, JsonValue, Question, State } from "@langchain/core/decisions";
import type { RunnableConfig } from "@langchain/core/runnables";
import { decide, InputError, LazyPipeline } from "@modernbert-ts/pipelines";
import type { DecisionQuestion, EncodeOptions, PipelineOptions } from "@modernbert-ts/pipelines";
import { jsonState } from "./state.ts";

export interface ModernBertDecisionModelFields
  extends Omit<PipelineOptions, "head" | "check">, Pick<EncodeOptions, "truncate"> {
  /** A folder or hub id of a decision model. */
  readonly model: string;
}

/** Answers are those of `decide` of pipelines. The model is opened at the first call; dispose it when done. */
export class ModernBertDecisionModel extends BaseDecisionModel implements AsyncDisposable {
  override lc_namespace: string[] = ["modernbert", "decisions"];
  readonly #pipeline: LazyPipeline;
  readonly #options: EncodeOptions;

  constructor({ model, truncate, ...open }: ModernBertDecisionModelFields) {
    super({ model });
    this.#pipeline = new LazyPipeline(model, open);
    this.#options = truncate === undefined ? {} : { truncate };
  }

  override get _provider(): string {
    return "modernbert";
  }

  /**
   * Called by `invoke`, which checks the questions before.
   * @throws InputError on media and questions for boxes, TensorError on what is too long without `truncate` and on a model of another kind, and the
   * signal's reason at once.
   */
  override async _classify(
    state: State,
    questions: Record<string, Question>,
    config?: Partial<RunnableConfig>,
  ): Promise<ClassifierResponse> {
    const asked = Object.entries(questions).map(([name, question]) => [name, asDecision(name, question)] as const);
    const input = { state: jsonState(state), questions: Object.fromEntries(asked) };
    const signal = config?.signal;
    const options = { ...this.#options, nameOf: () => "the state", ...(signal && { signal }) };
    const [answers] = await this.#pipeline.use((model) => decide(model, [input], options), signal);
    return parseClassifierResponse({ model: this.model, answers: answers! });
  }

  /** Frees the model when the calls so far are done; a later call opens it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipeline[Symbol.asyncDispose]();
  }
}

/** Whatever is no text is written as JSON. @throws InputError on boxes. */
function asDecision(name: string, question: Question): DecisionQuestion {
  switch (question.type) {
    case "choice": {
      const criteria = Object.entries(question.criteria).map(([option, what]) => [option, written(what)] as const);
      return { ...question, instructions: text(question.instructions), criteria: Object.fromEntries(criteria) };
    }
    case "score":
      return {
        ...question,
        instructions: text(question.instructions),
        criteria: question.criteria.map((level, at) => written(level) ?? `${at}`),
      };
    case "noul": {
      const { true: yes, false: no } = question.criteria ?? {};
      const criteria = { true: written(yes), false: written(no) };
      return { type: "noul", instructions: text(question.instructions), criteria };
    }
    default:
      throw new InputError(
        "decide",
        "questions",
        `expected a choice, score or noul, got a box in question ${JSON.stringify(name)}: this model sees no images`,
      );
  }
}

function text(content: Content): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}

function written(value: JsonValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
