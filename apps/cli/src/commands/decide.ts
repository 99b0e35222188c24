/** `modernbert decide`: choices, scores and statements about each text, with calibrated probabilities. */
import { Option } from "commander";
import type { Command } from "commander";
import { decide } from "@modernbert-ts/pipelines";
import type { Decision, DecisionQuestion } from "@modernbert-ts/pipelines";
import { CliError } from "../errors.ts";
import { repeated } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { percent, table } from "../text.ts";

interface DecideOptions extends TaskOptions {
  readonly choice?: readonly string[];
  readonly score?: readonly string[];
  readonly statement?: readonly string[];
}

type Questions = Readonly<Record<string, DecisionQuestion>>;
type Decisions = Readonly<Record<string, Decision>>;

const withOptions = "NAME: QUESTION = OPTION | OPTION …";

export function decideCommand(streams: Streams): Command {
  return taskCommand<DecideOptions, string, Decisions>(streams, {
    name: "decide",
    summary: "choices, scores and statements about each text, with probabilities",
    description: `Needs a decision model (Laya). Example: --choice "team: Who handles this? = billing | support"`,
    options: [
      new Option("--choice <question>", `one of several options: "${withOptions}"; repeatable`).argParser(repeated),
      new Option("--score <question>", "levels, the lowest first: in the same form; repeatable").argParser(repeated),
      new Option("--statement <text>", 'what holds or not: "NAME: STATEMENT"; repeatable').argParser(repeated),
    ],
    head: "decision",
    atOnce: 64,
    check: questionsOf,
    input: (record) => record.text("text"),
    answer: (pipeline, states, options, encode) => {
      const questions = questionsOf(options);
      return decide(
        pipeline,
        states.map((state) => ({ state, questions })),
        encode,
      );
    },
    show: (decisions) =>
      table(
        Object.entries(decisions).map(([name, decision]) => [name, ...shown(decision)]),
        ["left", "left", "right"],
      ),
  });
}

/** @throws CliError for none, two of one name, and what has another form. */
function questionsOf({ choice = [], score = [], statement = [] }: DecideOptions): Questions {
  const questions = [
    ...choice.map((text) => withCriteria("choice", text)),
    ...score.map((text) => withCriteria("score", text)),
    ...statement.map((text): readonly [string, DecisionQuestion] => {
      const [name, instructions] = named("--statement", text, "NAME: STATEMENT");
      return [name, { type: "noul", instructions }];
    }),
  ];
  if (questions.length === 0)
    throw new CliError("expected a question, got none: ask one with --choice, --score or --statement");
  const names = questions.map(([name]) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new CliError(`expected questions of different names, got two called ${JSON.stringify(twice)}`);
  return Object.fromEntries(questions);
}

function withCriteria(type: "choice" | "score", text: string): readonly [string, DecisionQuestion] {
  const [name, rest] = named(`--${type}`, text, withOptions);
  const at = rest.lastIndexOf("=");
  const instructions = rest.slice(0, Math.max(0, at)).trim();
  const criteria = rest
    .slice(at + 1)
    .split("|")
    .map((option) => option.trim());
  if (instructions === "" || criteria.length < 2 || criteria.includes(""))
    throw malformed(`--${type}`, withOptions, text);
  if (new Set(criteria).size < criteria.length)
    throw new CliError(`--${type}: expected different options, got ${JSON.stringify(text)}`);
  return [name, { type, instructions, criteria }];
}

function named(option: string, text: string, form: string): readonly [name: string, rest: string] {
  const at = text.indexOf(":");
  const [name, rest] = [text.slice(0, Math.max(0, at)).trim(), text.slice(at + 1).trim()];
  if (name === "" || rest === "") throw malformed(option, form, text);
  return [name, rest];
}

function malformed(option: string, form: string, text: string): CliError {
  return new CliError(`${option}: expected "${form}", got ${JSON.stringify(text)}`);
}

function shown(decision: Decision): readonly [string, string] {
  switch (decision.type) {
    case "choice":
      return [decision.choice, percent(decision.probabilities[decision.choice]!)];
    case "score":
      return [decision.legend[String(Math.round(decision.score))]!, decision.score.toFixed(2)];
    case "noul":
      return [decision.noul >= 0.5 ? "yes" : "no", percent(decision.noul)];
    default:
      throw new Error(`internal: unknown decision ${String(decision satisfies never)}`);
  }
}
