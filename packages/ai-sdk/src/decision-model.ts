/** A decision model, as the AI SDK calls it (`experimental_decide`). */
import { InvalidArgumentError, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import type {
  Experimental_DecisionModelV4,
  Experimental_DecisionModelV4Answer,
  Experimental_DecisionModelV4Input,
  Experimental_DecisionModelV4Question,
  Experimental_DecisionModelV4State,
} from "@ai-sdk/provider";
import { decide } from "@modernbert-ts/pipelines";
import type { Decision, DecisionQuestion, Json } from "@modernbert-ts/pipelines";
import { onModel, warningsOf } from "./calls.ts";
import { decisionOptions, providerName } from "./options.ts";
import type { DecisionOptions } from "./options.ts";
import type { SharedModel } from "./shared-models.ts";

/** Answers are those of `decide` of pipelines; a `boolean` question is a statement that holds or not. @throws InvalidArgumentError */
export function decisionModel(
  model: SharedModel,
  modelId: string,
  usual: DecisionOptions,
): Experimental_DecisionModelV4 {
  decisionOptions(usual);
  return {
    specificationVersion: "v4",
    provider: providerName,
    modelId,
    supportedQuestionTypes: ["choice", "score", "boolean"],
    async doDecide({ state, questions, abortSignal, headers, providerOptions }) {
      const options = { ...decisionOptions(usual, providerOptions), nameOf: () => "state", signal: abortSignal };
      const call = { modelId, modelType: "decisionModel", texts: "state", abortSignal } as const;
      const asked = Object.entries(questions).map(([name, question]) => [name, asDecision(name, question)] as const);
      const input = { state: stateOf(state), questions: Object.fromEntries(asked) };
      return onModel(model, call, async (open) => {
        const [decisions] = await decide(open, [input], options);
        const answers = Object.entries(decisions!).map(([name, decision]) => [name, answerOf(decision)] as const);
        return { answers: Object.fromEntries(answers), warnings: warningsOf(model, headers) };
      });
    },
  };
}

/** Texts one below the other; JSON as it is where there is nothing else. @throws UnsupportedFunctionalityError on files. */
function stateOf(parts: Experimental_DecisionModelV4State): Json {
  const [first] = parts;
  if (parts.length === 1 && first?.type === "json") return first.value as Json;
  return parts.map((part) => textOf(part)).join("\n");
}

function textOf(part: Experimental_DecisionModelV4State[number]): string {
  if (part.type === "text") return part.text;
  if (part.type === "json") return JSON.stringify(part.value);
  const message = `[${providerName}] expected texts and JSON as state, got a file: this model reads text alone`;
  throw new UnsupportedFunctionalityError({ functionality: "files as state", message });
}

/** @throws InvalidArgumentError where there are no instructions, UnsupportedFunctionalityError on boxes. */
function asDecision(name: string, question: Experimental_DecisionModelV4Question): DecisionQuestion {
  const instructions = written(question.instructions);
  if (question.type === "box") {
    const message = `[${providerName}] expected a choice, score or boolean, got a box in question ${name}: this model sees no images`;
    throw new UnsupportedFunctionalityError({ functionality: "box questions", message });
  }
  if (instructions === null) {
    const argument = `questions.${name}.instructions`;
    const message = `[${argument}] expected instructions, got none: this model was trained with them`;
    throw new InvalidArgumentError({ argument, message });
  }
  switch (question.type) {
    case "choice": {
      const criteria = Object.entries(question.criteria).map(([option, what]) => [option, written(what)] as const);
      return { type: "choice", instructions, criteria: Object.fromEntries(criteria) };
    }
    case "score":
      return { type: "score", instructions, criteria: question.criteria.map((level, at) => written(level) ?? `${at}`) };
    default: {
      const { true: yes, false: no } = question.criteria ?? {};
      return { type: "noul", instructions, criteria: { true: written(yes), false: written(no) } };
    }
  }
}

function written(input: Experimental_DecisionModelV4Input | null | undefined): string | null {
  if (input === undefined || input === null) return null;
  return typeof input === "string" ? input : JSON.stringify(input);
}

function answerOf(decision: Decision): Experimental_DecisionModelV4Answer {
  switch (decision.type) {
    case "choice":
      return { type: "choice", choice: decision.choice, probabilities: { ...decision.probabilities } };
    case "score":
      return { type: "score", score: decision.score, probabilities: { ...decision.probabilities } };
    default:
      return { type: "boolean", probability: decision.noul };
  }
}
